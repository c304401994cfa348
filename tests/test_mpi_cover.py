"""All names of MPI are there, with the signatures and base classes of mpi4py where it is installed."""
# ranks: 1

import names
from collio import MPI
from tap import check, done, equal, skip

# Fault tolerance, which the MPI libraries that this is for do not have.
NEVER = set("""
Comm.Revoke Comm.Is_revoked Comm.Get_failed Comm.Ack_failed Comm.Agree Comm.Iagree Comm.Shrink
Comm.Ishrink
""".split())

# To come: a name that is there leaves the list.
PENDING = set("""
Add_error_class Add_error_code Add_error_string Close_port Distgraphcomm Flush_buffer Graphcomm
Grequest Iflush_buffer Intercomm Lookup_name Open_port Publish_name Remove_error_class
Remove_error_code Remove_error_string SESSION_NULL Session Unpublish_name WIN_NULL Win _comm_lock
_comm_lock_table _commctx_inter _commctx_intra _set_abort_status Comm.Dup_with_info Comm.Idup
Comm.Idup_with_info Comm.Set_info Comm.Get_info Comm.Attach_buffer Comm.Detach_buffer
Comm.Flush_buffer Comm.Iflush_buffer Comm.Psend_init Comm.Precv_init Comm.Get_parent Comm.Join
Comm.info Distgraphcomm.Get_dist_neighbors_count Distgraphcomm.Get_dist_neighbors Graphcomm.Get_dims
Graphcomm.Get_topo Graphcomm.Get_neighbors_count Graphcomm.Get_neighbors Graphcomm.dims
Graphcomm.nnodes Graphcomm.nedges Graphcomm.topo Graphcomm.index Graphcomm.edges
Graphcomm.nneighbors Graphcomm.neighbors Grequest.Start Grequest.Complete Grequest.complete
Group.Create_from_session_pset Intercomm.Create_from_groups Intercomm.Get_remote_group
Intercomm.Get_remote_size Intercomm.Merge Intercomm.remote_group Intercomm.remote_size
Intracomm.Create_group Intracomm.Create_from_group Intracomm.Create_graph
Intracomm.Create_dist_graph_adjacent Intracomm.Create_dist_graph Intracomm.Create_intercomm
Intracomm.Graph_map Intracomm.Spawn Intracomm.Spawn_multiple Intracomm.Accept Intracomm.Connect
Prequest.Pready Prequest.Pready_range Prequest.Pready_list Prequest.Parrived Request.Get_status_any
Request.Get_status_all Request.Get_status_some Request.get_status_any Request.get_status_all
Request.get_status_some Session.tohandle Session.fromhandle Session.free Session.Init
Session.Finalize Session.Get_num_psets Session.Get_nth_pset Session.Get_info Session.Get_pset_info
Session.Create_group Session.Attach_buffer Session.Detach_buffer Session.Flush_buffer
Session.Iflush_buffer Session.Create_errhandler Session.Get_errhandler Session.Set_errhandler
Session.Call_errhandler Session.toint Session.fromint Session.py2f Session.f2py Session.handle
Topocomm.neighbor_allgather Topocomm.neighbor_alltoall Win.tohandle Win.fromhandle Win.free
Win.Create Win.Allocate Win.Allocate_shared Win.Shared_query Win.Create_dynamic Win.Attach
Win.Detach Win.Free Win.Set_info Win.Get_info Win.Get_group Win.Get_attr Win.Set_attr
Win.Delete_attr Win.Create_keyval Win.Free_keyval Win.tomemory Win.Put Win.Get Win.Accumulate
Win.Get_accumulate Win.Fetch_and_op Win.Compare_and_swap Win.Rput Win.Rget Win.Raccumulate
Win.Rget_accumulate Win.Fence Win.Start Win.Complete Win.Post Win.Wait Win.Test Win.Lock Win.Unlock
Win.Lock_all Win.Unlock_all Win.Flush Win.Flush_all Win.Flush_local Win.Flush_local_all Win.Sync
Win.Create_errhandler Win.Get_errhandler Win.Set_errhandler Win.Call_errhandler Win.Get_name
Win.Set_name Win.toint Win.fromint Win.py2f Win.f2py Win.handle Win.info Win.group Win.group_size
Win.group_rank Win.attrs Win.flavor Win.model Win.name
""".split())

# Parameters that are by position only here: an option can have any name then, and functions that
# take one object are fast.
POSITIONAL = {"Info.update", "Info.pop", "_typecode", "_typealign", "_sizeof", "_addressof", "_handleof"}

missing = {name for _, name in names.names() if not names.is_there(MPI, name)}
equal(sorted(missing - NEVER - PENDING), [], "all names are there")
check(len(names.table(MPI)) > 20, "the table of names")
wrong = [name for name in vars(MPI) if not hasattr(MPI, name)]
equal(wrong, [], "and can be got")
tree = names.reference()
if tree is None:
    skip("signatures and base classes agree with mpi4py's", "mpi4py is not installed")
else:
    differing = [d for d in names.differences(MPI, tree) if d[0] not in POSITIONAL]
    equal(differing, [], "signatures and base classes agree with mpi4py's")
done()
