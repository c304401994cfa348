/* Errors are made, kept and named. ranks: 1 2 */
#include "internal.h"
#include "tap.h"

#include <errno.h>
#include <string.h>

static void test_first_error_wins(void)
{
    collio_error err = COLLIO_ERROR_INIT;

    tap_ok(err.code == COLLIO_OK && err.rank == -1 && err.line > 0, "a new struct has no error");
    tap_ok(collio_error_set(&err, COLLIO_ERR_VALUE, "n must be >= 0, got %d", -3) ==
               COLLIO_ERR_VALUE,
           "setting returns the code");
    tap_ok(collio_error_set(&err, COLLIO_ERR_KEY, "later") == COLLIO_ERR_VALUE &&
               strcmp(err.text, "n must be >= 0, got -3") == 0,
           "the first error stays");
    collio_error_clear(&err);
    tap_ok(err.code == COLLIO_OK && err.text[0] == '\0' && err.line > 0,
           "clearing keeps the place only");
    tap_ok(collio_error_at(NULL, "f.c", 1) == NULL, "no struct, no place");
}

static void test_names(void)
{
    tap_ok(strcmp(collio_error_name(COLLIO_ERR_DIVERGED), "ranks disagree") == 0, "codes have names");
    tap_ok(strcmp(collio_error_name(-1), "unknown error") == 0 &&
               strcmp(collio_error_name(99), "unknown error") == 0,
           "other numbers are unknown");
    tap_ok(strcmp(collio_version(), "0.1.0") == 0, "the version is a text");
}

static void test_judges(void)
{
    collio_error err = COLLIO_ERROR_INIT;

    MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN);
    tap_ok(collio_mpi(MPI_SUCCESS, "MPI_Send", &err) == COLLIO_OK, "success passes");
    int result = MPI_Send(NULL, 0, MPI_BYTE, tap_size + 7, 0, MPI_COMM_WORLD);
    tap_ok(collio_mpi(result, "MPI_Send", &err) == COLLIO_ERR_MPI && err.mpi_error == MPI_ERR_RANK,
           "an MPI error keeps its class");
    tap_ok(strncmp(err.text, "MPI_Send: ", 10) == 0, "and names the call");
    collio_error_clear(&err);
    errno = ENOSPC;
    tap_ok(collio_sys(1, "pwrite", "a.h5", &err) == COLLIO_ERR_OS && err.sys_error == ENOSPC &&
               strcmp(err.text, "pwrite 'a.h5': No space left on device") == 0,
           "a system error keeps errno and path");
}

static void test_faults(void)
{
    collio_error err = COLLIO_ERROR_INIT;

    collio_fault_set(2);
    tap_ok(collio_mpi(MPI_SUCCESS, "MPI_Send", &err) == COLLIO_OK, "fault 2: the first passes");
    tap_ok(collio_sys(0, "fsync", NULL, &err) == COLLIO_ERR_OS && err.sys_error == EIO,
           "fault 2: the second fails");
    collio_error_clear(&err);
    tap_ok(collio_mpi(MPI_SUCCESS, "MPI_Send", &err) == COLLIO_OK && collio_fault_count() == 3,
           "fault 2: the third passes");
    collio_fault_set(1);
    tap_ok(collio_fault_before("MPI_Ibcast", &err) == COLLIO_ERR_MPI &&
               strcmp(err.text, "MPI_Ibcast: injected fault") == 0,
           "a fault before a call names it");
    collio_fault_set(0);
}

int main(int argc, char **argv)
{
    MPI_Init(&argc, &argv);
    tap_begin();
    test_first_error_wins();
    test_names();
    test_judges();
    test_faults();
    int status = tap_end();
    MPI_Finalize();
    return status;
}
