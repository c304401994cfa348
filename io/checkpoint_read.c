/* What an open step holds, and reading it: every block that is touched is compared with its digest
 * in the very memory that the caller's elements are taken from. */
#include "rankset.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --------------------------------------------------------- what it is */

int64_t collio_checkpoint_state_step(const collio_checkpoint_state *state)
{
    return state->table.step;
}

int collio_checkpoint_state_writers(const collio_checkpoint_state *state)
{
    return (int)state->table.writers;
}

int64_t collio_checkpoint_state_time(const collio_checkpoint_state *state)
{
    return state->table.time;
}

const char *collio_checkpoint_state_path(const collio_checkpoint_state *state)
{
    return state->path;
}

const char *collio_checkpoint_state_refused(const collio_checkpoint_state *state)
{
    return state->refused != NULL ? state->refused : "";
}

int collio_checkpoint_state_count(const collio_checkpoint_state *state)
{
    return state->table.count;
}

static void fill_info(const collio_record *record, collio_item_info *info)
{
    memset(info, 0, sizeof *info);
    info->name = record->name;
    info->kind = record->kind;
    info->type = record->type;
    info->ndim = record->ndim;
    memcpy(info->shape, record->shape, sizeof info->shape);
    info->format = record->format;
    info->parts = (int)record->parts;
}

int collio_checkpoint_state_item(const collio_checkpoint_state *state, int i,
                                 collio_item_info *info, collio_error *err)
{
    if (i < 0 || i >= state->table.count)
        return collio_error_set(err, COLLIO_ERR_INDEX, "there are %d items, %d was asked for",
                                state->table.count, i);
    fill_info(&state->table.record[i], info);
    return COLLIO_OK;
}

/* The record of a name; NULL with an error that lists the names there are. */
static const collio_record *find(const collio_checkpoint_state *state, const char *name,
                                 collio_error *err)
{
    const collio_table *table = &state->table;
    int i = name != NULL ? collio_table_find(table, name) : -1;
    char names[1024] = "";
    int used = 0;

    if (i >= 0)
        return &table->record[i];
    for (i = 0; i < table->count && used < (int)sizeof names; i++)
        used += snprintf(names + used, sizeof names - (size_t)used, "%s'%s'", i > 0 ? ", " : "",
                         table->record[i].name);
    collio_error_set(err, COLLIO_ERR_KEY, "step %" PRId64 " has no '%s'; it has %s", table->step,
                     name != NULL ? name : "", table->count > 0 ? names : "nothing");
    return NULL;
}

int collio_checkpoint_state_find(const collio_checkpoint_state *state, const char *name,
                                 collio_item_info *info, collio_error *err)
{
    const collio_record *record = find(state, name, err);

    if (record == NULL)
        return err->code;
    fill_info(record, info);
    return COLLIO_OK;
}

/* -------------------------------------------------------------- blocks */

typedef struct reader {
    int fd;
    const char *path;
    const collio_record *record;
    char *buffer;   /* one block */
    int64_t loaded; /* which is in there; -1: none */
} reader;

static int load_block(const reader *r, int64_t block, void *into, collio_error *err)
{
    char range[512];
    int whole = 0;

    if (collio_block_read(r->fd, r->path, r->record, block, into, &whole, err))
        return err->code;
    if (whole)
        return COLLIO_OK;
    collio_name_range(r->record, collio_block_first(r->record, block),
                      collio_block_count(r->record, block), range, sizeof range);
    return collio_error_set(err, COLLIO_ERR_DAMAGED, "'%s': %s do not match their seal", r->path,
                            range);
}

/* The part of a run that lies in one block. */
static int read_in_block(reader *r, int64_t block, int64_t first, int64_t count, char *memory,
                         collio_error *err)
{
    int64_t element = collio_record_element(r->record);
    int64_t start = collio_block_first(r->record, block);

    if (count == collio_block_count(r->record, block))
        return load_block(r, block, memory, err);
    if (r->loaded != block) {
        r->loaded = -1;
        if (load_block(r, block, r->buffer, err))
            return err->code;
        r->loaded = block;
    }
    memcpy(memory, r->buffer + (first - start) * element, (size_t)(count * element));
    return COLLIO_OK;
}

static int read_run(void *context, int64_t first, int64_t count, char *memory, collio_error *err)
{
    reader *r = context;
    int64_t element = collio_record_element(r->record);

    while (count > 0) {
        int64_t block = collio_block_of(r->record, first);
        int64_t left = collio_block_first(r->record, block + 1) - first;
        int64_t n = count < left ? count : left;
        if (read_in_block(r, block, first, n, memory, err))
            return err->code;
        memory += n * element;
        first += n;
        count -= n;
    }
    return COLLIO_OK;
}

int collio_elements_read(int fd, const char *path, const collio_record *record,
                         const collio_selection *where, const collio_array *memory,
                         collio_error *err)
{
    reader r = {.fd = fd, .path = path, .record = record, .loaded = -1};

    r.buffer = malloc((size_t)(record->block * collio_record_element(record)));
    if (r.buffer == NULL)
        return collio_error_set(err, COLLIO_ERR_MEMORY, "no memory for a block of '%s'",
                                record->name);
    collio_runs(record->shape, where, memory, COLLIO_READING, COLLIO_PACK_BYTES, read_run, &r, err);
    free(r.buffer);
    return err->code;
}

int collio_record_read(const collio_checkpoint_state *state, const collio_record *record,
                       const collio_selection *where, const collio_array *memory, collio_error *err)
{
    if (collio_selection_check(where, record->ndim, record->shape, err) ||
        collio_selection_match(where, memory, err) || collio_selection_size(where) == 0)
        return err->code;
    if (record->apart)
        return collio_ranks_read(state, (int)(record - state->table.record), where, memory, err);
    return collio_elements_read(state->fd, state->path, record, where, memory, err);
}

/* -------------------------------------------------------------- arrays */

/* Reading needs no other rank: one agreement, after it, is enough. */
static int agree_on_read(const collio_checkpoint_state *state, const char *operation,
                         const char *name, collio_error *err)
{
    collio_ticket ticket = {.operation = operation,
                            .digest = collio_hash_text(state->table.seal, name),
                            .describe = collio_describe_text,
                            .context = name != NULL ? name : ""};

    return collio_agree(state->owner->comm, &ticket, err);
}

static int read_array(const collio_checkpoint_state *state, const char *name, const int64_t *start,
                      const collio_array *out, collio_error *err)
{
    const collio_record *record = find(state, name, err);
    collio_selection where;

    if (record == NULL)
        return err->code;
    if (out->type != record->type)
        return collio_error_set(err, COLLIO_ERR_TYPE, "'%s' has type %s, memory of %s was given",
                                name, collio_type_name(record->type), collio_type_name(out->type));
    if (out->ndim != record->ndim)
        return collio_error_set(err, COLLIO_ERR_VALUE,
                                "'%s' has %d dimensions, memory of %d was given", name,
                                record->ndim, out->ndim);
    collio_selection_block(&where, record->ndim, start, out->shape);
    return collio_record_read(state, record, &where, out, err);
}

int collio_checkpoint_read(collio_checkpoint_state *state, const char *name, const int64_t *start,
                           const collio_array *out, collio_error *err)
{
    if (state == NULL || err->agreed)
        return collio_checkpoint_check(state != NULL ? state->owner : NULL, err);
    if (err->code == COLLIO_OK)
        read_array(state, name, start, out, err);
    return agree_on_read(state, "checkpoint_read", name, err);
}

/* Whether a part is meant for the whole array that was saved. */
static int check_whole(const collio_record *record, const collio_item *item, collio_error *err)
{
    for (int d = 0; d < item->array.ndim && item->shape[0] >= 0; d++)
        if (record->ndim != item->array.ndim || record->shape[d] != item->shape[d])
            return collio_error_set(err, COLLIO_ERR_VALUE,
                                    "'%s' was saved with other extents than this part gives "
                                    "(%d dimensions, of %" PRId64 " in dimension %d)",
                                    item->name, record->ndim, record->shape[d], d);
    return COLLIO_OK;
}

static int read_item(const collio_checkpoint_state *state, const collio_item *item,
                     collio_error *err)
{
    const collio_record *record = find(state, item->name, err);

    if (record == NULL)
        return err->code;
    if (item->kind == COLLIO_ITEM_PART)
        return check_whole(record, item, err)
                   ? err->code
                   : read_array(state, item->name, item->start, &item->array, err);
    if (item->kind != COLLIO_ITEM_COMMON)
        return collio_error_set(err, COLLIO_ERR_TYPE,
                                "'%s': only arrays can be read into memory that is there",
                                item->name);
    for (int d = 0; d < item->array.ndim && record->ndim == item->array.ndim; d++)
        if (item->array.shape[d] != record->shape[d])
            return collio_error_set(err, COLLIO_ERR_VALUE,
                                    "'%s' has an extent of %" PRId64 " in dimension %d, memory of "
                                    "%" PRId64 " was given",
                                    item->name, record->shape[d], d, item->array.shape[d]);
    return read_array(state, item->name, NULL, &item->array, err);
}

typedef struct item_list {
    int count;
    const collio_item *item;
} item_list;

static void describe_items(const void *context, char *text, size_t size)
{
    const item_list *list = context;
    size_t used = 0;

    text[0] = '\0';
    for (int i = 0; i < list->count && used < size; i++)
        used += (size_t)snprintf(text + used, size - used, "%s'%s'", i > 0 ? ", " : "",
                                 list->item[i].name != NULL ? list->item[i].name : "");
}

int collio_checkpoint_read_items(collio_checkpoint_state *state, int nitems,
                                 const collio_item *items, collio_error *err)
{
    item_list list = {nitems, items};
    collio_ticket ticket = {
        .operation = "checkpoint_read_items", .describe = describe_items, .context = &list};

    if (state == NULL || err->agreed)
        return collio_checkpoint_check(state != NULL ? state->owner : NULL, err);
    ticket.digest = state->table.seal;
    for (int i = 0; i < nitems; i++)
        ticket.digest = collio_hash_text(ticket.digest, items[i].name);
    for (int i = 0; i < nitems && err->code == COLLIO_OK; i++)
        read_item(state, &items[i], err);
    return collio_agree(state->owner->comm, &ticket, err);
}

/* -------------------------------------------------------------- states */

/* Where a part of a state begins, and its size. */
static int find_part(const collio_checkpoint_state *state, const char *name, int part,
                     const collio_record **out, int64_t *start, int64_t *size, collio_error *err)
{
    const collio_record *record = find(state, name, err);

    if (record == NULL)
        return err->code;
    if (record->kind != COLLIO_ITEM_STATE && record->kind != COLLIO_ITEM_RANK_STATE)
        return collio_error_set(err, COLLIO_ERR_TYPE, "'%s' is an array, not a state", name);
    if (part < 0 || part >= record->parts)
        return collio_error_set(err, COLLIO_ERR_INDEX, "'%s' has %" PRId64 " parts, not a part %d",
                                name, record->parts, part);
    *out = record;
    *start = 0;
    *size = record->part_size != NULL ? record->part_size[part] : record->size;
    for (int i = 0; i < part; i++)
        *start += record->part_size[i];
    return COLLIO_OK;
}

int collio_checkpoint_state_size(const collio_checkpoint_state *state, const char *name, int part,
                                 size_t *size, collio_error *err)
{
    const collio_record *record = NULL;
    int64_t start = 0, bytes = 0;
    int failed = find_part(state, name, part, &record, &start, &bytes, err);

    *size = (size_t)bytes;
    return failed;
}

static int read_bytes(const collio_checkpoint_state *state, const char *name, int part, void *bytes,
                      collio_error *err)
{
    const collio_record *record = NULL;
    int64_t start = 0, size = 0;
    collio_selection where;
    collio_array memory;

    if (find_part(state, name, part, &record, &start, &size, err))
        return err->code;
    collio_selection_block(&where, 1, &start, &size);
    collio_array_fill(&memory, bytes, COLLIO_UINT8, 1, &size);
    return collio_record_read(state, record, &where, &memory, err);
}

int collio_checkpoint_read_state(collio_checkpoint_state *state, const char *name, int part,
                                 void *bytes, collio_error *err)
{
    if (state == NULL || err->agreed)
        return collio_checkpoint_check(state != NULL ? state->owner : NULL, err);
    if (err->code == COLLIO_OK && part < 0)
        find(state, name, err);
    else if (err->code == COLLIO_OK)
        read_bytes(state, name, part, bytes, err);
    return agree_on_read(state, "checkpoint_read_state", name, err);
}
