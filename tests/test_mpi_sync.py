"""collio.util.sync: ranks one after the other, counters, locks, conditions, semaphores."""
# ranks: 1 2 3 4

import array
import ast
import os
import pathlib

from collio import MPI
from collio.util import sync
from tap import check, done, equal, raises, skip_all

comm, rank, size = MPI.COMM_WORLD, MPI.COMM_WORLD.rank, MPI.COMM_WORLD.size
ROUNDS = 3
try:
    MPI.Win.Create(None, comm=comm).Free()
except MPI.Exception as error:
    skip_all(f"this MPI makes no windows here: {error}")


class Shared:
    """A number on rank 0 that is read and written in two steps: wrong if two ranks do it at once."""

    def __init__(self):
        self.memory = array.array("q", [0])
        self.window = MPI.Win.Create(self.memory if rank == 0 else None, 8, comm=comm)

    def get(self):
        found = array.array("q", [0])
        self.window.Lock(0)
        self.window.Get(found, 0)
        self.window.Unlock(0)
        return found[0]

    def put(self, value):
        self.window.Lock(0)
        self.window.Put(array.array("q", [value]), 0)
        self.window.Unlock(0)

    def add(self, value):
        found = self.get()
        os.sched_yield()
        self.put(found + value)


shared = Shared()

# ------------------------------------------------------------------ one after the other
order = []
for _ in range(3):
    with sync.Sequential(comm, tag=7) as turn:
        order.append(shared.get())
        shared.add(1)
    comm.Barrier()
equal(order, [rank, size + rank, 2 * size + rank], "the ranks come in their order")
equal((turn.comm is comm, turn.tag), (True, 7), "and know of whom")
comm.Barrier()

# ---------------------------------------------------------------------------- counters
for root in 0, size - 1:
    counter = sync.Counter(5, 2, comm=comm, root=root)
    mine = [counter.next() for _ in range(ROUNDS)]
    comm.Barrier()
    equal(sorted(sum(comm.allgather(mine), [])), list(range(5, 5 + 2 * ROUNDS * size, 2)), "each number is given once")
    check(mine == sorted(mine) and iter(counter) is counter, "and grows")
    comm.Barrier()
    counter.free()
    counter.free()
    raises(RuntimeError, "already freed", counter.next, name="and none when it is freed")
counter = sync.Counter()
equal((next(counter), counter.next(5), counter.next(incr=0), next(counter)), (0, 1, 6, 6), "steps of any width")
counter.free()
counter = sync.Counter(0.5, 0.25, typecode="d")
equal([next(counter) for _ in range(3)], [0.5, 0.75, 1.0], "in numbers of any kind")
counter.free()
raises(ValueError, "zz", sync.Counter, typecode="zz", name="that there is")
raises(ValueError, "no rank", sync.Counter, comm=comm, root=size, name="on some rank")
raises(TypeError, "", sync.Counter, "text", comm=comm, name="and no text")

# ------------------------------------------------------------------------------- locks
shared.put(0)
comm.Barrier()
mutex = sync.Mutex(comm=comm)
for _ in range(ROUNDS):
    with mutex:
        shared.add(1)
        held = mutex.locked(), mutex.count()
equal(held, (True, 1), "held")
comm.Barrier()
equal(shared.get(), ROUNDS * size, "one rank at a time is in it")
comm.Barrier()
def outcome(call, *arguments):
    """What it returned, or its error as a text: checks are for all ranks together."""
    try:
        return call(*arguments)
    except (RuntimeError, ValueError) as error:
        return str(error)


for holder in range(size):
    found = mutex.acquire(blocking=holder % 2 == 0) if rank == holder else True
    comm.Barrier()
    found = (found, outcome(mutex.acquire, False), mutex.locked())
    equal(found, (True, "cannot acquire already held mutex", True) if rank == holder else (True, False, False),
          f"what rank {holder} holds, no other can have, nor itself again")
    if rank == holder:
        mutex.release()
    comm.Barrier()
raises(RuntimeError, "unheld", mutex.release, name="only who has it gives it back")
again = sync.Mutex(recursive=True, comm=comm)
with again, again:
    found = again.count(), again.acquire(), again.count()
    again.release()
equal(found, (2, True, 3), "a recursive one is taken again")
equal((again.locked(), again.count()), (False, 0), "and given back")
comm.Barrier()
if rank == size - 1:
    again.acquire()
again.free()
again.free()
for name in "acquire", "release", "locked", "count":
    raises(RuntimeError, "already freed", getattr(again, name), name=f"{name}() of one that was freed")

# -------------------------------------------------------------------------- conditions
shared.put(0)
comm.Barrier()
for own in True, False:
    condition = sync.Condition(comm=comm) if own else sync.Condition(mutex)
    woken = 0
    with condition:
        if rank > 0:
            shared.add(1)
            told = comm.isend("about to sleep", 0)
            woken = condition.wait()
            told.wait()
            shared.add(-1)
    if rank == 0:
        for _ in range(size - 1):
            comm.recv()
        with condition:  # the last one has it until it sleeps
            woken = condition.notify()
            woken += condition.notify_all()
    equal(woken, size - 1 if rank == 0 else True, "as many as slept are woken")
    equal(condition.locked(), False, "nobody has the lock then")
    comm.Barrier()
    equal(shared.get(), 0, "all have gone on")
    comm.Barrier()
    with condition:  # a token goes around
        found = condition.wait_for(lambda: shared.get() % size == rank and rank + 1)
        shared.add(1)
        condition.notify_all()
    equal(found, rank + 1, "wait_for() says for what")
    equal(shared.get(), size, "and it was everywhere")
    comm.Barrier()
    if rank == 0:
        shared.put(0)
    comm.Barrier()
    for name in "wait", "notify", "notify_all", "release":
        raises(RuntimeError, "unheld", getattr(condition, name), name=f"{name}() without the lock")
    with condition:
        found = condition.notify(), condition.notify(0), condition.notify_all()
    equal(found, (0, 0, 0), "nobody sleeps")
    comm.Barrier()
    condition.free()
    raises(RuntimeError, "already freed", condition.acquire, name="a condition that was freed")
with mutex:
    found = mutex.count()
equal(found, 1, "a lock that was lent stays")
nested = sync.Condition()
with nested, nested:
    equal(nested.wait_for(lambda: "now"), "now", "its own lock is recursive by default")
nested.free()
plain = sync.Condition(recursive=False)
plain.acquire()
raises(RuntimeError, "already held", plain.acquire, name="or not")
plain.release()
plain.free()

# -------------------------------------------------------------------------- semaphores
FEW = 2
semaphore, inside = sync.Semaphore(FEW, comm=comm), sync.Counter(comm=comm)
seen = []
for _ in range(ROUNDS):
    with semaphore:
        seen.append(inside.next(1) + 1)
        inside.next(-1)
comm.Barrier()
check(max(comm.allgather(max(seen))) <= min(FEW, size), "not more than there are have one")
found = None
if rank == 0:
    found = semaphore.acquire(), semaphore.acquire(), semaphore.acquire(False), semaphore.release(2), \
        outcome(semaphore.release), outcome(semaphore.release, 0)
equal(found, None if rank else (True, True, False, None, "semaphore released too many times",
                                "increment must be one or more"), "until none is left, and not more given than there were")
comm.Barrier()
semaphore.free()
inside.free()
semaphore = sync.Semaphore(0, bounded=False, comm=comm)
if rank == 0:
    semaphore.release(size - 1 or 1)
found = semaphore.acquire() if rank > 0 or size == 1 else True
check(found, "an unbounded one takes more")
equal(semaphore.acquire(blocking=False), False, "and then is empty")
comm.Barrier()
semaphore.free()
raises(RuntimeError, "already freed", semaphore.acquire, name="a semaphore that was freed")
raises(ValueError, "non-negative", sync.Semaphore, -1, comm=comm, name="not less than nothing")
mutex.free()
shared.window.Free()

# ------------------------------------------------------------------------------- stubs
stub = ast.parse(pathlib.Path(sync.__file__).with_suffix(".pyi").read_text())
for node in stub.body:
    if isinstance(node, ast.ClassDef):
        names = {item.name for item in node.body if isinstance(item, ast.FunctionDef)}
        equal(names, {name for name in vars(getattr(sync, node.name)) if not name.startswith("_")} |
              {name for name in ("__init__", "__enter__", "__exit__", "__iter__", "__next__")
               if name in vars(getattr(sync, node.name))}, f"the stub of {node.name}")
done()
