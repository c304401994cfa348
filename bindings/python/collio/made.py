"""How files, groups and datasets were made and are open, as the property lists of ``lists``.

What HDF5 keeps is read from the file; the arguments of File() that collio has no use for are checked, kept
and given back. None of it is collective.
"""

import os

from . import _storage, lists

_CREATING = ("w", "w-", "x")
PAGES = 1  # h5f.FSPACE_STRATEGY_PAGE


def hints(given, mode):
    """Check the arguments of File() that collio has no use for; a dict of what was given."""
    names = ("rdcc_nslots", "rdcc_nbytes", "rdcc_w0", "fs_strategy", "fs_persist", "fs_threshold", "fs_page_size",
             "page_buf_size", "min_meta_keep", "min_raw_keep", "locking", "alignment_threshold", "alignment_interval")
    found = {name: value for name, value in zip(names, given) if value is not None}
    cache = _cache(found)
    if not 0.0 <= cache[2] <= 1.0:
        raise ValueError(f"rdcc_w0 must be between 0 and 1, not {cache[2]}")
    if found.get("alignment_interval") == 0:
        raise ValueError("alignment_interval must be positive")
    _check_pages(found, mode)
    return found


def _check_pages(found, mode):
    size = found.get("page_buf_size")
    if not size:
        return
    if int(found.get("min_meta_keep", 0)) + int(found.get("min_raw_keep", 0)) > 100:
        raise ValueError("Sum of minimum metadata and raw data fractions can't be bigger than 100")
    if mode in _CREATING:
        _check_page_buffer(int(size), found.get("fs_strategy") == "page", int(found.get("fs_page_size") or 4096))


def _check_page_buffer(size, has_pages, page):
    if not has_pages:
        raise OSError("page_buf_size: the file has no pages: fs_strategy='page' is needed when it is made")
    if size < page:
        raise OSError(f"page_buf_size: {size} bytes are less than a page of {page}")


def buffers_pages(file):
    """Whether it was opened with page_buf_size."""
    return bool(_hints_of(file).get("page_buf_size"))


def check_open(file):
    """Check the arguments of File() against a file that is open."""
    size, facts = getattr(file, "_hints", {}).get("page_buf_size"), file._file_facts()
    if size:
        _check_page_buffer(int(size), facts["strategy"] == PAGES, facts["page_size"])


def _cache(found, default=(521, 1048576, 0.75)):
    return (int(found.get("rdcc_nslots", default[0])), int(found.get("rdcc_nbytes", default[1])),
            float(found.get("rdcc_w0", default[2])))


def _prefix(given):
    if given is not None and not isinstance(given, (str, bytes)):
        raise TypeError(f"A name should be string or bytes, not {type(given)}")
    return None if given is None else os.fsencode(given)


def dataset_hints(caches, external, mapped, dapl):
    """How a dataset is to be open, from the arguments of create_dataset(); a dict."""
    found = {} if dapl is None else dapl._hints()
    found |= hints(caches, "r")
    prefixes = {"efile_prefix": _prefix(external), "virtual_prefix": _prefix(mapped)}
    return found | {name: prefix for name, prefix in prefixes.items() if prefix is not None}


def _told(prefix, file):
    """A prefix as HDF5 tells it."""
    if prefix.startswith(b"${ORIGIN}"):
        return os.fsencode(os.path.dirname(os.path.abspath(file.filename))) + b"/" + prefix[9:]
    return prefix


def _hints_of(file):
    return getattr(getattr(file, "file", file) if hasattr(file, "driver") else file, "_hints", {})


def _ordered(facts):
    return {"attribute_order": facts["attribute_order"], "track_times": bool(facts["track_times"]),
            "attributes": (facts["attributes_compact"], facts["attributes_dense"]), "link_order": facts["link_order"]}


def of_group(group):
    """How a group was made."""
    return lists.PropGCID(**_ordered(group._facts()))


def of_file(file):
    """How a file was made."""
    facts = file._file_facts()
    return lists.PropFCID(**_ordered(file._facts()), user_block=file.userblock_size, page_size=facts["page_size"],
                          strategy=(facts["strategy"], bool(facts["persist"]), facts["threshold"]),
                          sizes=(facts["address_bytes"], facts["length_bytes"]))


def access_of_file(file):
    """How a file is open."""
    given = _hints_of(file)
    formats = ("earliest", "v108", "v110", "v112", "v114", "v200")
    known = {"degree": 1, "driver": file.driver, "cache": (0, *_cache(given)), "meta_block": file.meta_block_size,
             "libver": tuple(formats.index(name) if name in formats else 2 for name in file.libver),
             "alignment": (int(given.get("alignment_threshold", 1)), int(given.get("alignment_interval", 1)))}
    access = getattr(file.file, "_access", None)
    if access is not None:
        known.update({name: access._known[name] for name in ("driver", "core", "family", "split", "file")})
    if "page_buf_size" in given:
        known["page_buffer"] = tuple(int(given.get(n, 0)) for n in ("page_buf_size", "min_meta_keep", "min_raw_keep"))
    if given.get("locking") is not None:
        known["locking"] = {True: (True, False), False: (False, False)}.get(
            given["locking"] == "true" if given["locking"] in ("true", "false") else given["locking"], (True, True))
    return lists.PropFAID(**known)


def of_dataset(dataset):
    """How a dataset is stored."""
    layout, when = dataset._layout()
    facts = dataset._facts()
    filters = tuple((number, int(number != _storage.FLETCHER32), values, _storage.filter_name(number).encode())
                    for number, values in dataset._filter_values.items())
    defined = facts["fill_defined"]
    return lists.PropDCID(**_ordered(facts), layout=layout, chunk=dataset.chunks, filters=filters, defined=defined,
                    fill=dataset.fillvalue if defined == 2 else None, fill_time=(2, 0, 1)[when],
                    alloc_time=facts["alloc_time"], external=tuple(dataset.external or ()),
                    mappings=tuple(dataset.virtual_sources()) if dataset.is_virtual else ())


def access_of_dataset(dataset):
    """How a dataset is open."""
    given = _hints_of(dataset)
    prefixes = {key: _told(given.get(name) or b"", dataset.file) for key, name in
                (("external_prefix", "efile_prefix"), ("virtual_prefix", "virtual_prefix"))}
    return lists.PropDAID(cache=_cache(given, _cache(_hints_of(dataset.file))), **prefixes)


def of_type(named):
    """How a named type was made."""
    return lists.PropTCID(**_ordered(named._facts()))
