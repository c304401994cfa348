/* Cut a selection of an N-d array, and the memory that belongs to it, into runs
 * that are contiguous in both. */
#include "internal.h"

#include <stdlib.h>
#include <string.h>

/* One loop over a dimension of the array: at step i the index is
 * start + (i / block) * stride + i % block, or list[i]. */
typedef struct loop {
    const int64_t *list;
    int64_t steps, block, stride, start;
    int64_t weight; /* elements of the array per index */
    int64_t at;     /* step */
    int64_t offset; /* elements, of this step */
} loop;

typedef struct walk {
    int loops;
    loop loop[COLLIO_MAX_DIMS];
    int64_t run;   /* elements in each run */
    int64_t first; /* of the run to come */
    int lists;     /* runs may follow each other without a gap */
    int finished;
} walk;

/* Memory as few dimensions as will do, and a place in it. */
typedef struct cursor {
    int ndim;
    int64_t shape[COLLIO_MAX_DIMS], strides[COLLIO_MAX_DIMS], at[COLLIO_MAX_DIMS];
    char *row;   /* where the innermost dimension starts */
    size_t size; /* of an element */
} cursor;

/* A walk under way. */
typedef struct job {
    cursor cursor;
    collio_direction direction;
    collio_run_function *function;
    collio_turns_function *turns; /* NULL: every run by itself */
    void *context;
    char *buffer; /* allocated when first needed */
    int64_t room; /* elements in it */
} job;

/* -------------------------------------------------------- in the array */

static int64_t loop_offset(const loop *l)
{
    if (l->list != NULL)
        return l->list[l->at] * l->weight;
    return (l->start + l->at / l->block * l->stride + l->at % l->block) * l->weight;
}

static void walk_start(walk *w, const int64_t *shape, const collio_selection *s)
{
    int64_t weight = 1;
    int merging = 1; /* all dimensions further in are selected whole */

    w->loops = 0;
    w->run = 1;
    w->first = 0;
    w->lists = 0;
    w->finished = collio_selection_size(s) == 0;
    for (int d = s->ndim - 1; d >= 0 && !w->finished; d--) {
        loop *l = &w->loop[w->loops];
        const int64_t *list = s->list[d];
        int one = list == NULL && (s->count[d] == 1 || s->stride[d] == s->block[d]);
        int64_t extent = s->count[d] * s->block[d];

        *l = (loop){.list = list,
                    .steps = extent,
                    .block = one ? extent : s->block[d],
                    .stride = s->stride[d],
                    .start = s->start[d],
                    .weight = weight};
        w->lists |= list != NULL;
        if (merging) {
            w->run *= l->block;
            l->steps /= l->block;
            l->block = 1;
            merging = one && d > 0 && extent == shape[d];
        }
        l->offset = loop_offset(l);
        w->first += l->offset;
        w->loops += l->steps > 1;
        weight *= d > 0 ? shape[d] : 1;
    }
}

/* Go to the next run. Loops are kept innermost first. */
static void walk_on(walk *w)
{
    for (int i = 0; i < w->loops; i++) {
        loop *l = &w->loop[i];

        l->at = l->at + 1 < l->steps ? l->at + 1 : 0;
        w->first -= l->offset;
        l->offset = loop_offset(l);
        w->first += l->offset;
        if (l->at > 0)
            return;
    }
    w->finished = 1;
}

/* The run to come together with those that follow it without a gap. Goes on. */
static int64_t walk_take(walk *w, int64_t *first)
{
    int64_t count = w->run;

    *first = w->first;
    walk_on(w);
    while (w->lists && !w->finished && w->first == *first + count) {
        count += w->run;
        walk_on(w);
    }
    return count;
}

/* ----------------------------------------------------------- in memory */

static void cursor_start(cursor *c, const collio_array *memory)
{
    int n = 0;

    for (int d = 0; d < memory->ndim; d++) {
        int64_t extent = memory->shape[d], stride = memory->strides[d];

        if (extent == 1)
            continue;
        if (n > 0 && c->strides[n - 1] == extent * stride) {
            c->shape[n - 1] *= extent;
        } else {
            c->at[n] = 0;
            c->shape[n++] = extent;
        }
        c->strides[n - 1] = stride;
    }
    c->row = memory->data;
    c->size = collio_type_size(memory->type);
    if (n == 0) {
        c->at[n] = 0;
        c->shape[n] = 1;
        c->strides[n++] = (int64_t)c->size;
    }
    c->ndim = n;
}

/* Go on by n elements, at most to the end of the innermost dimension. */
static void cursor_on(cursor *c, int64_t n)
{
    int d = c->ndim - 1;

    c->at[d] += n;
    if (c->at[d] < c->shape[d])
        return;
    c->at[d--] = 0;
    while (d >= 0 && ++c->at[d] == c->shape[d]) {
        c->row -= (c->shape[d] - 1) * c->strides[d];
        c->at[d--] = 0;
    }
    if (d >= 0)
        c->row += c->strides[d];
}

/* Copy n elements between two places with their own strides. */
static inline void copy_each(char *to, int64_t to_stride, const char *from, int64_t from_stride,
                             int64_t n, size_t size)
{
    for (int64_t i = 0; i < n; i++)
        memcpy(to + i * to_stride, from + i * from_stride, size);
}

/* Sizes are spelled out so that the compiler makes moves of them. */
void collio_copy_elements(char *to, int64_t to_stride, const char *from, int64_t from_stride,
                          int64_t n, size_t size)
{
    if (to_stride == (int64_t)size && from_stride == (int64_t)size)
        memcpy(to, from, (size_t)n * size);
    else if (size == 8)
        copy_each(to, to_stride, from, from_stride, n, 8);
    else if (size == 4)
        copy_each(to, to_stride, from, from_stride, n, 4);
    else
        copy_each(to, to_stride, from, from_stride, n, size);
}

/* Move the next n elements between memory and the buffer. */
static void cursor_copy(cursor *c, char *buffer, int64_t n, collio_direction direction)
{
    int64_t step = (int64_t)c->size;

    while (n > 0) {
        int64_t at = c->at[c->ndim - 1], stride = c->strides[c->ndim - 1];
        int64_t left = c->shape[c->ndim - 1] - at, piece = left < n ? left : n;
        char *place = c->row + at * stride;

        if (direction == COLLIO_WRITING)
            collio_copy_elements(buffer, step, place, stride, piece, c->size);
        else
            collio_copy_elements(place, stride, buffer, step, piece, c->size);
        cursor_on(c, piece);
        buffer += piece * step;
        n -= piece;
    }
}

/* Where the next n elements are, or NULL if there are gaps between them. */
static char *cursor_contiguous(const cursor *c, int64_t n)
{
    int64_t at = c->at[c->ndim - 1], stride = c->strides[c->ndim - 1];

    if (n > c->shape[c->ndim - 1] - at || (n > 1 && stride != (int64_t)c->size))
        return NULL;
    return c->row + at * stride;
}

/* ------------------------------------------------------------ together */

static int one_piece(job *j, int64_t first, int64_t count, collio_error *err)
{
    if (j->buffer == NULL)
        j->buffer = malloc((size_t)j->room * j->cursor.size);
    if (j->buffer == NULL)
        return collio_error_set(err, COLLIO_ERR_MEMORY, "no memory to pack %lld elements",
                                (long long)j->room);
    if (j->direction == COLLIO_WRITING)
        cursor_copy(&j->cursor, j->buffer, count, j->direction);
    if (j->function(j->context, first, count, j->buffer, err))
        return err->code;
    if (j->direction == COLLIO_READING)
        cursor_copy(&j->cursor, j->buffer, count, j->direction);
    return COLLIO_OK;
}

static int one_run(job *j, int64_t first, int64_t count, collio_error *err)
{
    char *memory = cursor_contiguous(&j->cursor, count);

    if (memory != NULL) {
        cursor_on(&j->cursor, count);
        return j->function(j->context, first, count, memory, err);
    }
    while (count > 0 && err->code == COLLIO_OK) {
        int64_t piece = count < j->room ? count : j->room;

        one_piece(j, first, piece, err);
        first += piece;
        count -= piece;
    }
    return err->code;
}

/* Take all runs of the innermost loop at once: NULL if they or their memory are not alike, or there
 * are few. */
static char *take_turns(const job *j, walk *w, int64_t *count)
{
    const loop *l = &w->loop[0];
    char *memory;

    if (j->turns == NULL || w->loops == 0 || w->lists || l->block != 1 || l->steps < 4 || l->at > 0)
        return NULL;
    memory = cursor_contiguous(&j->cursor, w->run * l->steps);
    *count = l->steps;
    return memory;
}

/* On to the end of the innermost loop. */
static void walk_over(walk *w)
{
    loop *l = &w->loop[0];

    w->first -= l->offset;
    l->at = l->steps - 1;
    l->offset = loop_offset(l);
    w->first += l->offset;
    walk_on(w);
}

static int all_turns(job *j, walk *w, int64_t times, char *memory, collio_error *err)
{
    int64_t first = w->first, step = w->loop[0].stride * w->loop[0].weight;

    cursor_on(&j->cursor, w->run * times);
    walk_over(w);
    return j->turns(j->context, first, w->run, step, times, memory, err);
}

int collio_runs(const int64_t *shape, const collio_selection *selection, const collio_array *memory,
                collio_direction direction, size_t limit, collio_run_function *function,
                void *context, collio_error *err)
{
    return collio_runs_in_turn(shape, selection, memory, direction, limit, function, NULL, context,
                               err);
}

int collio_runs_in_turn(const int64_t *shape, const collio_selection *selection,
                        const collio_array *memory, collio_direction direction, size_t limit,
                        collio_run_function *function, collio_turns_function *turns, void *context,
                        collio_error *err)
{
    job j = {.direction = direction, .function = function, .turns = turns, .context = context};
    int64_t first, count, longest;
    walk w;

    walk_start(&w, shape, selection);
    cursor_start(&j.cursor, memory);
    j.room = (int64_t)(limit / j.cursor.size);
    longest = w.lists ? collio_selection_size(selection) : w.run;
    if (j.room > longest)
        j.room = longest;
    if (j.room == 0)
        j.room = 1;
    while (!w.finished && err->code == COLLIO_OK) {
        char *alike = take_turns(&j, &w, &count);

        if (alike != NULL) {
            all_turns(&j, &w, count, alike, err);
        } else {
            count = walk_take(&w, &first);
            one_run(&j, first, count, err);
        }
    }
    free(j.buffer);
    return err->code;
}

/* The last index of one dimension. */
static int64_t last_index(const collio_selection *s, int d)
{
    if (s->list[d] != NULL)
        return s->list[d][s->count[d] - 1];
    return s->start[d] + (s->count[d] - 1) * s->stride[d] + s->block[d] - 1;
}

void collio_runs_reach(const int64_t *shape, const collio_selection *selection, collio_reach *out)
{
    int64_t weight = 1;
    walk w;

    *out = (collio_reach){.count = collio_selection_size(selection)};
    if (out->count == 0)
        return;
    walk_start(&w, shape, selection);
    out->run = w.run;
    out->first = w.first;
    for (int d = selection->ndim - 1; d >= 0; d--) {
        out->end += last_index(selection, d) * weight;
        weight *= d > 0 ? shape[d] : 1;
    }
    out->end++;
}
