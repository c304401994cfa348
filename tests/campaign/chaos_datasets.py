"""Steps that make datasets, of all kinds and layouts, and change their shape."""

import numpy as np

from collio import h5z

from chaos_model import PLAIN, SMALL, STRUCT, A, Node
from chaos_world import Step, is_data, is_group, is_plain

KINDS = PLAIN + ("S5", "struct", "text", "lists", "colours")
COMPRESSIONS = ("'gzip'", "4", "'lzf'" if h5z.filter_avail(h5z.FILTER_LZF) else "'gzip'")


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
    if not shape or 0 in shape or w.chance.random() >= 0.5:
        return {}, {}
    facts = {"chunks": tuple(w.chance.randint(1, extent) for extent in shape)}
    if w.chance.random() < 0.5:
        facts["maxshape"] = tuple(w.chance.choice((None, extent + 5)) for extent in shape)
    return {**{name: repr(value) for name, value in facts.items()}, **filters(w, kind)}, facts


def filters(w, kind):
    options, chance, fixed = {}, w.chance.random, kind not in ("text", "lists")
    if chance() < 0.4 and fixed:
        options["compression"] = w.chance.choice(COMPRESSIONS)
    if chance() < 0.3 and fixed:
        options["shuffle"] = "True"
    if chance() < 0.2 and fixed:
        options["fletcher32"] = "True"
    if chance() < 0.1 and kind in ("<i2", "<i4", "<i8", "<u4"):
        options["scaleoffset"] = "0"
        options.pop("fletcher32", None)
    return options


def contents(w, shape, kind):
    """What a dataset holds at first: its part of the call, the argument in it, the elements, the fill value."""
    if w.chance.random() < 0.4:
        seed = w.number()
        return "data={data}, dtype={dtype}", {"data": f"A({seed}, {shape}, {kind!r})"}, A(seed, shape, kind), 0
    fill = 0
    if kind in PLAIN and w.chance.random() < 0.4:
        fill = 1 if kind in SMALL else 7
    return "{shape}, {dtype}", {"shape": repr(shape)}, fill_of(kind, shape, fill), fill


def create_dataset(w, var):
    _, group, target = w.pick(var, is_group)
    name, kind, shape = w.new_name(group), w.chance.choice(KINDS), random_shape(w)
    if isinstance(group.links.get(name), tuple):
        return None
    options, facts = storage(w, shape, kind)
    begin, content, value, fill = contents(w, shape, kind)
    if fill:
        options["fillvalue"] = str(fill)
    form = "{target}.create_dataset({name}, " + begin + "".join(f", {key}={{{key}}}" for key in options) + ")"
    args = w.same(var, target=target, name=repr(name), dtype=kind_text(kind), **content, **options)
    return new_dataset(w, var, form, args, group, name, Node(value, kind, fill=fill, **facts))


def new_dataset(w, var, form, args, group, name, node):
    """The step create_dataset, which may keep a handle."""
    key = w.number() if w.chance.random() < 0.4 else None
    link = w.linking(var, group, name, node, vague=True)  # where space is used again, the structure goes to disk before

    def effect():
        link()
        if key is not None:
            w.handles[key] = (var, node)

    return Step("create_dataset", var, form if key is None else f"h[{key}] = " + form, args, effect,
                wrong=name in group.links, nodes=(group, node))


def require_dataset(w, var):
    path, node, _ = w.pick(var, lambda n: is_plain(n) and n.dtype in PLAIN)
    if node is None:
        return None
    exact = w.chance.random() < 0.7
    shape = node.value.shape if exact else node.value.shape + (2,)
    args = w.same(var, target=var, name=repr(path), shape=repr(shape), dtype=repr(node.dtype))
    return Step("require_dataset", var, "{target}.require_dataset({name}, {shape}, {dtype})", args, wrong=not exact)


def assign(w, var):
    """f[name] = an array, and what create_dataset() makes of it."""
    _, group, target = w.pick(var, is_group)
    name, seed, kind, shape = w.new_name(group), w.number(), w.chance.choice(PLAIN), random_shape(w)
    if isinstance(group.links.get(name), tuple):
        return None
    node = Node(A(seed, shape, kind), kind, fill=0)
    args = w.same(var, target=target, name=repr(name), value=f"A({seed}, {shape}, {kind!r})")
    return Step("assign", var, "{target}[{name}] = {value}", args, w.linking(var, group, name, node, vague=True),
                wrong=name in group.links, nodes=(group, node))


def sources(w, var):
    """The paths of some datasets that are alike, their shape and their kind."""
    there = [(path, node.value.shape, node.dtype) for path, node in w.trees[var].walk()
             if not node.is_group and node.sources is None and node.dtype in PLAIN and node.dtype not in SMALL
             and node.value.size and node.value.ndim]
    if not there:
        return None
    _, *alike = w.chance.choice(there)
    return [path for path, *facts in there if facts == alike][:3], *alike


def virtual(w, var):
    _, group, target = w.pick(var, is_group)
    found = sources(w, var)
    if found is None:
        return None
    paths, shape, kind = found
    name = w.new_name(group)
    if name in group.links or kind in ("<u1", "<u4", ">u8"):  # there is no -1 to fill with
        return None
    node = Node(np.full((len(paths) + 1, *shape), -1).astype(kind), kind, sources=paths)
    text = f"layout({paths!r}, {shape!r}, {kind!r}, {var}.filename)"
    args = w.same(var, target=target, name=repr(name), layout=text, fill="-1")
    return Step("virtual", var, "{target}.create_virtual_dataset({name}, {layout}, fillvalue={fill})", args,
                w.linking(var, group, name, node), nodes=(group, node))


def resize(w, var):
    _, node, target = w.pick(var, lambda n: is_data(n) and n.maxshape is not None)
    if node is None:
        return None
    shape = tuple(w.chance.randint(0, extent + 3) for extent in node.value.shape)
    wrong = any(most is not None and extent > most for extent, most in zip(shape, node.maxshape))

    def effect():
        w.trees[var].touch(node)
        w.trees[var].vague = True
        node.value = resized(node, shape)

    args = w.same(var, target=target, shape=repr(shape))
    return Step("resize", var, "{target}.resize({shape})", args, effect, wrong=wrong, nodes=(node,))


def resized(node, shape):
    made = fill_of(node.dtype, shape, node.fill)
    both = tuple(slice(0, min(a, b)) for a, b in zip(shape, node.value.shape))
    made[both] = node.value[both]
    return made
