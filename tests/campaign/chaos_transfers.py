"""Steps that move elements: written and read, together, later or alone; and the flush."""

import numpy as np

from chaos_model import PLAIN, SMALL
from chaos_selections import index_of, parts_of, selection, slabs, values_for
from chaos_world import NATIVE, Step, is_data, is_plain

COMPLEX = ("<c8", "<c16")


def write(w, var):
    _, node, target = w.pick(var, is_plain)
    if node is None:
        return None
    parts, alike = parts_of(w, var, node.value.shape)
    if node.dtype == "lists" and not all(is_boxes(node.value[index_of(w, part)]) for part in parts):
        return None
    texts, effect = values_for(w, var, node, parts, alike)
    form = write_form(w, node, parts, texts)
    if "write_" in form and not all(text.startswith(("A", "np")) for text in texts):
        return None
    if "write_direct" in form:
        texts = [f"np.ascontiguousarray({text})" for text in texts]
    return Step("write", var, form, write_args(target, parts, texts), effect, own=("part", "value"), nodes=(node,))


def is_boxes(values):
    """Whether these are elements that are objects, and not one such object."""
    return isinstance(values, np.ndarray) and values.dtype == object


def write_form(w, node, parts, texts):
    plain = "{target}[{part}] = {value}"
    form = w.chance.choice((plain, plain, plain, "with {target}.collective: " + plain))
    if are_slices(parts) and not texts[0].isdigit() and node.value.ndim and node.dtype in NATIVE:
        form = w.chance.choice((form, form, "{target}.write_direct({value}, None, np.s_[{part}])",
                                "{target}.write_async({value}, np.s_[{part}]).wait()"))
    return form


def are_slices(parts):
    """Whether none of them is a list or a mask."""
    return all("[" not in part and "M" not in part for part in parts)


def write_args(target, parts, texts):
    return [{"target": target, "part": part, "value": text} for part, text in zip(parts, texts)]


def write_later(w, var):
    """Begin a write, and wait for it in a later step."""
    _, node, target = w.pick(var, lambda n: is_plain(n) and n.dtype in NATIVE and n.value.ndim)
    if node is None:
        return None
    parts = slabs(w, w.size(var), node.value.shape[0])
    texts, change = values_for(w, var, node, parts, False)
    if texts[0].isdigit():
        return None
    key = w.number()

    def effect():
        node.busy += 1
        w.waiting[key] = (var, node, change)

    return Step("write_async", var, f"q[{key}] = " + "{target}.write_async({value}, np.s_[{part}])",
                write_args(target, parts, texts), effect, own=("part", "value"), nodes=(node,))


def wait(w, var):
    keys = [key for key, (at, *_) in w.waiting.items() if at == var]
    if not keys:
        return None
    key = w.chance.choice(keys)
    return Step("wait", var, "q[{key}].wait()", w.same(var, key=str(key)), lambda: w.finish(key),
                nodes=(w.waiting[key][1],))


def alone(w, var):
    """One rank writes without the others."""
    _, node, target = w.pick(var, lambda n: is_plain(n) and n.chunks is None and n.dtype in PLAIN and n.value.size)
    if node is None:
        return None
    size = w.size(var)
    one = w.chance.randrange(size)
    part = selection(w, node.value.shape)
    texts, effect = values_for(w, var, node, [part], False)
    args = [{"line": f"alone({target}, np.s_[{part}], {texts[0]})" if i == one else "pass"} for i in range(size)]
    return Step("independent", var, "{line}", args, effect, local=True, nodes=(node,))


def read(w, var):
    _, node, target = w.pick(var, is_data)
    if node is None:
        return None
    value = w.trees[var].value(node)
    parts = read_parts(w, var, node)
    form, change = read_form(w, node, parts)
    args = [{"target": target, "part": part} for part in parts]
    if "{value}" in form:
        for arg, part in zip(args, parts):
            arg["value"] = place(w, np.shape(node.value[index_of(w, part)]), node.dtype)
    wanted = None if value is None else [change(value[index_of(w, part)]) for part in parts]
    return Step("read", var, form, args, expect=wanted, own=("part", "value"), nodes=(node,))


def read_parts(w, var, node):
    alike = w.chance.random() < 0.4
    parts = [selection(w, node.value.shape) for _ in range(w.size(var))]
    if node.sources is not None:  # HDF5 has no masks there
        parts = [part if "M(" not in part else "..." for part in parts]
    return parts[:1] * len(parts) if alike else parts


def read_form(w, node, parts):
    """A way to read, and what it makes of the elements."""
    form = w.chance.choice(("{target}[{part}]",) * 4 + ("with {target}.collective: RESULT = {target}[{part}]",))
    plain = node.dtype in PLAIN and node.value.ndim
    if plain and node.dtype not in SMALL and node.dtype not in COMPLEX and w.chance.random() < 0.2:
        return "{target}.astype('f8')[{part}]", lambda values: np.asarray(values).astype("f8")[()]
    if node.dtype == "struct" and node.sources is None and w.chance.random() < 0.4:
        return "{target}.fields('a')[{part}]", lambda values: values["a"]
    if plain and w.chance.random() < 0.2 and are_slices(parts):
        ways = ("into({target}, {value}, np.s_[{part}], None)", "later({target}, {value}, np.s_[{part}])")
        return w.chance.choice(ways if node.dtype in NATIVE else ways[:1]), np.asarray
    return form, lambda values: values


def place(w, shape, kind):
    """Memory to read into."""
    return w.chance.choice((f"np.zeros({shape}, {kind!r})", f"np.zeros({shape[::-1]}, {kind!r}).T"))


def flush(w, var):
    if any(at == var for at, *_ in w.waiting.values()):
        return None
    return Step("flush", var, w.chance.choice((var + ".flush()",)), w.same(var), w.trees[var].flush)
