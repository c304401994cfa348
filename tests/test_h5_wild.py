"""Files of other programs, where they are installed; each is read whole, by all ranks.

ranks: 1 2 3   limit: 120
"""

import glob
import os

import numpy as np
import collio as h5py
from collio import MPI
from tap import alike, check, done, equal, skip

comm = MPI.COMM_WORLD
rank, size = comm.rank, comm.size


def part(n):
    return slice(n * rank // size, n * (rank + 1) // size)


def read_all(path):
    """(datasets read, refused, attributes read): whatever is refused is refused by a clear error."""
    counts = [0, 0, 0]
    sums = []
    with h5py.File(path, comm=comm) as f:

        def read(name, thing):
            for key in thing.attrs:
                try:
                    thing.attrs[key]
                    counts[2] += 1
                except (NotImplementedError, TypeError):
                    pass
            if not isinstance(thing, h5py.Dataset):
                return
            try:
                shape = thing.shape
                values = thing[()] if not shape else thing[part(shape[0])]
                counts[0] += 1
                if getattr(values, "dtype", np.dtype("O")).kind in "iuf":
                    sums.append(float(np.nansum(values, dtype="f8")))
            except (NotImplementedError, TypeError, OSError, RuntimeError):
                counts[1] += 1

        f.visititems(read)
    total = comm.allreduce(np.array(sums)) if sums else np.array([])
    return (*counts, float(np.abs(total).sum()) if sums else 0.0)


def find():
    """Real files of PyTables, GMT, netCDF-4 and MATLAB."""
    places = {
        "PyTables": ["/usr/share/python-tables/tests/*.h5"],
        "GMT (netCDF-4)": ["/usr/share/gmt-gshhg/*.nc", "/usr/share/gmt*/*/*.nc"],
    }
    return {name: sorted(p for pattern in patterns for p in glob.glob(pattern)) for name, patterns in places.items()}


for kind, paths in find().items():
    if not paths:
        skip(f"files of {kind}", "none installed")
        continue
    good, refused, attributes = 0, 0, 0
    unreadable = []
    for path in paths[:60] if "PyTables" in kind else paths[:3]:
        try:
            counts = read_all(path)
        except (OSError, RuntimeError) as error:
            unreadable.append(f"{os.path.basename(path)}: {error}")
            continue
        good, refused, attributes = good + counts[0], refused + counts[1], attributes + counts[2]
    check(good > 0, f"{kind}: {good} datasets and {attributes} attributes read, {refused} refused")
    alike(str(unreadable), f"{kind}: the same is unreadable everywhere")


def make_matlab(path):
    """A file as MATLAB 7.3 makes them: a text in a user block of 512 bytes, its attributes, its order."""
    with h5py.File(path, "w", userblock_size=512) as f:
        f["x"] = np.arange(6.0).reshape(3, 2)
        f["x"].attrs["MATLAB_class"] = np.bytes_(b"double")
        f["name"] = np.frombuffer("collio".encode("utf-16-le"), "u2").reshape(-1, 1)
        f["name"].attrs["MATLAB_class"] = np.bytes_(b"char")
        f["name"].attrs["MATLAB_int_decode"] = np.int32(2)
    with open(path, "r+b") as file:
        file.write(b"MATLAB 7.3 MAT-file, Platform: GLNXA64".ljust(124) + b"\x00\x02IM")


if rank == 0:
    make_matlab("matlab.mat")
comm.Barrier()
check(h5py.is_hdf5("matlab.mat"), "a file with a user block")
with h5py.File("matlab.mat", comm=comm) as f:
    equal(f.userblock_size, 512, "of 512 bytes")
    equal(f["x"][...].T, np.arange(6.0).reshape(3, 2).T, "its matrix")
    text = f["name"][...].astype("u2").tobytes().decode("utf-16-le")
    equal((text, f["name"].attrs["MATLAB_class"]), ("collio", np.bytes_(b"char")), "its text")
done()
