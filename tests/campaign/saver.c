/*
 * The program that tests/campaign/kill.py kills: restores the newest step, compares it, and saves
 * steps until it has enough of them or is killed.
 *   saver DIRECTORY LOG STEPS ROWS [plain|compressed|background|per-rank|per-rank-compressed]
 * LOG gets one line for each thing known for certain, written at once by rank 0:
 *   "restored N" (N = -1: nothing was there), "wrong ...", "ready" (before the first save),
 *   "saved N" after collio_checkpoint_save has returned (in the background: after the call that
 *   finished it), "failed ...", "end".
 * Every rank writes its process number to LOG.pid-<rank>, so that it can be killed, and the error
 * it ends with to LOG.err-<rank>.
 */
#include <collio/checkpoint.h>

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { COLUMNS = 257 };

static int rank, size;
static FILE *log_file;

static void say(const char *format, ...)
{
    va_list args;

    if (rank != 0)
        return;
    va_start(args, format);
    vfprintf(log_file, format, args);
    va_end(args);
    fflush(log_file);
}

static double value(int64_t step, int64_t i)
{
    return (double)step * 1e7 + (double)i;
}

/* This rank's rows of u, its columns of v, and the step itself. */
typedef struct state {
    int64_t shape[2], u_start[2], u_count[2], v_start[2], v_count[2], step;
    collio_array u, v, step_array;
    char note[32];
} state;

static void make_state(state *s, int64_t rows)
{
    collio_error err = COLLIO_ERROR_INIT;

    memset(s, 0, sizeof *s);
    s->shape[0] = rows;
    s->shape[1] = COLUMNS;
    s->u_count[1] = COLUMNS;
    s->v_count[0] = rows;
    collio_part_range(rows, size, rank, &s->u_start[0], &s->u_count[0], &err);
    collio_part_range(COLUMNS, size, rank, &s->v_start[1], &s->v_count[1], &err);
    collio_array_fill(&s->u, malloc((size_t)(rows * COLUMNS) * sizeof(double)), COLLIO_FLOAT64, 2,
                      s->u_count);
    collio_array_fill(&s->v, malloc((size_t)(rows * COLUMNS) * sizeof(double)), COLLIO_FLOAT64, 2,
                      s->v_count);
    collio_array_fill(&s->step_array, &s->step, COLLIO_INT64, 0, NULL);
}

/* Fill a block with the values of a step; or count those that differ from them. */
static int64_t each(const collio_array *a, const int64_t *start, int64_t step, int fill)
{
    double *values = a->data;
    int64_t wrong = 0;

    for (int64_t i = 0; i < a->shape[0]; i++)
        for (int64_t j = 0; j < a->shape[1]; j++, values++) {
            double wanted = value(step, (start[0] + i) * COLUMNS + start[1] + j);
            if (fill)
                *values = wanted;
            wrong += *values != wanted;
        }
    return wrong;
}

static int64_t restore(collio_checkpoint *c, state *s)
{
    collio_checkpoint_state *step = NULL;
    collio_error err = COLLIO_ERROR_INIT;
    int64_t wrong, newest;

    if (collio_checkpoint_restore(c, COLLIO_NEWEST, &step, &err) == COLLIO_ERR_NONE)
        return -1;
    collio_checkpoint_read(step, "u", s->u_start, &s->u, &err);
    collio_checkpoint_read(step, "v", s->v_start, &s->v, &err);
    collio_checkpoint_read(step, "step", NULL, &s->step_array, &err);
    if (err.code != COLLIO_OK) {
        say("wrong error: %s\n", err.text);
        return -1;
    }
    newest = collio_checkpoint_state_step(step);
    wrong = each(&s->u, s->u_start, newest, 0) + each(&s->v, s->v_start, newest, 0) +
            (s->step != newest);
    MPI_Allreduce(MPI_IN_PLACE, &wrong, 1, MPI_INT64_T, MPI_SUM, MPI_COMM_WORLD);
    if (wrong > 0)
        say("wrong values: %" PRId64 " in step %" PRId64 "\n", wrong, newest);
    if (collio_checkpoint_state_refused(step)[0] != '\0')
        say("wrong refusal: %s", collio_checkpoint_state_refused(step));
    collio_checkpoint_state_close(&step);
    return newest;
}

static int in_background;
static const char *log_name;

static void write_line(const char *kind, const char *text)
{
    char path[4096];
    FILE *file;

    snprintf(path, sizeof path, "%s.%s-%d", log_name, kind, rank);
    file = fopen(path, "w");
    if (file != NULL) {
        fprintf(file, "%s\n", text);
        fclose(file);
    }
}

static void write_pid(void)
{
    char text[32];

    snprintf(text, sizeof text, "%ld", (long)getpid());
    write_line("pid", text);
}

/* Save, and say which step is there now for certain. */
static void save_items(collio_checkpoint *c, int64_t step, int nitems, const collio_item *items,
                       collio_error *err)
{
    int64_t before = -1;
    int waiting = collio_checkpoint_pending(c, &before);

    if (!in_background)
        collio_checkpoint_save(c, step, nitems, items, err);
    else
        collio_checkpoint_save_start(c, step, nitems, items, 0, err);
    if (err->code == COLLIO_OK && (waiting || !in_background))
        say("saved %" PRId64 "\n", in_background ? before : step);
}

static int save(collio_checkpoint *c, state *s)
{
    collio_error err = COLLIO_ERROR_INIT;
    collio_item items[4];

    each(&s->u, s->u_start, s->step, 1);
    each(&s->v, s->v_start, s->step, 1);
    snprintf(s->note, sizeof s->note, "rank %d", rank);
    items[0] = collio_item_part("u", &s->u, s->shape, s->u_start);
    items[1] = collio_item_part("v", &s->v, s->shape, s->v_start);
    items[2] = collio_item_scalar("step", COLLIO_INT64, &s->step);
    items[3] = collio_item_rank_state("note", "text", s->note, strlen(s->note));
    save_items(c, s->step, 4, items, &err);
    if (err.code != COLLIO_OK) {
        say("failed %" PRId64 ": %s\n", s->step, err.text);
        write_line("err", err.text);
    }
    return err.code;
}

/* What was in flight at the end is finished. */
static void finish(collio_checkpoint **c)
{
    collio_error err = COLLIO_ERROR_INIT;
    int64_t step = -1;
    int waiting = collio_checkpoint_pending(*c, &step);

    collio_checkpoint_close(c, &err);
    if (waiting && err.code == COLLIO_OK)
        say("saved %" PRId64 "\n", step);
    say("end\n");
}

int main(int argc, char **argv)
{
    collio_checkpoint_options options = {.keep = 3};
    collio_checkpoint *c = NULL;
    collio_error err = COLLIO_ERROR_INIT;
    int done;
    state s;

    if (argc < 5)
        return 2;
    in_background = argc > 5 && strcmp(argv[5], "background") == 0;
    options.deflate = argc > 5 && strstr(argv[5], "compressed") != NULL;
    if (argc > 5 && strncmp(argv[5], "per-rank", 8) == 0)
        options.layout = COLLIO_LAYOUT_PER_RANK;
    log_name = argv[2];
    MPI_Init(&argc, &argv);
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    MPI_Comm_size(MPI_COMM_WORLD, &size);
    log_file = rank == 0 ? fopen(argv[2], "a") : NULL;
    if (rank == 0 && log_file == NULL)
        MPI_Abort(MPI_COMM_WORLD, 2);
    write_pid();
    make_state(&s, atoll(argv[4]));
    collio_checkpoint_open(MPI_COMM_WORLD, argv[1], &options, &c, &err);
    if (err.code != COLLIO_OK) {
        say("wrong error: %s\n", err.text);
        MPI_Abort(MPI_COMM_WORLD, 2);
    }
    s.step = restore(c, &s);
    say("restored %" PRId64 "\n", s.step);
    /* All have entered a guarded call: nobody waits in one of MPI's own any more, where it could
     * not be told of a rank that is stopped. */
    collio_checkpoint_test(c, &done, &err);
    say("ready\n");
    for (long n = atol(argv[3]); n > 0; n--) {
        s.step++;
        if (save(c, &s) != COLLIO_OK)
            break;
    }
    finish(&c);
    free(s.u.data);
    free(s.v.data);
    MPI_Finalize();
    return 0;
}
