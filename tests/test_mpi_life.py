"""The life of a program: initialization, settings, exceptions nobody handles, the end."""
# ranks: 1

import os
import subprocess
import sys
import textwrap

from tap import check, done, equal

MPIEXEC = os.environ.get("MPIEXEC", "mpiexec")
ALONE = {name: value for name, value in os.environ.items()
         if not name.startswith(("PMI", "HYDI", "MPI_LOCAL", "OMPI_COMM", "OMPI_UNIVERSE", "PMIX", "OMPI_FILE",
                                 "OMPI_FIRST", "OMPI_NUM_APP", "OMPI_APP", "OMPI_MCA_orte", "OMPI_MCA_ess",
                                 "OMPI_MCA_pmix", "OMPI_MCA_shmem", "OMPI_MCA_initial", "OMPI_ARGV",
                                 "OMPI_COMMAND"))}


def run(program, ranks=0, arguments=("-c",), limit=60):
    """Run a program (alone, or under mpiexec) and give its status, output and errors."""
    command = [sys.executable, *arguments, textwrap.dedent(program)] if program else [sys.executable, *arguments]
    if ranks:
        command = [MPIEXEC, "-n", str(ranks), *command]
    try:
        end = subprocess.run(command, env=ALONE, capture_output=True, text=True, timeout=limit,
                             stdin=subprocess.DEVNULL)
    except subprocess.TimeoutExpired as late:
        return 124, str(late.stdout), str(late.stderr)
    return end.returncode, end.stdout, end.stderr


def runs(program, wanted, name, **how):
    status, out, err = run(program, **how)
    check(status == 0 and out.strip() == wanted, name, f"status {status}\n{out}\n{err}")


runs("""
     import sys, collio
     print('collio._collio' in sys.modules, collio.rc.thread_level, collio.__version__ > '')
     """, "False multiple True", "import collio alone loads nothing")
runs("""
     import collio
     print(issubclass(collio.CollectiveTimeout, TimeoutError), issubclass(collio.CollectiveTimeout, collio.CollectiveError),
           issubclass(collio.NoCheckpointError, LookupError))
     from collio import _collio
     print(_collio.Is_initialized())
     """, "True True True\nFalse", "exceptions come without MPI running")
runs("""
     from collio import MPI
     print(MPI.Is_initialized(), MPI.COMM_WORLD.size, MPI.Query_thread() == MPI.THREAD_MULTIPLE)
     """, "True 1 True", "import of MPI initializes it, also without mpiexec")
runs("""
     import collio
     collio.rc.initialize = False
     from collio import MPI
     print(MPI.Is_initialized())
     for call in (lambda: MPI.COMM_WORLD.rank, lambda: MPI.COMM_WORLD.Barrier(), lambda: MPI.COMM_WORLD.bcast(1),
                  lambda: MPI.INFO_NULL.Dup(), lambda: MPI.Wtime(), lambda: MPI.COMM_WORLD.Dup(), lambda: MPI.INT.size):
         try: call()
         except RuntimeError as error: print(str(error)[:26])
     MPI.Init_thread()
     print(MPI.COMM_WORLD.rank)
     MPI.Finalize()
     print(MPI.Is_finalized())
     try: MPI.COMM_WORLD.rank
     except RuntimeError as error: print(error)
     try: MPI.REQUEST_NULL.Wait()
     except RuntimeError as error: print(error)
     """, "False\n" + 7 * "MPI is not initialized: ca\n" + "0\nTrue" + 2 * "\nMPI has been finalized",
     "rc.initialize = False: an exception before Init and after Finalize")
runs("""
     import collio
     collio.rc(threads=False, errors="fatal")
     for wrong in ({"errors": "x"}, {"thread_level": "many"}, {"nosuch": 1}):
         try: collio.rc(**wrong)
         except (ValueError, TypeError) as error: print(type(error).__name__)
     from collio import MPI
     print(MPI.Query_thread() < MPI.THREAD_MULTIPLE)
     """, "ValueError\nValueError\nTypeError\nTrue", "collio.rc")
runs("""
     import numpy as np
     from collio import MPI
     keep = MPI.COMM_WORLD.Irecv(np.zeros(3), tag=1), MPI.COMM_WORLD.irecv(tag=2)
     MPI.COMM_WORLD.Irecv(np.zeros(3), tag=3)
     info, group, kind = MPI.Info.Create(), MPI.COMM_WORLD.group, MPI.INT.Create_contiguous(2)
     print("end")
     """, "end", "an end with pending requests and open handles")
runs("""
     import threading
     from collio import MPI
     comm = MPI.COMM_WORLD
     a, b = comm.Dup(), comm.Dup()
     found = []
     def work(mine):
         for i in range(50):
             found.append(mine.sendrecv(i, 0, source=0) == i)
     threads = [threading.Thread(target=work, args=(c,)) for c in (a, b)]
     [t.start() for t in threads]; [t.join() for t in threads]
     print(all(found), len(found))
     """, "True 100", "two threads at a time")
runs("""
     import threading, time
     from collio import MPI
     comm = MPI.COMM_WORLD
     def late():
         time.sleep(0.3)
         comm.send("late", 0)
     threading.Thread(target=late).start()
     print(comm.recv(source=0))
     """, "late", "a waiting rank lets other threads run")

# An unhandled exception on one rank of several ends the job.
FAILING = """
    import sys, time
    from collio import MPI
    if MPI.COMM_WORLD.rank == 1:
        {}
    MPI.COMM_WORLD.recv(source=1 - MPI.COMM_WORLD.rank)
    """
status, out, err = run(FAILING.format("raise ValueError('something is wrong')"), ranks=2)
check(status not in (0, 124) and "ValueError: something is wrong" in err and "rank 1" in err,
      "an unhandled exception ends the job", f"{status}\n{out}\n{err}")
status, out, err = run(FAILING.format("import threading; t = threading.Thread(target=lambda: 1 / 0); t.start(); t.join()"),
                       ranks=2)
check(status not in (0, 124) and "ZeroDivisionError" in err, "... in a thread too", f"{status}\n{out}\n{err}")
status, out, err = run("""
    import collio
    collio.rc.abort_on_exception = False
    from collio import MPI
    if MPI.COMM_WORLD.rank == 1:
        raise ValueError('on one rank')
    print('the other goes on')
    """, ranks=2)
check("the other goes on" in out and "ValueError: on one rank" in err, "... unless told not to", err)
status, out, err = run("from collio import MPI\nraise KeyError('alone')")
check(status == 1 and "KeyError: 'alone'" in err and "the job ends" not in err, "alone it is as ever", err)

script = "/".join((os.getcwd(), "script.py"))
with open(script, "w", encoding="utf-8") as file:
    file.write("import sys\nfrom collio import MPI\nprint(sys.argv[1:], __name__)\n"
               "if MPI.COMM_WORLD.rank == 1: sys.exit(3)\n"
               "if MPI.COMM_WORLD.size > 1: MPI.COMM_WORLD.recv(source=1)\n")
runs("", "['a', 'b'] __main__", "python -m collio script", arguments=("-m", "collio", script, "a", "b"))
status, out, err = run("", ranks=2, arguments=("-m", "collio", script))
check(status not in (0, 124), "... ends all ranks when one exits with an error", f"{status}\n{out}\n{err}")
for question, begins in (("--prefix", os.sep), ("-prefix", os.sep), ("--mpi-std-version", "MPI "), ("--mpi-lib-version", ""),
                         ("-version", "collio "), ("--mpi-library", os.sep), ("-h", "python -m collio")):
    status, out, err = run("", arguments=("-m", "collio", question))
    check(status == 0 and len(out) > 4 and out.startswith(begins), f"python -m collio {question}", f"{status}\n{out}\n{err}")
    if question == "--mpi-library":
        check(os.path.exists(out.strip()), "... is a file", out)
for wrong in ("-x",), ("--rc",), ("-rc", "a"), ("-rc", "threads=0"), ("-m",), ("-c",), ():
    status, out, err = run("", arguments=("-m", "collio", *wrong))
    check(status == 1 and "--help" in err and not out, f"python -m collio {' '.join(wrong)} is refused", f"{status}\n{out}\n{err}")
ask = "from collio import MPI, rc; print(rc.initialize, rc.thread_level, MPI.Is_initialized())"
for way in ("-rc", "initialize=False,thread_level=funneled"), ("--rc=initialize=0", "-rc", "thread_level='funneled'"):
    status, out, err = run("", arguments=("-m", "collio.run", *way, "-c", ask))
    check(status == 0 and out.split()[1:] == ["funneled", "False"], f"python -m collio.run {' '.join(way)}", f"{status}\n{out}\n{err}")
status, out, err = run("", arguments=("-m", "collio", "-rc", "nosuch=1", "-c", "print(1)"))
check(status == 1 and "nosuch" in err and not out, "a setting there is not", f"{status}\n{out}\n{err}")
status, out, err = run("", arguments=("-m", "collio", "--version"))
check(status == 0 and out.startswith("collio "), "python -m collio --version", err)
status, out, err = run("""
    import os
    from collio import _collio
    ours = 'Open MPI' in _collio.Get_library_version()
    os.environ['PMI_SIZE' if ours else 'OMPI_COMM_WORLD_SIZE'] = '4'
    from collio import MPI
    """)
check("every process is alone" in err, "a launcher of another MPI is noticed", err)
equal(status, 0, "... and is only a warning")
done()
