"""The steps of random programs: one call each, as text, and what it does to the model."""

import copy

import numpy as np

from chaos_model import PLAIN, SMALL, STRUCT, A, M, Node, Nothing

KINDS = PLAIN + ("S5", "struct", "text", "lists", "colours")
NATIVE = [kind for kind in PLAIN if kind[0] != ">" and kind != "<f16"]  # what requests can move
NAMES = "pqrstuvw"


class Step:
    """One call on one file: a text for each rank of it, and what is expected.

    `form` has fields in braces for the arguments of each rank; `effect()` changes the model, `expect`
    has each rank's result (None: any), `wrong` says that it is refused on all ranks. Ranks may differ
    in the arguments `own`; in others they must not.
    """

    def __init__(self, name, var, form, args, effect=None, expect=None, wrong=False, own=(), local=False, nodes=()):
        self.name, self.var, self.form, self.args = name, var, form, args
        self.effect, self.expect, self.wrong, self.own, self.local = effect, expect, wrong, set(own), local
        self.nodes = nodes

    def text(self, i, **changed):
        return self.form.format(**{**self.args[i], **changed})

    def key(self, i):
        """What must match."""
        return self.form, tuple((k, v) for k, v in self.args[i].items() if k not in self.own)


class World:
    """The state of a program: files, handles, and a source of chance that all ranks share."""

    def __init__(self, chance, directory, ranks):
        self.chance, self.directory, self.ranks = chance, directory, ranks
        self.trees, self.modes, self.handles, self.waiting, self.count = {}, {}, {}, {}, 0
        self.words = None

    def number(self):
        self.count += 1
        return self.count

    def size(self, var):
        return len(self.trees[var].ranks)

    def same(self, var, **args):
        return [dict(args) for _ in range(self.size(var))]

    def pick(self, var, wanted):
        """A path and a node that does for it; the text that reaches it: by name or by a handle."""
        there = [(path, node) for path, node in self.trees[var].walk() if wanted(node)]
        if not there:
            return None, None, None
        path, node = self.chance.choice(there)
        held = [key for key, (at, thing) in self.handles.items() if at == var and thing is node]
        text = f"h[{self.chance.choice(held)}]" if held and self.chance.random() < 0.5 else f"{var}[{path!r}]"
        return path, node, text

    def new_name(self, group):
        name = self.chance.choice(NAMES)
        return name if name not in group.links or self.chance.random() < 0.1 else name + str(self.number())

    def evaluate(self, text):
        return eval(text, dict(self.words))


def is_group(node):
    return node.is_group


def is_data(node):
    return not node.is_group and node.busy == 0 and not node.unknown


def is_plain(node):
    return is_data(node) and node.sources is None


def any_node(node):
    return node.busy == 0


# ------------------------------------------------------------------ structure


def create_group(w, var):
    path, group, target = w.pick(var, is_group)
    name = w.new_name(group)
    deep = w.chance.random() < 0.3 and name not in group.links
    call = w.chance.choice(("create_group({name})", "create_group({name}, track_order={order})", "require_group({name})"))
    there = group.links.get(name)
    required = call.startswith("require")
    wrong = name in group.links and not (required and isinstance(there, Node) and there.is_group)

    def effect():
        w.trees[var].touch(group)
        if deep:
            group.links[name] = Node()
            group.links[name].links["deep"] = Node()
        elif not (required and name in group.links):
            group.links[name] = Node()

    if isinstance(there, tuple):
        return None
    args = w.same(var, target=target, name=repr(name + "/deep" if deep else name), order=str(w.chance.random() < 0.5))
    return Step("create_group", var, "{target}." + call, args, effect, wrong=wrong, nodes=(group,))


def random_shape(w):
    return tuple(w.chance.choice((0, 1, 2, 3, 5, 8, 13)) if w.chance.random() < 0.9 else 40
                 for _ in range(w.chance.choice((0, 1, 1, 1, 2, 2, 3))))


def kind_text(kind):
    return f"T[{kind!r}]" if kind in ("struct", "text", "lists", "colours") else repr(kind)


def fill_of(kind, shape, number=0):
    if kind == "struct":
        return np.zeros(shape, STRUCT)
    if kind in ("text", "lists"):
        made = np.empty(shape, object)
        for index in np.ndindex(*shape):
            made[index] = b"" if kind == "text" else np.zeros(0, "i4")
        return made
    if kind == "S5":
        return np.zeros(shape, "S5")
    return np.full(shape, number, "i2" if kind == "colours" else kind)


def storage(w, shape, kind):
    """Options of a dataset, as texts, and what they mean."""
    options, facts, chance = {}, {}, w.chance.random
    if shape and 0 not in shape and chance() < 0.5:
        chunks = tuple(w.chance.randint(1, extent) for extent in shape)
        options["chunks"] = repr(chunks)
        facts["chunks"] = chunks
        if chance() < 0.5:
            facts["maxshape"] = tuple(w.chance.choice((None, extent + 5)) for extent in shape)
            options["maxshape"] = repr(facts["maxshape"])
        if chance() < 0.4 and kind not in ("text", "lists"):
            options["compression"] = w.chance.choice(("'gzip'", "4", "'lzf'"))
        if chance() < 0.3 and kind not in ("text", "lists"):
            options["shuffle"] = "True"
        if chance() < 0.2 and kind not in ("text", "lists"):
            options["fletcher32"] = "True"
        if chance() < 0.1 and kind in ("<i2", "<i4", "<i8", "<u4"):
            options["scaleoffset"] = "0"
            options.pop("fletcher32", None)
    return options, facts


def create_dataset(w, var):
    path, group, target = w.pick(var, is_group)
    name, kind, shape = w.new_name(group), w.chance.choice(KINDS), random_shape(w)
    if isinstance(group.links.get(name), tuple):
        return None
    options, facts = storage(w, shape, kind)
    args = {"target": target, "name": repr(name), "dtype": kind_text(kind)}
    form = "{target}.create_dataset({name}, "
    number = 0
    if w.chance.random() < 0.4:
        seed = w.number()
        args["data"] = f"A({seed}, {shape}, {kind!r})"
        form += "data={data}, dtype={dtype}"
        value = A(seed, shape, kind)
    else:
        args["shape"] = repr(shape)
        form += "{shape}, {dtype}"
        if kind in PLAIN and w.chance.random() < 0.4:
            number = 1 if kind in SMALL else 7
            options["fillvalue"] = str(number)
        value = fill_of(kind, shape, number)
    form += "".join(f", {key}={{{key}}}" for key in options) + ")"
    node = Node(value, kind, fill=number, **facts)
    key = w.number() if w.chance.random() < 0.4 else None
    if key is not None:
        form = f"h[{key}] = " + form

    def effect():
        w.trees[var].touch(group)
        w.trees[var].vague = True  # where space is used again, the structure goes to disk before
        group.links[name] = node
        if key is not None:
            w.handles[key] = (var, node)

    return Step("create_dataset", var, form, w.same(var, **args, **options), effect, wrong=name in group.links,
                nodes=(group, node))


def require_dataset(w, var):
    path, node, _ = w.pick(var, lambda n: is_plain(n) and n.dtype in PLAIN)
    if node is None or node is w.trees[var].root:
        return None
    form = "{target}.require_dataset({name}, {shape}, {dtype})"
    exact = w.chance.random() < 0.7
    shape = node.value.shape if exact else node.value.shape + (2,)
    args = w.same(var, target=var, name=repr(path), shape=repr(shape), dtype=repr(node.dtype))
    return Step("require_dataset", var, form, args, wrong=not exact)


def assign(w, var):
    """f[name] = an array, and what create_dataset() makes of it."""
    path, group, target = w.pick(var, is_group)
    name, seed, kind, shape = w.new_name(group), w.number(), w.chance.choice(PLAIN), random_shape(w)
    if isinstance(group.links.get(name), tuple):
        return None
    node = Node(A(seed, shape, kind), kind, fill=0)

    def effect():
        w.trees[var].touch(group)
        w.trees[var].vague = True
        group.links[name] = node

    args = w.same(var, target=target, name=repr(name), value=f"A({seed}, {shape}, {kind!r})")
    return Step("assign", var, "{target}[{name}] = {value}", args, effect, wrong=name in group.links, nodes=(group, node))


def link(w, var):
    path, group, target = w.pick(var, is_group)
    name = w.new_name(group)
    if isinstance(group.links.get(name), tuple):
        return None
    what = w.chance.choice(("soft", "hard", "ext"))
    other, node, value = w.pick(var, any_node)
    made = node
    if what == "soft":
        made, value = ("soft", other), f"h5.SoftLink({other!r})"
    elif what == "ext":
        made, value = ("ext", "nowhere.h5", other), f"h5.ExternalLink('nowhere.h5', {other!r})"
    elif node.is_group:  # no circles
        return None

    def effect():
        w.trees[var].touch(group)
        group.links[name] = made

    args = w.same(var, target=target, name=repr(name), value=value)
    return Step("link", var, "{target}[{name}] = {value}", args, effect, wrong=name in group.links, nodes=(group,))


def named(w, var):
    """A group and the name of one of its members."""
    there = [(path, node, name) for path, node in w.trees[var].walk() if node.is_group for name in node.links]
    return w.chance.choice(there) if there else (None, None, None)


def holds_busy(node):
    return not isinstance(node, tuple) and (node.busy or any(holds_busy(n) for n in (node.links or {}).values()))


def delete(w, var):
    path, group, name = named(w, var)
    if group is None or holds_busy(group.links[name]):
        return None
    wrong = w.chance.random() < 0.1

    def effect():
        w.trees[var].touch(group)
        del group.links[name]

    args = w.same(var, target=f"{var}[{path!r}]", name=repr(name + "-never" if wrong else name))
    return Step("delete", var, "del {target}[{name}]", args, effect, wrong=wrong, nodes=(group,))


def move(w, var):
    path, group, name = named(w, var)
    to, other, _ = w.pick(var, is_group)
    if group is None:
        return None
    thing = group.links[name]
    inside = isinstance(thing, Node) and any(thing is on for on in w.trees[var].above("" if to == "/" else to))
    new = w.new_name(other)
    if inside or new in other.links and other is group and new == name or isinstance(other.links.get(new), tuple):
        return None

    def effect():
        w.trees[var].touch(group, other)
        other.links[new] = group.links.pop(name)

    source, destination = f"{path.rstrip('/')}/{name}", f"{to.rstrip('/')}/{new}"
    args = w.same(var, source=repr(source), destination=repr(destination))
    return Step("move", var, var + ".move({source}, {destination})", args, effect, wrong=new in other.links,
                nodes=(group, other))


def duplicate(node):
    """A deep copy; references and scales in it are not followed up."""
    made = copy.deepcopy(node)
    left = [made]
    while left:
        one = left.pop()
        one.attrs = {key: value for key, value in one.attrs.items()}
        left += [n for n in (one.links or {}).values() if isinstance(n, Node)]
    return made


def copy_of(w, var):
    path, node, target = w.pick(var, lambda n: not holds_busy(n))
    to, group, _ = w.pick(var, is_group)
    if node is None or group is None or any(node is on for on in w.trees[var].above("" if to == "/" else to)):
        return None
    if any(name in node.attrs for name in ("ref",)) or holds_virtual(node):
        return None
    new = w.new_name(group)
    if isinstance(group.links.get(new), tuple):
        return None
    bare = w.chance.random() < 0.2

    def effect():
        w.trees[var].touch(group)
        w.trees[var].vague = True
        group.links[new] = duplicate(node)
        if bare:
            strip(group.links[new])

    args = w.same(var, source=w.chance.choice((target, repr(path))), destination=repr(f"{to.rstrip('/')}/{new}"),
                  bare=str(bare))
    return Step("copy", var, var + ".copy({source}, {destination}, without_attrs={bare})", args, effect,
                wrong=new in group.links, nodes=(group,))


def strip(node):
    node.attrs = {}
    for member in (node.links or {}).values():
        if isinstance(member, Node):
            strip(member)


def holds_virtual(node):
    return node.sources is not None or any(holds_virtual(n) for n in (node.links or {}).values() if isinstance(n, Node))


def virtual(w, var):
    path, group, target = w.pick(var, is_group)
    there = [(p, n) for p, n in w.trees[var].walk() if not n.is_group and n.sources is None and n.dtype in PLAIN
             and n.value.size and n.dtype not in SMALL and n.value.ndim]
    if not there:
        return None
    first = w.chance.choice(there)
    shape, kind = first[1].value.shape, first[1].dtype
    parts = [p for p, n in there if n.value.shape == shape and n.dtype == kind][:3]
    name = w.new_name(group)
    if name in group.links:
        return None
    node = Node(np.full((len(parts) + 1, *shape), -1).astype(kind), kind, sources=parts)

    def effect():
        w.trees[var].touch(group)
        group.links[name] = node

    text = f"layout({parts!r}, {shape!r}, {kind!r}, {var}.filename)"
    args = w.same(var, target=target, name=repr(name), layout=text, fill=repr(int(node.value.flat[0].real)))
    node.value[...] = np.asarray(-1).astype(kind)
    args = w.same(var, target=target, name=repr(name), layout=text, fill="-1")
    if kind in ("<u1", "<u4", ">u8"):
        return None
    return Step("virtual", var, "{target}.create_virtual_dataset({name}, {layout}, fillvalue={fill})", args, effect,
                nodes=(group, node))


def resize(w, var):
    path, node, target = w.pick(var, lambda n: is_data(n) and n.maxshape is not None)
    if node is None:
        return None
    shape = tuple(w.chance.randint(0, extent + 3) for extent in node.value.shape)
    wrong = any(most is not None and extent > most for extent, most in zip(shape, node.maxshape))

    def effect():
        w.trees[var].touch(node)
        w.trees[var].vague = True
        made = fill_of(node.dtype, shape, node.fill)
        both = tuple(slice(0, min(a, b)) for a, b in zip(shape, node.value.shape))
        made[both] = node.value[both]
        node.value = made

    args = w.same(var, target=target, shape=repr(shape))
    return Step("resize", var, "{target}.resize({shape})", args, effect, wrong=wrong, nodes=(node,))


# ----------------------------------------------------------------- attributes


def attribute_value(w):
    """A text, and what comes back."""
    what = w.chance.randrange(8)
    if what == 0:
        number = w.chance.randrange(100)
        return str(number), np.int64(number)
    if what == 1:
        return "2.5", np.float64(2.5)
    if what == 2:
        return "'Höhe'", "Höhe"
    if what == 3:
        return "h5.Empty('f4')", Nothing("f4")
    if what == 4:
        return "['a', 'bc', '']", np.array(["a", "bc", ""], object)
    if what == 5:
        return "np.bytes_(b'abc')", np.bytes_(b"abc")
    kind, shape, seed = w.chance.choice(PLAIN + ("struct", "S5")), w.chance.choice(((), (3,), (2, 2), (200,))), w.number()
    value = A(seed, shape, kind)
    return f"A({seed}, {shape}, {kind!r})", value[()] if shape == () else value


def attribute(w, var):
    path, node, target = w.pick(var, any_node)
    name, (value, wanted) = w.chance.choice("abcde"), attribute_value(w)
    form = w.chance.choice(("{target}.attrs[{name}] = {value}", "{target}.attrs.create({name}, {value})"))

    def effect():
        w.trees[var].touch(node)
        node.attrs[name] = wanted

    args = w.same(var, target=target, name=repr(name), value=value)
    return Step("attribute", var, form, args, effect, nodes=(node,))


def attribute_away(w, var):
    path, node, target = w.pick(var, lambda n: n.busy == 0 and n.attrs)
    if node is None:
        return None
    wrong = w.chance.random() < 0.2
    name = "never" if wrong else w.chance.choice(sorted(node.attrs))

    def effect():
        w.trees[var].touch(node)
        del node.attrs[name]

    args = w.same(var, target=target, name=repr(name))
    return Step("del attribute", var, "del {target}.attrs[{name}]", args, effect, wrong=wrong, nodes=(node,))


def reference(w, var):
    path, node, target = w.pick(var, any_node)
    other, _, what = w.pick(var, any_node)

    def effect():
        w.trees[var].touch(node)
        node.attrs["ref"] = None

    args = w.same(var, target=target, value=what + ".ref")
    return Step("reference", var, "{target}.attrs['ref'] = {value}", args, effect, nodes=(node,))


def scale(w, var):
    path, node, target = w.pick(var, lambda n: is_plain(n) and n.value.ndim >= 1 and n.dtype in PLAIN)
    if node is None:
        return None
    other, made, text = w.pick(var, lambda n: is_plain(n) and n.scale and n is not node)

    def effect():
        w.trees[var].touch(node, *([made] if form.startswith("{target}.dims[0].attach") else []))
        node.scale |= form.startswith("{target}.make")

    # A scale has no scales of its own, and one with scales cannot become one.
    if made is not None and not node.scale and w.chance.random() < 0.7:
        form, args = "{target}.dims[0].attach_scale({scale})", {"scale": text}
        node_scaled = getattr(node, "scaled", False)

        def effect():
            w.trees[var].touch(node, made)
            node.scaled = True
    elif w.chance.random() < 0.5 and not getattr(node, "scaled", False):
        form, args = "{target}.make_scale({name})", {"name": repr(w.chance.choice(("", "x", "y")))}
    else:
        form, args = "{target}.dims[0].label = {label}", {"label": repr(w.chance.choice(("m", "s")))}
    return Step("scale", var, form, w.same(var, target=target, **args), effect, nodes=(node,))


# ------------------------------------------------------------------ transfers


def axis_selection(w, extent):
    lo = w.chance.randint(0, extent)
    hi = w.chance.randint(lo, extent)
    what = w.chance.randrange(6)
    if what == 0 and extent:
        return str(w.chance.randrange(extent))
    if what == 1:
        return f"{lo}:{hi}:{w.chance.randint(1, 3)}"
    if what == 2:
        return f"{lo}:{hi}"
    if what == 3 and extent:
        return f"-{w.chance.randint(1, extent)}:"
    return ":"


def selection(w, shape):
    """A selection of any kind, as text between the brackets."""
    if not shape:
        return w.chance.choice(("()", "..."))
    what = w.chance.randrange(10)
    if what == 0:
        return "..."
    if what == 1 and np.prod(shape) < 1000:  # files per rank take no more pieces
        return f"M({w.number()}, {shape})"
    parts = [axis_selection(w, extent) for extent in shape]
    if what == 2 and shape[0]:
        parts[0] = repr(sorted(w.chance.sample(range(shape[0]), w.chance.randint(1, min(shape[0], 4)))))
        return ", ".join(parts)
    if what == 3 and len(parts) > 1:
        return ", ".join([parts[0], "..."])
    return ", ".join(parts)


def index_of(w, text):
    return w.evaluate(f"np.s_[{text}]")


def memory(w, seed, shape, kind):
    """An array of that shape in memory, laid out in some way."""
    what = w.chance.randrange(6)
    if kind in ("text", "lists") or not shape:
        return f"A({seed}, {shape}, {kind!r})"
    if what == 0:
        return f"np.asfortranarray(A({seed}, {shape}, {kind!r}))"
    if what == 1:
        return f"A({seed}, {shape}, {kind!r})[::-1]"
    if what == 2:
        return f"A({seed}, {(*shape[:-1], 2 * shape[-1])}, {kind!r})[..., ::2]"
    if what == 3:
        return f"A({seed}, {shape[::-1]}, {kind!r}).T"
    return f"A({seed}, {shape}, {kind!r})"


def numbers_of(w, kind):
    """A kind of memory that converts into a dataset's without loss."""
    if kind in SMALL or kind not in PLAIN or w.chance.random() < 0.6:
        return kind
    return w.chance.choice(("<i1", "<u1", ">i4", "<f4") if kind not in ("<c8", "<c16") else ("<c8", "<f8"))


def parts_of(w, var, shape):
    """Selections for each rank that do not meet, as texts; or the same everywhere (True)."""
    size = w.size(var)
    what = w.chance.randrange(6) if shape else 5
    if what == 5:
        return [selection(w, shape)] * size, True
    rest = "".join(", " + axis_selection(w, extent) for extent in shape[1:])
    if what == 0:
        return [f"{i}::{size}{rest}" if i < max(shape[0], 1) else f"0:0{rest}" for i in range(size)], False
    if what == 1 and np.prod(shape) < 1000:
        seed = w.number()
        return [f"M({seed}, {shape}, {i}, {size})" for i in range(size)], False
    if what == 2:
        one = w.chance.randrange(size)
        return [selection(w, shape) if i == one else "0:0" for i in range(size)], False
    cuts = sorted(w.chance.randint(0, shape[0]) for _ in range(size - 1))
    return [f"{lo}:{hi}{rest}" for lo, hi in zip([0, *cuts], [*cuts, shape[0]])], False


def values_for(w, var, node, parts, alike):
    """What each rank writes to its part, as texts, and a function that writes it to the model."""
    kind, seed, texts = numbers_of(w, node.dtype), w.number(), []
    single = node.dtype in PLAIN and w.chance.random() < 0.2
    for i, part in enumerate(parts):
        shape = np.shape(node.value[index_of(w, part)])
        own = seed if alike else seed + 1000 * (i + 1)
        texts.append(str(own % 2 if node.dtype in SMALL else own % 90) if single else memory(w, own, shape, kind))
        if alike:
            texts *= len(parts)
            break

    def effect():
        w.trees[var].touch(node)
        for part, text in zip(parts, texts):
            put(node.value, index_of(w, part), w.evaluate(text))

    return texts, effect


def put(array, index, values):
    if array.dtype == object and array[index].__class__ is not np.ndarray:
        array[index] = np.asarray(values, object)[()] if not isinstance(values, np.ndarray) or values.dtype == object else values
    else:
        array[index] = values


def write(w, var):
    path, node, target = w.pick(var, is_plain)
    if node is None:
        return None
    parts, alike = parts_of(w, var, node.value.shape)
    if node.dtype == "lists" and not all(isinstance(node.value[index_of(w, p)], np.ndarray) and node.value[index_of(w, p)].dtype == object for p in parts):
        return None
    texts, effect = values_for(w, var, node, parts, alike)
    form = w.chance.choice(("{target}[{part}] = {value}",) * 3 + ("with {target}.collective: {target}[{part}] = {value}",))
    if all(p.count("[") == p.count("M") == 0 for p in parts) and not texts[0].isdigit() and node.value.ndim and \
            node.dtype in NATIVE:
        form = w.chance.choice((form, form, "{target}.write_direct({value}, None, np.s_[{part}])",
                                "{target}.write_async({value}, np.s_[{part}]).wait()"))
    if "write_" in form and not all(t.startswith("A") or t.startswith("np") for t in texts):
        return None
    if "write_direct" in form:
        texts = [f"np.ascontiguousarray({t})" for t in texts]
    args = [{"target": target, "part": part, "value": text} for part, text in zip(parts, texts)]
    return Step("write", var, form, args, effect, own=("part", "value"), nodes=(node,))


def write_later(w, var):
    """Begin a write, and wait for it in a later step."""
    path, node, target = w.pick(var, lambda n: is_plain(n) and n.dtype in NATIVE and n.value.ndim)
    if node is None:
        return None
    size = w.size(var)
    cuts = sorted(w.chance.randint(0, node.value.shape[0]) for _ in range(size - 1))
    parts = [f"{lo}:{hi}" for lo, hi in zip([0, *cuts], [*cuts, node.value.shape[0]])]
    texts, change = values_for(w, var, node, parts, False)
    if texts[0].isdigit():
        return None
    key = w.number()

    def effect():
        node.busy += 1
        w.waiting[key] = (var, node, change)

    args = [{"target": target, "part": part, "value": text} for part, text in zip(parts, texts)]
    return Step("write_async", var, f"q[{key}] = " + "{target}.write_async({value}, np.s_[{part}])", args, effect,
                own=("part", "value"), nodes=(node,))


def wait(w, var):
    keys = [key for key, (at, *_) in w.waiting.items() if at == var]
    if not keys:
        return None
    key = w.chance.choice(keys)
    _, node, change = w.waiting[key]

    def effect():
        node.busy -= 1
        change()
        del w.waiting[key]

    return Step("wait", var, "q[{key}].wait()", w.same(var, key=str(key)), effect, nodes=(node,))


def alone(w, var):
    """One rank writes without the others."""
    path, node, target = w.pick(var, lambda n: is_plain(n) and n.chunks is None and n.dtype in PLAIN and n.value.size)
    if node is None:
        return None
    size = w.size(var)
    one = w.chance.randrange(size)
    part = selection(w, node.value.shape)
    parts = [part if i == one else None for i in range(size)]
    texts, effect = values_for(w, var, node, [part], False)
    args = [{"line": f"alone({target}, np.s_[{part}], {texts[0]})" if part else "pass"} for part in parts]
    return Step("independent", var, "{line}", args, effect, local=True, nodes=(node,))


def read(w, var):
    path, node, target = w.pick(var, is_data)
    if node is None:
        return None
    value = w.trees[var].value(node)
    alike = w.chance.random() < 0.4
    parts = [selection(w, node.value.shape) for _ in range(w.size(var))]
    if node.sources is not None:  # HDF5 has no masks there
        parts = [part if "M(" not in part else "..." for part in parts]
    parts = parts[:1] * len(parts) if alike else parts
    wanted = None if value is None else [value[index_of(w, part)] for part in parts]
    form = w.chance.choice(("{target}[{part}]",) * 4 + ("with {target}.collective: RESULT = {target}[{part}]",))
    if node.dtype in PLAIN and node.value.ndim and node.dtype not in SMALL and node.dtype not in ("<c8", "<c16") and w.chance.random() < 0.2:
        form = "{target}.astype('f8')[{part}]"
        wanted = wanted and [np.asarray(x).astype("f8")[()] for x in wanted]
    elif node.dtype == "struct" and node.sources is None and w.chance.random() < 0.4:
        form = "{target}.fields('a')[{part}]"
        wanted = wanted and [x["a"] for x in wanted]
    elif node.dtype in PLAIN and node.value.ndim and w.chance.random() < 0.2 and \
            all("M" not in p and "[" not in p for p in parts):
        form = w.chance.choice(("into({target}, {value}, np.s_[{part}], None)",) +
                               (("later({target}, {value}, np.s_[{part}])",) if node.dtype in NATIVE else ()))
    args = [{"target": target, "part": part} for part in parts]
    if "{value}" in form:
        for arg, part in zip(args, parts):
            shape = np.shape(node.value[index_of(w, part)])
            arg["value"] = w.chance.choice((f"np.zeros({shape}, {node.dtype!r})", f"np.zeros({shape[::-1]}, {node.dtype!r}).T"))
        wanted = wanted and [np.asarray(x) for x in wanted]
    return Step("read", var, form, args, expect=wanted, own=("part", "value"), nodes=(node,))


def look_up(w, var):
    """What costs no communication."""
    path, node, target = w.pick(var, any_node)
    size = w.size(var)
    if node.is_group:
        form, wanted = w.chance.choice((("sorted({target})", sorted(node.links)), ("len({target})", len(node.links)),
                                        ("'never' in {target}", False)))
        if form.startswith("sorted"):
            wanted = np.array(wanted, object)
    else:
        form, wanted = w.chance.choice((("{target}.shape", np.array(node.value.shape)), ("{target}.size", node.value.size)))
    if w.chance.random() < 0.3:
        key = w.number()

        def effect():
            w.handles[key] = (var, node)

        return Step("hold", var, f"h[{key}] = " + "{target}", w.same(var, target=target), effect, local=True)
    if node.attrs and w.chance.random() < 0.4:
        name = w.chance.choice(sorted(node.attrs))
        form, wanted = "{target}.attrs[" + repr(name) + "]", node.attrs[name]
    return Step("look", var, form, w.same(var, target=target), expect=None if wanted is None else [wanted] * size,
                local=True, nodes=(node,))


def drop(w, var):
    """Some ranks let go of a handle; it is not used any more."""
    keys = [key for key, (at, _) in w.handles.items() if at == var]
    if not keys:
        return None
    key = w.chance.choice(keys)
    args = [{"line": f"del h[{key}]" if w.chance.random() < 0.6 else "pass"} for _ in range(w.size(var))]
    return Step("drop", var, "{line}", args, lambda: w.handles.pop(key), local=True)


def flush(w, var):
    if any(at == var for at, *_ in w.waiting.values()):
        return None
    return Step("flush", var, w.chance.choice((var + ".flush()",)), w.same(var), w.trees[var].flush)


STEPS = ((create_group, 4), (create_dataset, 9), (require_dataset, 1), (assign, 3), (link, 3), (delete, 3), (move, 3),
         (copy_of, 3), (virtual, 2), (resize, 3), (attribute, 6), (attribute_away, 2), (reference, 1), (scale, 3),
         (write, 16), (write_later, 2), (wait, 3), (alone, 2), (read, 12), (look_up, 5), (drop, 1), (flush, 2))
READERS = (read, look_up, drop)


def next_step(w, var, only=None):
    """Some step on a file that makes sense now."""
    makers, weights = zip(*((m, k) for m, k in STEPS if only is None or m in only))
    if w.modes[var] == "r" and only is None:
        makers, weights = READERS, (6, 3, 1)
    while True:
        step = w.chance.choices(makers, weights)[0](w, var)
        if step is not None:
            return step


def others_of(w, step):
    """(key, valid text) pairs: other values for arguments that must match."""
    chance, found = w.chance, []
    tables = {"name": ("'other'", "'other2'"), "shape": ("(4,)", "(4, 2)", "()"), "dtype": ("'f4'", "'i8'", "'S3'"),
              "chunks": ("(1,)", "True"), "maxshape": ("(None,)", "(50,)"), "compression": ("9", "1", "'gzip'"),
              "shuffle": ("False",), "fletcher32": ("False",), "fillvalue": ("3", "0"), "order": ("True", "False"),
              "data": ("A(5, (3,), '<i4')", "[1, 2]", "5"), "destination": ("'/other'",), "source": ("'/'",),
              "bare": ("True", "False"), "value": ("1", "'text'", "[1.5]", "A(3, (2,), '<f4')"), "label": ("'z'",),
              "fill": ("5",), "scaleoffset": ("3", "True"), "layout": ("layout(['/p'], (2,), '<i4', 'p.h5')",)}
    for key, text in step.args[0].items():
        if key in step.own or key not in tables:
            continue
        found += [(key, other) for other in tables[key] if other != text]
    return found


BAD = ("object()", "None", "-1", "'no'", "1.5", "10**30", "[]", "b'\\xff'", "float('nan')", "{}", "len", "'\\0'",
       "'x' * 70000", "(-1,)", "Boom()", "[Boom()]", "(2**40, 2**40)", "''", "'/'", "'..'", "np.zeros(3, 'O')", "...",
       "slice(None)", "'\\udc80'", "[None]", "True", "np.zeros((0, 3))", "h5.Empty('i4')", "'a/b/c'", "range(3)", "(0,)")
