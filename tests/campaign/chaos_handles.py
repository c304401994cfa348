"""Steps that each rank makes for itself: what is looked up, held, and let go."""

import numpy as np

from chaos_world import Step, any_node


def look_up(w, var):
    """What costs no communication."""
    _, node, target = w.pick(var, any_node)
    form, wanted = question(w, node)
    if w.chance.random() < 0.3:
        return hold(w, var, node, target)
    if node.attrs and w.chance.random() < 0.4:
        name = w.chance.choice(sorted(node.attrs))
        form, wanted = "{target}.attrs[" + repr(name) + "]", node.attrs[name]
    expect = None if wanted is None else [wanted] * w.size(var)
    return Step("look", var, form, w.same(var, target=target), expect=expect, local=True, nodes=(node,))


def question(w, node):
    """What to ask of a group or a dataset, and the answer."""
    if node.is_group:
        return w.chance.choice((("sorted({target})", np.array(sorted(node.links), object)),
                                ("len({target})", len(node.links)), ("'never' in {target}", False)))
    return w.chance.choice((("{target}.shape", np.array(node.value.shape)), ("{target}.size", node.value.size)))


def hold(w, var, node, target):
    key = w.number()

    def effect():
        w.handles[key] = (var, node)

    return Step("hold", var, f"h[{key}] = " + "{target}", w.same(var, target=target), effect, local=True)


def drop(w, var):
    """Some ranks let go of a handle; it is not used any more."""
    keys = [key for key, (at, _) in w.handles.items() if at == var]
    if not keys:
        return None
    key = w.chance.choice(keys)
    args = [{"line": f"del h[{key}]" if w.chance.random() < 0.6 else "pass"} for _ in range(w.size(var))]
    return Step("drop", var, "{line}", args, lambda: w.handles.pop(key), local=True)
