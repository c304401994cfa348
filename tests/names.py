"""The names of MPI in Python, and which of them collio.MPI has.

    PYTHONPATH=build/bindings/python/lib python3 tests/names.py [-a]

prints a table of names covered and not by class and tag: P for MPI 1 and 2 and objects, 3 for
MPI 3, 4 for later ones, X for others. Below it the names that are not there (-a: all names). Where
mpi4py is installed, differences of signatures and of classes follow; it is read, not imported.
"""

import ast
import importlib.metadata
import importlib.util
import inspect
import pathlib
import sys

TAGS = "P34X"
KINDS = {inspect.Parameter.POSITIONAL_ONLY: "/", inspect.Parameter.POSITIONAL_OR_KEYWORD: "",
         inspect.Parameter.VAR_POSITIONAL: "*", inspect.Parameter.KEYWORD_ONLY: "keyword",
         inspect.Parameter.VAR_KEYWORD: "**"}
# Parameters that every class takes for itself.
OWN = ("self", "cls", "type", "module")


def names():
    """Pairs of tag and name, such as ("P", "Comm.Send")."""
    lines = pathlib.Path(__file__).with_name("mpi_names.txt").read_text().split("\n")
    return [tuple(line.split()) for line in lines if line]


def lookup(module, name):
    """What the name stands for, or None."""
    for part in name.split("."):
        module = getattr(module, part, None)
    return module


def is_there(module, name):
    owner, _, last = name.rpartition(".")
    owner = lookup(module, owner) if owner else module
    return owner is not None and hasattr(owner, last)


def reference():
    """The stub of mpi4py's MPI as a syntax tree, or None if the mpi4py that we go by is not installed."""
    try:
        version = importlib.metadata.version("mpi4py")
    except importlib.metadata.PackageNotFoundError:
        return None
    found = importlib.util.find_spec("mpi4py")
    stub = pathlib.Path(found.origin).with_name("MPI.pyi") if found else None
    known = tuple(int(part) for part in version.split(".")[:2]) >= (4, 1) and stub is not None and stub.exists()
    return ast.parse(stub.read_text()) if known else None


def parameters(node):
    """(kind and name, has a default) of each parameter of a function in a stub."""
    a = node.args
    plain = [("/" + p.arg) for p in a.posonlyargs] + [p.arg for p in a.args]
    needed = len(plain) - len(a.defaults)
    found = [(name, i >= needed) for i, name in enumerate(plain)]
    found += [("*" + a.vararg.arg, False)] if a.vararg else []
    found += [("keyword" + p.arg, d is not None) for p, d in zip(a.kwonlyargs, a.kw_defaults)]
    found += [("**" + a.kwarg.arg, False)] if a.kwarg else []
    return [f for f in found if f[0].strip("/") not in OWN]


def real_parameters(function):
    """The same of a function that is there."""
    found = inspect.signature(function).parameters.values()
    return [(KINDS[p.kind] + p.name, p.default is not p.empty) for p in found if p.name not in OWN]


def compare_function(name, node, function, found):
    kinds = {d.id for d in node.decorator_list if isinstance(d, ast.Name)}
    if function is None or kinds & {"overload", "property"} or name.rpartition(".")[2].startswith("__"):
        return
    if parameters(node) != real_parameters(function):
        found.append((name, f"{parameters(node)} is {real_parameters(function)}"))


def differences(module, tree):
    """Pairs of a name and what differs from mpi4py's, in signatures and in base classes."""
    found = []
    for node in tree.body:
        real = getattr(module, getattr(node, "name", ""), None)
        if isinstance(node, ast.FunctionDef):
            compare_function(node.name, node, real, found)
        elif isinstance(node, ast.ClassDef) and real is not None:
            bases = [base.id for base in node.bases]
            if not set(bases) <= {base.__name__ for base in real.__mro__}:
                found.append((node.name, f"has not the bases {bases}"))
            for member in node.body:
                if isinstance(member, ast.FunctionDef):
                    compare_function(f"{node.name}.{member.name}", member, getattr(real, member.name, None), found)
    return found


def table(module):
    """Lines of the table: covered and all names by class and tag."""
    counts = {}
    for tag, name in names():
        row = counts.setdefault(name.rpartition(".")[0] or "MPI", {t: [0, 0] for t in TAGS})
        row[tag][0] += is_there(module, name)
        row[tag][1] += 1
    total = {t: [sum(row[t][i] for row in counts.values()) for i in (0, 1)] for t in TAGS}
    lines = [f"{'class':14}" + "".join(f"{t:>10}" for t in TAGS)]
    for owner, row in [*sorted(counts.items()), ("all", total)]:
        cells = [f"{have}/{all_}" if all_ else "" for have, all_ in row.values()]
        lines.append(f"{owner:14}" + "".join(f"{cell:>10}" for cell in cells))
    return lines


def main():
    from collio import MPI

    print("\n".join(table(MPI)))
    for tag, name in names():
        there = is_there(MPI, name)
        if not there or "-a" in sys.argv[1:]:
            print(f"{'    ' if there else 'not '} {tag} {name}")
    tree = reference()
    for name, what in differences(MPI, tree) if tree else ():
        print(f"differs {name}: {what}")


if __name__ == "__main__":
    main()
