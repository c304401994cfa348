"""Messages between processes, with the names, signatures and exceptions of mpi4py's MPI.

Upper-case methods send buffers (NumPy arrays, at nearly the speed of C);
lower-case methods send any object by pickle. Importing this module
initializes MPI, unless ``collio.rc.initialize`` is False.
"""

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

# The compiled module holds MPI's names and nothing else that is public.
globals().update({name: value for name, value in vars(_collio).items() if not name.startswith("_")})
_keyval_registry = _collio._keyval_registry

del diagnose, hook, rc, settings
