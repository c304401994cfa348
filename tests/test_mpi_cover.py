"""All names of MPI are there, with the signatures and base classes of mpi4py where it is installed."""
# ranks: 1

import names
from collio import MPI
from tap import check, done, equal, skip

# The locks and duplicates behind mpi4py's object collectives, and its way to end a job: here both
# are done otherwise.
NEVER = {"_comm_lock", "_comm_lock_table", "_commctx_inter", "_commctx_intra", "_set_abort_status"}

# Parameters that are by position only here: an option can have any name then, and functions that
# take one object are fast.
POSITIONAL = {"Info.update", "Info.pop", "_typecode", "_typealign", "_sizeof", "_addressof", "_handleof"}

missing = {name for _, name in names.names() if not names.is_there(MPI, name)}
equal(sorted(missing - NEVER), [], "all names are there")
check(len(names.table(MPI)) > 20, "the table of names")
wrong = [name for name in vars(MPI) if not hasattr(MPI, name)]
equal(wrong, [], "and can be got")
tree = names.reference()
if tree is None:
    skip("signatures and base classes agree with mpi4py's", "no mpi4py of version 4.1 or newer")
else:
    differing = [d for d in names.differences(MPI, tree) if d[0] not in POSITIONAL]
    equal(differing, [], "signatures and base classes agree with mpi4py's")
done()
