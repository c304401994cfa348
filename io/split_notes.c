/* What each rank has written, noted as selections, so that the parts can be put together. */
#include "split.h"

#include <stdlib.h>
#include <string.h>

/* ------------------------------------------------------------ as words */

enum { START, STRIDE, COUNT, BLOCK, LISTED, WORDS }; /* of a dimension; then its list, if any */

static int64_t words_of(const collio_selection *s)
{
    int64_t words = 0;

    for (int d = 0; d < s->ndim; d++)
        words += WORDS + (s->list[d] != NULL ? s->count[d] : 0);
    return words;
}

static void encode(const collio_selection *s, int64_t *words)
{
    for (int d = 0; d < s->ndim; d++) {
        int64_t facts[] = {s->start[d], s->stride[d], s->count[d], s->block[d], s->list[d] != NULL};
        memcpy(words, facts, sizeof facts);
        words += WORDS;
        if (s->list[d] != NULL) {
            memcpy(words, s->list[d], (size_t)s->count[d] * sizeof *words);
            words += s->count[d];
        }
    }
}

void collio_note_selection(const collio_note *note, int ndim, collio_selection *out)
{
    const int64_t *words = note->words;

    collio_selection_none(out, ndim);
    for (int d = 0; d < ndim; d++) {
        out->start[d] = words[START];
        out->stride[d] = words[STRIDE];
        out->count[d] = words[COUNT];
        out->block[d] = words[BLOCK];
        out->list[d] = words[LISTED] ? words + WORDS : NULL;
        words += WORDS + (words[LISTED] ? words[COUNT] : 0);
    }
}

/* --------------------------------------------------------------- add one */

/* What is written again, with the same selection, needs one note: the last. */
static int note_again(collio_split *split, const collio_note *note)
{
    static const int64_t looked_at = 256;
    int64_t least = split->noted > looked_at ? split->noted - looked_at : 0;

    for (int64_t i = split->noted - 1; i >= least; i--) {
        collio_note *old = &split->notes[i];
        if (old->shard == note->shard && old->count == note->count &&
            memcmp(old->words, note->words, (size_t)note->count * sizeof *note->words) == 0) {
            old->call = note->call;
            return 1;
        }
    }
    return 0;
}

static int append(collio_split *split, const collio_note *note, collio_error *err)
{
    int64_t room = 16;
    collio_note *more = split->notes;

    while (room <= split->noted)
        room *= 2;
    if (split->noted == 0 || split->noted == room / 2)
        more = realloc(split->notes, (size_t)room * sizeof *more);
    if (more == NULL)
        return collio_error_set(err, COLLIO_ERR_MEMORY, "no memory to note what is written");
    split->notes = more;
    split->notes[split->noted++] = *note;
    return COLLIO_OK;
}

int collio_note_add(collio_split *split, int64_t shard, int rank, const collio_selection *selection,
                    collio_error *err)
{
    collio_note note = {shard, split->calls, rank, words_of(selection), NULL};

    note.words = malloc((size_t)note.count * sizeof *note.words + 1);
    if (note.words == NULL)
        return collio_error_set(err, COLLIO_ERR_MEMORY, "no memory to note what is written");
    encode(selection, note.words);
    if (note_again(split, &note) || append(split, &note, err))
        free(note.words);
    return err->code;
}

/* ------------------------------------------------------- nothing in common */

static int64_t first_of(const collio_selection *s, int d)
{
    return s->list[d] != NULL ? s->list[d][0] : s->start[d];
}

static int64_t last_of(const collio_selection *s, int d)
{
    if (s->list[d] != NULL)
        return s->list[d][s->count[d] - 1];
    return s->start[d] + (s->count[d] - 1) * s->stride[d] + s->block[d] - 1;
}

/* Turns of the same length that meet nowhere in them, as rows dealt out one by one. */
static int in_other_turns(const collio_selection *a, const collio_selection *b, int d)
{
    int64_t turn = a->stride[d], ahead;

    if (a->list[d] != NULL || b->list[d] != NULL || b->stride[d] != turn)
        return 0;
    ahead = (b->start[d] - a->start[d]) % turn;
    ahead += ahead < 0 ? turn : 0;
    return ahead >= a->block[d] && ahead + b->block[d] <= turn;
}

int collio_notes_apart(const collio_note *x, const collio_note *y, int ndim)
{
    collio_selection a, b;

    collio_note_selection(x, ndim, &a);
    collio_note_selection(y, ndim, &b);
    for (int d = 0; d < ndim; d++)
        if (last_of(&a, d) < first_of(&b, d) || last_of(&b, d) < first_of(&a, d) ||
            in_other_turns(&a, &b, d))
            return 1;
    return 0;
}

/* ------------------------------------------------------------- all ranks' */

enum { HEAD = 4 };

static int64_t *pack(const collio_split *split, int64_t *count)
{
    int64_t total = 0, *words, *at;

    for (int64_t i = 0; i < split->noted; i++)
        total += HEAD + split->notes[i].count;
    words = at = malloc((size_t)total * sizeof *words + 1);
    *count = words != NULL ? total : 0;
    for (int64_t i = 0; words != NULL && i < split->noted; i++) {
        const collio_note *n = &split->notes[i];
        int64_t head[HEAD] = {n->shard, n->call, n->rank, n->count};
        memcpy(at, head, sizeof head);
        memcpy(at + HEAD, n->words, (size_t)n->count * sizeof *at);
        at += HEAD + n->count;
    }
    return words;
}

static int unpack(const int64_t *words, int64_t count, collio_note *out, collio_error *err)
{
    int64_t n = 0;

    for (const int64_t *at = words, *end = words + count; at < end; at += HEAD + at[3], n++) {
        out[n] = (collio_note){at[0], at[1], at[2], at[3], NULL};
        out[n].words = malloc((size_t)at[3] * sizeof *at + 1);
        if (out[n].words == NULL)
            return collio_error_set(err, COLLIO_ERR_MEMORY, "no memory for what was written");
        memcpy(out[n].words, at + HEAD, (size_t)at[3] * sizeof *at);
    }
    return COLLIO_OK;
}

static int by_dataset_and_call(const void *a, const void *b)
{
    const collio_note *x = a, *y = b;

    if (x->shard != y->shard)
        return x->shard < y->shard ? -1 : 1;
    if (x->call != y->call)
        return x->call < y->call ? -1 : 1;
    return (x->rank > y->rank) - (x->rank < y->rank);
}

/* Rank 0 alone looks at them. */
static void unpack_all(const int64_t *sizes, const int64_t *words, int64_t room, int ranks,
                       collio_note **all, int64_t *count, collio_error *err)
{
    int64_t total = 0, done = 0;

    for (int r = 0; r < ranks; r++)
        total += sizes[2 * r + 1];
    *all = calloc((size_t)total + 1, sizeof **all);
    if (*all == NULL) {
        collio_error_set(err, COLLIO_ERR_MEMORY, "no memory for what was written");
        return;
    }
    *count = total;
    for (int r = 0; r < ranks && err->code == COLLIO_OK; r++) {
        unpack(words + r * room, sizes[2 * r], *all + done, err);
        done += sizes[2 * r + 1];
    }
    if (err->code == COLLIO_OK)
        qsort(*all, (size_t)total, sizeof **all, by_dataset_and_call);
}

int collio_notes_gather(collio_file *file, collio_note **all, int64_t *count, collio_error *err)
{
    int ranks = collio_comm_size(file->comm);
    int64_t mine[2] = {0, file->split->noted}, room = 1;
    int64_t *sizes = calloc((size_t)ranks * 2, sizeof *sizes), *words = pack(file->split, &mine[0]);
    int64_t *gathered = NULL, *more = NULL;

    if (sizes == NULL || words == NULL)
        collio_error_set(err, COLLIO_ERR_MEMORY, "no memory for what was written");
    if (collio_finish(file, "close, notes", 0, err) ||
        collio_allgather(file->comm, mine, sizes, sizeof mine, "close: sizes of notes", err))
        goto done;
    for (int r = 0; r < ranks; r++)
        room = sizes[2 * r] > room ? sizes[2 * r] : room;
    gathered = malloc((size_t)room * (size_t)ranks * sizeof *gathered);
    more = realloc(words, (size_t)room * sizeof *words);
    words = more != NULL ? more : words;
    if (gathered == NULL || more == NULL)
        collio_error_set(err, COLLIO_ERR_MEMORY, "no memory for what was written");
    if (collio_finish(file, "close, room for notes", 0, err) ||
        collio_allgather(file->comm, words, gathered, (size_t)room * sizeof *words, "close: notes",
                         err))
        goto done;
    if (file->rank == 0)
        unpack_all(sizes, gathered, room, ranks, all, count, err);
done:
    free(gathered);
    free(words);
    free(sizes);
    return err->code;
}

void collio_notes_free(collio_note *notes, int64_t count)
{
    for (int64_t i = 0; i < count; i++)
        free(notes[i].words);
    free(notes);
}
