/* For the tests of commands on checkpoints: save steps into a directory.
 *   step_maker DIRECTORY [per-rank] STEP... */
#include "checkpoint_tools.h"

#include <stdlib.h>

int main(int argc, char **argv)
{
    collio_error err = COLLIO_ERROR_INIT;
    collio_checkpoint *c = NULL;
    collio_checkpoint_options options = {.layout = COLLIO_LAYOUT_SHARED};
    int failed, first = 2;

    MPI_Init(&argc, &argv);
    MPI_Comm_rank(MPI_COMM_WORLD, &tap_rank);
    MPI_Comm_size(MPI_COMM_WORLD, &tap_size);
    if (argc > 2 && strcmp(argv[2], "per-rank") == 0) {
        options.layout = COLLIO_LAYOUT_PER_RANK;
        first = 3;
    }
    failed = collio_checkpoint_open(MPI_COMM_WORLD, argv[1], &options, &c, &err) != COLLIO_OK;
    for (int i = first; i < argc && !failed; i++)
        failed = little_save(c, atoll(argv[i]), &err) != COLLIO_OK;
    if (failed)
        fprintf(stderr, "rank %d: %s\n", tap_rank, err.text);
    collio_checkpoint_close(&c, &err);
    MPI_Finalize();
    return failed;
}
