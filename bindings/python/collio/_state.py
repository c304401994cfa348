"""What a checkpoint holds that is no array in parts: how it becomes bytes, and back.

JSON where it can be: with what JSON lacks (tuples, bytes, arrays, keys that are no text, random
generators) as an object with one reserved key. The rest is pickled, and read back only on request,
since reading a pickle runs whatever code it names.
"""

import base64
import json
import pickle
import random
import signal
from typing import NamedTuple

import numpy as np

TAG = "__collio__"
GENERATORS = ("MT19937", "PCG64", "PCG64DXSM", "Philox", "SFC64")


class Entry(NamedTuple):
    """One step in the directory of a checkpoint; `text` says why it is refused, "" if it is not."""

    step: int
    size: int
    time: int
    writers: int
    whole: bool
    text: str
    pinned: bool


class Report(NamedTuple):
    """What verifying a step found; true if every byte matches the seal."""

    step: int
    valid: bool
    blocks: int
    damaged: int
    text: str

    def __bool__(self):
        return self.valid


def signal_name(number):
    """ "SIGTERM" for 15; the number where the system has no name for it."""
    try:
        return signal.Signals(number).name
    except ValueError:
        return str(number)


def as_numbers(value):
    """The value as an array of a type that is stored as numbers, or None."""
    if not isinstance(value, (bool, int, float, complex, np.generic, np.ndarray)):
        return None
    array = np.asarray(value)
    if array.dtype.kind not in "biufc" or array.dtype.str[1:] in ("f2", "f16", "c32"):
        return None
    return array.astype(array.dtype.newbyteorder("="), copy=False)


def encode(value):
    """Bytes for any object: (format, bytes)."""
    try:
        return "json", json.dumps(to_json(value), separators=(",", ":")).encode()
    except TypeError:
        return "pickle", pickle.dumps(value, protocol=5)


def decode(name, form, data, pickles):
    """The object for bytes that encode() made; `pickles` allows to read pickles."""
    if form == "json":
        return from_json(json.loads(bytes(data)))
    if form == "pickle":
        if not pickles:
            raise ValueError(
                f"item '{name}' is a pickle, which may run any code when it is read: if you trust "
                "the file, say restore(pickles=True)"
            )
        return pickle.loads(data)
    return bytes(data)


def tagged(kind, **fields):
    return {TAG: kind, **fields}


def to_json(value):
    """The value in terms of JSON; TypeError if it would not come back as it is."""
    kind = type(value)
    if value is None or kind in (bool, int, float, str):
        return value
    if kind is list:
        return [to_json(item) for item in value]
    if kind is dict:
        return dict_to_json(value)
    if kind is tuple:
        return tagged("tuple", items=[to_json(item) for item in value])
    if kind is bytes:
        return tagged("bytes", base64=base64.b64encode(value).decode())
    if kind is complex:
        return tagged("complex", parts=[value.real, value.imag])
    if kind is np.ndarray or isinstance(value, np.generic):
        return array_to_json(value)
    if kind is np.random.Generator:
        bits = value.bit_generator
        return tagged("numpy.random", state=to_json(bits.state), seed=seed_to_json(bits))
    if kind is np.random.RandomState:
        return tagged("numpy.random.RandomState", state=to_json(value.get_state(legacy=False)))
    if kind is random.Random:
        return tagged("random", state=to_json(value.getstate()))
    raise TypeError(f"no JSON for {kind}")


def dict_to_json(value):
    if TAG in value or not all(type(key) is str for key in value):
        return tagged("dict", items=[[to_json(k), to_json(v)] for k, v in value.items()])
    return {key: to_json(item) for key, item in value.items()}


def array_to_json(value):
    array = np.asarray(value)
    if array.dtype.hasobject or array.dtype.names is not None or array.dtype.kind in "mM":
        raise TypeError(f"no JSON for an array of {array.dtype}")
    data = base64.b64encode(array.tobytes()).decode()
    scalar = isinstance(value, np.generic)
    return tagged("array", dtype=array.dtype.str, shape=list(array.shape), base64=data, scalar=scalar)


def seed_of(bits):
    """What a bit generator was seeded with; NumPy has made the name public with 1.25."""
    return getattr(bits, "seed_seq", None) or getattr(bits, "_seed_seq", None)


def seed_to_json(bits):
    """What spawn() needs to go on: only SeedSequence itself is known to need no more than this."""
    seed = seed_of(bits)
    return to_json(seed.state) if type(seed) is np.random.SeedSequence else None


def from_json(value):
    if isinstance(value, list):
        return [from_json(item) for item in value]
    if not isinstance(value, dict):
        return value
    if TAG in value:
        return MAKERS[value[TAG]](value)
    return {key: from_json(item) for key, item in value.items()}


def make_array(value):
    data = base64.b64decode(value["base64"])
    array = np.frombuffer(data, np.dtype(value["dtype"])).reshape(value["shape"])
    return array[()] if value["scalar"] else array.copy()


def make_generator(value):
    state = from_json(value["state"])
    if state["bit_generator"] not in GENERATORS:
        raise ValueError(f"unknown random generator {state['bit_generator']!r}")
    seed = from_json(value.get("seed"))
    if seed is not None:
        seed = np.random.SeedSequence(**seed)
    bits = getattr(np.random, state["bit_generator"])(seed)
    bits.state = state
    return np.random.Generator(bits)


def make_random_state(value):
    generator = np.random.RandomState()
    generator.set_state(from_json(value["state"]))
    return generator


def make_random(value):
    generator = random.Random()
    generator.setstate(from_json(value["state"]))
    return generator


MAKERS = {
    "tuple": lambda value: tuple(from_json(value["items"])),
    "dict": lambda value: {from_json(k): from_json(v) for k, v in value["items"]},
    "bytes": lambda value: base64.b64decode(value["base64"]),
    "complex": lambda value: complex(*value["parts"]),
    "array": make_array,
    "numpy.random": make_generator,
    "numpy.random.RandomState": make_random_state,
    "random": make_random,
}
