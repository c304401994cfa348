"""Objects of a program's own classes: what arrives is what pickle would have made of them."""
# ranks: 1 2 3

import abc
import copyreg
import dataclasses
import enum
import pickle
import types

import numpy as np
from collio import MPI
from tap import check, done, equal, raises

comm = MPI.COMM_WORLD
rank, size = comm.rank, comm.size
right, left = (rank + 1) % size, (rank - 1) % size
calls = []


def same(a, b):
    """Equal in value and in type, all the way down."""
    if type(a) is not type(b):
        return False
    if isinstance(a, np.ndarray):
        return a.dtype == b.dtype and a.shape == b.shape and a.flags.fnc == b.flags.fnc and a.tobytes() == b.tobytes()
    if isinstance(a, (list, tuple)):
        return len(a) == len(b) and all(map(same, a, b)) and same(getattr(a, "__dict__", 0), getattr(b, "__dict__", 0))
    if isinstance(a, dict):
        return len(a) == len(b) and all(same(*pair) for pair in zip(a.items(), b.items()))
    slots = getattr(type(a), "__slots__", ())
    if any(hasattr(a, s) != hasattr(b, s) or not same(getattr(a, s, 0), getattr(b, s, 0)) for s in slots):
        return False
    return same(vars(a), vars(b)) if hasattr(a, "__dict__") else repr(a) == repr(b)


class Thing:
    def __init__(self, **names):
        vars(self).update(names)


@dataclasses.dataclass
class State:
    u: object
    step: int = 3
    more: dict = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True)
class Frozen:
    u: object
    step: int = 3


@dataclasses.dataclass(slots=True)
class Slots:
    u: object
    step: int = 3


class Slotted(Thing):
    __slots__ = ("extra", "unset")


class Empty(Thing):
    __slots__ = ()


class Counts(Thing):
    def __new__(cls):
        calls.append("new")
        return super().__new__(cls)

    def __init__(self):
        calls.append("init")


class Reduced(Thing):
    def __reduce__(self):
        return Thing, (), {"reduced": self.u}


class Reduced4(Thing):
    def __reduce_ex__(self, protocol):
        return Thing, (), {"protocol": protocol, "u": self.u}


class Chosen(Thing):
    def __getstate__(self):
        return {"u": self.u, "chosen": True}


class Setting(Thing):
    def __setstate__(self, content):
        vars(self).update(content, was_set=True)


class Given(Thing):
    def __new__(cls, u=None, **_):
        self = super().__new__(cls)
        self.given = u
        return self

    def __getnewargs__(self):
        return (self.u,)


class Registered(Thing):
    pass


copyreg.pickle(Registered, lambda one: (Thing, (), {"registered": one.u}))


class Listed(list):
    pass


class Mapped(dict):
    pass


class Valued(float):
    pass


class Trouble(ValueError):
    pass


class Colour(enum.Enum):
    RED = 1


class Abstract(abc.ABC):
    pass


class Careful(Thing):
    """Attributes that are not there are made up."""

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return name


class Guarded(Thing):
    def __setattr__(self, name, value):
        raise AttributeError("read-only")

    step = property(lambda self: -1)


class Outer:
    class Inner(Thing):
        pass


class Meta(type):
    pass


class Made(Thing, metaclass=Meta):
    pass


def listed(u):
    result = Listed([u, 1])
    result.name = "x"
    return result


def slotted(u):
    result = Slotted(u=u)
    result.extra = 5
    return result


def counted(u):
    result = Counts()
    result.u = u
    return result


MAKERS = {
    "an object": lambda u: Thing(u=u, step=1),
    "... with nothing": lambda u: Thing(),
    "... within another": lambda u: Thing(a=Thing(u=u), b=[Thing(), Thing(v=u + 1)], c={"d": Thing(c=1j)}),
    "... with names that are no texts": lambda u: Thing() if vars(thing := Thing()).update({1: u}) else thing,
    "... that is a key": lambda u: [len({Thing(u=1): u}), {Frozen(3): u}],
    "a data class": State,
    "a frozen one": Frozen,
    "one with slots": Slots,
    "slots and a dictionary": slotted,
    "empty slots": lambda u: Empty(u=u),
    "a namespace": lambda u: types.SimpleNamespace(u=u, inner=types.SimpleNamespace()),
    "a counting class": counted,
    "__reduce__": lambda u: Reduced(u=u),
    "__reduce_ex__": lambda u: Reduced4(u=u),
    "__getstate__": lambda u: Chosen(u=u),
    "__setstate__": lambda u: Setting(u=u),
    "__getnewargs__": lambda u: Given(u=u) if vars(given := Given()).update(u=u) else given,
    "a registered class": lambda u: Registered(u=u),
    "a list with attributes": listed,
    "a kind of dictionary": lambda u: Mapped(u=u),
    "a kind of float": lambda u: [Valued(2.5), u],
    "an exception": lambda u: [Trouble(3), Colour.RED],
    "an abstract class": lambda u: [type(Abstract()), u],
    "__getattr__": lambda u: Careful(u=u),
    "__setattr__ and a property": lambda u: Guarded(u=u, step=4),
    "a class in a class": lambda u: Outer.Inner(u=u),
    "a metaclass": lambda u: Made(u=u),
    "a class itself": lambda u: [Thing, State, u],
    "a nest": lambda u: nest(u, 40),
    "a deep nest": lambda u: nest(u, 120),
    "two hundred": lambda u: [Thing(i=i, u=u) for i in range(200)],
}


def nest(u, depth):
    return Thing(inner=nest(u, depth - 1)) if depth else Thing(u=u)


def expected(value):
    return pickle.loads(pickle.dumps(value, 5))


def exchanged(value):
    return comm.sendrecv(value, right, source=left)


for name, make in MAKERS.items():
    for length in (1, 3000, 40_000):
        mine, wanted = make(np.arange(length) + rank), expected(make(np.arange(length) + left))
        if name == "... that is a key":
            got = exchanged(mine)
            check(got[0] == 1 and same(*(list(x[1].items())[0][1] for x in (got, wanted))), f"{name}, {length}")
            continue
        check(same(exchanged(mine), wanted), f"{name}, {length} elements")
        got = comm.bcast(mine, 0)
        check(rank == 0 or same(got, expected(make(np.arange(length)))), f"{name}, {length} elements, bcast")
    plain = make(7 + rank)
    check(name == "... that is a key" or same(exchanged(plain), expected(make(7 + left))), f"{name}, no array")

calls.clear()
one = counted(1)
got = exchanged(one)
equal((calls.count("new"), calls.count("init")), (2, 1), "__new__() is called again, __init__() is not")
equal({type(key) is str and key is compile(key, "", "eval").co_names[0] for key in vars(exchanged(State(1)))}, {True},
      "names of attributes are interned")

# ------------------------------------------------------- one object that occurs twice
for make in (lambda: Thing(u=np.arange(3000)), lambda: State(1), lambda: types.SimpleNamespace(a=1), lambda: [1],
             lambda: {"a": 1}, lambda: np.arange(40_000)[::2]):
    one = make()
    kind = type(one).__name__
    got = exchanged([one, one])
    check(got[0] is got[1] and same(got[0], make()), f"{kind} twice in a list")
    got = exchanged({"a": one, "b": (one, [one])})
    check(got["a"] is got["b"][0] is got["b"][1][0], f"{kind} in several places")
    got = exchanged(Thing(x=one, y=one))
    check(got.x is got.y, f"{kind} twice in an object")
    pair = (one,)
    got = exchanged([pair, pair])
    check(got[0][0] is got[1][0], f"{kind} in a tuple that occurs twice")
    got = exchanged([one, make()])
    check(got[0] is not got[1] and same(got[0], got[1]), f"{kind} and one that is equal")
ring = Thing(u=np.arange(3000))
ring.ring = [ring]
got = exchanged(ring)
check(got.ring[0] is got and type(got) is Thing, "an object within itself")
own = Thing()
own.names = vars(own)
got = exchanged(own)
check(got.names["names"] is got.names, "an object with its own dictionary")
table, params = np.arange(30_000.0), {"a": 1}
value = {"table": table, "params": params, "list": [params, table], "keep": [table]}
got = exchanged(value)
check(got["params"] is got["list"][0] and got["table"] is got["list"][1] is got["keep"][0], "what the program holds, too")

# ------------------------------------------------------------------- arrays with gaps
grid = np.arange(600.0 * 500).reshape(600, 500)
for name, array in {
    "a column": grid[:, 3], "every other row": grid[::2], "backwards": grid[::-1], "turned": grid.T[::2],
    "an inner part": grid[1:-1, 1:-1], "one number spread": np.broadcast_to(np.float32(2), (300, 40)),
    "Fortran order": np.asfortranarray(grid), "Fortran order with gaps": np.asfortranarray(grid)[::3],
    "other bytes": grid.astype(">f8")[::2], "records": np.zeros(50, "i4,f8")[::2], "objects": np.array([1, None, "a"])[::2],
    "texts": np.array(["a", "bc", "d"])[::2], "unaligned": np.zeros(90, "u1")[1:81].view("f8")[::2],
    "no element": grid[:, :0][::2], "half numbers": np.ones((30, 30), "f2")[:, 2], "a matrix": np.matrix(grid)[::2, ::2],
    "three axes": np.zeros((4, 5, 6), "c16")[:, ::2, 1],
}.items():
    wanted = pickle.loads(pickle.dumps(array, 5))
    for kind, value, unwrap in (("", array, lambda x: x), (" in a list", [array, 1j], lambda x: x[0]),
                                (" in an object", Reduced(u=array), lambda x: x.reduced)):
        got = unwrap(exchanged(value))
        check(same(got, wanted) and got.flags.writeable, f"{name}{kind}")
    got = comm.bcast(array, size - 1)
    check(got is array if rank == size - 1 else same(got, wanted), f"{name}: bcast")


fixed = np.arange(9000.0)
fixed.flags.writeable = False
for kind, value in (("an object", Thing(u=fixed)), ("a list of one", Thing(u=[fixed])),
                    ("a namespace", types.SimpleNamespace(u=fixed))):
    wanted = expected(value).u
    got = exchanged(value).u
    got, wanted = (got[0], wanted[0]) if isinstance(got, list) else (got, wanted)
    check(same(got, wanted) and got.flags.writeable == wanted.flags.writeable, f"one that cannot be written to, in {kind}")


# ---------------------------------------------------------------------- what is wrong
def local():
    class Local:
        pass

    return Local()


hidden = Thing()
hidden.__class__ = type("Hidden", (Thing,), {"__module__": __name__})
raises((AttributeError, pickle.PicklingError), "local", comm.isend, local(), rank, name="an object of a local class")
raises(pickle.PicklingError, "Hidden", comm.isend, hidden, rank, name="of a class that is not found")
raises((TypeError, pickle.PicklingError), "", comm.isend, Thing(f=open(__file__)), rank, name="what cannot be pickled")


class Gone:
    pass


request = MPI.COMM_SELF.isend({"a": Gone(), "u": np.arange(5000)}, 0)
there = Gone
del Gone
raises(AttributeError, "Gone", MPI.COMM_SELF.recv, None, 0, name="a class that is gone when the object comes")
request.wait()
equal(comm.allgather(rank), list(range(size)), "all go on")
done()
