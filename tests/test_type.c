/* The table of element types. ranks: 1 */
#include "collio/core.h"
#include "tap.h"

#include <string.h>

int main(int argc, char **argv)
{
    MPI_Init(&argc, &argv);
    tap_begin();
    for (int i = 0; i < COLLIO_TYPE_COUNT; i++) {
        collio_type type = (collio_type)i;
        int size = 0;
        MPI_Type_size(collio_type_mpi(type), &size);
        tap_ok((size_t)size == collio_type_size(type), "%s: MPI's size is ours",
               collio_type_name(type));
        tap_ok(collio_type_from_name(collio_type_name(type)) == type, "%s: found by its name",
               collio_type_name(type));
    }
    tap_ok(collio_type_from_name("f3") == COLLIO_TYPE_COUNT, "an unknown name");
    tap_ok(collio_type_size(COLLIO_TYPE_COUNT) == 0 &&
               collio_type_mpi(COLLIO_TYPE_COUNT) == MPI_DATATYPE_NULL &&
               strcmp(collio_type_name(COLLIO_TYPE_COUNT), "?") == 0,
           "a type out of range");
    int status = tap_end();
    MPI_Finalize();
    return status;
}
