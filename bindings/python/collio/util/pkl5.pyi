from collio import MPI
from collio.MPI import ANY_SOURCE as ANY_SOURCE
from collio.MPI import ANY_TAG as ANY_TAG
from collio.MPI import PROC_NULL as PROC_NULL
from collio.MPI import ROOT as ROOT
from collio.MPI import Message as Message
from collio.MPI import Pickle as Pickle
from collio.MPI import Request as Request
from collio.MPI import Status as Status
from collio.MPI import pickle as pickle

class Comm(MPI.Comm): ...
class Intracomm(Comm, MPI.Intracomm): ...
class Intercomm(Comm, MPI.Intercomm): ...
