"""When operations on windows begin and end, and atomic operations of many ranks."""
# ranks: 1 2 3 4

import numpy as np
from collio import MPI
from tap import check, done, equal, raises, skip_all

comm = MPI.COMM_WORLD
rank, size = comm.rank, comm.size
right, left = (rank + 1) % size, (rank - 1) % size

try:
    MPI.Win.Create(None, comm=comm).Free()
except MPI.Exception as error:
    skip_all(f"this MPI makes no windows here: {error}")

space = np.zeros(2, "i4")
win = MPI.Win.Create(space, 4, comm=comm)
data = np.array([rank + 1, rank + 2], "i4")
wanted = np.array([left + 1, left + 2], "i4")

for assertion in (0, MPI.MODE_NOPRECEDE):
    space[:] = 0
    win.Fence(assertion)
    win.Put(data, right)
    win.Fence(MPI.MODE_NOSUCCEED)
    equal(space, wanted, f"Fence({assertion})")

space[:] = 0
group = comm.Get_group()
to, of = group.Incl([right]), group.Incl([left])
comm.Barrier()
win.Post(of)
win.Start(to)
win.Put(data, right)
win.Complete()
equal(win.Wait(), True, "Wait() says True")
equal(space, wanted, "Post, Start, Complete, Wait")
space[:] = 0
comm.Barrier()
win.Post(of, 0)
win.Start(group=to, assertion=0)
win.Put(data, right)
win.Complete()
while not win.Test():
    pass
equal(space, wanted, "... and Test")
raises(TypeError, "MPI.Group", win.Post, 3, name="Post() takes a group")

for kind in (MPI.LOCK_EXCLUSIVE, MPI.LOCK_SHARED):
    win.Lock(rank)
    space[:] = 0
    win.Unlock(rank)
    comm.Barrier()
    win.Lock(right, kind)
    win.Put(data, right)
    win.Flush_local(right)
    win.Flush(right)
    win.Unlock(right)
    comm.Barrier()
    win.Lock(rank)
    equal(space.copy(), wanted, f"Lock({kind}), Flush, Unlock")
    win.Unlock(rank)
    comm.Barrier()

win.Lock(rank)
space[:] = 0
win.Unlock(rank)
comm.Barrier()
win.Lock_all()
win.Put(data, right)
win.Flush_local_all()
win.Flush_all()
win.Sync()
comm.Barrier()
win.Sync()
equal(space.copy(), wanted, "Lock_all, Flush_all, Sync")
win.Unlock_all()
raises(TypeError, "rank", win.Lock, name="a rank is needed to lock")
raises(TypeError, "integer", win.Fence, "x", name="an assertion is an integer")
win.Free()
for call in ("Fence", "Complete", "Unlock_all", "Flush_all", "Sync"):
    raises(MPI.Exception, "", getattr(win, call), name=f"{call}() of the null window")

# An error handler of the user's.
win = MPI.Win.Create(space, 4, comm=comm)
calls = []
win.Set_errhandler(MPI.Win.Create_errhandler(lambda on, code: calls.append((on, MPI.Get_error_class(code)))))
win.Call_errhandler(MPI.ERR_OTHER)
equal(calls.pop(), (win, MPI.ERR_OTHER), "a window's handler is called")
win.Fence()
try:
    win.Put(data, size + 3)
    check(MPI.Get_version() >= (5, 0), "an error on a window")  # MPI 5 may take what a handler has seen for success
except MPI.Exception:
    check(True, "an error on a window")
win.Fence(MPI.MODE_NOSUCCEED)
equal(calls, [(win, MPI.ERR_RANK)], "... calls it")
win.Free()


# Tickets: every number is drawn once.
def tickets(window, target):
    drawn, one, got = [], np.ones(1, "i8"), np.zeros(1, "i8")
    for _ in range(20):
        window.Lock(target, MPI.LOCK_SHARED)
        window.Fetch_and_op(one, got, target)
        window.Unlock(target)
        drawn.append(int(got[0]))
    return sorted(sum(comm.allgather(drawn), []))


# A queue of ranks, in which each waits on its own memory and is woken by the one before: what goes
# wrong where operations of a rank on its own memory are not atomic with those of others.
TAIL, NEXT, GO, NOBODY = 0, 1, 2, -1


class Queue:
    def __init__(self, window):
        self.window = window
        self.me = np.array([rank], "i8")
        self.seen = np.zeros(1, "i8")

    def write(self, value, target, place):
        self.window.Accumulate([np.array([value], "i8"), MPI.INT64_T], target, (place, 1, MPI.INT64_T), MPI.REPLACE)
        self.window.Flush(target)

    def read(self, target, place, value=0, op=MPI.NO_OP):
        self.window.Fetch_and_op(np.array([value], "i8"), self.seen, target, place, op)
        self.window.Flush(target)
        return int(self.seen[0])

    def enter(self):
        self.write(NOBODY, rank, NEXT)
        self.write(0, rank, GO)
        before = self.read(0, TAIL, rank, MPI.REPLACE)
        if before == NOBODY:
            return
        self.write(rank, before, NEXT)
        while self.read(rank, GO) == 0:
            comm.Iprobe()

    def leave(self):
        self.window.Compare_and_swap(np.array([NOBODY], "i8"), self.me, self.seen, 0, TAIL)
        self.window.Flush(0)
        if self.seen[0] == rank:
            return
        while (after := self.read(rank, NEXT)) == NOBODY:
            comm.Iprobe()
        self.write(1, after, GO)


def take_turns(window, rounds=8):
    """How often two ranks were inside at the same time, or were passed over."""
    queue, inside, wrong = Queue(window), 3, 0
    window.Lock_all()
    for _ in range(rounds):
        queue.enter()
        before = queue.read(0, inside, 1, MPI.SUM)
        wrong += before != 0
        queue.read(0, inside, -1, MPI.SUM)
        queue.leave()
    window.Unlock_all()
    return comm.allreduce(wrong)


def prepare(window):
    window.Lock(rank)
    np.frombuffer(window, "i8")[:] = [NOBODY, NOBODY, 0, 0]
    window.Unlock(rank)
    comm.Barrier()


MAKERS = {
    "Create": lambda: MPI.Win.Create(np.zeros(4, "i8"), 8, comm=comm),
    "Allocate": lambda: MPI.Win.Allocate(32, 8, comm=comm),
}
for name, make in MAKERS.items():
    window = make()
    prepare(window)
    equal(take_turns(window), 0, f"{name}: ranks queue up, one is inside")
    comm.Barrier()
    prepare(window)
    window.Lock(rank)
    np.frombuffer(window, "i8")[:] = 0
    window.Unlock(rank)
    comm.Barrier()
    equal(tickets(window, size - 1), list(range(20 * size)), f"{name}: numbers are drawn once")
    comm.Barrier()
    window.Free()
done()
