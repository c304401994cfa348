/* collio verify: read checkpoints and compare every byte with their seals. */
#define _XOPEN_SOURCE 700
#include "cli.h"
#include "json.h"
#include "steps.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static const char help[] =
    "usage: collio verify [--step N] [--json] DIRECTORY\n"
    "       collio verify [--json] FILE\n"
    "       mpiexec -n 4 collio verify [...]\n\n"
    "Read all steps of a directory of checkpoints, or one, and compare every byte with its seal;\n"
    "ranks share the work. Damage is named by file, dataset and range of elements.\n\n"
    "  --step N  this step only\n"
    "  --json    findings for programs\n\n"
    "Changes nothing. Exit status: 0 all whole; 1 damaged; 2 if it could not be found out.\n";

typedef struct wishes {
    const char *path;
    int64_t step; /* -1: all */
    int json, help;
} wishes;

static int parse(int argc, char **argv, wishes *w)
{
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--help") == 0)
            w->help = 1;
        else if (strcmp(argv[i], "--json") == 0)
            w->json = 1;
        else if (strcmp(argv[i], "--step") == 0 && i + 1 < argc &&
                 steps_number(argv[i + 1], 0, &w->step))
            i++;
        else if (argv[i][0] == '-' || w->path != NULL)
            return 0;
        else
            w->path = argv[i];
    }
    return w->help || w->path != NULL;
}

/* ------------------------------------------------------------------ findings */

static void print_report(const collio_checkpoint_report *r, const wishes *w, int first)
{
    if (!w->json) {
        printf("step %" PRId64 ": %s", r->step, r->valid ? "whole" : "DAMAGED");
        printf(r->valid ? ", %" PRId64 " blocks\n" : "\n", r->blocks);
        if (!r->valid)
            printf("  %s\n", r->text);
        return;
    }
    printf("%s\n  {\"step\": %" PRId64 ", \"valid\": %s, \"blocks\": %" PRId64
           ", \"damaged\": %" PRId64 ", \"text\": ",
           first ? "" : ",", r->step, r->valid ? "true" : "false", r->blocks, r->damaged);
    json_text(stdout, r->text);
    printf("}");
}

/* ------------------------------------------------------------------ the work */

static int is_wanted(const wishes *w, const collio_checkpoint_entry *e)
{
    return w->step < 0 || w->step == e->step;
}

static int verify_all(collio_checkpoint *c, const wishes *w, int rank,
                      const collio_checkpoint_entry *list, int count, collio_error *err)
{
    int64_t total = 0;
    int status = 0, found = 0;
    progress p;

    for (int i = 0; i < count; i++)
        total += is_wanted(w, &list[i]) ? list[i].size : 0;
    progress_begin(&p, "verify", rank == 0, total);
    for (int i = 0; i < count && err->code == COLLIO_OK; i++) {
        collio_checkpoint_report report;
        if (!is_wanted(w, &list[i]) ||
            collio_checkpoint_verify(c, list[i].step, &report, err) != COLLIO_OK)
            continue;
        progress_clear(&p);
        if (rank == 0)
            print_report(&report, w, found == 0);
        fflush(stdout);
        found++;
        status |= report.valid ? 0 : STATUS_DAMAGED;
        progress_add(&p, list[i].size);
    }
    progress_clear(&p);
    if (found == 0 && err->code == COLLIO_OK) {
        collio_error_set(err, COLLIO_ERR_NONE, "there is no such step in '%s'",
                         collio_checkpoint_directory(c));
        err->agreed = 1; /* all ranks have the same list */
    }
    return status;
}

static int run(const char *directory, const wishes *w, int rank, collio_error *err)
{
    collio_checkpoint_entry *list = NULL;
    collio_checkpoint *c = NULL;
    int count = 0, status = 0;

    if (steps_open(directory, 1, &c, err) == COLLIO_OK &&
        collio_checkpoint_steps(c, &list, &count, err) == COLLIO_OK) {
        if (rank == 0 && w->json) {
            printf("{\"directory\": ");
            json_text(stdout, collio_checkpoint_directory(c));
            printf(", \"steps\": [");
        }
        status = verify_all(c, w, rank, list, count, err);
        if (rank == 0 && w->json)
            printf("\n]}\n");
    }
    collio_checkpoint_steps_free(list);
    collio_checkpoint_close(&c, err);
    return status;
}

/* A file of a step: its directory, and its number from its name. Returns 0 for any other file. */
static int split_file(char *path, wishes *w, const char **directory)
{
    char *slash = strrchr(path, '/'), *name = slash != NULL ? slash + 1 : path;
    char ending[8] = "";

    *directory = slash == path ? "/" : slash != NULL ? path : ".";
    if (sscanf(name, "step-%12" SCNd64 "%7s", &w->step, ending) != 2 || strcmp(ending, ".h5") != 0)
        return 0;
    if (slash != NULL)
        *slash = '\0';
    return 1;
}

int command_verify(int argc, char **argv)
{
    wishes w = {.step = -1};
    collio_error err = COLLIO_ERROR_INIT;
    const char *directory;
    struct stat facts;
    char *file = NULL;
    int status = STATUS_FAILED;

    if (!parse(argc, argv, &w)) {
        fputs(help, stderr);
        return STATUS_USAGE;
    }
    if (w.help) {
        fputs(help, stdout);
        return 0;
    }
    directory = w.path;
    if (stat(w.path, &facts) == 0 && S_ISREG(facts.st_mode)) {
        file = strdup(w.path);
        if (file == NULL || w.step >= 0 || !split_file(file, &w, &directory)) {
            fprintf(stderr, "collio verify: '%s' is not named as a step is (step-<12 digits>.h5)\n",
                    w.path);
            free(file);
            return STATUS_USAGE;
        }
    }
    status = run(directory, &w, job_start(), &err);
    free(file);
    return job_end("verify", status, &err);
}
