/* collio merge: one file of what was written per rank. */
#include "cli.h"
#include "json.h"
#include "steps.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static const char help[] =
    "usage: collio merge [--step N] [--json] SOURCE -o FILE\n"
    "       mpiexec -n 4 collio merge [...]\n\n"
    "Make one file of what was written per rank: the one it would have been. SOURCE is a step's\n"
    "file, a directory of checkpoints, of which the newest step is taken, or a file that was\n"
    "written with the layout 'per-rank'. It is only read; ranks share the work. FILE gets its\n"
    "name when every byte of it has been compared, and never replaces another. After a kill, run\n"
    "it again.\n\n"
    "  -o FILE   the result; if it is there already, it is verified\n"
    "  --step N  this step of the directory\n"
    "  --json    tell the result for programs\n\n"
    "Exit status: 0, or 2 on failure, as when the source is damaged.\n";

typedef struct wishes {
    const char *source, *result;
    int64_t step; /* COLLIO_NEWEST: the newest */
    int json, help;
} wishes;

static int parse(int argc, char **argv, wishes *w)
{
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--help") == 0)
            w->help = 1;
        else if (strcmp(argv[i], "--json") == 0)
            w->json = 1;
        else if (strcmp(argv[i], "-o") == 0 && i + 1 < argc)
            w->result = argv[++i];
        else if (strcmp(argv[i], "--step") == 0 && i + 1 < argc &&
                 steps_number(argv[i + 1], 0, &w->step))
            i++;
        else if (argv[i][0] == '-' || w->source != NULL)
            return 0;
        else
            w->source = argv[i];
    }
    return w->help || (w->source != NULL && w->result != NULL);
}

typedef struct telling {
    progress line;
    int rank, ranks, begun;
    int64_t told;
} telling;

/* The shares of all ranks are about the same: that of rank 0 stands for them. */
static void tell(void *context, int64_t done, int64_t total)
{
    telling *t = context;

    if (!t->begun)
        progress_begin(&t->line, "merge", t->rank == 0, total * t->ranks);
    t->begun = 1;
    progress_add(&t->line, (done - t->told) * t->ranks);
    t->told = done;
}

static void print_result(const wishes *w)
{
    if (!w->json) {
        printf("%s: whole\n", w->result);
        return;
    }
    printf("{\"source\": ");
    json_text(stdout, w->source);
    json_name(stdout, "result", 0);
    json_text(stdout, w->result);
    printf("}\n");
}

int command_merge(int argc, char **argv)
{
    wishes w = {.step = COLLIO_NEWEST};
    collio_error err = COLLIO_ERROR_INIT;
    telling t = {.begun = 0};

    if (!parse(argc, argv, &w)) {
        fputs(help, stderr);
        return STATUS_USAGE;
    }
    if (w.help) {
        fputs(help, stdout);
        return 0;
    }
    t.rank = job_start();
    MPI_Comm_size(MPI_COMM_WORLD, &t.ranks);
    collio_checkpoint_merge(MPI_COMM_WORLD, w.source, w.step, w.result, tell, &t, &err);
    progress_clear(&t.line);
    if (t.rank == 0 && err.code == COLLIO_OK)
        print_result(&w);
    return job_end("merge", 0, &err);
}
