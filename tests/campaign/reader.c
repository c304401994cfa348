/*
 * Read all that there is in each of some files, for tests/campaign/fuzz.py: a line a file, with the
 * number of values, or -1 if it does not open.
 */
#include "../fuzz_tools.h"

#include <hdf5.h>

int main(int argc, char **argv)
{
    MPI_Init(&argc, &argv);
    H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
    for (int i = 1; i < argc; i++) {
        printf("%s ", argv[i]);
        fflush(stdout);
        printf("%ld\n", fuzz_read(argv[i]));
        fflush(stdout);
    }
    MPI_Finalize();
    return 0;
}
