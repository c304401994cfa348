"""Processes that were not started together: spawning, ports, names, joining."""
# ranks: 1 2

import os
import socket
import subprocess
import sys
import tempfile

from collio import MPI

if len(sys.argv) > 1 and sys.argv[1] == "child":  # spawned below
    parent = MPI.Comm.Get_parent()
    world = MPI.COMM_WORLD
    assert parent and type(parent) is MPI.Intercomm
    parent.gather((sys.argv[2:], world.rank, parent.remote_size), 0)
    everybody = parent.Merge(high=True)
    assert everybody.allreduce(1) == world.size + parent.remote_size
    everybody.Free()
    parent.Disconnect()
    sys.exit()

from tap import check, done, equal, raises, skip, skip_all  # noqa: E402

comm = MPI.COMM_WORLD
rank, size = comm.rank, comm.size
ROOT = MPI.ROOT if rank == 0 else MPI.PROC_NULL

parent = MPI.Comm.Get_parent()
check(type(parent) is MPI.Intercomm and parent == MPI.COMM_NULL, "nobody spawned these")
raises(TypeError, "fd", MPI.Comm.Join)
raises(TypeError, "", MPI.Comm.Join, "1")
raises(TypeError, "service_name", MPI.Publish_name)
raises(TypeError, "MPI.Info", MPI.Open_port, 3)
raises(TypeError, "command", comm.Spawn)


def have(call, *args):
    """Whether MPI can do that here; every rank must ask."""
    try:
        call(*args)
        return True
    except NotImplementedError as error:
        check("MPI_" in str(error), "what cannot be done is refused, and the reason told")
        return False


def alone(code):
    """Run Python without mpiexec."""
    env = {k: v for k, v in os.environ.items() if not k.startswith(("PMI", "MPI_", "MPIR", "HYD", "OMPI_COMM", "PMIX"))}
    return subprocess.run([sys.executable, "-c", "from collio import MPI\n" + code], env=env, timeout=60,
                          stdin=subprocess.DEVNULL, capture_output=True, text=True)


def program(*words):
    return [os.path.abspath(__file__), "child", *words]


def meet(inter, words, count):
    """What the other side of child does; the words that each was started with."""
    got = inter.gather(None, ROOT)
    everybody = inter.Merge()
    total = everybody.allreduce(1)
    everybody.Free()
    inter.Disconnect()
    wanted = [(w, i, size) for i, w in enumerate(words)]
    equal(got, wanted if rank == 0 else None, "children know their words, ranks and parents")
    equal(total, size + count, "all together")
    check(inter == MPI.COMM_NULL, "Disconnect")


def spawn():
    errcodes = []
    child = comm.Spawn(sys.executable, program("one", "two words"), 2, MPI.INFO_NULL, 0, errcodes)
    equal((type(child), child.remote_size, errcodes), (MPI.Intercomm, 2, [MPI.SUCCESS] * 2), "Spawn")
    meet(child, [["one", "two words"]] * 2, 2)
    errcodes = []
    commands = [sys.executable, os.fsencode(sys.executable)]
    child = comm.Spawn_multiple(commands, [program("a"), program("b")], [1, 1], [MPI.INFO_NULL] * 2, errcodes=errcodes)
    equal((child.remote_size, errcodes), (2, [[MPI.SUCCESS]] * 2), "Spawn_multiple")
    meet(child, [["a"], ["b"]], 2)
    raises(TypeError, "errcodes", comm.Spawn, sys.executable, errcodes=3)
    raises(ValueError, "maxprocs: expecting 2 items, got 1", comm.Spawn_multiple, commands, None, [1])
    raises(TypeError, "sequence", comm.Spawn_multiple, "command")
    raises(TypeError, "", comm.Spawn, 3)


def connect():
    """Each half of the processes is the other's partner."""
    port = MPI.Open_port() if rank == 0 else None
    port = comm.bcast(port)
    part = comm.Split(rank)
    inter = part.Accept(port) if rank == 0 else part.Connect(port)
    equal(inter.allgather(rank), [1 - rank], "Accept and Connect")
    inter.Disconnect()
    part.Free()
    if rank == 0:
        MPI.Close_port(port)


def names():
    name = comm.bcast(f"collio-{os.getpid()}")
    try:
        if rank == 0:
            MPI.Publish_name(name, "somewhere")
        known = True
    except MPI.Exception as error:
        known = str(error)
    known = comm.bcast(known)
    if known is not True:
        return skip("names", "no name server here")
    equal(MPI.Lookup_name(name), "somewhere", "Lookup_name")
    comm.Barrier()
    if rank == 0:
        MPI.Unpublish_name(name, "somewhere")
    comm.Barrier()
    raises(MPI.Exception, "", MPI.Lookup_name, name, name="a name that is forgotten")


def join():
    path = comm.bcast(os.path.join(tempfile.mkdtemp(), "socket") if rank == 0 else None)
    with socket.socket(socket.AF_UNIX) as end:
        if rank == 0:
            end.bind(path)
            end.listen()
        comm.Barrier()
        if rank == 0:
            other, _ = end.accept()
        else:
            end.connect(path)
            other = end
        inter = MPI.Comm.Join(other.fileno())
        if rank == 0:
            other.close()
    equal(inter.allgather(rank), [1 - rank], "Join")
    inter.Disconnect()


port = []
try:
    offered = have(lambda: port.append(MPI.Open_port()))
except MPI.Exception as error:  # MPI has it, but not as it was started here
    skip_all(f"no ports: {error}")
if offered:
    MPI.Close_port(port[0])
    spawn()
    if size == 2:
        connect()
        join()
else:
    raises(NotImplementedError, "MPI_Comm_spawn", comm.Spawn, "true")
    raises(NotImplementedError, "MPI_Comm_spawn_multiple", comm.Spawn_multiple, ["true"])
    raises(NotImplementedError, "MPI_Comm_accept", comm.Accept, "port")
    raises(NotImplementedError, "MPI_Comm_connect", comm.Connect, "port", root=0)
    raises(NotImplementedError, "MPI_Comm_join", MPI.Comm.Join, 0)
    raises(NotImplementedError, "MPI_Close_port", MPI.Close_port, "port")
    for call in ("Open_port()", "COMM_SELF.Spawn('true')", "Lookup_name('x')", "Comm.Join(0)"):
        ended = alone(f"try: MPI.{call}\nexcept (NotImplementedError, MPI.Exception): print('refused')") if rank == 0 else None
        check(rank or ended.stdout == "refused\n", f"{call} does not hang without mpiexec", ended and ended.stderr)
names()
done()
