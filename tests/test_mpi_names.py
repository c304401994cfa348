"""The stub MPI.pyi and the module say the same, both ways."""
# ranks: 1

import ast
import inspect
import pathlib
import types

import collio
from collio import MPI
from tap import check, done, equal

STUB = pathlib.Path(collio.__file__).with_name("MPI.pyi")
# What classes inherit from object or get from Python itself.
PLAIN = {"__doc__", "__module__", "__weakref__", "__dict__", "__abstractmethods__"}
# Names of typing that only the stub needs.
ONLY_STUB = {"Buffer", "Bottom", "InPlace", "BufSpec", "TargetSpec", "BufSpecW", "_SupportsBuffer"}


def parameters(node):
    """Name, kind and whether there is a default, of each parameter but self."""
    a = node.args
    names = [(p.arg, "positional") for p in a.posonlyargs] + [(p.arg, "any") for p in a.args]
    first = len(names) - len(a.defaults)
    found = [(name, kind, i >= first) for i, (name, kind) in enumerate(names)]
    found += [(a.vararg.arg, "*", False)] if a.vararg else []
    found += [(p.arg, "keyword", d is not None) for p, d in zip(a.kwonlyargs, a.kw_defaults)]
    found += [(a.kwarg.arg, "**", False)] if a.kwarg else []
    return [f for f in found if f[0] not in ("self", "cls")]


KINDS = {inspect.Parameter.POSITIONAL_ONLY: "positional", inspect.Parameter.POSITIONAL_OR_KEYWORD: "any",
         inspect.Parameter.VAR_POSITIONAL: "*", inspect.Parameter.KEYWORD_ONLY: "keyword",
         inspect.Parameter.VAR_KEYWORD: "**"}


def real_parameters(function):
    signature = inspect.signature(function)
    return [(p.name, KINDS[p.kind], p.default is not p.empty) for p in signature.parameters.values()
            if p.name not in ("self", "type")]


def stub_members(body):
    members = {}
    for node in body:
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            members[node.name] = node
        elif isinstance(node, ast.AnnAssign):
            members[node.target.id] = node
    return members


stub = stub_members(ast.parse(STUB.read_text()).body)
real = {name: value for name, value in vars(MPI).items() if not name.startswith("_")}
equal(sorted(set(real) - set(stub)), [], "the stub has every name of the module")
equal(sorted(set(stub) - set(real) - ONLY_STUB - {"_Handle"}), [], "the module has every name of the stub")

without_doc, wrong, uncollective = [], [], []


def compare_function(name, node, function):
    if not inspect.getdoc(function):
        without_doc.append(name)
    if parameters(node) != real_parameters(function):
        wrong.append(f"{name}: {parameters(node)} is {real_parameters(function)}")


def is_special(name):
    return name.startswith("__") and name.endswith("__")


def repeats(cls, name):
    """A method of the base, once more for speed: all that can be seen of it is the same."""
    inherited = getattr(cls.__base__, name, None)
    return inherited is not None and all(
        getattr(inherited, what, None) == getattr(vars(cls)[name], what, None) is not None
        for what in ("__doc__", "__text_signature__", "__name__"))


def compare_class(name, node, cls):
    members = stub_members(node.body)
    own = {n: v for n, v in vars(cls).items()
           if n not in PLAIN and not is_special(n) and not (n not in members and repeats(cls, n))}
    for missing in sorted(set(own) - set(members)):
        wrong.append(f"{name}.{missing} is not in the stub")
    for extra in sorted(set(members) - set(own)):
        if not is_special(extra) or not hasattr(cls, extra):
            wrong.append(f"{name}.{extra} is not in the module")
    bases = [base.id for base in node.bases]
    if bases != [b.__name__ for b in cls.__bases__ if b is not object]:
        wrong.append(f"{name} has bases {cls.__bases__}")
    for method in set(own) & set(members):
        inner = members[method]
        if isinstance(inner, ast.FunctionDef) and not any(
                isinstance(d, ast.Name) and d.id == "property" for d in inner.decorator_list):
            compare_function(f"{name}.{method}", inner, getattr(cls, method))
            doc = inspect.getdoc(getattr(cls, method)) or ""
            if issubclass(cls, (MPI.Comm, MPI.Request, MPI.Message)) and "ollective" not in doc:
                uncollective.append(f"{name}.{method}")
        elif not inspect.getdoc(own[method]):
            without_doc.append(f"{name}.{method}")


for name, node in stub.items():
    if isinstance(node, ast.ClassDef) and name not in ONLY_STUB:
        compare_class(name, node, MPI.Comm.__base__ if name == "_Handle" else getattr(MPI, name))
    elif isinstance(node, ast.FunctionDef):
        compare_function(name, node, getattr(MPI, name))
    elif isinstance(node, ast.AnnAssign) and name in real:
        kind = ast.unparse(node.annotation).removeprefix("Final[").removesuffix("]")
        if type(real[name]).__name__ != kind:
            wrong.append(f"{name} is a {type(real[name])}")

equal(wrong, [], "signatures, bases and types agree")
equal(without_doc, [], "everything is documented")
equal(uncollective, [], "communication says whether it is collective")
check(isinstance(MPI, types.ModuleType) and MPI.__doc__, "the module is documented")
text = inspect.getdoc(MPI.Comm.Send), str(inspect.signature(MPI.Comm.Send)), MPI.Comm.Send.__qualname__
equal(text, ("Send a buffer. Not collective.", "(self, /, buf, dest, tag=0)", "Comm.Send"), "help() finds what it needs")
done()
