"""One step of a random program, and the state that the next one is chosen by."""

from chaos_model import PLAIN

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

    def texts(self, **changed):
        return [self.text(i, **changed) for i in range(len(self.args))]

    def key(self, i):
        """What must match."""
        return self.form, tuple((k, v) for k, v in self.args[i].items() if k not in self.own)

    def apply(self):
        """Change the model, where the step is not refused."""
        if self.effect and not self.wrong:
            self.effect()


class World:
    """The state of a program: files, handles, and a source of chance that all ranks share."""

    def __init__(self, chance, directory):
        self.chance, self.directory = chance, directory
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

    def linking(self, var, group, name, made, vague=False):
        """The effect of a new link."""

        def effect():
            tree = self.trees[var]
            tree.touch(group)
            tree.vague = tree.vague or vague
            group.links[name] = made

        return effect

    def apply_waiting(self, var):
        """What transfers under way do to a file, where nobody waits for them any more."""
        for key in [key for key, (at, *_) in self.waiting.items() if at == var]:
            self.finish(key)

    def finish(self, key):
        _, node, change = self.waiting[key]
        node.busy -= 1
        change()
        del self.waiting[key]

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
