"""What a file should hold: the model that the programs of chaos.py are judged by.

The texts of their steps are evaluated with the names of `words()`: values that depend on a number
alone, so that every rank, and a reader without collio, makes the same ones.
"""

import copy
import pickle

import numpy as np

STRUCT = np.dtype([("a", "<i4"), ("b", "<f8", (2,)), ("c", "S3")])
PLAIN = ("<i1", "<u1", "<i2", ">i4", "<i4", "<u4", "<i8", ">u8", "<f2", "<f4", "<f8", ">f8", "<c8", "<c16", "|b1", "<f16")
COLOURS = np.dtype("i2", metadata={"enum": {"red": 0, "green": 1, "blue": 2}})
SMALL = {"|b1": 2}  # kinds of elements that do not hold every number below 100
# Attributes that HDF5's own tools and scales put there; what they hold is not the program's.
OTHERS = ("DIMENSION_LIST", "REFERENCE_LIST", "CLASS", "NAME", "DIMENSION_LABELS")


def A(seed, shape, dtype):
    """An array of small numbers, or of what is made of them."""
    numbers = np.asarray(np.random.default_rng(seed).integers(0, 100, shape))
    if dtype == "struct":
        made = np.zeros(shape, STRUCT)
        made["a"], made["b"], made["c"] = numbers, np.stack([numbers, numbers + 0.5], -1), numbers.astype("S3")
        return made
    if dtype == "text":
        made = np.empty(shape, object)
        made[...] = np.vectorize(lambda n: b"x" * int(n % 7), otypes=[object])(numbers) if numbers.size else None
        return made
    if dtype == "lists":
        made = np.empty(shape, object)
        for index in np.ndindex(*made.shape):
            made[index] = np.arange(int(numbers[index]) % 4, dtype="i4")
        return made
    if dtype == "colours":
        return np.asarray(numbers % 3).astype(COLOURS)
    if dtype == "|b1":
        return np.asarray(numbers % 2 == 1)
    return np.asarray(numbers).astype(dtype)


def M(seed, shape, part=0, parts=1):
    """A mask of some elements: those of one of several parts."""
    owner = np.random.default_rng(seed).integers(0, 2 * parts, shape)
    return owner == part


def into(dataset, destination, source, where):
    """read_direct(), and the memory it was to fill."""
    dataset.read_direct(destination, source, where)
    return destination


def later(dataset, destination, source):
    """read_async(), waited for."""
    dataset.read_async(destination, source).wait()
    return destination


def alone(dataset, index, values):
    """Written by this rank only."""
    with dataset.independent:
        dataset[index] = values


class Boom:
    """A value that fails however it is looked at."""

    def fail(self, *args, **keywords):
        raise LookupError("boom")

    __array__ = __len__ = __iter__ = __index__ = __int__ = __float__ = __fspath__ = __getitem__ = __bool__ = fail


def words(h5):
    """The names that steps may use, beside files and handles."""
    kinds = {"struct": STRUCT, "text": h5.string_dtype(), "lists": h5.vlen_dtype("i4"),
             "colours": h5.enum_dtype({"red": 0, "green": 1, "blue": 2}, "i2")}
    return {"A": A, "M": M, "T": kinds, "h5": h5, "np": np, "into": into, "alone": alone, "later": later, "Boom": Boom}


class Node:
    """A group (links) or a dataset (value)."""

    def __init__(self, value=None, dtype=None, **facts):
        self.attrs = {}
        self.links = {} if value is None else None
        self.value, self.dtype = value, dtype
        self.chunks = self.maxshape = self.sources = None
        self.unknown = self.scale = self.scaled = False
        self.busy = 0  # transfers under way
        self.__dict__.update(facts)

    @property
    def is_group(self):
        return self.links is not None


class Tree:
    """One file: what it holds now, and what it held when it was last flushed."""

    def __init__(self, path, ranks):
        self.path, self.ranks = path, ranks
        self.root = Node()
        self.flushed = None
        self.touched = set()  # identities of nodes that changed since the flush
        self.vague = False  # a call may have flushed by itself

    def walk(self):
        """(path, node) of all that hard links lead to; the root first."""
        found, left = [], [("", self.root)]
        while left:
            path, node = left.pop(0)
            found.append((path or "/", node))
            for name, link in (node.links or {}).items():
                if isinstance(link, Node) and not any(link is on for on in self.above(path)):
                    left.append((f"{path}/{name}", link))
        return found

    def above(self, path):
        """The groups on a way, the root and its end with it."""
        way = [self.root]
        for name in path.split("/")[1:]:
            way.append(way[-1].links[name])
        return way

    def find(self, path):
        """What a path leads to, soft links followed a few times; None if there is nothing."""
        for _ in range(4):
            node, names = self.root, [name for name in path.split("/") if name]
            for i, name in enumerate(names):
                link = node.links.get(name) if node is not None and node.is_group else None
                if isinstance(link, tuple):
                    if link[0] != "soft":
                        return None
                    path = "/".join([link[1], *names[i + 1 :]])
                    break
                node = link
            else:
                return node
        return None

    def touch(self, *nodes):
        self.touched.update(id(node) for node in nodes)

    def flush(self):
        self.flushed = {"paths": self.described(), "nodes": dict(self.walk())}
        self.touched = set()
        self.vague = False

    def value(self, node):
        """The elements of a dataset; those of a virtual one come from where they are. None: not known."""
        if node.unknown or node.busy:
            return None
        if node.sources is None:
            return node.value
        made = np.full(node.value.shape, -1, node.value.dtype)
        for row, path in enumerate(node.sources):
            source = self.find(path)
            if source is None:
                continue
            if source.is_group or source.sources is not None or source.unknown or source.busy or \
                    source.value.shape != made.shape[1:] or source.value.dtype != made.dtype:
                return None
            made[row] = source.value
        return made

    def described(self):
        """Everything by its path, plain enough for another process."""
        return {path: self.describe(node) for path, node in self.walk()}

    def describe(self, node):
        attrs = {name: value for name, value in node.attrs.items()}
        if node.is_group:
            links = {name: link if isinstance(link, tuple) else None for name, link in node.links.items()}
            return {"attrs": copy.deepcopy(attrs), "links": links}
        value = self.value(node)
        return {"attrs": copy.deepcopy(attrs), "value": None if value is None else value.copy(), "kind": node.dtype}

    def expected(self, how):
        """What to look for in the file. how: "now"; "flushed": just that; "untouched": only what no
        step after the flush can have changed."""
        if how == "now":
            return {"exact": True, "paths": self.described()}
        how = "untouched" if self.vague else how
        if self.flushed is None:
            return {"exact": False, "paths": {}}
        paths = dict(self.flushed["paths"])
        for path, node in self.flushed["nodes"].items():
            above = [self.flushed["nodes"][p] for p in _above(path)]
            changed = id(node) in self.touched
            if how == "untouched" and (changed or any(id(n) in self.touched for n in above)):
                del paths[path]
            elif changed and "value" in paths[path]:
                paths[path] = {**paths[path], "value": None}
            elif "value" in paths[path] and node.sources is not None:
                paths[path] = {**paths[path], "value": None}
        return {"exact": how == "flushed", "paths": paths}


def _above(path):
    parts = path.split("/")[:-1]
    return ["/".join(parts[:i]) or "/" for i in range(1, len(parts) + 1)] if path != "/" else []


class Nothing:
    """An Empty attribute."""

    def __init__(self, dtype):
        self.dtype = np.dtype(dtype)

    def __repr__(self):
        return f"Nothing({self.dtype})"


def same(got, wanted):
    """Whether a value is the one wanted: in shape, type and every element."""
    if isinstance(wanted, Nothing):
        return type(got).__name__ == "Empty" and got.dtype == wanted.dtype
    if isinstance(wanted, (str, bytes)):
        return got == wanted
    if isinstance(wanted, np.ndarray) and wanted.dtype == object and wanted.shape == () and not _is_box(got):
        return _alike(got, wanted[()])
    if isinstance(wanted, np.ndarray) and wanted.dtype == object:
        got = np.asarray(got, object) if not isinstance(got, np.ndarray) else got
        return got.shape == wanted.shape and all(_alike(a, b) for a, b in zip(got.flat, wanted.flat))
    if isinstance(got, np.bytes_):
        return np.shape(wanted) == () and got == np.asarray(wanted)[()]
    if isinstance(got, np.generic):  # has the byte order of the machine
        wanted = np.asarray(wanted, np.asarray(wanted).dtype.newbyteorder("="))
    got, wanted = np.asarray(got), np.asarray(wanted)
    if wanted.shape == ():  # single numbers of NumPy's have it, too
        got, wanted = (x.astype(x.dtype.newbyteorder("=")) for x in (got, wanted))
    return got.shape == wanted.shape and got.dtype == wanted.dtype and bool(np.array_equal(got, wanted))


def _is_box(value):
    return isinstance(value, np.ndarray) and value.shape == () and value.dtype == object


def _alike(a, b):
    if isinstance(a, np.ndarray) or isinstance(b, np.ndarray):
        return np.array_equal(a, b)
    a, b = (x.encode() if isinstance(x, str) else x for x in (a, b))
    return a == b


def look(f, expected):
    """What is wrong with a file that is open: a list of words."""
    wrong = []
    for path, wanted in expected["paths"].items():
        try:
            look_at(f[path], path, wanted, expected["exact"], wrong)
        except Exception as error:
            wrong.append(f"{path}: {type(error).__name__} {str(error)[:200]}")
    return wrong


def look_at(thing, path, wanted, exact, wrong):
    names = {name for name in thing.attrs if name not in OTHERS}
    if not set(wanted["attrs"]) <= names or (exact and names != set(wanted["attrs"])):
        wrong.append(f"{path}: attributes {sorted(names)}, not {sorted(wanted['attrs'])}")
    for name in names & set(wanted["attrs"]):
        value = wanted["attrs"][name]
        if value is not None and not same(thing.attrs[name], value):
            wrong.append(f"{path}: attribute {name} is {thing.attrs[name]!r}, not {value!r}")
    if "links" in wanted:
        if exact and set(thing) != set(wanted["links"]):
            wrong.append(f"{path}: members {sorted(thing)}, not {sorted(wanted['links'])}")
        for name, link in wanted["links"].items():
            got = thing.get(name, getlink=True)
            if link and (getattr(got, "path", None) != link[-1]):
                wrong.append(f"{path}: link {name} is {got!r}, not {link}")
    elif wanted["value"] is not None and not same(thing[()], wanted["value"]):
        wrong.append(f"{path}: elements {thing[()]!r:.300}, not {wanted['value']!r:.300}")


class Keeper(pickle.Pickler):
    """It keeps the byte order of arrays, which NumPy's own pickles lose."""

    def reducer_override(self, thing):
        if isinstance(thing, np.ndarray) and not thing.dtype.isnative:
            return np.ndarray.astype, (thing.astype(thing.dtype.newbyteorder("=")), thing.dtype)
        return NotImplemented


def keep(expected, path):
    with open(path, "wb") as out:
        Keeper(out).dump(expected)
