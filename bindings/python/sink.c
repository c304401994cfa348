/* Receiving what there is no memory for: see parcel.h. */
#include "parcel.h"

char sink_memory[SINK_SIZE];

/* All blocks lie at the same place: what arrives there is never read. */
int sink_type(int64_t size, MPI_Datatype *type)
{
    int lengths[] = {1, (int)(size % SINK_SIZE)}, code;
    MPI_Datatype types[] = {MPI_DATATYPE_NULL, MPI_BYTE};
    MPI_Aint places[2];

    MPI_Get_address(sink_memory, &places[0]);
    places[1] = places[0];
    code = MPI_Type_create_hvector((int)(size / SINK_SIZE), SINK_SIZE, 0, MPI_BYTE, &types[0]);
    if (code != MPI_SUCCESS)
        return mpi_failed(code, "MPI_Type_create_hvector");
    code = MPI_Type_create_struct(2, lengths, places, types, type);
    if (code == MPI_SUCCESS)
        code = MPI_Type_commit(type);
    MPI_Type_free(&types[0]);
    return mpi_failed(code, "MPI_Type_create_struct");
}
