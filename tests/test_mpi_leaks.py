"""rc.report_leaks: communicators, windows and files that nobody freed are told with their places."""
# ranks: 1 2 3

import contextlib
import io
import os

import collio
from collio import MPI, settings
from collio import _collio as extension
from tap import check, done, equal

comm = MPI.COMM_WORLD
PATH = "leaks.raw"


def report():
    text = io.StringIO()
    with contextlib.redirect_stderr(text):
        settings._report_leaks(collio.rc, extension)
    return text.getvalue().splitlines()


early = comm.Dup()
equal(report(), [], "nothing is told unless asked for")
collio.rc.report_leaks = True
equal(report(), [], "nor what was made before")


class Mine(MPI.File):
    """A class of the user's."""


made = [comm.Dup(), comm.Split(0), comm.Create_cart([comm.size]), MPI.Win.Create(bytearray(8), comm=comm)]
made.append(Mine.Open(comm, PATH, MPI.MODE_CREATE | MPI.MODE_RDWR))
lines = report()
equal([text.split()[3] for text in lines], ["Intracomm", "Intracomm", "Cartcomm", "Win", "Mine"], "each with its class")
check(all(text.startswith(f"collio: rank {comm.rank}: ") for text in lines), "... its rank")
check(all(os.path.basename(__file__) in text for text in lines), "... and its place", str(lines))
numbers = {int(text.split(".py:")[1].split()[0]) for text in lines[:4]}
equal(len(numbers), 1, "... to the line")
with comm.Dup():
    equal(len(report()), 6, "one in a with statement counts until its end")
equal(len(report()), 5, "... but not after it")

for i, handle in enumerate(made):
    handle.Close() if isinstance(handle, MPI.File) else handle.Free()
    equal(len(report()), 4 - i, "what is freed is told no longer")
early.Free()
equal(report(), [], "freeing one from before does no harm")
left = comm.Dup()
collio.rc.report_leaks = False
equal(report(), [], "turned off, nothing is told")
left.Free()
comm.Barrier()
if comm.rank == 0:
    os.remove(PATH)
done()
