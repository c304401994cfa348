"""collio.doctor() in Python: findings, alone and the same on all ranks, and what the glance costs."""
# ranks: 1 2 3

import time

import collio
from collio import MPI, _collio
from tap import check, done, equal, raises

comm = MPI.COMM_WORLD
LEVELS = {"skipped", "fine", "note", "warning", "failure"}
# Those that say something of the machine, not of collio.
MACHINE = {"E11", "E13", "E24", "E25", "E35", "E01", "E40", "E41", "E42", "E44", "E46", "E50"}


def wrong(findings):
    return sorted(f.id for f in findings if f.level in ("warning", "failure") and f.id not in MACHINE)


def level(findings, name):
    return next(f.level for f in findings if f.id == name)


alone = collio.doctor(offline=True)
equal(wrong(alone), [], "nothing is wrong here")
check(all(f.level in LEVELS and f.what for f in alone), "every finding has a level and a text")
equal([f.id for f in alone], sorted({f.id for f in alone}), "they are in the order of their ids")
equal(level(alone, "E30"), "fine", "the interpreter is known")
equal(level(alone, "E31"), "fine", "and NumPy")
equal(level(alone, "E52"), "skipped", "without a communicator there is no stage two")
check("why it matters" in str(alone[0]), "a finding prints itself")

together = collio.doctor(comm=comm, offline=True)
equal(wrong(together), [], "nothing is wrong with the ranks together")
equal(level(together, "E52"), "fine", "they write and read a shared file")
check(all(other == together for other in comm.allgather(together)), "all ranks hold the same findings")

raises(TypeError, "", lambda: collio.doctor(comm="world"), name="a communicator must be one")
raises(TypeError, "", lambda: collio.doctor(3), name="a directory must be one")
nowhere = collio.doctor("no/such", comm=comm, offline=True)
equal((level(nowhere, "E44"), level(nowhere, "E52")), ("failure", "failure"), "a directory that is not there")

costs = []
for _ in range(20):
    start = time.perf_counter()
    found = _collio._glance()
    costs.append(time.perf_counter() - start)
equal(found, None, "the glance finds nothing")
if comm.rank == 0:
    print(f"# the glance: first {costs[0] * 1e3:.2f} ms, then {min(costs) * 1e3:.2f} ms")
done()
