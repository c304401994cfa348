/* The table of element types: name, size, MPI datatype. */
#include "internal.h"

#include <string.h>

size_t collio_type_size(collio_type type)
{
    switch (type) {
#define X(name, text, mpi, c)                                                                      \
    case COLLIO_##name:                                                                            \
        return sizeof(c);
        COLLIO_TYPES
#undef X
    default:
        return 0;
    }
}

const char *collio_type_name(collio_type type)
{
    switch (type) {
#define X(name, text, mpi, c)                                                                      \
    case COLLIO_##name:                                                                            \
        return text;
        COLLIO_TYPES
#undef X
    default:
        return "?";
    }
}

MPI_Datatype collio_type_mpi(collio_type type)
{
    switch (type) {
#define X(name, text, mpi, c)                                                                      \
    case COLLIO_##name:                                                                            \
        return mpi;
        COLLIO_TYPES
#undef X
    default:
        return MPI_DATATYPE_NULL;
    }
}

collio_type collio_type_from_name(const char *name)
{
    int type = 0;

    while (type < COLLIO_TYPE_COUNT && strcmp(name, collio_type_name((collio_type)type)) != 0)
        type++;
    return (collio_type)type;
}
