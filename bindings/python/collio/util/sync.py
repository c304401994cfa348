"""Ranks that wait for each other: one after the other, counters, locks, conditions, semaphores.

The classes have the names and methods of mpi4py's. Their states lie on one rank, in
memory that all ranks of a communicator may change (``MPI.Win``); who has to wait
waits for a message. Making and freeing one is collective over the communicator,
everything else is called by one rank for itself. An MPI without a thread of its
own changes such memory while the rank that has it is in some call of MPI: if it
computes for long the others wait so long, for locks as well as for counters.
"""

from array import array

from collio import MPI

__all__ = ["Sequential", "Counter", "Mutex", "Condition", "Semaphore"]

_NOBODY = -1
_AFTER, _GO, _WAKE = range(3)  # what ranks tell each other


def _alive(part, name):
    if part is None:
        raise RuntimeError(f"{name} already freed")
    return part


class _Cells:
    """Numbers on rank `root`, for all ranks. Collective to make and free.

    Each access has the memory alone: MPI does not promise that atomic operations of
    several kinds on one number do not meet, and not every MPI adds fractions so.
    """

    def __init__(self, values, comm, info, typecode="q", root=0):
        self._typecode, self._root, self._length = typecode, root, len(values)
        self._memory = array(typecode, values if comm.Get_rank() == root else [])
        self._window = MPI.Win.Create(self._memory or None, self._memory.itemsize, info, comm)

    def _exchange(self, new):
        """Replace all by new(what is there), or nothing if that is None; what was there."""
        values = array(self._typecode, [0] * self._length)
        self._window.Lock(self._root)
        try:
            self._window.Get(values, self._root)
            self._window.Flush(self._root)
            changed = new(values)
            if changed is not None:
                self._window.Put(array(self._typecode, changed), self._root)
        finally:
            self._window.Unlock(self._root)
        return values.tolist()

    def add(self, value):
        """Add to the first one; what was there before."""
        return self._exchange(lambda values: [values[0] + value])[0]

    def swap(self, value):
        """Write the first one; what was there before."""
        return self._exchange(lambda values: [value])[0]

    def swap_if(self, wanted, value):
        """Write the first one if `wanted` is there; what was there before."""
        return self._exchange(lambda values: [value] if values[0] == wanted else None)[0]

    def load(self):
        """All of them, as a list."""
        return self._exchange(lambda values: None)

    def store(self, values):
        """Write all of them."""
        self._exchange(lambda before: values)

    def free(self):
        self._window.Free()


class Sequential:
    """``with Sequential(comm):`` runs a block on one rank after the other, in the order of the ranks.
    All ranks must come to it; nobody waits at its end."""

    def __init__(self, comm, tag=0):
        self.comm = comm
        self.tag = int(tag)

    def __enter__(self):
        self.begin()
        return self

    def __exit__(self, *exc):
        self.end()

    def begin(self):
        """Wait for the rank before this one."""
        rank = self.comm.Get_rank()
        if rank > 0:
            self.comm.Recv(bytearray(1), rank - 1, self.tag)

    def end(self):
        """Let the next rank go on."""
        rank = self.comm.Get_rank()
        if rank + 1 < self.comm.Get_size():
            self.comm.Send(b"\0", rank + 1, self.tag)


class Counter:
    """A number that all ranks count on, each number given to one of them only. It lies on `root`."""

    def __init__(self, start=0, step=1, *, typecode="i", comm=MPI.COMM_SELF, info=MPI.INFO_NULL, root=0):
        MPI.Datatype.fromcode(typecode)
        array(typecode, [start, step])  # an error on all ranks, not at the root alone
        size = comm.Get_size()
        if not 0 <= root < size:
            raise ValueError(f"root {root} is no rank of the communicator: 0 to {size - 1} are allowed")
        self._step = step
        self._cells = _Cells([start], comm, info, typecode, root)

    def __iter__(self):
        return self

    def __next__(self):
        return self.next()

    def next(self, incr=None):
        """The number, which then grows by `incr` (None: by `step`)."""
        cells = _alive(self._cells, "counter")
        return cells.add(self._step if incr is None else incr)

    def free(self):
        """Free the counter. Collective."""
        if self._cells is not None:
            self._cells.free()
        self._cells = None


class Mutex:
    """A lock that one rank holds at a time; those that wait get it in the order in which they came.

    A recursive one may be taken again by the rank that holds it, and is to be
    given back as often.
    """

    def __init__(self, *, recursive=False, comm=MPI.COMM_SELF, info=MPI.INFO_NULL):
        self._recursive, self._held = bool(recursive), 0
        self._comm = comm.Dup()  # for messages of its own
        self._last = _Cells([_NOBODY], comm, info)  # who came last of those that have it or wait

    def __enter__(self):
        self.acquire()
        return self

    def __exit__(self, *exc):
        self.release()

    def acquire(self, blocking=True):
        """Take the lock; False if another rank has it and `blocking` is False."""
        _alive(self._last, "mutex")
        if self._held and not self._recursive:
            raise RuntimeError("cannot acquire already held mutex")
        if not self._held and not self._take(blocking):
            return False
        self._held += 1
        return True

    def release(self):
        """Give the lock to the next rank."""
        self._require("release")
        self._held -= 1
        if not self._held:
            self._give()

    def locked(self):
        """Whether this rank holds the lock."""
        return self.count() > 0

    def count(self):
        """How often this rank has taken the lock without giving it back."""
        _alive(self._last, "mutex")
        return self._held

    def free(self):
        """Free the lock, held or not. Collective."""
        if self._last is not None:
            if self._held:
                self._give()
            self._last.free()
            self._comm.Free()
        self._last, self._held = None, 0

    def _require(self, what):
        if not self.locked():
            raise RuntimeError(f"cannot {what} unheld mutex")

    def _tell(self, rank, what):
        self._comm.Send(b"", rank, what)

    def _hear(self, what):
        """Wait for that message; who sent it."""
        status = MPI.Status()
        self._comm.Recv(bytearray(0), MPI.ANY_SOURCE, what, status)
        return status.source

    def _take(self, blocking):
        me = self._comm.Get_rank()
        if not blocking:
            return self._last.swap_if(_NOBODY, me) == _NOBODY
        before = self._last.swap(me)
        if before != _NOBODY:
            self._tell(before, _AFTER)
            self._hear(_GO)
        return True

    def _give(self):
        me = self._comm.Get_rank()
        if self._last.swap_if(me, _NOBODY) != me:
            self._tell(self._hear(_AFTER), _GO)

    def _give_all(self):
        """Give a lock back that was perhaps taken several times; how often."""
        held, self._held = self._held, 0
        self._give()
        return held

    def _take_all(self, held):
        self._take(True)
        self._held = held


class Condition:
    """Ranks that wait for something to happen under a lock, their own or `mutex`; they are woken in
    the order in which they came."""

    def __init__(self, mutex=None, *, recursive=True, comm=MPI.COMM_SELF, info=MPI.INFO_NULL):
        self._own = mutex is None
        self._mutex = Mutex(recursive=recursive, comm=comm, info=info) if self._own else mutex
        self._comm = self._mutex._comm
        self._sleepers = _Cells([_NOBODY] * self._comm.Get_size(), self._comm, info)  # in their order

    def __enter__(self):
        self.acquire()
        return self

    def __exit__(self, *exc):
        self.release()

    def acquire(self, blocking=True):
        """Take the lock; False if another rank has it and `blocking` is False."""
        _alive(self._sleepers, "condition")
        return self._mutex.acquire(blocking)

    def release(self):
        """Give the lock back."""
        _alive(self._sleepers, "condition")
        self._mutex.release()

    def locked(self):
        """Whether this rank holds the lock."""
        return self._mutex.locked()

    def wait(self):
        """Give the lock back until a rank notifies this one, and take it again. True."""
        _alive(self._sleepers, "condition")
        self._mutex._require("wait on")
        sleepers = self._sleepers.load()
        sleepers[sleepers.index(_NOBODY)] = self._comm.Get_rank()
        self._sleepers.store(sleepers)
        held = self._mutex._give_all()
        self._mutex._hear(_WAKE)
        self._mutex._take_all(held)
        return True

    def wait_for(self, predicate):
        """Wait until predicate() is true; what it returned."""
        result = predicate()
        while not result:
            self.wait()
            result = predicate()
        return result

    def notify(self, n=1):
        """Wake up to `n` ranks, which go on when they get the lock; how many it were."""
        _alive(self._sleepers, "condition")
        self._mutex._require("notify on")
        sleepers = self._sleepers.load()
        woken = [rank for rank in sleepers[: max(0, n)] if rank != _NOBODY]
        if woken:
            self._sleepers.store(sleepers[len(woken) :] + [_NOBODY] * len(woken))
        for rank in woken:
            self._mutex._tell(rank, _WAKE)
        return len(woken)

    def notify_all(self):
        """Wake all ranks that wait; how many it were."""
        return self.notify(self._comm.Get_size())

    def free(self):
        """Free the condition, and its lock if that is its own. Collective."""
        if self._sleepers is not None:
            self._sleepers.free()
            if self._own:
                self._mutex.free()
        self._sleepers = None


class Semaphore:
    """`value` of something, of which ranks take one at a time, and wait where none is left. A bounded
    one cannot be given more than it had."""

    def __init__(self, value=1, *, bounded=True, comm=MPI.COMM_SELF, info=MPI.INFO_NULL):
        if value < 0:
            raise ValueError("initial value must be non-negative")
        self._most = value if bounded else None
        self._condition = Condition(recursive=False, comm=comm, info=info)
        self._left = _Cells([value], comm, info)

    def __enter__(self):
        self.acquire()
        return self

    def __exit__(self, *exc):
        self.release()

    def acquire(self, blocking=True):
        """Take one; False if none is left and `blocking` is False."""
        with self._condition:
            while self._left.load() == [0]:
                if not blocking:
                    return False
                self._condition.wait()
            self._left.add(-1)
        return True

    def release(self, n=1):
        """Give `n` back."""
        if n < 1:
            raise ValueError("increment must be one or more")
        with self._condition:
            left = self._left.load()[0] + n
            if self._most is not None and left > self._most:
                raise ValueError("semaphore released too many times")
            self._left.store([left])
            self._condition.notify(n)

    def free(self):
        """Free the semaphore. Collective."""
        if self._left is not None:
            self._left.free()
            self._condition.free()
        self._left = None
