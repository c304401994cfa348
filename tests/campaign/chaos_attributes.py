"""Steps on attributes, and on what HDF5 keeps in attributes: references and scales."""

import numpy as np

from chaos_model import PLAIN, A, Nothing
from chaos_world import Step, any_node, is_plain

FIXED = (("2.5", np.float64(2.5)), ("'Höhe'", "Höhe"), ("h5.Empty('f4')", Nothing("f4")),
         ("['a', 'bc', '']", np.array(["a", "bc", ""], object)), ("np.bytes_(b'abc')", np.bytes_(b"abc")))


def attribute_value(w):
    """A text, and what comes back."""
    what = w.chance.randrange(8)
    if what == 0:
        number = w.chance.randrange(100)
        return str(number), np.int64(number)
    if what <= len(FIXED):
        return FIXED[what - 1]
    kind, shape = w.chance.choice(PLAIN + ("struct", "S5")), w.chance.choice(((), (3,), (2, 2), (200,)))
    seed = w.number()
    value = A(seed, shape, kind)
    return f"A({seed}, {shape}, {kind!r})", value[()] if shape == () else value


def attribute(w, var):
    _, node, target = w.pick(var, any_node)
    name, (value, wanted) = w.chance.choice("abcde"), attribute_value(w)
    form = w.chance.choice(("{target}.attrs[{name}] = {value}", "{target}.attrs.create({name}, {value})"))

    def effect():
        w.trees[var].touch(node)
        node.attrs[name] = wanted

    args = w.same(var, target=target, name=repr(name), value=value)
    return Step("attribute", var, form, args, effect, nodes=(node,))


def attribute_away(w, var):
    _, node, target = w.pick(var, lambda n: n.busy == 0 and n.attrs)
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
    _, node, target = w.pick(var, any_node)
    _, _, what = w.pick(var, any_node)

    def effect():
        w.trees[var].touch(node)
        node.attrs["ref"] = None

    args = w.same(var, target=target, value=what + ".ref")
    return Step("reference", var, "{target}.attrs['ref'] = {value}", args, effect, nodes=(node,))


def scale(w, var):
    """Make a dataset a scale, give it one, or a label. A scale has none itself, and what has one cannot become one."""
    _, node, target = w.pick(var, lambda n: is_plain(n) and n.value.ndim >= 1 and n.dtype in PLAIN)
    if node is None:
        return None
    _, other, text = w.pick(var, lambda n: is_plain(n) and n.scale and n is not node)
    touched, facts = (node,), {}
    if other is not None and not node.scale and w.chance.random() < 0.7:
        form, args = "{target}.dims[0].attach_scale({scale})", {"scale": text}
        touched, facts = (node, other), {"scaled": True}
    elif w.chance.random() < 0.5 and not node.scaled:
        form, args = "{target}.make_scale({name})", {"name": repr(w.chance.choice(("", "x", "y")))}
        facts = {"scale": True}
    else:
        form, args = "{target}.dims[0].label = {label}", {"label": repr(w.chance.choice(("m", "s")))}
    effect = marking(w, var, node, touched, facts)
    return Step("scale", var, form, w.same(var, target=target, **args), effect, nodes=(node,))


def marking(w, var, node, touched, facts):
    """The effect of a step on scales."""

    def effect():
        w.trees[var].touch(*touched)
        node.__dict__.update(facts)

    return effect
