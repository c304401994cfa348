"""python -m collio and python -m collio.bench, as commands within one job."""
# ranks: 1 2 3

import contextlib
import io
import os
import sys
import tempfile

from collio import MPI, bench
from tap import check, done, equal

comm = MPI.COMM_WORLD


def output(*arguments):
    text = io.StringIO()
    with contextlib.redirect_stdout(text):
        bench.main(arguments)
    return text.getvalue()


def left_with(*arguments):
    """What SystemExit carries."""
    try:
        output(*arguments)
    except SystemExit as leaving:
        return str(leaving.code)
    return None


lines = output("helloworld").splitlines()
equal(len(lines), comm.size if comm.rank == 0 else 0, "a line for each rank, from rank 0")
check(all(f"process {i} of {comm.size}" in line for i, line in enumerate(lines)), "... in order")
text = output("ringtest", "-n", "1000", "-l", "3")
check(("3 loops" in text and "1000 bytes" in text) if comm.rank == 0 else text == "", "ringtest")
for way in ((), ("--pickle",)):
    if comm.size > 1:
        text = output("pingpong", "-m", "8", "-n", "32", "-l", "2", *way)
        rows = [line.split() for line in text.splitlines()[1:]]
        equal([row[0] for row in rows], ["8", "16", "32"] if comm.rank == 0 else [], "pingpong, a row for each size")
    else:
        check("two processes" in left_with("pingpong"), "pingpong needs two processes")
with contextlib.redirect_stderr(io.StringIO()):
    equal(left_with("ringtest", "-n", "0"), "2", "no bytes make no message")

text = io.StringIO()
sys.argv[1:] = ["--config"]
with contextlib.redirect_stdout(text):
    from collio import __main__ as command

    command.main()
    sys.argv[1:] = ["-c", "from collio import MPI; import sys; print('code', MPI.COMM_WORLD.size, sys.argv[1])", "x"]
    command.main()
check(all(word in text.getvalue() for word in ("collio", "HDF5", "numpy", "MPI")), "--config")
check(f"code {comm.size} x" in text.getvalue(), "-c runs code with its arguments")

# Scripts, directories and what comes by standard input, as Python itself would run them.
with tempfile.TemporaryDirectory() as place:
    inside = os.path.join(place, "inside")
    os.mkdir(inside)
    for path, lines in (("beside.py", "NAME = 'beside'\n"), ("script.py", "import beside, sys\nprint(beside.NAME, sys.argv[1:])\n"),
                        ("inside/__main__.py", "import other\nprint(__name__, other.NAME)\n"), ("inside/other.py", "NAME = 'other'\n")):
        with open(os.path.join(place, path), "w") as file:
            file.write(lines)
    before, given = list(sys.path), sys.stdin
    for wanted, *arguments in (("beside ['x']", os.path.join(place, "script.py"), "x"), ("__main__ other", inside),
                               ("- ['-', 'y']", "-", "y")):
        text = io.StringIO()
        sys.argv[1:] = arguments
        sys.stdin = io.StringIO("import sys; print('-', sys.argv)\n")
        with contextlib.redirect_stdout(text):
            command.main()
        sys.path[:], sys.stdin = before, given
        equal(text.getvalue().strip(), wanted, f"{os.path.basename(arguments[0])} is run")
done()
