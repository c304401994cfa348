"""The choice of the next step of a random program, and of what ranks that diverge pass instead."""

from chaos_attributes import attribute, attribute_away, reference, scale
from chaos_datasets import assign, create_dataset, require_dataset, resize, virtual
from chaos_groups import copy_of, create_group, delete, link, move
from chaos_handles import drop, look_up
from chaos_transfers import alone, flush, read, wait, write, write_later

STEPS = ((create_group, 4), (create_dataset, 9), (require_dataset, 1), (assign, 3), (link, 3), (delete, 3), (move, 3),
         (copy_of, 3), (virtual, 2), (resize, 3), (attribute, 6), (attribute_away, 2), (reference, 1), (scale, 3),
         (write, 16), (write_later, 2), (wait, 3), (alone, 2), (read, 12), (look_up, 5), (drop, 1), (flush, 2))
READERS = (read, look_up, drop)
PER_RANK = (create_group, create_dataset, assign, attribute, attribute_away, write)  # what such a file takes
# For arguments: values that are as good, and values that are not.
VALUES = {"name": ("'other'", "'other2'"), "shape": ("(4,)", "(4, 2)", "()"), "dtype": ("'f4'", "'i8'", "'S3'"),
          "chunks": ("(1,)", "True"), "maxshape": ("(None,)", "(50,)"), "compression": ("9", "1", "'gzip'"),
          "shuffle": ("False",), "fletcher32": ("False",), "fillvalue": ("3", "0"), "order": ("True", "False"),
          "data": ("A(5, (3,), '<i4')", "[1, 2]", "5"), "destination": ("'/other'",), "source": ("'/'",),
          "bare": ("True", "False"), "value": ("1", "'text'", "[1.5]", "A(3, (2,), '<f4')"), "label": ("'z'",),
          "fill": ("5",), "scaleoffset": ("3", "True"), "layout": ("layout(['/p'], (2,), '<i4', 'p.h5')",)}
BAD = ("object()", "None", "-1", "'no'", "1.5", "10**30", "[]", "b'\\xff'", "float('nan')", "{}", "len", "'\\0'",
       "'x' * 70000", "(-1,)", "Boom()", "[Boom()]", "(2**40, 2**40)", "''", "'/'", "'..'", "np.zeros(3, 'O')", "...",
       "slice(None)", "'\\udc80'", "[None]", "True", "np.zeros((0, 3))", "h5.Empty('i4')", "'a/b/c'", "range(3)",
       "(0,)")


def next_step(w, var, only=None):
    """Some step on a file that makes sense now."""
    makers, weights = zip(*((m, k) for m, k in STEPS if only is None or m in only))
    if w.modes[var] == "r" and only is None:
        makers, weights = READERS, (6, 3, 1)
    while True:
        step = w.chance.choices(makers, weights)[0](w, var)
        if step is not None:
            return step


def others_of(step):
    """(key, valid text) pairs: other values for arguments that must match."""
    return [(key, other) for key, text in step.args[0].items() if key not in step.own
            for other in VALUES.get(key, ()) if other != text]
