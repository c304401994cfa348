"""Types of collio: settings and exceptions; see MPI.pyi for messages."""

from . import MPI as MPI

__version__: str

class Settings:
    initialize: bool
    threads: bool
    thread_level: str
    finalize: bool | None
    errors: str
    gil: str
    abort_on_exception: bool | None
    timeout: float | None
    patience: float | None
    log: bool
    fast_reduce: bool
    recv_mprobe: bool
    irecv_bufsz: int
    def __call__(self, **settings: object) -> None: ...

rc: Settings

class CollectiveError(RuntimeError): ...
class CollectiveTimeout(CollectiveError, TimeoutError): ...
class DamageError(RuntimeError): ...
class NoCheckpointError(LookupError): ...
