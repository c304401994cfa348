"""Steps that change the structure of a file: groups and links, moved, copied and deleted."""

import copy

from chaos_model import Node
from chaos_world import Step, any_node, is_group

GROUP_CALLS = ("create_group({name})", "create_group({name}, track_order={order})", "require_group({name})")


def create_group(w, var):
    _, group, target = w.pick(var, is_group)
    name = w.new_name(group)
    deep = w.chance.random() < 0.3 and name not in group.links
    call = w.chance.choice(GROUP_CALLS)
    there = group.links.get(name)
    if isinstance(there, tuple):
        return None
    kept = call.startswith("require") and there is not None and there.is_group
    args = w.same(var, target=target, name=repr(name + "/deep" if deep else name), order=str(w.chance.random() < 0.5))
    effect = w.linking(var, group, name, there if kept else new_group(deep))
    return Step("create_group", var, "{target}." + call, args, effect, wrong=there is not None and not kept,
                nodes=(group,))


def new_group(deep):
    made = Node()
    if deep:
        made.links["deep"] = Node()
    return made


def link(w, var):
    _, group, target = w.pick(var, is_group)
    name = w.new_name(group)
    if isinstance(group.links.get(name), tuple):
        return None
    made, value = link_target(w, var)
    if made is None:
        return None
    args = w.same(var, target=target, name=repr(name), value=value)
    return Step("link", var, "{target}[{name}] = {value}", args, w.linking(var, group, name, made),
                wrong=name in group.links, nodes=(group,))


def link_target(w, var):
    """What a link leads to, and its text. None: a hard link to a group, which might close a circle."""
    what = w.chance.choice(("soft", "hard", "ext"))
    path, node, text = w.pick(var, any_node)
    if what == "soft":
        return ("soft", path), f"h5.SoftLink({path!r})"
    if what == "ext":
        return ("ext", "nowhere.h5", path), f"h5.ExternalLink('nowhere.h5', {path!r})"
    return (None, None) if node.is_group else (node, text)


def named(w, var):
    """A group and the name of one of its members."""
    there = [(path, node, name) for path, node in w.trees[var].walk() if node.is_group for name in node.links]
    return w.chance.choice(there) if there else (None, None, None)


def members(node):
    """The nodes that hard links of a group lead to."""
    return [member for member in (node.links or {}).values() if isinstance(member, Node)]


def holds_busy(node):
    return node.busy or any(holds_busy(member) for member in members(node))


def holds_virtual(node):
    return node.sources is not None or any(holds_virtual(member) for member in members(node))


def delete(w, var):
    path, group, name = named(w, var)
    if group is None or isinstance(group.links[name], Node) and holds_busy(group.links[name]):
        return None
    wrong = w.chance.random() < 0.1

    def effect():
        w.trees[var].touch(group)
        del group.links[name]

    args = w.same(var, target=f"{var}[{path!r}]", name=repr(name + "-never" if wrong else name))
    return Step("delete", var, "del {target}[{name}]", args, effect, wrong=wrong, nodes=(group,))


def is_inside(w, var, path, node):
    """Whether a group is a node, or below it."""
    return any(node is on for on in w.trees[var].above("" if path == "/" else path))


def move(w, var):
    path, group, name = named(w, var)
    to, other, _ = w.pick(var, is_group)
    if group is None:
        return None
    inside = is_inside(w, var, to, group.links[name])
    new = w.new_name(other)
    if inside or other is group and new == name or isinstance(other.links.get(new), tuple):
        return None

    def effect():
        w.trees[var].touch(group, other)
        other.links[new] = group.links.pop(name)

    args = w.same(var, source=repr(below(path, name)), destination=repr(below(to, new)))
    return Step("move", var, var + ".move({source}, {destination})", args, effect, wrong=new in other.links,
                nodes=(group, other))


def below(path, name):
    return f"{path.rstrip('/')}/{name}"


def copy_of(w, var):
    path, node, target = w.pick(var, lambda n: not holds_busy(n))
    to, group, _ = w.pick(var, is_group)
    if node is None or is_inside(w, var, to, node) or "ref" in node.attrs or holds_virtual(node):
        return None
    new = w.new_name(group)
    if isinstance(group.links.get(new), tuple):
        return None
    bare = w.chance.random() < 0.2

    def effect():
        w.linking(var, group, new, duplicate(node, bare), vague=True)()

    args = w.same(var, source=w.chance.choice((target, repr(path))), destination=repr(below(to, new)), bare=str(bare))
    return Step("copy", var, var + ".copy({source}, {destination}, without_attrs={bare})", args, effect,
                wrong=new in group.links, nodes=(group,))


def duplicate(node, bare):
    """A deep copy, with or without attributes."""
    made = copy.deepcopy(node)
    if bare:
        strip(made)
    return made


def strip(node):
    node.attrs = {}
    for member in members(node):
        strip(member)
