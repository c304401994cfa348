/* The guard before a save: are the items sound, the same on all ranks, and do the parts cover each
 * array exactly once? */
#include "step.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int is_state(const collio_item *item)
{
    return item->kind == COLLIO_ITEM_STATE || item->kind == COLLIO_ITEM_RANK_STATE;
}

static const int64_t *whole_shape(const collio_item *item)
{
    return item->kind == COLLIO_ITEM_PART ? item->shape : item->array.shape;
}

/* -------------------------------------------------------------- checks */

static int check_name(const char *name, collio_error *err)
{
    size_t length = name != NULL ? strlen(name) : 0;

    if (length == 0 || length > 255)
        return collio_error_set(err, COLLIO_ERR_VALUE,
                                "the name of an item must have 1 to 255 bytes, got %zu", length);
    if (name[0] == '/' || name[length - 1] == '/' || strstr(name, "//") != NULL ||
        strcmp(name, ".") == 0)
        return collio_error_set(err, COLLIO_ERR_VALUE,
                                "'%s': a name must not be '.', begin or end with '/' or have '//'",
                                name);
    return COLLIO_OK;
}

static int check_block(const collio_item *item, collio_error *err)
{
    const collio_array *array = &item->array;

    for (int d = 0; d < array->ndim; d++) {
        int64_t start = item->start[d], count = array->shape[d], extent = item->shape[d];
        if (extent < 0)
            return collio_error_set(err, COLLIO_ERR_VALUE,
                                    "'%s': shape[%d] must be >= 0, got %" PRId64, item->name, d,
                                    extent);
        if (collio_array_size(array) > 0 && (start < 0 || count > extent || start > extent - count))
            return collio_error_set(err, COLLIO_ERR_VALUE,
                                    "'%s': this part's [%" PRId64 ":%" PRId64
                                    "] in dimension %d lies outside the array's %" PRId64,
                                    item->name, start, start + count, d, extent);
    }
    return COLLIO_OK;
}

static int check_array(const collio_item *item, collio_error *err)
{
    const collio_array *array = &item->array;
    int least = item->kind == COLLIO_ITEM_PART ? 1 : 0;

    if (array->type >= COLLIO_TYPE_COUNT)
        return collio_error_set(err, COLLIO_ERR_TYPE, "'%s': unknown element type %d", item->name,
                                (int)array->type);
    if (array->ndim < least || array->ndim > COLLIO_MAX_DIMS)
        return collio_error_set(err, COLLIO_ERR_VALUE, "'%s': ndim must be in %d .. %d, got %d",
                                item->name, least, COLLIO_MAX_DIMS, array->ndim);
    for (int d = 0; d < array->ndim; d++)
        if (array->shape[d] < 0)
            return collio_error_set(err, COLLIO_ERR_VALUE, "'%s': extent %d is negative: %" PRId64,
                                    item->name, d, array->shape[d]);
    if (array->data == NULL && collio_array_size(array) > 0)
        return collio_error_set(err, COLLIO_ERR_VALUE, "'%s': no memory given", item->name);
    return item->kind == COLLIO_ITEM_PART ? check_block(item, err) : COLLIO_OK;
}

static int check_item(const collio_item *item, collio_error *err)
{
    if (check_name(item->name, err))
        return err->code;
    switch (item->kind) {
    case COLLIO_ITEM_PART:
    case COLLIO_ITEM_COMMON:
        return check_array(item, err);
    case COLLIO_ITEM_STATE:
    case COLLIO_ITEM_RANK_STATE:
        if (item->bytes == NULL && item->size > 0)
            return collio_error_set(err, COLLIO_ERR_VALUE, "'%s': no bytes given", item->name);
        if (item->format == NULL || strlen(item->format) > 255)
            return collio_error_set(err, COLLIO_ERR_VALUE,
                                    "'%s': format must be a text of at most 255 bytes", item->name);
        return COLLIO_OK;
    default:
        return collio_error_set(err, COLLIO_ERR_VALUE, "'%s': unknown kind of item %d", item->name,
                                (int)item->kind);
    }
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The names of a save, sorted. */
typedef struct names {
    const char **name;
    int count;
} names;

static int has_name(const names *all, const char *name)
{
    return bsearch(&name, all->name, (size_t)all->count, sizeof *all->name, by_text) != NULL;
}

/* "t" and "t/x": an array is no group. `item` brings its sizes along if it is a rank state. */
static int check_clash(const names *all, const collio_item *item, collio_error *err)
{
    char other[300];

    snprintf(other, sizeof other, "%s.sizes", item->name);
    if (item->kind == COLLIO_ITEM_RANK_STATE && has_name(all, other))
        return collio_error_set(err, COLLIO_ERR_VALUE, "'%s' is taken by the sizes of '%s'", other,
                                item->name);
    for (const char *at = strchr(item->name, '/'); at != NULL; at = strchr(at + 1, '/')) {
        snprintf(other, sizeof other, "%.*s", (int)(at - item->name), item->name);
        if (has_name(all, other))
            return collio_error_set(err, COLLIO_ERR_VALUE,
                                    "'%s' cannot lie below '%s', which is an item itself",
                                    item->name, other);
    }
    return COLLIO_OK;
}

static int check_names(const collio_item *items, int nitems, collio_error *err)
{
    names all = {malloc(((size_t)nitems + 1) * sizeof *all.name), nitems};

    if (all.name == NULL)
        return collio_error_set(err, COLLIO_ERR_MEMORY, "no memory for %d names", nitems);
    for (int i = 0; i < nitems; i++)
        all.name[i] = items[i].name;
    qsort(all.name, (size_t)nitems, sizeof *all.name, by_text);
    for (int i = 1; i < nitems; i++)
        if (strcmp(all.name[i - 1], all.name[i]) == 0)
            collio_error_set(err, COLLIO_ERR_VALUE, "two items have the name '%s'", all.name[i]);
    for (int i = 0; i < nitems && err->code == COLLIO_OK; i++)
        check_clash(&all, &items[i], err);
    free(all.name);
    return err->code;
}

static int check_items(const collio_plan *plan, collio_error *err)
{
    if (plan->step < 0 || plan->step > COLLIO_MAX_STEP)
        return collio_error_set(err, COLLIO_ERR_VALUE,
                                "step must be in 0 .. %" PRId64 ", got %" PRId64, COLLIO_MAX_STEP,
                                plan->step);
    if (plan->nitems < 0 || (plan->nitems > 0 && plan->items == NULL))
        return collio_error_set(err, COLLIO_ERR_VALUE, "%d items given", plan->nitems);
    for (int i = 0; i < plan->nitems; i++)
        if (check_item(&plan->items[i], err))
            return err->code;
    return check_names(plan->items, plan->nitems, err);
}

/* ----------------------------------------------------------- agreement */

static int add_digest(void *context, int64_t first, int64_t count, char *memory, collio_error *err)
{
    uint64_t *sums = context;

    (void)err;
    sums[1] += collio_digest(sums[0], first, memory, count);
    return COLLIO_OK;
}

/* The values of a common item: equal on all ranks, or the save is refused. */
static uint64_t digest_values(const collio_item *item, collio_error *err)
{
    uint64_t sums[2] = {collio_type_size(item->array.type), 0};
    collio_selection all;

    collio_selection_all(&all, item->array.ndim, item->array.shape);
    collio_runs(item->array.shape, &all, &item->array, COLLIO_WRITING, COLLIO_PACK_BYTES,
                add_digest, sums, err);
    return sums[1];
}

static uint64_t digest_item(uint64_t digest, const collio_item *item, collio_error *err)
{
    digest = collio_hash_text(digest, item->name);
    digest = collio_hash_number(digest, item->kind);
    if (is_state(item))
        return collio_hash_text(digest, item->format);
    digest = collio_hash_number(digest, item->array.type);
    digest = collio_hash_number(digest, (uint64_t)item->array.ndim);
    for (int d = 0; d < item->array.ndim; d++)
        digest = collio_hash_number(digest, (uint64_t)whole_shape(item)[d]);
    if (item->kind == COLLIO_ITEM_COMMON)
        digest = collio_hash_number(digest, digest_values(item, err));
    return digest;
}

/* snprintf onto the end of a text. */
static void add_text(char *text, size_t size, const char *format, ...) COLLIO_PRINTF(3, 4);

static void add_text(char *text, size_t size, const char *format, ...)
{
    size_t used = strlen(text);
    va_list args;

    va_start(args, format);
    vsnprintf(text + used, size - used, format, args);
    va_end(args);
}

static void describe_item(const collio_item *item, char *text, size_t size)
{
    collio_error ignored = COLLIO_ERROR_INIT;

    add_text(text, size, ", %s", item->name);
    if (is_state(item)) {
        add_text(text, size, " %s (%s)", item->kind == COLLIO_ITEM_STATE ? "state" : "rank state",
                 item->format);
        return;
    }
    add_text(text, size, " %s (", collio_type_name(item->array.type));
    for (int d = 0; d < item->array.ndim; d++)
        add_text(text, size, "%s%" PRId64, d > 0 ? ", " : "", whole_shape(item)[d]);
    if (item->kind == COLLIO_ITEM_PART)
        add_text(text, size, ")");
    else
        add_text(text, size, ") common, values #%016" PRIx64, digest_values(item, &ignored));
}

static void describe(const void *context, char *text, size_t size)
{
    const collio_plan *plan = context;
    collio_error sound = COLLIO_ERROR_INIT;

    snprintf(text, size, "(step %" PRId64, plan->step);
    for (int i = 0; i < plan->nitems && check_item(&plan->items[i], &sound) == COLLIO_OK; i++)
        describe_item(&plan->items[i], text, size);
    add_text(text, size, ")");
}

static int agree_on_items(collio_plan *plan, collio_comm *comm, const char *operation, int *exists,
                          collio_error *err)
{
    collio_ticket ticket = {
        .operation = operation, .describe = describe, .context = plan, .vote = {(uint64_t)*exists}};

    ticket.digest = collio_hash_number((uint64_t)plan->step, (uint64_t)plan->nitems);
    for (int i = 0; i < plan->nitems && err->code == COLLIO_OK; i++)
        ticket.digest = digest_item(ticket.digest, &plan->items[i], err);
    if (collio_agree(comm, &ticket, err))
        return err->code;
    *exists = ticket.max[0] != 0;
    return COLLIO_OK;
}

/* -------------------------------------------------------------- blocks */

/* Words that tell a rank's share of an item: starts and counts, or bytes. */
static size_t share_words(const collio_item *item)
{
    if (is_state(item))
        return 1;
    return item->kind == COLLIO_ITEM_PART ? 2 * (size_t)item->array.ndim : 0;
}

static void put_share(const collio_item *item, int64_t *words)
{
    if (is_state(item)) {
        *words = (int64_t)item->size;
    } else if (item->kind == COLLIO_ITEM_PART) {
        memcpy(words, item->start, (size_t)item->array.ndim * sizeof *words);
        memcpy(words + item->array.ndim, item->array.shape,
               (size_t)item->array.ndim * sizeof *words);
    }
}

/* Room for the shares of all ranks. Before the agreement, so that a lack of memory is agreed. */
static int make_room(collio_plan *plan, collio_comm *comm, collio_error *err)
{
    size_t ranks = (size_t)collio_comm_size(comm);

    plan->stride = 0;
    for (int i = 0; i < plan->nitems; i++)
        plan->stride += share_words(&plan->items[i]);
    plan->blocks = malloc((ranks + 1) * (plan->stride + 1) * sizeof *plan->blocks);
    if (plan->blocks == NULL)
        return collio_error_set(err, COLLIO_ERR_MEMORY, "no memory for the parts of %zu ranks",
                                ranks);
    plan->mine = plan->blocks + ranks * plan->stride;
    for (int i = 0, at = 0; i < plan->nitems; at += (int)share_words(&plan->items[i++]))
        put_share(&plan->items[i], plan->mine + at);
    return collio_table_make(&plan->table, plan->nitems, err);
}

static int64_t total_bytes(const collio_plan *plan, int ranks, size_t at, collio_error *err)
{
    int64_t total = 0;

    for (int rank = 0; rank < ranks; rank++) {
        int64_t bytes = plan->blocks[(size_t)rank * plan->stride + at];
        if (bytes < 0 || bytes > INT64_MAX / 4 - total) {
            collio_error_set(err, COLLIO_ERR_VALUE, "the states of all ranks are too large");
            return 0;
        }
        total += bytes;
    }
    return total;
}

static int fill_record(collio_plan *plan, int i, int ranks, size_t at, collio_error *err)
{
    const collio_item *item = &plan->items[i];
    collio_record *record = &plan->table.record[i];
    int64_t parts = item->kind == COLLIO_ITEM_RANK_STATE ? ranks : 1, bytes;

    if (!is_state(item))
        return collio_record_fill(record, item->name, "", item->kind, item->array.type,
                                  item->array.ndim, whole_shape(item), 1, plan->deflate, err);
    bytes = total_bytes(plan, (int)parts, at, err);
    if (err->code != COLLIO_OK || collio_record_fill(record, item->name, item->format, item->kind,
                                                     COLLIO_UINT8, 1, &bytes, parts, 0, err))
        return err->code;
    for (int rank = 0; record->part_size != NULL && rank < ranks; rank++)
        record->part_size[rank] = plan->blocks[(size_t)rank * plan->stride + at];
    return COLLIO_OK;
}

/* Every rank makes the same table; rank 0 alone looks for gaps and overlaps. */
static int fill_table(collio_plan *plan, collio_comm *comm, collio_error *err)
{
    int ranks = collio_comm_size(comm);
    size_t at = 0;

    for (int i = 0; i < plan->nitems; at += share_words(&plan->items[i++])) {
        const collio_item *item = &plan->items[i];
        if (fill_record(plan, i, ranks, at, err))
            return err->code;
        if (item->kind == COLLIO_ITEM_PART && collio_comm_rank(comm) == 0 &&
            collio_cover_check(item->name, item->array.ndim, item->shape, ranks, plan->blocks + at,
                               plan->stride, err))
            return err->code;
    }
    plan->table.step = plan->step;
    plan->table.writers = ranks;
    return COLLIO_OK;
}

int collio_plan_make(collio_plan *plan, collio_comm *comm, const char *operation, int64_t step,
                     int nitems, const collio_item *items, int deflate, int *exists,
                     collio_error *err)
{
    memset(plan, 0, sizeof *plan);
    plan->step = step;
    plan->deflate = deflate;
    plan->nitems = nitems;
    plan->items = items;
    if (err->code == COLLIO_OK && check_items(plan, err) == COLLIO_OK)
        make_room(plan, comm, err);
    if (agree_on_items(plan, comm, operation, exists, err))
        return err->code;
    if (plan->stride > 0 &&
        collio_allgather(comm, plan->mine, plan->blocks, plan->stride * sizeof *plan->blocks,
                         "checkpoint_save: gather the parts", err))
        return err->code;
    fill_table(plan, comm, err);
    return collio_agree_step(comm, "checkpoint_save: cover the arrays", err);
}

const int64_t *collio_plan_blocks(const collio_plan *plan, int i)
{
    const int64_t *at = plan->blocks;

    for (int k = 0; k < i; k++)
        at += share_words(&plan->items[k]);
    return at;
}

void collio_plan_free(collio_plan *plan)
{
    collio_table_free(&plan->table);
    free(plan->blocks);
    plan->blocks = NULL;
}
