"""Messages between processes, with the names, signatures and exceptions of mpi4py's MPI.

Upper-case methods send buffers (NumPy arrays, at nearly the speed of C);
lower-case methods send any object by pickle. Importing this module
initializes MPI, unless ``collio.rc.initialize`` is False.

Upper-case calls do not compare the ranks' arguments before they begin: what
one rank gives wrongly is an exception there alone. Unhandled it ends the job
on all ranks, see ``collio.rc.abort_on_exception``; a program that catches it
must not leave the others waiting in the call.
"""

import marshal as _marshal

from . import diagnose, hook, rc, settings

try:
    from . import _collio
except ImportError as error:
    diagnose.explain(error)
    raise

diagnose.glance(_collio)
settings.start(rc, _collio)
diagnose.glance(_collio)
hook.install(rc, _collio)

# The compiled module holds MPI's names and nothing else that is public. Programs written for
# mpi4py know some that are not.
_PRIVATE = (
    "_addressof _handleof _sizeof _typecode _typealign _typedict _typedict_c _typedict_f "
    "_datatype_create _datatype_decode _comm_lock _comm_lock_table _commctx_intra _commctx_inter "
    "_keyval_registry _set_abort_status"
).split()
globals().update({name: value for name, value in vars(_collio).items() if not name.startswith("_") or name in _PRIVATE})



class Marshal(_collio.Pickle):
    """Numbers, texts and containers of such as bytes, by Python's marshal: quicker than pickle for
    small objects, and without classes or arrays. For ``comm.serializer``."""

    def __init__(self):
        super().__init__(_marshal.dumps, _marshal.loads)


del diagnose, hook, rc, settings
