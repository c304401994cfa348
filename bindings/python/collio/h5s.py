"""Dataspaces, by h5py's names. Nothing here is collective."""

from .spaces import (
    ALL,
    NO_CLASS,
    NULL,
    SCALAR,
    SEL_ALL,
    SEL_ERROR,
    SEL_HYPERSLABS,
    SEL_NONE,
    SEL_POINTS,
    SELECT_AND,
    SELECT_APPEND,
    SELECT_INVALID,
    SELECT_NOOP,
    SELECT_NOTA,
    SELECT_NOTB,
    SELECT_OR,
    SELECT_PREPEND,
    SELECT_SET,
    SELECT_XOR,
    SIMPLE,
    UNLIMITED,
    SpaceID,
    create,
    create_simple,
    decode,
)

__all__ = [
    "ALL", "NO_CLASS", "NULL", "SCALAR", "SEL_ALL", "SEL_ERROR", "SEL_HYPERSLABS", "SEL_NONE", "SEL_POINTS",
    "SELECT_AND", "SELECT_APPEND", "SELECT_INVALID", "SELECT_NOOP", "SELECT_NOTA", "SELECT_NOTB", "SELECT_OR",
    "SELECT_PREPEND", "SELECT_SET", "SELECT_XOR", "SIMPLE", "UNLIMITED", "SpaceID", "create", "create_simple",
    "decode",
]
