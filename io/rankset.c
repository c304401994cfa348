/* The list of the files that hold a step's arrays, in memory and as words in the step's own file.
 */
#include "rankset.h"

#include <stdlib.h>
#include <string.h>

static size_t box_words(const collio_record *record)
{
    return record->apart ? 2 * (size_t)record->ndim : 0;
}

collio_rankset *collio_rankset_make(const collio_table *table, int files, collio_error *err)
{
    collio_rankset *set = calloc(1, sizeof *set);

    if (set != NULL) {
        set->files = files;
        for (int i = 0; i < table->count; i++)
            set->stride += box_words(&table->record[i]);
        set->seal = calloc((size_t)files + 1, sizeof *set->seal);
        set->size = calloc((size_t)files + 1, sizeof *set->size);
        set->box = calloc((size_t)files * set->stride + 1, sizeof *set->box);
    }
    if (set != NULL && set->seal != NULL && set->size != NULL && set->box != NULL)
        return set;
    collio_rankset_free(set);
    collio_error_set(err, COLLIO_ERR_MEMORY, "no memory for a list of %d files", files);
    return NULL;
}

void collio_rankset_free(collio_rankset *set)
{
    if (set == NULL)
        return;
    free(set->seal);
    free(set->size);
    free(set->box);
    free(set);
}

int64_t *collio_rankset_box(const collio_table *table, int file, int record)
{
    const collio_rankset *set = table->ranks;
    int64_t *at = set->box + (size_t)file * set->stride;

    for (int i = 0; i < record; i++)
        at += box_words(&table->record[i]);
    return table->record[record].apart ? at : NULL;
}

int collio_box_is_empty(const collio_record *record, const int64_t *box)
{
    for (int d = 0; d < record->ndim; d++)
        if (box[record->ndim + d] == 0)
            return 1;
    return 0;
}

int64_t collio_rankset_bytes(const collio_rankset *set)
{
    int64_t bytes = 0;

    for (int file = 0; set != NULL && file < set->files; file++)
        bytes += set->size[file];
    return bytes;
}

/* ------------------------------------------------------------ as words */

size_t collio_rankset_words(const collio_rankset *set)
{
    return set != NULL ? 1 + (size_t)set->files * (2 + set->stride) : 0;
}

/* Copy to the words, or from them. */
static void move(const collio_rankset *set, uint64_t *words, int from)
{
    struct {
        void *memory;
        size_t count;
    } rows[] = {{set->seal, (size_t)set->files},
                {set->size, (size_t)set->files},
                {set->box, (size_t)set->files * set->stride}};

    for (size_t i = 0; i < sizeof rows / sizeof *rows; words += rows[i++].count)
        if (from)
            memcpy(rows[i].memory, words, rows[i].count * sizeof *words);
        else
            memcpy(words, rows[i].memory, rows[i].count * sizeof *words);
}

void collio_rankset_encode(const collio_rankset *set, uint64_t *words)
{
    if (set == NULL)
        return;
    words[0] = (uint64_t)set->files;
    move(set, words + 1, 0);
}

/* A seal that is whole says that boxes lie in their arrays; a mistake must do no harm. */
static int boxes_are_sane(const collio_table *table)
{
    for (int file = 0; file < table->ranks->files; file++)
        for (int i = 0; i < table->count; i++) {
            const collio_record *record = &table->record[i];
            const int64_t *box = collio_rankset_box(table, file, i);
            for (int d = 0; box != NULL && d < record->ndim; d++)
                if (box[d] < 0 || box[record->ndim + d] < 0 || box[d] > record->shape[d] ||
                    box[record->ndim + d] > record->shape[d] - box[d])
                    return 0;
        }
    return 1;
}

int collio_rankset_decode(collio_table *table, const uint64_t *words, size_t count,
                          const char *path, collio_error *err)
{
    int sane = count > 0 && words[0] >= 1 && words[0] <= INT32_MAX && words[0] < count;

    if (sane)
        table->ranks = collio_rankset_make(table, (int)words[0], err);
    if (err->code != COLLIO_OK)
        return err->code;
    sane = sane && collio_rankset_words(table->ranks) == count;
    if (sane)
        move(table->ranks, (uint64_t *)words + 1, 1);
    if (!sane || !boxes_are_sane(table))
        return collio_error_set(err, COLLIO_ERR_DAMAGED, "'%s': the list of files makes no sense",
                                path);
    return COLLIO_OK;
}
