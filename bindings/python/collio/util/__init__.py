"""Helpers beside ``collio.MPI``, as programs written for mpi4py know them: ``from collio.util import dtlib``."""
