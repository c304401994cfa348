"""Objects, by h5py's names. Those that change something are collective."""

from collections import namedtuple

from . import handles
from ._lock import phil, with_phil
from ._named import below, raw, text

__all__ = ["ObjInfo", "copy", "exists_by_name", "get_info", "link", "open", "phil", "visit", "with_phil"]

TYPE_GROUP, TYPE_DATASET, TYPE_NAMED_DATATYPE = range(3)
(COPY_SHALLOW_HIERARCHY_FLAG, COPY_EXPAND_SOFT_LINK_FLAG, COPY_EXPAND_EXT_LINK_FLAG, COPY_EXPAND_REFERENCE_FLAG,
 COPY_WITHOUT_ATTR_FLAG, COPY_PRESERVE_NULL_FLAG) = (1 << bit for bit in range(6))

ObjInfo = namedtuple("ObjInfo", "fileno addr type rc atime mtime ctime btime num_attrs")


def open(loc, name, lapl=None):
    """One of a group, whatever it is."""
    return loc._of[text(name)].id


def _facts(of):
    facts = of._facts()
    return ObjInfo(hash(of.file) & 0xFFFFFFFF, hash(of), handles.number_of(of.id, range(3)), facts["links"], 0,
                   facts["modified"], facts["changed"], 0, len(of.attrs))


def get_info(loc, name=None, index=-1, *, obj_name=b".", index_type=0, order=0, lapl=None):
    """Numbers of HDF5's about an object."""
    if name is None and index >= 0:
        group = below(loc, obj_name)
        return _facts(group[list(group)[index]])
    return _facts(below(loc, name))


def exists_by_name(loc, name, lapl=None):
    """Whether a name leads to an object."""
    group, name = loc._of, text(name)
    if group.get(name, getlink=True) is None:
        raise RuntimeError(f"Unable to determine if '{name}' exists")
    return name in group


def link(obj, loc, name, lcpl=None, lapl=None):
    """Give an object one more name. Collective."""
    loc._of[text(name)] = obj._of


def copy(src_loc, src_name, dst_loc, dst_name, copypl=None, lcpl=None):
    """A copy. Collective."""
    flags = 0 if copypl is None else copypl.get_copy_object()
    names = ("shallow", "expand_soft", "expand_external", "expand_refs", "without_attrs")
    dst_loc._of.copy(src_loc._of[text(src_name)], dst_loc._of, name=text(dst_name),
                     **{name: bool(flags & (1 << bit)) for bit, name in enumerate(names)})


def visit(loc, func, *, idx_type=0, order=0, obj_name=b".", lapl=None, info=False):
    """Call func(name), or func(name, info), for all objects below until it returns something, which is
    returned."""
    group = below(loc, obj_name)
    if info:
        return group.visititems(lambda name, of: func(raw(name), _facts(of)))
    return group.visit(lambda name: func(raw(name)))
