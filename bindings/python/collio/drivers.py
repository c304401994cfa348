"""The drivers that File knows: functions that get a property list and the keywords that are theirs."""

from . import lists


def _mpio(plist, **keywords):
    plist._known["driver"] = "mpio"
    if keywords:
        raise TypeError(f"the driver 'mpio' got an unexpected keyword argument {next(iter(keywords))!r}")


def _core(plist, _image=None, **keywords):
    plist.set_fapl_core(**keywords)
    if _image is not None:
        plist.set_file_image(_image)


_drivers = {
    "core": _core,
    "family": lambda plist, **keywords: plist.set_fapl_family(**keywords),
    "fileobj": lambda plist, **keywords: plist.set_fileobj_driver(None, keywords.get("fileobj")),
    "mpio": _mpio,
    "sec2": lambda plist, **keywords: plist.set_fapl_sec2(**keywords),
    "split": lambda plist, **keywords: plist.set_fapl_split(**keywords),
    "stdio": lambda plist, **keywords: plist.set_fapl_stdio(**keywords),
}


def registered_drivers():
    """The drivers that File knows. Not collective."""
    return frozenset(_drivers)


def register_driver(name, set_fapl):
    """Let File know a driver by a name, maybe by that of another one. Not collective.

    set_fapl -- a function that gets a property list of h5p.FILE_ACCESS and the keywords given to File that are
                not File's own, and calls one of the list's methods set_fapl_...(), and others
    """
    _drivers[name] = set_fapl


def unregister_driver(name):
    """Let File forget a driver. KeyError if there is none of that name. Not collective."""
    del _drivers[name]


def choose(name, driver, keywords):
    """The property list for File(name, driver=driver, **keywords)."""
    if hasattr(name, "read") and hasattr(name, "seek"):
        if driver not in (None, "fileobj"):
            raise ValueError("Driver must be 'fileobj' for file-like object if specified.")
        driver = "fileobj"
        if keywords.setdefault("fileobj", name) is not name:
            raise ValueError("Invalid value of 'fileobj' argument; must equal to file-like object if specified.")
    if driver is None:
        raise TypeError(f"File() got an unexpected keyword argument: {next(iter(keywords))!r} is an invalid keyword "
                        "argument for this function")
    known = driver in _drivers if isinstance(driver, str) else False
    if not known:
        raise ValueError(f"Unknown driver type {driver!r} ({', '.join(sorted(_drivers))} are known)")
    plist = lists.PropFAID()
    _drivers[driver](plist, **keywords)
    return plist
