"""Communicators whose objects travel by pickle protocol 5, as programs written for mpi4py ask for them.

All communicators of ``collio.MPI`` do that: arrays in objects are not copied
into the pickle. These classes are for programs that name them,
``pkl5.Intracomm(MPI.COMM_WORLD)``; requests, messages and the serializer are
those of ``collio.MPI``.
"""

from collio import MPI
from collio.MPI import ANY_SOURCE, ANY_TAG, PROC_NULL, ROOT, Message, Pickle, Request, Status, pickle

__all__ = ["ANY_SOURCE", "ANY_TAG", "PROC_NULL", "ROOT", "Comm", "Intercomm", "Intracomm", "Message", "Pickle",
           "Request", "Status", "pickle"]


class Comm(MPI.Comm):
    """A communicator; the classes below tell of which kind."""


class Intracomm(Comm, MPI.Intracomm):
    """Ranks of one group: a second object for the communicator given."""


class Intercomm(Comm, MPI.Intercomm):
    """Ranks of two groups: a second object for the communicator given."""
