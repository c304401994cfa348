/* collio doctor: run the checks, alone or as the ranks of a job, and show what they found. */
#include "cli.h"
#include "report.h"

#include <collio/doctor.h>

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char help[] =
    "usage: collio doctor [--dir DIRECTORY] [--json] [-v CHECK] [--offline] [--ranks]\n"
    "       mpiexec -n 4 collio doctor [...]\n\n"
    "  --dir DIRECTORY  where files are to be written (default: here)\n"
    "  --json           findings for programs\n"
    "  -v CHECK         one check with all its evidence, as in -v E21\n"
    "  --offline        start no other programs (h5pcc, mpiexec, python3)\n"
    "  --ranks          use MPI also where no launcher shows\n\n"
    "Exit status: 0 fine, 1 warnings, 2 failures.\n";

struct wishes {
    collio_doctor_options options;
    report_style style;
    int ranks, help;
};

static int parse(int argc, char **argv, struct wishes *wishes)
{
    static const struct option options[] = {{"dir", required_argument, NULL, 'd'},
                                            {"json", no_argument, NULL, 'j'},
                                            {"verbose", required_argument, NULL, 'v'},
                                            {"offline", no_argument, NULL, 'o'},
                                            {"ranks", no_argument, NULL, 'r'},
                                            {"help", no_argument, NULL, 'h'},
                                            {0}};
    int c;

    while ((c = getopt_long(argc, argv, "v:h", options, NULL)) != -1)
        switch (c) {
        case 'd':
            wishes->options.directory = optarg;
            break;
        case 'j':
            wishes->style.json = 1;
            break;
        case 'v':
            wishes->style.check = optarg;
            break;
        case 'o':
            wishes->options.offline = 1;
            break;
        case 'r':
            wishes->ranks = 1;
            break;
        case 'h':
            wishes->help = 1;
            break;
        default:
            return 0;
        }
    return optind == argc;
}

/* Some MPI libraries end the process in MPI_Init when they cannot find their launcher: what is
 * known by then is shown all the same. One process speaks, as below. */
static collio_doctor *unshown;
static report_style unshown_style;

static void show_unshown(void)
{
    int rank = 0;

    if (unshown == NULL)
        return;
    collio_doctor_launcher(&rank, NULL);
    if (rank > 0)
        _exit(0);
    collio_doctor_ended(unshown);
    fprintf(stderr, "collio doctor: MPI_Init ended this process; found before that:\n");
    report_print(stdout, unshown, &unshown_style);
    fflush(stdout);
    _exit(2);
}

/* Stage two. Returns the rank of this process, 0 if it is alone. */
static int ask_ranks(collio_doctor *doctor, const report_style *style, collio_error *err)
{
    int provided, rank = 0, size = 1;

    unshown = doctor;
    unshown_style = *style;
    atexit(show_unshown);
    MPI_Init_thread(NULL, NULL, MPI_THREAD_SERIALIZED, &provided);
    unshown = NULL;
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    MPI_Comm_size(MPI_COMM_WORLD, &size);
    collio_doctor_ranks(doctor, MPI_COMM_WORLD, err);
    /* Alone although the launcher started several: let one of them speak. */
    if (size == 1)
        collio_doctor_launcher(&rank, NULL);
    return rank > 0 ? rank : 0;
}

static int status_of(const collio_doctor *doctor)
{
    switch (collio_doctor_level(doctor)) {
    case COLLIO_LEVEL_FAILURE:
        return 2;
    case COLLIO_LEVEL_WARNING:
        return 1;
    default:
        return 0;
    }
}

int command_doctor(int argc, char **argv)
{
    struct wishes wishes = {0};
    collio_error err = COLLIO_ERROR_INIT;
    collio_doctor *doctor = NULL;
    int rank = 0, status = 2, started = 0;

    if (!parse(argc, argv, &wishes)) {
        fputs(help, stderr);
        return STATUS_USAGE;
    }
    if (wishes.help) {
        fputs(help, stdout);
        return 0;
    }
    if (collio_doctor_create(&wishes.options, &doctor, &err) != COLLIO_OK)
        goto done;
    if (wishes.ranks || collio_doctor_launcher(NULL, NULL) != NULL) {
        rank = ask_ranks(doctor, &wishes.style, &err);
        started = 1;
    }
    /* One process speaks, and its status alone counts: launchers end the job at the first that is
     * not 0, perhaps before that one has spoken. */
    status = rank == 0 ? status_of(doctor) : 0;
    if (rank == 0 && !report_print(stdout, doctor, &wishes.style)) {
        fprintf(stderr, "collio doctor: no check '%s'\n", wishes.style.check);
        status = STATUS_USAGE;
    }
done:
    if (err.code != COLLIO_OK) {
        if (rank == 0 || !err.agreed)
            fprintf(stderr, "collio doctor: rank %d: %s\n", rank, err.text);
        status = 2;
    }
    collio_doctor_free(&doctor);
    if (started)
        MPI_Finalize();
    return status;
}
