/* Communicators of collio's own. ranks: 1 2 4 */
#include "internal.h"
#include "tap.h"

#include <string.h>

static void test_arguments(void)
{
    collio_error err = COLLIO_ERROR_INIT;
    collio_comm *comm = NULL;
    MPI_Comm other = MPI_COMM_NULL;
    char library[MPI_MAX_LIBRARY_VERSION_STRING] = "";
    MPI_Comm self = MPI_COMM_SELF;
    int length;

    tap_ok(collio_comm_create(MPI_COMM_NULL, &comm, &err) == COLLIO_ERR_VALUE && comm == NULL,
           "the null communicator is refused");
    collio_error_clear(&err);
    tap_ok(collio_comm_free(&comm, &err) == COLLIO_OK, "freeing nothing is allowed");
    MPI_Get_library_version(library, &length);
    tap_ok(collio_comm_adopt(&self, sizeof self, library, &other, &err) == COLLIO_OK &&
               other == MPI_COMM_SELF,
           "a handle of the same library is accepted");
    tap_ok(collio_comm_adopt(&self, sizeof self, "Other MPI 1.0", &other, &err) == COLLIO_ERR_VALUE,
           "a handle of another library is refused");
    collio_error_clear(&err);
    tap_ok(collio_comm_adopt(&self, 2 * sizeof self, library, &other, &err) == COLLIO_ERR_VALUE,
           "a handle of another size too");
}

/* More duplicates than MPI has context ids, were they not given back. */
static void test_many(void)
{
    collio_error err = COLLIO_ERROR_INIT;
    int made = 0;

    for (int i = 0; i < 3000 && err.code == COLLIO_OK; i++) {
        collio_comm *comm = NULL;
        collio_comm_create(MPI_COMM_WORLD, &comm, &err);
        made += comm != NULL;
        collio_comm_free(&comm, &err);
    }
    tap_ok(made == 3000, "3000 duplicates in turn (%s)", err.text);
}

/* A prepared communicator can name the ranks that do not come to the first call. */
static void test_prepared(void)
{
    collio_error err = COLLIO_ERROR_INIT;
    collio_comm *comm = NULL;
    MPI_Comm world;
    char wanted[64];

    MPI_Comm_dup(MPI_COMM_WORLD, &world);
    tap_ok(collio_comm_prepare(world, &err) == COLLIO_OK, "a communicator is prepared");
    collio_set_timeout(1.0);
    MPI_Barrier(MPI_COMM_WORLD);
    if (tap_rank != 0)
        collio_comm_create(world, &comm, &err);
    MPI_Barrier(MPI_COMM_WORLD);
    snprintf(wanted, sizeof wanted, "rank 0 did not come within 1 s");
    tap_ok(tap_rank == 0 || (err.code == COLLIO_ERR_TIMEOUT && strstr(err.text, wanted) != NULL),
           "%s", wanted);
    collio_set_timeout(600.0);
}

/* A new communicator is nobody's yet: who does not come cannot be named. But MPI goes on. */
static void test_unprepared(void)
{
    collio_error err = COLLIO_ERROR_INIT;
    collio_comm *comm = NULL;
    MPI_Comm first, second;
    int sum = 0;

    MPI_Comm_dup(MPI_COMM_WORLD, &first);
    collio_set_timeout(1.0);
    if (tap_rank != 0)
        collio_comm_create(first, &comm, &err);
    MPI_Barrier(MPI_COMM_WORLD);
    collio_set_timeout(600.0);
    tap_ok(tap_rank == 0 || (err.code == COLLIO_ERR_TIMEOUT && comm == NULL),
           "a new communicator, to which rank 0 does not come (%s)", err.text);
    MPI_Comm_dup(MPI_COMM_WORLD, &second);
    MPI_Allreduce(&(int){1}, &sum, 1, MPI_INT, MPI_SUM, second);
    tap_ok(sum == tap_size && MPI_Comm_free(&second) == MPI_SUCCESS,
           "others can be made all the same");
}

/* A rank that cannot even look up the hidden duplicate brings that to the others. */
static void test_fault(int erring)
{
    collio_error err = COLLIO_ERROR_INIT;
    collio_comm *comm = NULL;

    collio_fault_set(tap_rank == erring);
    collio_comm_create(MPI_COMM_WORLD, &comm, &err);
    collio_fault_set(0);
    tap_ok(err.code == COLLIO_ERR_MPI && strstr(err.text, "MPI_Comm_get_attr") && comm == NULL,
           "the first result fails on rank %d: all return it", erring);
    collio_error_clear(&err);
    collio_comm_create(MPI_COMM_WORLD, &comm, &err);
    tap_ok(collio_comm_free(&comm, &err) == COLLIO_OK, "and the next call succeeds");
}

/* Of a communicator that is new the others learn it, too, and MPI goes on. */
static void test_new_fault(int erring, long nth)
{
    collio_error err = COLLIO_ERROR_INIT;
    collio_comm *comm = NULL;
    MPI_Comm user;
    char wanted[32];

    MPI_Comm_dup(MPI_COMM_WORLD, &user);
    collio_fault_set(tap_rank == erring ? nth : 0);
    collio_comm_create(user, &comm, &err);
    collio_fault_set(0);
    snprintf(wanted, sizeof wanted, "rank %d: ", erring);
    tap_ok(err.code == (nth < 3 ? COLLIO_ERR_MPI : COLLIO_ERR_MEMORY) && err.agreed && err.rank == erring && comm == NULL &&
               strncmp(err.text, wanted, strlen(wanted)) == 0,
           "step %ld fails on rank %d: all return %s", nth, erring, err.text);
    collio_error_clear(&err);
    collio_comm_create(user, &comm, &err);
    tap_ok(collio_comm_free(&comm, &err) == COLLIO_OK, "and the next call succeeds");
    MPI_Comm_free(&user);
}

static void test_subset(void)
{
    collio_error err = COLLIO_ERROR_INIT;
    collio_comm *comm = NULL;
    MPI_Comm half;

    MPI_Comm_split(MPI_COMM_WORLD, tap_rank % 2, -tap_rank, &half);
    tap_ok(collio_comm_create(half, &comm, &err) == COLLIO_OK, "of half of the ranks");
    int rank;
    MPI_Comm_rank(half, &rank);
    tap_ok(collio_comm_rank(comm) == rank &&
               collio_comm_size(comm) == (tap_size + 1 - tap_rank % 2) / 2,
           "with its ranks");
    tap_ok(collio_comm_handle(comm) != half, "but another context");
    collio_comm_free(&comm, &err);
    tap_ok(MPI_Comm_free(&half) == MPI_SUCCESS && err.code == COLLIO_OK, "both are freed");
}

/* One rank has failed before: it comes, and all get its error. */
static void test_brought_error(void)
{
    collio_error err = COLLIO_ERROR_INIT;
    collio_comm *comm = NULL;

    if (tap_rank == tap_size - 1)
        collio_error_set(&err, COLLIO_ERR_MEMORY, "no memory for a field");
    collio_comm_create(MPI_COMM_WORLD, &comm, &err);
    tap_ok(err.code == COLLIO_ERR_MEMORY && comm == NULL && err.agreed,
           "an error brought along reaches all");
}

int main(int argc, char **argv)
{
    MPI_Init(&argc, &argv);
    tap_begin();
    test_arguments();
    test_many();
    test_brought_error();
    for (int rank = 0; rank < tap_size; rank++)
        test_fault(rank);
    if (tap_size > 1) {
        for (int rank = 0; rank < tap_size; rank++)
            for (long nth = 1; nth <= 3; nth++)
                test_new_fault(rank, nth);
        test_subset();
        test_prepared();
        test_unprepared();
    }
    int status = tap_end();
    MPI_Finalize();
    return status;
}
