/* Elements of a save that are kept in memory until they are written: in the background, or
 * compressed. */
#include "step.h"

#include <stdlib.h>
#include <string.h>

int collio_staging_prepare(collio_staging *staging, size_t bytes, collio_error *err)
{
    staging->used = 0;
    staging->runs = 0;
    if (staging->room >= bytes)
        return COLLIO_OK;
    free(staging->bytes);
    staging->room = 0;
    staging->bytes = malloc(bytes);
    if (staging->bytes == NULL)
        return collio_error_set(err, COLLIO_ERR_MEMORY, "no memory to copy %zu bytes to be saved",
                                bytes);
    staging->room = bytes;
    return COLLIO_OK;
}

void collio_staging_free(collio_staging *staging)
{
    free(staging->bytes);
    free(staging->run);
    memset(staging, 0, sizeof *staging);
}

/* The next run goes on where the last one ends, in the array and in memory. */
static int follows(const collio_staged *last, const collio_stretch *stretch, const char *bytes,
                   int64_t element)
{
    return last->stored == 0 && last->box == stretch->box && last->item == stretch->item &&
           last->first + last->count == stretch->first &&
           last->bytes + last->count * element == bytes;
}

static collio_staged *append(collio_staging *staging, collio_error *err)
{
    if (staging->runs == staging->run_room) {
        size_t room = 2 * staging->run_room + 64;
        collio_staged *longer = realloc(staging->run, room * sizeof *longer);
        if (longer == NULL) {
            collio_error_set(err, COLLIO_ERR_MEMORY, "no memory to note %zu runs", room);
            return NULL;
        }
        staging->run = longer;
        staging->run_room = room;
    }
    return &staging->run[staging->runs++];
}

int collio_staging_add(collio_staging *staging, const collio_stretch *stretch, int64_t element,
                       int borrow, collio_error *err)
{
    size_t size = (size_t)(stretch->count * element);
    const char *bytes = stretch->memory;
    collio_staged *run;

    if (!borrow || !stretch->lasting) {
        if (size > staging->room - staging->used)
            return collio_error_set(err, COLLIO_ERR_MEMORY, "no room to copy %zu bytes", size);
        bytes = memcpy(staging->bytes + staging->used, stretch->memory, size);
        staging->used += size;
    }
    if (staging->runs > 0 && follows(&staging->run[staging->runs - 1], stretch, bytes, element)) {
        staging->run[staging->runs - 1].count += stretch->count;
        return COLLIO_OK;
    }
    run = append(staging, err);
    if (run == NULL)
        return err->code;
    *run = (collio_staged){stretch->item, stretch->first, stretch->count, bytes, 0, stretch->box};
    return COLLIO_OK;
}

int collio_staging_deflate(collio_staging *staging, collio_record *record, int item, int64_t block,
                           const char *elements, collio_error *err)
{
    int64_t element = collio_record_element(record), size = 0;
    char *to = staging->bytes + staging->used;
    collio_staged *run;

    record->digest[block] = collio_digest((size_t)element, collio_block_first(record, block),
                                          elements, collio_block_count(record, block));
    if ((size_t)(record->block * element) > staging->room - staging->used)
        return collio_error_set(err, COLLIO_ERR_MEMORY, "no room to compress '%s'", record->name);
    if (collio_deflate(record, block, elements, to, &size, err))
        return err->code;
    run = append(staging, err);
    if (run == NULL)
        return err->code;
    *run = (collio_staged){item, block, 1, to, size, NULL};
    record->stored[block] = size;
    staging->used += (size_t)size;
    return COLLIO_OK;
}

/* What a walk over a box hands its runs to. */
typedef struct handing {
    collio_take_function *take;
    void *context;
    int item;
} handing;

static int hand_on(void *context, int64_t first, int64_t count, char *memory, collio_error *err)
{
    const handing *h = context;
    collio_stretch stretch = {h->item, first, count, memory, 1, 0, NULL};

    return h->take(h->context, &stretch, err);
}

static int write_box(const collio_staged *run, const collio_record *record, handing *h,
                     collio_error *err)
{
    collio_selection where;
    collio_array memory;

    collio_selection_block(&where, record->ndim, run->box, run->box + record->ndim);
    collio_array_fill(&memory, (char *)run->bytes, record->type, record->ndim,
                      run->box + record->ndim);
    return collio_runs(record->shape, &where, &memory, COLLIO_WRITING, COLLIO_PACK_BYTES, hand_on,
                       h, err);
}

int collio_staging_write(const collio_staging *staging, const collio_table *table,
                         collio_take_function *take, void *context, collio_error *err)
{
    for (size_t i = 0; i < staging->runs && err->code == COLLIO_OK; i++) {
        const collio_staged *run = &staging->run[i];
        handing h = {take, context, run->item};
        collio_stretch stretch = {run->item, run->first,  run->count, (char *)run->bytes,
                                  1,         run->stored, NULL};
        if (run->box != NULL)
            write_box(run, &table->record[run->item], &h, err);
        else
            take(context, &stretch, err);
    }
    return err->code;
}
