/* For the tests of commands on checkpoints: save steps into a directory.
 *   step_maker DIRECTORY STEP... */
#include "checkpoint_tools.h"

#include <stdlib.h>

int main(int argc, char **argv)
{
    collio_error err = COLLIO_ERROR_INIT;
    collio_checkpoint *c = NULL;
    int failed;

    MPI_Init(&argc, &argv);
    MPI_Comm_rank(MPI_COMM_WORLD, &tap_rank);
    MPI_Comm_size(MPI_COMM_WORLD, &tap_size);
    c = open_checkpoint(argv[1], 0, COLLIO_VERIFY_ALL);
    failed = c == NULL;
    for (int i = 2; i < argc && !failed; i++)
        failed = little_save(c, atoll(argv[i]), &err) != COLLIO_OK;
    if (failed)
        fprintf(stderr, "rank %d: %s\n", tap_rank, err.text);
    collio_checkpoint_close(&c, &err);
    MPI_Finalize();
    return failed;
}
