/* The table of a step: what arrays it has, where they lie, what their blocks digest to; in memory
 * and as words in the file. */
#include "rankset.h"

#include <stdlib.h>
#include <string.h>

/* A digest covers this many bytes at least: small enough to stay in a core's cache between
 * digesting and writing, large enough that calls cost nothing. */
static const int64_t least_block = 256 * 1024;

/* Smaller arrays are not compressed: HDF5's index of chunks would take more than is won. */
static const int64_t least_deflated = 16 * 1024;

/* An array has no more digests than this; larger ones have larger blocks. */
static const int64_t most_blocks = 65536;

int collio_table_make(collio_table *table, int count, collio_error *err)
{
    memset(table, 0, sizeof *table);
    table->record = calloc((size_t)count + 1, sizeof *table->record);
    if (table->record == NULL)
        return collio_error_set(err, COLLIO_ERR_MEMORY, "no memory for %d records", count);
    table->count = count;
    return COLLIO_OK;
}

void collio_table_free(collio_table *table)
{
    for (int i = 0; i < table->count; i++) {
        free(table->record[i].name);
        free(table->record[i].format);
        free(table->record[i].digest);
        free(table->record[i].part_size);
        free(table->record[i].place);
        free(table->record[i].stored);
    }
    free(table->record);
    collio_rankset_free(table->ranks);
    table->ranks = NULL;
    table->record = NULL;
    table->count = 0;
}

int64_t collio_record_element(const collio_record *record)
{
    return (int64_t)collio_type_size(record->type);
}

int64_t collio_record_bytes(const collio_record *record)
{
    return record->size * collio_record_element(record);
}

int collio_table_find(const collio_table *table, const char *name)
{
    for (int i = 0; i < table->count; i++)
        if (strcmp(table->record[i].name, name) == 0)
            return i;
    return -1;
}

/* Elements of the array, such that its bytes can be counted too. */
static int count_elements(collio_record *record, collio_error *err)
{
    int64_t most = INT64_MAX / 4 / collio_record_element(record);

    record->size = 1;
    for (int d = 0; d < record->ndim; d++)
        if (record->shape[d] == 0)
            record->size = 0;
    for (int d = 0; d < record->ndim && record->size > 0; d++) {
        if (record->shape[d] > most / record->size)
            return collio_error_set(err, COLLIO_ERR_VALUE, "'%s' has more bytes than a file can",
                                    record->name);
        record->size *= record->shape[d];
    }
    return COLLIO_OK;
}

static int64_t blocks_of(const collio_record *record)
{
    int64_t in_span = (record->span + record->block - 1) / record->block;

    return record->size > 0 ? record->size / record->span * in_span : 0;
}

static void choose_block(collio_record *record)
{
    record->span = record->size;
    record->block = least_block / collio_record_element(record);
    while (blocks_of(record) > most_blocks)
        record->block *= 2;
}

/* A block that is a chunk: some rows of dimension d, whole in the dimensions further in, and all of
 * one size as far as that goes. */
static void choose_chunk(collio_record *record, int64_t target)
{
    int64_t inner = 1, rows, pieces;
    int d = record->ndim - 1;

    while (d > 0 && inner * record->shape[d] <= target)
        inner *= record->shape[d--];
    rows = target / inner > 1 ? target / inner : 1;
    pieces = (record->shape[d] + rows - 1) / rows;
    record->block = (record->shape[d] + pieces - 1) / pieces * inner;
    record->span = record->shape[d] * inner;
}

static void choose_chunks(collio_record *record)
{
    int64_t target = least_block / collio_record_element(record);

    choose_chunk(record, target);
    while (blocks_of(record) > most_blocks)
        choose_chunk(record, target *= 2);
}

int64_t collio_block_first(const collio_record *record, int64_t block)
{
    int64_t in_span = (record->span + record->block - 1) / record->block;

    if (block >= record->blocks)
        return record->size;
    return block / in_span * record->span + block % in_span * record->block;
}

int64_t collio_block_count(const collio_record *record, int64_t block)
{
    return collio_block_first(record, block + 1) - collio_block_first(record, block);
}

int64_t collio_block_of(const collio_record *record, int64_t index)
{
    int64_t in_span = (record->span + record->block - 1) / record->block;

    return index / record->span * in_span + index % record->span / record->block;
}

void collio_record_chunk(const collio_record *record, int64_t *chunk)
{
    int64_t inner = 1;
    int d = record->ndim - 1;

    while (inner * record->shape[d] < record->span) {
        chunk[d] = record->shape[d];
        inner *= record->shape[d--];
    }
    chunk[d] = record->block / inner;
    while (d > 0)
        chunk[--d] = 1;
}

int64_t collio_record_pieces(const collio_record *record)
{
    if (record->apart)
        return 0;
    return record->deflate > 0 ? record->blocks : record->size > 0;
}

void collio_record_piece(const collio_record *record, int64_t i, int64_t *offset, int64_t *bytes)
{
    *offset = record->deflate > 0 ? record->place[i] : record->offset;
    *bytes = record->deflate > 0 ? record->stored[i] : collio_record_bytes(record);
}

static int allocate(collio_record *record, collio_error *err)
{
    record->digest = calloc((size_t)record->blocks + 1, sizeof *record->digest);
    if (record->kind == COLLIO_ITEM_RANK_STATE)
        record->part_size = calloc((size_t)record->parts + 1, sizeof *record->part_size);
    if (record->deflate > 0) {
        record->place = calloc((size_t)record->blocks + 1, sizeof *record->place);
        record->stored = calloc((size_t)record->blocks + 1, sizeof *record->stored);
    }
    if (record->digest == NULL ||
        (record->kind == COLLIO_ITEM_RANK_STATE && record->part_size == NULL) ||
        (record->deflate > 0 && (record->place == NULL || record->stored == NULL)))
        return collio_error_set(err, COLLIO_ERR_MEMORY, "no memory for the digests of '%s'",
                                record->name);
    return COLLIO_OK;
}

int collio_record_fill(collio_record *record, const char *name, const char *format,
                       collio_item_kind kind, collio_type type, int ndim, const int64_t *shape,
                       int64_t parts, int deflate, collio_error *err)
{
    record->name = strdup(name);
    record->format = strdup(format);
    record->kind = kind;
    record->type = type;
    record->ndim = ndim;
    record->parts = parts;
    if (ndim > 0)
        memcpy(record->shape, shape, (size_t)ndim * sizeof *shape);
    if (record->name == NULL || record->format == NULL)
        return collio_error_set(err, COLLIO_ERR_MEMORY, "no memory for a name");
    if (count_elements(record, err))
        return err->code;
    if (deflate > 0 && kind == COLLIO_ITEM_PART && collio_record_bytes(record) >= least_deflated)
        record->deflate = deflate;
    if (record->deflate > 0)
        choose_chunks(record);
    else
        choose_block(record);
    record->blocks = blocks_of(record);
    return allocate(record, err);
}

/* ------------------------------------------------------- as words */

/* Words of a record before its extents. A compressed one has DEFLATED beside its kind, and after
 * its extents the span, the places and the sizes of its blocks. APART: see rankset.h. */
enum { DEFLATED = 256, APART = 512, FLAGS = DEFLATED | APART };
enum { KIND, TYPE, NDIM, OFFSET, BLOCK, PARTS, NAME_BYTES, FORMAT_BYTES, HEAD };

static size_t words_of_bytes(size_t bytes)
{
    return (bytes + sizeof(uint64_t) - 1) / sizeof(uint64_t);
}

static size_t part_words(const collio_record *record)
{
    return record->kind == COLLIO_ITEM_RANK_STATE ? (size_t)record->parts : 0;
}

static size_t block_words(const collio_record *record)
{
    return record->deflate > 0 ? 1 + 2 * (size_t)record->blocks : 0;
}

size_t collio_table_words(const collio_table *table)
{
    size_t words = 0;

    for (int i = 0; i < table->count; i++) {
        const collio_record *record = &table->record[i];
        words += HEAD + (size_t)record->ndim + block_words(record) + part_words(record) +
                 (size_t)record->blocks + words_of_bytes(strlen(record->name)) +
                 words_of_bytes(strlen(record->format));
    }
    return words;
}

static uint64_t *put(uint64_t *to, const void *from, size_t bytes)
{
    size_t words = words_of_bytes(bytes);

    if (words > 0) {
        to[words - 1] = 0;
        memcpy(to, from, bytes);
    }
    return to + words;
}

void collio_table_encode(const collio_table *table, uint64_t *words)
{
    for (int i = 0; i < table->count; i++) {
        const collio_record *record = &table->record[i];
        memset(words, 0, HEAD * sizeof *words);
        words[KIND] = (uint64_t)record->kind | (record->deflate > 0 ? DEFLATED : 0) |
                      (record->apart ? APART : 0);
        put(&words[TYPE], collio_type_name(record->type), strlen(collio_type_name(record->type)));
        words[NDIM] = (uint64_t)record->ndim;
        words[OFFSET] = (uint64_t)record->offset;
        words[BLOCK] = (uint64_t)record->block;
        words[PARTS] = (uint64_t)record->parts;
        words[NAME_BYTES] = strlen(record->name);
        words[FORMAT_BYTES] = strlen(record->format);
        words = put(words + HEAD, record->shape, (size_t)record->ndim * sizeof *record->shape);
        if (record->deflate > 0) {
            *words++ = (uint64_t)record->span;
            words = put(words, record->place, (size_t)record->blocks * sizeof *record->place);
            words = put(words, record->stored, (size_t)record->blocks * sizeof *record->stored);
        }
        words = put(words, record->part_size, part_words(record) * sizeof *record->part_size);
        words = put(words, record->digest, (size_t)record->blocks * sizeof *record->digest);
        words = put(words, record->name, strlen(record->name));
        words = put(words, record->format, strlen(record->format));
    }
}

/* Words not read yet. */
typedef struct reader {
    const uint64_t *at;
    size_t left;
} reader;

/* The next `count` words, or NULL if there are not so many. */
static const uint64_t *take(reader *r, uint64_t count)
{
    const uint64_t *at = r->at;

    if (count > r->left)
        return NULL;
    r->at += count;
    r->left -= count;
    return at;
}

static char *take_text(reader *r, uint64_t bytes, collio_error *err)
{
    const uint64_t *from = bytes / sizeof *from > r->left ? NULL : take(r, words_of_bytes(bytes));
    char *text = from != NULL ? strndup((const char *)from, bytes) : NULL;

    if (from != NULL && text == NULL)
        collio_error_set(err, COLLIO_ERR_MEMORY, "no memory for the table of a step");
    return text;
}

/* Numbers that a table of this version can hold; a seal that is whole says that they are. */
static int head_is_sane(const uint64_t *head, collio_type type)
{
    return (head[KIND] & ~(uint64_t)FLAGS) <= COLLIO_ITEM_RANK_STATE && type != COLLIO_TYPE_COUNT &&
           head[NDIM] <= COLLIO_MAX_DIMS && head[OFFSET] <= INT64_MAX / 4 && head[BLOCK] >= 1 &&
           head[BLOCK] <= INT64_MAX / 64 && head[PARTS] >= 1 && head[PARTS] <= INT32_MAX;
}

static int extents_are_sane(collio_record *record, collio_error *err)
{
    for (int d = 0; d < record->ndim; d++)
        if (record->shape[d] < 0)
            return 0;
    return count_elements(record, err) == COLLIO_OK;
}

/* How the elements divide into blocks. */
static int decode_span(collio_record *record, reader *r)
{
    const uint64_t *span = record->deflate > 0 ? take(r, 1) : NULL;

    record->span = record->deflate == 0 ? record->size : span != NULL ? (int64_t)*span : 0;
    if (record->size > 0 &&
        (record->span < 1 || record->span > record->size || record->size % record->span != 0))
        return 0;
    if (record->deflate > 0 && (record->size == 0 || record->ndim == 0))
        return 0;
    record->blocks = blocks_of(record);
    return 1;
}

/* Returns 0 if the words are no record. */
static int decode_record(collio_record *record, reader *r, collio_error *err)
{
    const uint64_t *head = take(r, HEAD), *words;
    char type[sizeof *head + 1] = "";

    if (head == NULL)
        return 0;
    memcpy(type, &head[TYPE], sizeof *head);
    record->type = collio_type_from_name(type);
    if (!head_is_sane(head, record->type))
        return 0;
    record->kind = (collio_item_kind)(head[KIND] & ~(uint64_t)FLAGS);
    record->apart = (head[KIND] & APART) != 0;
    record->deflate = (head[KIND] & DEFLATED) != 0;
    record->ndim = (int)head[NDIM];
    record->offset = (int64_t)head[OFFSET];
    record->block = (int64_t)head[BLOCK];
    record->parts = (int64_t)head[PARTS];
    words = take(r, head[NDIM]);
    if (words == NULL)
        return 0;
    memcpy(record->shape, words, (size_t)record->ndim * sizeof *words);
    if (!extents_are_sane(record, err))
        return 0;
    if (!decode_span(record, r) ||
        (uint64_t)record->blocks + block_words(record) + part_words(record) > r->left + 1 ||
        allocate(record, err))
        return 0;
    if (record->deflate > 0) {
        memcpy(record->place, take(r, (uint64_t)record->blocks),
               (size_t)record->blocks * sizeof *words);
        memcpy(record->stored, take(r, (uint64_t)record->blocks),
               (size_t)record->blocks * sizeof *words);
    }
    words = take(r, part_words(record));
    if (record->part_size != NULL)
        memcpy(record->part_size, words, part_words(record) * sizeof *words);
    memcpy(record->digest, take(r, (uint64_t)record->blocks),
           (size_t)record->blocks * sizeof *words);
    record->name = take_text(r, head[NAME_BYTES], err);
    record->format = take_text(r, head[FORMAT_BYTES], err);
    return record->name != NULL && record->format != NULL;
}

int collio_table_decode(collio_table *table, const uint64_t *words, size_t count, const char *path,
                        collio_error *err)
{
    reader r = {words, count};

    for (int i = 0; i < table->count; i++)
        if (!decode_record(&table->record[i], &r, err))
            return collio_error_set(err, COLLIO_ERR_DAMAGED, "'%s': record %d makes no sense", path,
                                    i);
    return COLLIO_OK;
}
