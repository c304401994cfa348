/* Jobs, directories and sizes, for the commands on checkpoints. */
#include "steps.h"
#include "cli.h"

#include <collio/doctor.h>

#include <stdio.h>
#include <stdlib.h>

static int rank;

int job_start(void)
{
    int provided;

    MPI_Init_thread(NULL, NULL, MPI_THREAD_SERIALIZED, &provided);
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    return rank;
}

int job_end(const char *command, int status, const collio_error *err)
{
    if (err->code != COLLIO_OK && (rank == 0 || !err->agreed))
        fprintf(stderr, "collio %s: %s\n", command, err->text);
    if (err->code != COLLIO_OK)
        status = STATUS_FAILED;
    fflush(NULL);
    MPI_Finalize();
    return rank == 0 ? status : 0;
}

int steps_open(const char *directory, int read_only, collio_checkpoint **out, collio_error *err)
{
    collio_checkpoint_options options = {.read_only = read_only, .verify = COLLIO_VERIFY_READ};

    return collio_checkpoint_open(MPI_COMM_WORLD, directory, &options, out, COLLIO_AT(err));
}

const char *steps_status(const collio_checkpoint_entry *entry)
{
    switch (entry->status) {
    case COLLIO_OK:
        return "whole";
    case COLLIO_ERR_DAMAGED:
        return "damaged";
    case COLLIO_ERR_UNSUPPORTED:
        return "unsupported";
    default:
        return "unreadable";
    }
}

char *steps_bytes(double bytes, char *text)
{
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB"};
    int unit = 0;

    for (; bytes >= 1024 && unit < 5; unit++)
        bytes /= 1024;
    snprintf(text, STEPS_TEXT, unit == 0 ? "%.0f %s" : "%.1f %s", bytes, units[unit]);
    return text;
}

int steps_number(const char *text, int64_t least, int64_t *number)
{
    char *end = NULL;

    *number = strtoll(text, &end, 10);
    return end != text && *end == '\0' && *number >= least;
}
