/*
 * The seal: first in the user block of a step, written last. It covers every byte of the file:
 * its own words by the digest at its end, the table and the rest of the user block by a second,
 * HDF5's metadata by a third, and the elements by the digests in the table.
 */
#include "rankset.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* As PNG's first bytes do, these show a file mangled as text. */
static const char magic[8] = "\x89"
                             "CLO\r\n\x1a";

static const uint64_t order = 0x0102030405060708u;
/* Version 2 differs in records that are compressed, 3 in those that lie in files of the ranks; each
 * is written only where there are some. */
static const uint64_t newest_version = 3;

enum {
    MAGIC,
    ORDER,
    VERSION,
    UUID,
    UUID_2,
    STEP,
    FILE_SIZE,
    USER_BLOCK,
    TABLE_WORDS,
    RECORDS,
    WRITERS,
    TIME,
    METADATA,
    TABLE,
    RANKS, /* words of the list of files of the ranks, which follows the table */
    SELF,
    WORDS
};

static uint64_t digest_words(const uint64_t *words, size_t count)
{
    return collio_digest(sizeof *words, 0, words, (int64_t)count);
}

int64_t collio_seal_room(const collio_table *table)
{
    int64_t needed =
        (int64_t)((WORDS + collio_table_words(table) + collio_rankset_words(table->ranks)) *
                  sizeof(uint64_t));
    int64_t room = COLLIO_SEAL_LEAST;

    while (room < needed)
        room *= 2;
    return room;
}

static uint64_t version_of(const collio_table *table)
{
    if (table->ranks != NULL)
        return 3;
    for (int i = 0; i < table->count; i++)
        if (table->record[i].deflate > 0)
            return 2;
    return 1;
}

void collio_seal_encode(collio_table *table, void *user_block)
{
    uint64_t *words = user_block;
    size_t count = (size_t)table->user_block / sizeof *words;

    memset(user_block, 0, (size_t)table->user_block);
    memcpy(&words[MAGIC], magic, sizeof magic);
    words[ORDER] = order;
    words[VERSION] = version_of(table);
    memcpy(&words[UUID], table->uuid, sizeof table->uuid);
    words[STEP] = (uint64_t)table->step;
    words[FILE_SIZE] = (uint64_t)table->file_size;
    words[USER_BLOCK] = (uint64_t)table->user_block;
    words[TABLE_WORDS] = collio_table_words(table);
    words[RECORDS] = (uint64_t)table->count;
    words[WRITERS] = (uint64_t)table->writers;
    words[TIME] = (uint64_t)table->time;
    words[METADATA] = table->metadata;
    words[RANKS] = collio_rankset_words(table->ranks);
    collio_table_encode(table, words + WORDS);
    collio_rankset_encode(table->ranks, words + WORDS + words[TABLE_WORDS]);
    words[TABLE] = digest_words(words + WORDS, count - WORDS);
    words[SELF] = digest_words(words, SELF);
    table->seal = words[SELF];
}

int collio_seal_write(int fd, collio_table *table, const char *path, collio_error *err)
{
    void *user_block = malloc((size_t)table->user_block);

    if (user_block == NULL)
        return collio_error_set(err, COLLIO_ERR_MEMORY, "no memory for the seal");
    collio_seal_encode(table, user_block);
    if (collio_posix_write(fd, user_block, (size_t)table->user_block, 0, path, err) == COLLIO_OK)
        collio_posix_sync(fd, path, err);
    free(user_block);
    return err->code;
}

/* Whether the seal's own words are whole; nothing else is trusted before. */
static int check_self(const uint64_t *words, const char *path, collio_error *err)
{
    static const uint64_t nothing[WORDS];

    if (memcmp(words, nothing, sizeof nothing) == 0)
        return collio_error_set(err, COLLIO_ERR_DAMAGED, "'%s' has no seal", path);
    if (memcmp(&words[MAGIC], magic, sizeof magic) != 0)
        return collio_error_set(err, COLLIO_ERR_DAMAGED, "'%s' does not begin with a seal", path);
    if (words[ORDER] == __builtin_bswap64(order))
        return collio_error_set(err, COLLIO_ERR_UNSUPPORTED,
                                "'%s' was written on a machine of the other byte order", path);
    if (words[SELF] != digest_words(words, SELF))
        return collio_error_set(err, COLLIO_ERR_DAMAGED, "'%s': the seal is damaged", path);
    if (words[VERSION] < 1 || words[VERSION] > newest_version)
        return collio_error_set(err, COLLIO_ERR_UNSUPPORTED,
                                "'%s' has version %" PRIu64
                                ", this library reads versions 1 to %" PRIu64,
                                path, words[VERSION], newest_version);
    return COLLIO_OK;
}

static int piece_is_inside(const collio_table *table, const collio_record *record, int64_t i)
{
    int64_t offset, bytes;

    collio_record_piece(record, i, &offset, &bytes);
    return bytes > 0 && offset >= table->user_block && bytes <= table->file_size &&
           offset <= table->file_size - bytes &&
           (record->deflate == 0 || bytes <= record->block * collio_record_element(record));
}

static int check_records(const collio_table *table, const char *path, collio_error *err)
{
    for (int i = 0; i < table->count; i++) {
        const collio_record *record = &table->record[i];
        for (int64_t k = 0; k < collio_record_pieces(record); k++)
            if (!piece_is_inside(table, record, k))
                return collio_error_set(err, COLLIO_ERR_DAMAGED, "'%s': '%s' lies outside the file",
                                        path, record->name);
    }
    return COLLIO_OK;
}

/* The list of files, if there is one; without it no record can be apart. */
static int decode_ranks(collio_table *table, const uint64_t *words, const char *path,
                        collio_error *err)
{
    if (words[RANKS] > 0)
        return collio_rankset_decode(table, words + WORDS + words[TABLE_WORDS], words[RANKS], path,
                                     err);
    for (int i = 0; i < table->count; i++)
        if (table->record[i].apart)
            return collio_error_set(err, COLLIO_ERR_DAMAGED, "'%s' lists no files for '%s'", path,
                                    table->record[i].name);
    return COLLIO_OK;
}

int collio_seal_decode(collio_table *table, const void *user_block, size_t size, const char *path,
                       collio_error *err)
{
    const uint64_t *words = user_block;
    size_t count = size / sizeof *words;

    memset(table, 0, sizeof *table);
    if (check_self(words, path, err))
        return err->code;
    if (words[USER_BLOCK] != size || words[TABLE_WORDS] > count - WORDS ||
        words[RANKS] > count - WORDS - words[TABLE_WORDS] || words[RECORDS] > words[TABLE_WORDS] ||
        words[TABLE] != digest_words(words + WORDS, count - WORDS))
        return collio_error_set(err, COLLIO_ERR_DAMAGED, "'%s': the table of arrays is damaged",
                                path);
    if (collio_table_make(table, (int)words[RECORDS], err))
        return err->code;
    memcpy(table->uuid, &words[UUID], sizeof table->uuid);
    table->step = (int64_t)words[STEP];
    table->file_size = (int64_t)words[FILE_SIZE];
    table->user_block = (int64_t)words[USER_BLOCK];
    table->writers = (int64_t)words[WRITERS];
    table->time = (int64_t)words[TIME];
    table->metadata = words[METADATA];
    table->seal = words[SELF];
    if (collio_table_decode(table, words + WORDS, words[TABLE_WORDS], path, err) ||
        decode_ranks(table, words, path, err))
        return err->code;
    return check_records(table, path, err);
}

/* ------------------------------------------------- metadata of HDF5 */

/* Digest the bytes from..to of the file; `index` counts the bytes digested before. */
static int digest_gap(int fd, const char *path, int64_t from, int64_t to, int64_t *index,
                      uint64_t *digest, collio_error *err)
{
    unsigned char bytes[4096];

    while (from < to) {
        int64_t size = to - from < (int64_t)sizeof bytes ? to - from : (int64_t)sizeof bytes;
        if (collio_posix_read(fd, bytes, (size_t)size, from, path, err))
            return err->code;
        *digest += collio_digest(1, *index, bytes, size);
        *index += size;
        from += size;
    }
    return COLLIO_OK;
}

/* A piece of the file that holds elements. */
typedef struct extent {
    int64_t offset, bytes;
} extent;

static int by_offset(const void *a, const void *b)
{
    const extent *x = a, *y = b;

    return (x->offset > y->offset) - (x->offset < y->offset);
}

/* All of them, in the order of the file; to be freed. NULL without memory. */
static extent *list_extents(const collio_table *table, int64_t *count)
{
    extent *list;
    int64_t n = 0;

    for (int i = 0; i < table->count; i++)
        n += collio_record_pieces(&table->record[i]);
    list = malloc(((size_t)n + 1) * sizeof *list);
    *count = n;
    for (int i = table->count - 1; i >= 0 && list != NULL; i--)
        for (int64_t k = collio_record_pieces(&table->record[i]) - 1; k >= 0; k--) {
            n--;
            collio_record_piece(&table->record[i], k, &list[n].offset, &list[n].bytes);
        }
    if (list != NULL)
        qsort(list, (size_t)*count, sizeof *list, by_offset);
    return list;
}

int collio_seal_metadata(int fd, const collio_table *table, const char *path, uint64_t *digest,
                         collio_error *err)
{
    int64_t at = table->user_block, index = 0, count;
    extent *list = list_extents(table, &count);
    int failed = COLLIO_OK;

    *digest = 0;
    if (list == NULL)
        return collio_error_set(err, COLLIO_ERR_MEMORY, "no memory for %d records", table->count);
    for (int64_t i = 0; i < count && !failed; i++) {
        failed = digest_gap(fd, path, at, list[i].offset, &index, digest, err);
        at = list[i].offset + list[i].bytes;
    }
    if (!failed)
        failed = digest_gap(fd, path, at, table->file_size, &index, digest, err);
    free(list);
    return failed;
}

static int check_metadata(int fd, const char *path, const collio_table *table, collio_error *err)
{
    uint64_t digest = 0;

    if (collio_seal_metadata(fd, table, path, &digest, err))
        return err->code;
    if (digest != table->metadata)
        return collio_error_set(err, COLLIO_ERR_DAMAGED, "'%s': the metadata of HDF5 are damaged",
                                path);
    return COLLIO_OK;
}

int collio_seal_read(int fd, const char *path, collio_table *table, collio_error *err)
{
    uint64_t first[WORDS];
    int64_t size = 0;
    void *user_block = NULL;

    memset(table, 0, sizeof *table);
    if (collio_posix_size(fd, &size, path, err) ||
        collio_posix_read(fd, first, sizeof first, 0, path, err) || check_self(first, path, err))
        return err->code;
    if (first[FILE_SIZE] != (uint64_t)size || first[USER_BLOCK] > (uint64_t)size ||
        first[USER_BLOCK] < COLLIO_SEAL_LEAST)
        return collio_error_set(err, COLLIO_ERR_DAMAGED,
                                "'%s' has %" PRId64 " bytes, its seal says %" PRIu64, path, size,
                                first[FILE_SIZE]);
    user_block = malloc(first[USER_BLOCK]);
    if (user_block == NULL)
        return collio_error_set(err, COLLIO_ERR_MEMORY, "no memory for the table of '%s'", path);
    if (collio_posix_read(fd, user_block, first[USER_BLOCK], 0, path, err) == COLLIO_OK &&
        collio_seal_decode(table, user_block, first[USER_BLOCK], path, err) == COLLIO_OK)
        check_metadata(fd, path, table, err);
    free(user_block);
    return err->code;
}
