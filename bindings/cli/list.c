/* collio list: the steps in a directory of checkpoints, a line each, or as JSON. */
#include "cli.h"
#include "json.h"
#include "steps.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static const char help[] =
    "usage: collio list [--json] DIRECTORY\n"
    "       mpiexec -n 4 collio list [...]\n\n"
    "List the steps in a directory of checkpoints, oldest first: size, time, ranks that saved it,\n"
    "and whether its seal is whole. The data are not read; collio verify does that.\n"
    "Changes nothing. Exit status: 0; 1 if a step is damaged or cannot be read; 2 on failure.\n";

static void print_time(int64_t seconds, char *text, size_t size)
{
    time_t time = (time_t)seconds;
    struct tm parts;

    if (seconds <= 0 || localtime_r(&time, &parts) == NULL ||
        strftime(text, size, "%Y-%m-%d %H:%M:%S", &parts) == 0)
        snprintf(text, size, "-");
}

static void print_row(const collio_checkpoint_entry *e)
{
    char when[32], size[STEPS_TEXT];

    print_time(e->time, when, sizeof when);
    printf("%12" PRId64 "  %10s  %-19s  %5d  %s%s\n", e->step, steps_bytes((double)e->size, size),
           when, e->writers, steps_status(e), e->pinned ? ", pinned" : "");
    if (e->text[0] != '\0')
        printf("%12s  %s\n", "", e->text);
}

static void print_text(const collio_checkpoint_entry *list, int count)
{
    if (count > 0)
        printf("%12s  %10s  %-19s  %5s  %s\n", "step", "size", "saved", "ranks", "state");
    for (int i = 0; i < count; i++)
        print_row(&list[i]);
}

static void print_json(const char *directory, const collio_checkpoint_entry *list, int count)
{
    printf("{\"directory\": ");
    json_text(stdout, directory);
    printf(", \"steps\": [");
    for (int i = 0; i < count; i++) {
        printf("%s\n  {\"step\": %" PRId64 ", \"size\": %" PRId64 ", \"time\": %" PRId64
               ", \"writers\": %d, \"pinned\": %s, \"status\": \"%s\", \"text\": ",
               i > 0 ? "," : "", list[i].step, list[i].size, list[i].time, list[i].writers,
               list[i].pinned ? "true" : "false", steps_status(&list[i]));
        json_text(stdout, list[i].text);
        printf("}");
    }
    printf("\n]}\n");
}

static int run(const char *directory, int json, int rank, collio_error *err)
{
    collio_checkpoint_entry *list = NULL;
    collio_checkpoint *c = NULL;
    int count = 0, status = 0;

    if (steps_open(directory, 1, &c, err) == COLLIO_OK &&
        collio_checkpoint_steps(c, &list, &count, err) == COLLIO_OK && rank == 0) {
        if (json)
            print_json(collio_checkpoint_directory(c), list, count);
        else
            print_text(list, count);
    }
    for (int i = 0; i < count; i++)
        if (list[i].status != COLLIO_OK)
            status = STATUS_DAMAGED;
    collio_checkpoint_steps_free(list);
    collio_checkpoint_close(&c, err);
    return status;
}

int command_list(int argc, char **argv)
{
    collio_error err = COLLIO_ERROR_INIT;
    const char *directory = NULL;
    int json = 0, status, bad = 0;

    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--help") == 0) {
            fputs(help, stdout);
            return 0;
        }
        if (strcmp(argv[i], "--json") == 0)
            json = 1;
        else if (argv[i][0] == '-' || directory != NULL)
            bad = 1;
        else
            directory = argv[i];
    }
    if (bad || directory == NULL) {
        fputs(help, stderr);
        return STATUS_USAGE;
    }
    status = run(directory, json, job_start(), &err);
    return job_end("list", status, &err);
}
