/* collio hints: the hints for files that are worth knowing, and what the MPI here makes of them. */
#include "cli.h"

#include <collio/view.h>

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const char help[] =
    "usage: collio hints [DIRECTORY]\n\n"
    "Explain the hints (MPI.Info, MPI_Info) for files, and show which of them the MPI here took\n"
    "for a file in DIRECTORY (the current one), and what it added.\n";

/* A hint, a value to try it with, and what it does. */
static const struct {
    const char *name, *value, *text;
} hints[] = {
    {"collio_exchange", "always",
     "collio.View: exchange the ranks' parts before they are written: auto, always, never"},
    {"striping_factor", "4", "number of storage targets of a new file (Lustre, GPFS, BeeGFS)"},
    {"striping_unit", "4194304", "bytes on one target before the next; match large writes"},
    {"start_iodevice", "0", "target of the first stripe"},
    {"romio_cb_write", "enable", "collective writes in two phases: enable, disable, automatic"},
    {"romio_cb_read", "enable", "the same for reads"},
    {"cb_buffer_size", "16777216", "bytes an aggregator collects before it writes"},
    {"cb_nodes", "2", "number of aggregators; on parallel file systems about one a target"},
    {"romio_ds_write", "disable",
     "writing through a sieve: reads, changes and writes back under a lock"},
    {"romio_ds_read", "automatic", "reading through a sieve: large reads for many small ones"},
    {"ind_wr_buffer_size", "524288", "bytes of the sieve for writing"},
    {"ind_rd_buffer_size", "4194304", "bytes of the sieve for reading"},
    {"romio_no_indep_rw", "false", "true: only aggregators open the file (many ranks)"},
};

enum { HINTS = sizeof hints / sizeof *hints };

static const char *value_of(MPI_Info info, const char *name, char value[MPI_MAX_INFO_VAL + 1])
{
    int found = 0;

    if (info != MPI_INFO_NULL)
        MPI_Info_get(info, name, MPI_MAX_INFO_VAL, value, &found);
    return found ? value : "not taken";
}

static int is_known(const char *name)
{
    for (int i = 0; i < HINTS; i++)
        if (strcmp(name, hints[i].name) == 0)
            return 1;
    return 0;
}

/* What the MPI reports of its own accord. */
static void print_others(MPI_Info took)
{
    char name[MPI_MAX_INFO_KEY + 1], value[MPI_MAX_INFO_VAL + 1];
    int n = 0;

    if (took != MPI_INFO_NULL)
        MPI_Info_get_nkeys(took, &n);
    for (int i = 0; i < n; i++) {
        MPI_Info_get_nthkey(took, i, name);
        if (!is_known(name))
            printf("  %-20s %s\n", name, value_of(took, name, value));
    }
}

static void print_all(MPI_Info by_mpi, MPI_Info by_view)
{
    char value[MPI_MAX_INFO_VAL + 1];

    printf("%-20s %-10s %-10s\n", "hint", "tried", "in use");
    for (int i = 0; i < HINTS; i++) {
        MPI_Info took = strncmp(hints[i].name, "collio", 6) == 0 ? by_view : by_mpi;

        printf("%-20s %-10s %-10s %s\n", hints[i].name, hints[i].value,
               value_of(took, hints[i].name, value), hints[i].text);
    }
    printf("\nWhat this MPI adds:\n");
    print_others(by_mpi);
}

/* Make a file with the hints, once by MPI-IO and once as a view, and ask both what they took. */
static int ask(const char *path, MPI_Info *by_mpi, MPI_Info *by_view, collio_error *err)
{
    MPI_Info given;
    MPI_File file;
    collio_view *view = NULL;
    int result;

    MPI_Info_create(&given);
    for (int i = 0; i < HINTS; i++)
        MPI_Info_set(given, hints[i].name, hints[i].value);
    result = MPI_File_open(MPI_COMM_SELF, path, MPI_MODE_CREATE | MPI_MODE_RDWR, given, &file);
    if (result == MPI_SUCCESS) {
        MPI_File_get_info(file, by_mpi);
        MPI_File_close(&file);
    }
    if (collio_view_open(MPI_COMM_SELF, path, "w", given, &view, err) == COLLIO_OK)
        collio_view_info(view, by_view, err);
    collio_view_close(&view, err);
    unlink(path);
    MPI_Info_free(&given);
    return err->code;
}

int command_hints(int argc, char **argv)
{
    const char *directory = argc > 1 ? argv[1] : ".";
    collio_error err = COLLIO_ERROR_INIT;
    MPI_Info by_mpi = MPI_INFO_NULL, by_view = MPI_INFO_NULL;
    char path[4096];
    int rank = 0;

    if (argc > 2 || strcmp(directory, "--help") == 0) {
        fputs(help, argc > 2 ? stderr : stdout);
        return argc > 2 ? STATUS_USAGE : 0;
    }
    MPI_Init(NULL, NULL);
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    snprintf(path, sizeof path, "%s/.collio-hints-%ld", directory, (long)getpid());
    if (rank == 0 && ask(path, &by_mpi, &by_view, &err) == COLLIO_OK)
        print_all(by_mpi, by_view);
    if (err.code != COLLIO_OK)
        fprintf(stderr, "collio hints: %s\n", err.text);
    if (by_mpi != MPI_INFO_NULL)
        MPI_Info_free(&by_mpi);
    if (by_view != MPI_INFO_NULL)
        MPI_Info_free(&by_view);
    MPI_Finalize();
    return err.code == COLLIO_OK ? 0 : 2;
}
