/*
 * The index of a split file: for each dataset a virtual one that takes every element from the file
 * of the rank that has written it last.
 */
#include "split.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What one rank's file is the source of: a block, where it can be said so. */
typedef struct piece {
    const collio_note *note;
    int ndim, rank;
    int shared; /* some other note may have elements in common */
    int plain;  /* one block, at `start` */
    int64_t start[COLLIO_MAX_DIMS], end[COLLIO_MAX_DIMS];
} piece;

typedef struct indexing {
    const collio_split *split;
    const collio_shard *shard;
    piece *pieces;
    int64_t count;
    char name[24];
    hid_t list;
} indexing;

/* ---------------------------------------------------------------- pieces */

static void take_note(const collio_note *note, int ndim, piece *out)
{
    collio_selection s;

    *out = (piece){.note = note, .ndim = ndim, .rank = (int)note->rank, .plain = 1};
    collio_note_selection(note, ndim, &s);
    for (int d = 0; d < ndim; d++) {
        int64_t count = s.count[d];
        out->start[d] = s.list[d] != NULL ? s.list[d][0] : s.start[d];
        out->end[d] = s.list[d] != NULL ? s.list[d][count - 1] + 1
                                        : s.start[d] + (count - 1) * s.stride[d] + s.block[d];
        if (s.list[d] != NULL ? out->end[d] - out->start[d] != count
                              : count > 1 && s.stride[d] != s.block[d])
            out->plain = 0;
    }
}

static int by_first_row(const void *a, const void *b)
{
    const piece *x = a, *y = b;

    if (x->start[0] != y->start[0])
        return x->start[0] < y->start[0] ? -1 : 1;
    return (x->note > y->note) - (x->note < y->note);
}

/* A quick look, of which there are many; the first dimension has been looked at. */
static int are_near(const piece *a, const piece *b)
{
    for (int d = 1; d < a->ndim; d++)
        if (a->end[d] <= b->start[d] || b->end[d] <= a->start[d])
            return 0;
    return 1;
}

/* Mark those that may have something in common: only these are looked at element by element. */
static void mark_shared(indexing *x)
{
    qsort(x->pieces, (size_t)x->count, sizeof *x->pieces, by_first_row);
    for (int64_t i = 0; i < x->count; i++)
        for (int64_t k = i + 1; k < x->count && x->pieces[k].start[0] < x->pieces[i].end[0]; k++)
            if (are_near(&x->pieces[i], &x->pieces[k]) &&
                !collio_notes_apart(x->pieces[i].note, x->pieces[k].note, x->shard->ndim))
                x->pieces[i].shared = x->pieces[k].shared = 1;
}

/* -------------------------------------------------------------- fewer, larger */

static int is_free_block(const piece *p)
{
    return p->plain && !p->shared;
}

static int by_rank_and_start(const void *a, const void *b)
{
    const piece *x = a, *y = b;
    int free_x = is_free_block(x), free_y = is_free_block(y);

    if (free_x != free_y)
        return free_y - free_x;
    if (x->rank != y->rank)
        return x->rank < y->rank ? -1 : 1;
    for (int d = 0; d < x->ndim; d++)
        if (x->start[d] != y->start[d])
            return x->start[d] < y->start[d] ? -1 : 1;
    return (x->note > y->note) - (x->note < y->note);
}

/* Let a block take in another that lies at its end in one dimension. */
static int join(piece *a, const piece *b)
{
    int along = -1;

    if (!is_free_block(a) || !is_free_block(b) || a->rank != b->rank)
        return 0;
    for (int d = 0; d < a->ndim; d++) {
        if (a->start[d] == b->start[d] && a->end[d] == b->end[d])
            continue;
        if (along >= 0 || a->end[d] != b->start[d])
            return 0;
        along = d;
    }
    if (along < 0)
        return 0;
    a->end[along] = b->end[along];
    return 1;
}

/* Blocks of one rank that follow each other, as those of step after step, become one. */
static void join_blocks(indexing *x)
{
    int64_t before = x->count + 1;

    while (x->count < before) {
        int64_t kept = 0;
        before = x->count;
        qsort(x->pieces, (size_t)x->count, sizeof *x->pieces, by_rank_and_start);
        for (int64_t i = 1; i < x->count; i++)
            if (!join(&x->pieces[kept], &x->pieces[i]))
                x->pieces[++kept] = x->pieces[i];
        x->count = x->count > 0 ? kept + 1 : 0;
    }
}

/* ----------------------------------------------------------------- mapping */

/* Without what was written later. */
static void select_last(const indexing *x, const piece *p, hid_t space, collio_error *err)
{
    int ndim = x->shard->ndim;
    collio_selection s;

    collio_note_selection(p->note, ndim, &s);
    collio_selection_apply(&s, space, err);
    for (int64_t i = 0; i < x->count && err->code == COLLIO_OK; i++) {
        const piece *other = &x->pieces[i];
        if (!other->shared || other->note <= p->note ||
            collio_notes_apart(p->note, other->note, ndim))
            continue;
        collio_note_selection(other->note, ndim, &s);
        collio_selection_remove(&s, space, err);
    }
}

static void select_block(const indexing *x, const piece *p, hid_t space, collio_error *err)
{
    int64_t count[COLLIO_MAX_DIMS];
    collio_selection block;

    for (int d = 0; d < x->shard->ndim; d++)
        count[d] = p->end[d] - p->start[d];
    collio_selection_block(&block, x->shard->ndim, p->start, count);
    collio_selection_apply(&block, space, err);
}

static void map_piece(const indexing *x, const piece *p, collio_error *err)
{
    char path[32];
    hid_t space = H5I_INVALID_HID;

    snprintf(path, sizeof path, "rank-%06d.h5", p->rank);
    if (collio_hdf5_space(x->shard->ndim, x->shard->shape, &space, err) == COLLIO_OK) {
        if (is_free_block(p))
            select_block(x, p, space, err);
        else
            select_last(x, p, space, err);
    }
    if (err->code == COLLIO_OK && H5Sget_select_npoints(space) > 0)
        collio_hdf5(H5Pset_virtual(x->list, space, path, x->name, space) < 0, "H5Pset_virtual",
                    err);
    if (space >= 0)
        H5Sclose(space);
}

/* --------------------------------------------------------------- datasets */

static void set_fill(const indexing *x, hid_t type, collio_error *err)
{
    H5D_fill_value_t defined = H5D_FILL_VALUE_UNDEFINED;
    void *element = calloc(1, H5Tget_size(type));

    if (element == NULL)
        collio_error_set(err, COLLIO_ERR_MEMORY, "no memory for an element");
    else if (collio_hdf5(H5Pfill_value_defined(x->shard->list, &defined) < 0,
                         "H5Pfill_value_defined", err) == COLLIO_OK &&
             defined == H5D_FILL_VALUE_USER_DEFINED &&
             collio_hdf5(H5Pget_fill_value(x->shard->list, type, element) < 0, "H5Pget_fill_value",
                         err) == COLLIO_OK)
        collio_hdf5(H5Pset_fill_value(x->list, type, element) < 0, "H5Pset_fill_value", err);
    free(element);
}

static void create(const indexing *x, hid_t file, collio_error *err)
{
    hid_t type = collio_hdf5_type(x->shard->type, err), space = H5I_INVALID_HID, id;

    if (type < 0 || collio_hdf5_space(x->shard->ndim, x->shard->shape, &space, err))
        return;
    set_fill(x, type, err);
    /* What nobody has written is what it is filled with: no virtual dataset needs no source. */
    if (x->count == 0)
        collio_hdf5(H5Pset_alloc_time(x->list, H5D_ALLOC_TIME_LATE) < 0, "H5Pset_alloc_time", err);
    if (err->code == COLLIO_OK) {
        id = H5Dcreate2(file, x->name, type, space, H5P_DEFAULT, x->list, H5P_DEFAULT);
        collio_hdf5(id < 0, "H5Dcreate2", err);
        if (id >= 0)
            collio_hdf5(H5Dclose(id) < 0, "H5Dclose", err);
    }
    H5Sclose(space);
}

/* The notes of one dataset, in the order of calls. */
static void index_dataset(const collio_split *split, int number, const collio_note *notes,
                          int64_t count, hid_t file, collio_error *err)
{
    indexing x = {.split = split, .shard = split->shards[number], .count = count};

    snprintf(x.name, sizeof x.name, "%d", number);
    x.pieces = malloc(((size_t)count + 1) * sizeof *x.pieces);
    x.list = H5Pcreate(H5P_DATASET_CREATE);
    if (x.pieces == NULL)
        collio_error_set(err, COLLIO_ERR_MEMORY, "no memory for %lld parts", (long long)count);
    if (collio_hdf5(x.list < 0, "H5Pcreate", err) == COLLIO_OK && x.pieces != NULL) {
        for (int64_t i = 0; i < count; i++)
            take_note(&notes[i], x.shard->ndim, &x.pieces[i]);
        mark_shared(&x);
        join_blocks(&x);
        for (int64_t i = 0; i < x.count && err->code == COLLIO_OK; i++)
            map_piece(&x, &x.pieces[i], err);
        create(&x, file, err);
    }
    if (x.list >= 0)
        H5Pclose(x.list);
    free(x.pieces);
}

int collio_split_index(const collio_split *split, const char *path, collio_note *notes,
                       int64_t count, collio_error *err)
{
    collio_solo *index = collio_solo_create(path, 0, err);
    int64_t first = 0;

    for (int i = 0; i < split->count && err->code == COLLIO_OK; i++) {
        int64_t end = first;
        while (end < count && notes[end].shard == i)
            end++;
        index_dataset(split, i, notes + first, end - first, collio_solo_id(index), err);
        first = end;
    }
    if (err->code == COLLIO_OK)
        collio_split_note_sizes(collio_solo_id(index), path, split->size, err);
    return collio_solo_close(&index, err);
}
