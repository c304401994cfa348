/*
 * The Python types of the extension, bases before derived ones. Define
 * X(slot, base slot, namespace) before the inclusion; it is undefined at the
 * end. For each row one file defines `PyType_Spec <slot>_spec`.
 *   namespace  MPI: a name of the extension, thus of collio.MPI
 *              collio: an entry of the extension's dictionary `_io`, thus of
 *              the package collio (MPI has a File and a Group too)
 *              hidden: no name
 */
X(Handle, none, hidden)
X(RowMethod, none, hidden)
X(Status, none, MPI)
X(Datatype, Handle, MPI)
X(Op, Handle, MPI)
X(Group, Handle, MPI)
X(Info, Handle, MPI)
X(Request, Handle, MPI)
X(Prequest, Request, MPI)
X(Message, Handle, MPI)
X(Comm, Handle, MPI)
X(Intracomm, Comm, MPI)
X(Topocomm, Intracomm, MPI)
X(Cartcomm, Topocomm, MPI)
X(Graphcomm, Topocomm, MPI)
X(Distgraphcomm, Topocomm, MPI)
X(Intercomm, Comm, MPI)
X(File, Handle, MPI)
X(Errhandler, Handle, MPI)
X(Win, Handle, MPI)
X(Keyval, none, hidden)
X(BottomType, none, MPI)
X(InPlaceType, none, MPI)
X(BufferAutomaticType, none, MPI)
X(buffer, none, MPI)
X(Pickle, none, MPI)
X(Part, none, collio)
X(PerRank, none, collio)
X(Checkpoint, none, collio)
X(State, none, collio)
X(SaveRequest, none, collio)
X(H5Object, none, hidden)
X(H5Group, H5Object, collio)
X(H5File, H5Group, collio)
X(H5Dataset, H5Object, collio)
X(H5Datatype, H5Object, collio)
X(H5Mode, none, hidden)
X(Attributes, none, collio)
X(View, none, collio)
#undef X
