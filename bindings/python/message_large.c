/* Counts beyond INT_MAX where MPI has no functions for them: one element of a larger type. */
#include "bindings.h"

/* `count` elements of a type, one after the other: whole chunks, and what remains. */
static int make_large(MPI_Count count, MPI_Datatype type, MPI_Datatype *large)
{
    const MPI_Count chunk = INT_MAX;
    MPI_Datatype parts[2] = {MPI_DATATYPE_NULL, MPI_DATATYPE_NULL};
    int lengths[2] = {(int)(count / chunk), 1}, result;
    MPI_Aint lb, extent, places[2] = {0, 0};

    result = MPI_Type_get_extent(type, &lb, &extent);
    places[1] = (MPI_Aint)(count / chunk * chunk) * extent;
    if (result == MPI_SUCCESS)
        result = MPI_Type_contiguous((int)chunk, type, &parts[0]);
    if (result == MPI_SUCCESS)
        result = MPI_Type_contiguous((int)(count % chunk), type, &parts[1]);
    if (result == MPI_SUCCESS)
        result = MPI_Type_create_struct(2, lengths, places, parts, large);
    if (result == MPI_SUCCESS)
        result = MPI_Type_commit(large);
    for (int i = 0; i < 2; i++)
        if (parts[i] != MPI_DATATYPE_NULL)
            MPI_Type_free(&parts[i]);
    return mpi_failed(result, "MPI_Type_create_struct");
}

int message_bundle(message *m)
{
    MPI_Datatype large = MPI_DATATYPE_NULL;

    if (make_large(m->count, m->type, &large) < 0)
        return -1;
    m->type = large;
    m->own_type = 1;
    m->count = 1;
    return 0;
}
