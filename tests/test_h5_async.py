"""Dataset.write_async() and read_async(). ranks: 1 2 3"""

import numpy as np
import collio
from collio import MPI
from tap import check, done, equal, raises

comm = MPI.COMM_WORLD
rank, size = comm.rank, comm.size
whole = np.arange(6000.0 * size).reshape(-1, 60)
rows = slice(100 * rank, 100 * rank + 100)

with collio.File("async.h5", "w", comm=comm) as f:
    for name, keywords in [("plain", {}), ("packed", {"compression": "gzip"})]:
        d = f.create_dataset(name, whole.shape, "f8", **keywords)
        transfer = d.write_async(whole[rows], rows)
        check(isinstance(transfer, collio.Transfer), f"{name}: a Transfer")
        transfer.wait()
        check(transfer.test(), f"{name}: it is done")
        transfer.wait()
        equal(d[...], whole, f"{name}: written")
        into = np.zeros_like(whole)
        d.read_async(into).wait()
        equal(into, whole, f"{name}: read")
        part = np.zeros((50, 60), "f4")
        d.read_async(part, np.s_[rank : rank + 100 : 2]).wait()
        equal(part, whole[rank : rank + 100 : 2].astype("f4"), f"{name}: a part, converted")
        d.write_async([[1.5]], np.s_[0:1, 0:1]).wait()
        equal(d[0, 0], np.float64(1.5), f"{name}: from a list")
        raises((IndexError, collio.CollectiveError), "", d.write_async, whole, np.s_[10**6] if rank == 0 else ..., name=f"{name}: one rank errs")
        raises((TypeError, collio.CollectiveError), "", d.read_async, "text", name=f"{name}: no memory to read into")
    later = f["plain"].write_async(whole[rows] + 1, rows)
    del later
    f["plain"].write_async(whole[rows] + 2, rows)
with collio.File("async.h5", "r", comm=comm) as f:
    equal(f["plain"][...], whole + 2, "what nobody waited for is there after closing")
done()
