"""The drivers that File knows."""

from . import lists

_DRIVERS = {"core", "fileobj", "mpio", "sec2", "stdio"}
_registered = {}


def registered_drivers():
    """The drivers that File knows. Not collective."""
    return frozenset(_DRIVERS | set(_registered))


def register_driver(name, set_fapl):
    """Let File know a driver by another name. Not collective.

    set_fapl -- a function that gets a property list of h5p.FILE_ACCESS and the keywords given to File, and
                calls set_fapl_core(), set_fapl_sec2() or set_fapl_stdio() of the list
    """
    _registered[name] = set_fapl


def unregister_driver(name):
    """Undo register_driver(). KeyError if there is none of that name. Not collective."""
    del _registered[name]


def resolve_driver(name):
    """The driver that a registered one stands for: (name, whether it is on disk); None if it is not registered."""
    if name not in _registered:
        return None
    plist = lists.PropFAID()
    _registered[name](plist)
    return plist._known["driver"], plist.get_fapl_core()[1]
