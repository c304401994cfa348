/* collio prune: delete old steps of a directory of checkpoints. */
#include "cli.h"
#include "json.h"
#include "steps.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char help[] =
    "usage: collio prune --keep N [--dry-run] [--json] DIRECTORY\n"
    "       mpiexec -n 4 collio prune [...]\n\n"
    "Delete the steps of a directory of checkpoints before the newest N whose seals are whole.\n"
    "Pinned steps stay and are not counted; damaged ones are not counted. If there are no N whole\n"
    "ones, nothing is deleted.\n\n"
    "  --keep N   at least 1\n"
    "  --dry-run  only tell what would be deleted\n"
    "  --json     the same for programs\n\n"
    "Refuses while a job has the directory. Exit status: 0, or 2 on failure.\n";

typedef struct wishes {
    const char *directory;
    int64_t keep;
    int dry, json, help;
} wishes;

static int parse(int argc, char **argv, wishes *w)
{
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--help") == 0)
            w->help = 1;
        else if (strcmp(argv[i], "--json") == 0)
            w->json = 1;
        else if (strcmp(argv[i], "--dry-run") == 0)
            w->dry = 1;
        else if (strcmp(argv[i], "--keep") == 0 && i + 1 < argc &&
                 steps_number(argv[i + 1], 1, &w->keep))
            i++;
        else if (argv[i][0] == '-' || w->directory != NULL)
            return 0;
        else
            w->directory = argv[i];
    }
    return w->help || (w->directory != NULL && w->keep >= 1);
}

/* Steps list[0 .. the result) may go. */
static int count_old(const collio_checkpoint_entry *list, int count, int64_t keep)
{
    for (int i = count - 1; i >= 0 && keep > 0; i--)
        if (!list[i].pinned && list[i].status == COLLIO_OK && --keep == 0)
            return i;
    return 0;
}

static void print_step(const wishes *w, int64_t step, int first)
{
    if (w->json)
        printf("%s%" PRId64, first ? "" : ", ", step);
    else
        printf("step %" PRId64 " %s\n", step, w->dry ? "would be deleted" : "deleted");
}

static int delete_old(collio_checkpoint *c, const wishes *w, int rank, collio_error *err)
{
    collio_checkpoint_entry *list = NULL;
    int count = 0, deleted = 0, old;

    if (collio_checkpoint_steps(c, &list, &count, err))
        return err->code;
    old = count_old(list, count, w->keep);
    if (rank == 0 && w->json)
        printf("{\"%s\": [", w->dry ? "would_delete" : "deleted");
    for (int i = 0; i < old && err->code == COLLIO_OK; i++) {
        if (list[i].pinned ||
            (!w->dry && collio_checkpoint_delete(c, list[i].step, err) != COLLIO_OK))
            continue;
        if (rank == 0)
            print_step(w, list[i].step, deleted == 0);
        deleted++;
    }
    if (rank == 0 && w->json)
        printf("], \"kept\": %d}\n", count - deleted);
    collio_checkpoint_steps_free(list);
    return err->code;
}

/* Looked at first, because opening it for writing would make a directory that is not there. */
static void run(const wishes *w, int rank, collio_error *err)
{
    collio_checkpoint *c = NULL;

    if (steps_open(w->directory, 1, &c, err) == COLLIO_OK && !w->dry &&
        collio_checkpoint_close(&c, err) == COLLIO_OK)
        steps_open(w->directory, 0, &c, err);
    if (err->code == COLLIO_OK)
        delete_old(c, w, rank, err);
    collio_checkpoint_close(&c, err);
}

int command_prune(int argc, char **argv)
{
    wishes w = {.keep = 0};
    collio_error err = COLLIO_ERROR_INIT;

    if (!parse(argc, argv, &w)) {
        fputs(help, stderr);
        return STATUS_USAGE;
    }
    if (w.help) {
        fputs(help, stdout);
        return 0;
    }
    run(&w, job_start(), &err);
    return job_end("prune", 0, &err);
}
