"""Parts of a dataset, as texts between brackets, and what is written to them."""

import numpy as np

from chaos_model import PLAIN, SMALL


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
    if what == 3 and len(parts) > 1:
        parts[1:] = ["..."]
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


def slabs(w, size, extent, rest=""):
    """Rows for each rank, one after the other."""
    cuts = sorted(w.chance.randint(0, extent) for _ in range(size - 1))
    return [f"{lo}:{hi}{rest}" for lo, hi in zip([0, *cuts], [*cuts, extent])]


def parts_of(w, var, shape):
    """Selections for each rank, as texts, and whether they are the same; if not, they do not meet."""
    size = w.size(var)
    what = w.chance.randrange(6) if shape else 5
    if what == 5:
        return [selection(w, shape)] * size, True
    return apart(w, shape, size, what, "".join(", " + axis_selection(w, extent) for extent in shape[1:])), False


def apart(w, shape, size, what, rest):
    if what == 0:
        return [f"{i}::{size}{rest}" if i < max(shape[0], 1) else f"0:0{rest}" for i in range(size)]
    if what == 1 and np.prod(shape) < 1000:
        seed = w.number()
        return [f"M({seed}, {shape}, {i}, {size})" for i in range(size)]
    if what == 2:
        one = w.chance.randrange(size)
        return [selection(w, shape) if i == one else "0:0" for i in range(size)]
    return slabs(w, size, shape[0], rest)


def values_for(w, var, node, parts, alike):
    """What each rank writes to its part, as texts, and a function that writes it to the model."""
    kind, seed = numbers_of(w, node.dtype), w.number()
    single = node.dtype in PLAIN and w.chance.random() < 0.2
    if alike:
        texts = [values(w, node, parts[0], kind, seed, single)] * len(parts)
    else:
        texts = [values(w, node, part, kind, seed + 1000 * (i + 1), single) for i, part in enumerate(parts)]

    def effect():
        w.trees[var].touch(node)
        for part, text in zip(parts, texts):
            put(node.value, index_of(w, part), w.evaluate(text))

    return texts, effect


def values(w, node, part, kind, seed, single):
    if single:
        return str(seed % 2 if node.dtype in SMALL else seed % 90)
    return memory(w, seed, np.shape(node.value[index_of(w, part)]), kind)


def put(array, index, values):
    single = array.dtype == object and array[index].__class__ is not np.ndarray
    if single and (not isinstance(values, np.ndarray) or values.dtype == object):
        values = np.asarray(values, object)[()]
    array[index] = values
