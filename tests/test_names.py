"""The stub __init__.pyi and the package say the same, both ways, and all of it is documented."""
# ranks: 1

import ast
import inspect
import pathlib

import collio
from tap import check, done, equal

STUB = ast.parse(pathlib.Path(collio.__file__).with_name("__init__.pyi").read_text())
EXCEPTIONS = ("CollectiveError", "CollectiveTimeout", "DamageError", "NoCheckpointError")
# What collections.abc gives to mappings, and names that only the stub needs.
DERIVED = {"keys", "values", "items", "pop", "popitem", "clear", "update", "setdefault"}
ONLY_STUB = {"_Object", "_Mode", "_Entry", "_Report", "_Finding", "Settings", "_Config", "string_info", "_View", "_RegionProxy",
             "_Dimension", "_Dimensions"}
wrong, undocumented, uncollective = [], [], []


def is_property(node):
    kinds = [d.attr if isinstance(d, ast.Attribute) else d.id for d in node.decorator_list]
    return "property" in kinds or "setter" in kinds


def stub_parameters(node):
    a = node.args
    plain = [p.arg for p in a.posonlyargs + a.args if p.arg not in ("self", "cls")]
    needed = len(plain) - len(a.defaults)
    found = [(name, i >= needed) for i, name in enumerate(plain)]
    found += [(a.vararg.arg, False)] if a.vararg else []
    found += [(p.arg, d is not None) for p, d in zip(a.kwonlyargs, a.kw_defaults)]
    return found + ([(a.kwarg.arg, False)] if a.kwarg else [])


def real_parameters(function):
    parameters = inspect.signature(function).parameters.values()
    return [(p.name, p.default is not p.empty) for p in parameters if p.name not in ("self",)]


def compare_function(name, node, function):
    doc = inspect.getdoc(function) or ""
    if not doc:
        undocumented.append(name)
    if "ollective" not in doc and not name.startswith("Decomposition"):
        uncollective.append(name)
    if stub_parameters(node) != real_parameters(function):
        wrong.append(f"{name}: {stub_parameters(node)} is {real_parameters(function)}")


def compare_class(node, cls):
    members = {n.name: n for n in node.body if isinstance(n, ast.FunctionDef)}
    own = {n for n in vars(cls) if not n.startswith("_")} - DERIVED
    declared = {n.target.id for n in node.body if isinstance(n, ast.AnnAssign)}
    stubbed = {n for n in members if not n.startswith("_")}
    if own != stubbed:
        wrong.append(f"{cls.__name__}: {own ^ stubbed} is in one of them only")
    for name, member in members.items():
        real = inspect.getattr_static(cls, name, None)
        if real is None:
            wrong.append(f"{cls.__name__}.{name} is not there")
        elif name == "__init__":
            if stub_parameters(member) != real_parameters(cls):
                wrong.append(f"{cls.__name__}: {stub_parameters(member)} is {real_parameters(cls)}")
        elif not name.startswith("_") and not is_property(member):
            compare_function(f"{cls.__name__}.{name}", member, getattr(cls, name))
    return declared


classes = {node.name: node for node in STUB.body if isinstance(node, ast.ClassDef)}
public = set(collio.__all__) - {"MPI", "rc"}
functions = {node.name: node for node in STUB.body if isinstance(node, ast.FunctionDef)}
equal({*classes, *functions} - ONLY_STUB, public, "the stub has the names of the package")
check(public <= set(dir(collio)), "dir() knows them")
for name in public:
    if not inspect.getdoc(getattr(collio, name)):
        undocumented.append(name)
    if name in functions:
        compare_function(name, functions[name], getattr(collio, name))
    elif name not in EXCEPTIONS:
        compare_class(classes[name], getattr(collio, name))
equal(wrong, [], "signatures agree")
equal(undocumented, [], "everything is documented")
equal(uncollective, [], "all methods say whether they are collective")
done()
