"""Messages between processes, with the names, signatures and exceptions of mpi4py's MPI.

Upper-case methods send buffers (NumPy arrays, at nearly the speed of C);
lower-case methods send any object by pickle. Importing this module
initializes MPI, unless ``collio.rc.initialize`` is False.
"""

from . import _collio, hook, rc, settings

settings.start(rc, _collio)
hook.install(rc, _collio)

# The compiled module holds MPI's names and nothing else that is public.
globals().update({name: value for name, value in vars(_collio).items() if not name.startswith("_")})

del hook, rc, settings
