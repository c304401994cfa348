/* Write contiguous datasets of which the ranks have very many short runs, element by element
 * dealt out perhaps: the runs are sent to ranks that each put together a window of the file and
 * write it at once. It goes in rounds of one window a rank, in the order of the file, in which the
 * runs come anyway; so each rank walks its part once and stops at the end of each round. */
#include "chunk.h"

#include <stdlib.h>
#include <string.h>

/* Shorter runs cost more to write by themselves than to send; fewer are not worth the
 * agreements. Measured in the page cache; disks and networks ask for more. */
static const int64_t short_run = 512, many_runs = 256;

/* What a rank puts together in one round. */
static const int64_t window_bytes = 4 << 20;

typedef struct weaving {
    collio_object *dataset;
    collio_comm *comm;
    int ranks;
    int64_t element;        /* bytes */
    int64_t window;         /* elements */
    int64_t start, end;     /* of this round, in elements of the dataset */
    int64_t last;           /* where the last round ends */
    collio_parcel *parcels; /* one a rank */
    char *bytes;            /* this rank's window */
    int64_t low, high;      /* what has arrived in it */
} weaving;

void collio_interleave_vote(const collio_object *dataset, const collio_selection *selection,
                            collio_ticket *ticket)
{
    int64_t element = (int64_t)collio_type_size(dataset->layout.stored);
    collio_reach reach;

    ticket->vote[FIRST] = UINT64_MAX;
    if (dataset->layout.kind != COLLIO_STORED_CONTIGUOUS)
        return;
    collio_runs_reach(dataset->layout.shape, selection, &reach);
    if (reach.count == 0)
        return;
    if (reach.run * element < short_run)
        ticket->vote[SHORT_RUNS] = (uint64_t)(reach.count / reach.run);
    ticket->vote[FIRST] = (uint64_t)reach.first;
    ticket->vote[END] = (uint64_t)reach.end;
    collio_gather_vote(dataset, &reach, ticket);
}

int collio_interleave_wanted(const collio_file *file, const collio_ticket *ticket)
{
    int any = ticket->max[END] > 0 && collio_comm_size(file->comm) > 1;

    if (file->options.transfer != COLLIO_TRANSFER_AUTO)
        return any && file->options.transfer == COLLIO_TRANSFER_TWO_PHASE;
    return ticket->max[SHORT_RUNS] >= (uint64_t)many_runs;
}

/* --------------------------------------------------------------- a window */

static int64_t my_window(const weaving *w)
{
    return w->start + w->dataset->file->rank * w->window;
}

static int64_t file_offset(const weaving *w, int64_t index)
{
    return w->dataset->layout.offset + index * w->element;
}

/* What ranks do not write stays. */
static int read_window(weaving *w, collio_error *err)
{
    int64_t left = w->last - my_window(w), size = left < w->window ? left : w->window;

    return collio_disk_read(&w->dataset->file->disk, w->bytes, size * w->element,
                            file_offset(w, my_window(w)), err);
}

static int arrive(void *context, const collio_segment *s, collio_error *err)
{
    weaving *w = context;

    int64_t end = s->offset + (s->times - 1) * s->step + s->count;
    size_t size = (size_t)(s->count * w->element);

    if (w->high == 0 && read_window(w, err))
        return err->code;
    if (s->offset < w->low)
        w->low = s->offset;
    if (end > w->high)
        w->high = end;
    collio_copy_elements(w->bytes + s->offset * w->element, s->step * w->element, s->memory,
                         (int64_t)size, s->times, size);
    return COLLIO_OK;
}

/* Exchange what is on its way, write this rank's window, and go on to the next round. Collective;
 * an error of one rank ends it on all, in the next round at the latest. */
static int end_round(weaving *w, collio_error *err)
{
    const collio_disk *disk = &w->dataset->file->disk;

    w->low = w->window;
    w->high = 0;
    if (collio_parcels_exchange(w->comm, w->parcels, (size_t)w->element, 1, arrive, w, err) ==
            COLLIO_OK &&
        w->high > 0)
        collio_posix_write(disk->fd, w->bytes + w->low * w->element,
                           (size_t)((w->high - w->low) * w->element),
                           file_offset(w, my_window(w) + w->low), disk->path, err);
    w->start = w->end;
    w->end += w->window * w->ranks;
    return err->code;
}

/* ------------------------------------------------------------------- runs */

static int put_run(void *context, int64_t first, int64_t count, char *memory, collio_error *err)
{
    weaving *w = context;

    while (count > 0) {
        int64_t at, n;
        int owner;

        while (first >= w->end)
            if (end_round(w, err))
                return err->code;
        owner = (int)((first - w->start) / w->window);
        at = (first - w->start) % w->window;
        n = w->window - at < count ? w->window - at : count;
        if (collio_parcel_add(&w->parcels[owner], 0, &(collio_segment){0, at, n, memory, 0, 1},
                              (size_t)w->element, err))
            return err->code;
        first += n;
        count -= n;
        memory += n * w->element;
    }
    return COLLIO_OK;
}

/* Runs that are alike: as many at once as end in the window in which they begin. */
static int put_turns(void *context, int64_t first, int64_t count, int64_t step, int64_t times,
                     char *memory, collio_error *err)
{
    weaving *w = context;

    while (times > 0 && err->code == COLLIO_OK) {
        int64_t at = (first - w->start) % w->window, n = (w->window - at - count) / step + 1;
        collio_segment s = {0, at, count, memory, step, n < times ? n : times};

        if (first >= w->end || w->window - at < count) {
            s.times = 1;
            put_run(w, first, count, memory, err);
        } else {
            collio_parcel_add(&w->parcels[(first - w->start) / w->window], 0, &s,
                              (size_t)w->element, err);
        }
        first += s.times * step;
        memory += s.times * count * w->element;
        times -= s.times;
    }
    return err->code;
}

static int walk_part(weaving *w, const collio_selection *selection, const collio_array *memory,
                     collio_error *err)
{
    const collio_layout *l = &w->dataset->layout;

    if (l->stored == memory->type && collio_selection_size(selection) > 0 && err->code == COLLIO_OK)
        return collio_runs_in_turn(l->shape, selection, memory, COLLIO_WRITING, COLLIO_PACK_BYTES,
                                   put_run, put_turns, w, err);
    return collio_transfer_walk(w->dataset, selection, memory, put_run, w, err);
}

static int prepare(weaving *w, const collio_ticket *ticket, collio_error *err)
{
    int64_t span = (int64_t)(ticket->max[END] - ticket->min[FIRST]);

    w->window = window_bytes / w->element > 0 ? window_bytes / w->element : 1;
    if (w->window > span / w->ranks + 1)
        w->window = span / w->ranks + 1;
    w->start = (int64_t)ticket->min[FIRST];
    w->last = (int64_t)ticket->max[END];
    w->end = w->start + w->window * w->ranks;
    w->parcels = calloc((size_t)w->ranks, sizeof *w->parcels);
    w->bytes = malloc((size_t)(w->window * w->element));
    if (w->parcels == NULL || w->bytes == NULL)
        collio_error_set(err, COLLIO_ERR_MEMORY, "no memory to gather elements");
    return collio_agree_step(w->comm, "write, room to gather", err);
}

int collio_interleave_write(collio_object *dataset, const collio_selection *selection,
                            const collio_array *memory, const collio_ticket *ticket,
                            collio_error *err)
{
    weaving w = {.dataset = dataset,
                 .comm = dataset->file->comm,
                 .ranks = collio_comm_size(dataset->file->comm),
                 .element = (int64_t)collio_type_size(dataset->layout.stored)};
    collio_printing printing;

    collio_hdf5_quiet(&printing);
    if (prepare(&w, ticket, err) == COLLIO_OK) {
        walk_part(&w, selection, memory, err);
        /* The others may have further to go, and must hear of an error of this rank. */
        while (w.start < w.last && !(err->code != COLLIO_OK && err->agreed))
            end_round(&w, err);
        collio_finish_elements(dataset->file, "written", err);
    }
    for (int i = 0; w.parcels != NULL && i < w.ranks; i++)
        free(w.parcels[i].bytes);
    free(w.parcels);
    free(w.bytes);
    collio_hdf5_loud(&printing);
    return err->code;
}
