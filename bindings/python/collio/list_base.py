"""What property lists of all kinds have in common, and those of groups: see ``lists``."""


def number_of(value, least=0):
    value = int(value)
    if value < least:
        raise OverflowError(f"can't convert negative value {value} to an unsigned number")
    return value


def bytes_of(text):
    if not isinstance(text, bytes):
        raise TypeError(f"expected bytes, {type(text).__name__} found")
    return text


def order_of(flags):
    if flags not in (0, 1, 3):
        raise ValueError("Tracking creation order is required for index")
    return int(flags)


def fraction_of(value):
    if not 0.0 <= float(value) <= 1.0:
        raise ValueError("Raw data cache w0 value must be between 0.0 and 1.0 inclusive")
    return float(value)


class PropID:
    """What classes of lists and lists have in common."""

    valid = 1

    def __bool__(self):
        return bool(self.valid)

    @property
    def id(self):
        """A number."""
        return id(self)

    def close(self):
        """It cannot be used any more."""
        self.valid = 0


class PropClassID(PropID):
    """A class of property lists: an argument of h5p.create()."""

    def __init__(self, name):
        self.name = name

    def equal(self, other):
        """Whether it is the same class."""
        return self is other

    def __repr__(self):
        return f"<collio.lists.PropClass {self.name}>"


PropClass = PropClassID
NO_CLASS = PropClass("none")


class PropInstanceID(PropID):
    """Properties by name."""

    kind = PropClass("base")
    defaults = {}

    def __init__(self, **known):
        self._known = {**self.defaults, **known}

    def copy(self):
        """Another one with the same properties."""
        return type(self)(**self._known)

    def equal(self, other):
        """Whether all properties are the same."""
        return type(self) is type(other) and self._known == other._known

    def get_class(self):
        """What kind of list it is."""
        return self.kind

    __eq__ = equal
    __hash__ = object.__hash__


PropList = PropInstanceID


class PropCreateID(PropInstanceID):
    """How something is made."""


class PropOCID(PropCreateID):
    """How an object is made, which has attributes."""

    kind = PropClass("object create")
    defaults = {"attribute_order": 0, "track_times": True, "attributes": (8, 6), "link_order": 0}

    def get_attr_creation_order(self):
        """Flags: 1 the order is kept, 2 it can be looked up."""
        return self._known["attribute_order"]

    def set_attr_creation_order(self, flags):
        """Keep the order in which attributes are made."""
        self._known["attribute_order"] = order_of(flags)

    def get_attr_phase_change(self):
        """(most attributes in the object itself, fewest beside it)."""
        return self._known["attributes"]

    def set_attr_phase_change(self, max_compact=8, min_dense=6):
        """Most attributes in the object itself, fewest beside it."""
        if min_dense > max_compact:
            raise ValueError("Unable to set attribute phase change (max_compact must be >= min_dense)")
        if max(max_compact, min_dense) > 65535:
            raise ValueError("Unable to set attribute phase change (max_compact and min_dense are at most 65535)")
        self._known["attributes"] = (number_of(max_compact), number_of(min_dense))

    def _room(self):
        """The two numbers for a creation; None for those that HDF5 has."""
        return None if self._known["attributes"] == self.defaults["attributes"] else self._known["attributes"]

    def _order(self):
        """What keeps its order, as track_order of a creation."""
        names, attributes = bool(self._known["link_order"]), bool(self._known["attribute_order"])
        return True if names and attributes else 2 if names else 4 if attributes else False

    def get_obj_track_times(self):
        """Whether times are kept."""
        return int(self._known["track_times"])

    def set_obj_track_times(self, track_times):
        """Keep the time of creation."""
        self._known["track_times"] = bool(track_times)


class PropGCID(PropOCID):
    """How a group is made."""

    kind = PropClass("group create")

    def get_link_creation_order(self):
        """Flags: 1 the order is kept, 2 it can be looked up."""
        return self._known["link_order"]

    def set_link_creation_order(self, flags):
        """Keep the order in which names are made."""
        self._known["link_order"] = order_of(flags)
