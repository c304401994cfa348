/*
 * One file from a file of which each rank has written a part: the one it would have been. Rank 0
 * makes it, under another name, with all but large elements; all ranks move these. Then everything
 * is read again and compared, and only then it gets its name. The source is only read. Between two
 * agreements no rank leaves.
 */
#include "rankset.h"
#include "split_tree.h"

#include <stdlib.h>
#include <string.h>

typedef struct merging {
    collio_comm *comm;
    MPI_Comm user;
    int root;
    const char *source, *destination;
    collio_file *lone; /* the source, as rank 0 alone has it open */
    collio_tree tree;
    char *names; /* of the datasets to be moved, one after the other */
    int64_t size;
    char *part; /* the result, until it has its name */
    collio_progress_function *progress;
    void *context;
    int64_t done, total; /* bytes of this rank */
} merging;

/* -------------------------------------------------------------- structure */

/* By rank 0. */
static void find(merging *m, collio_error *err)
{
    collio_lone_open(m->source, &m->lone, err);
    if (err->code == COLLIO_OK)
        collio_tree_find(&m->tree, m->lone->id, m->source, err);
}

static void name_part(merging *m, collio_error *err)
{
    const char *slash = strrchr(m->destination, '/');
    char *directory =
        slash == NULL ? strdup(".") : strndup(m->destination, (size_t)(slash - m->destination) + 1);
    unsigned char uuid[16];

    collio_uuid_make(uuid);
    if (directory == NULL) {
        collio_error_set(err, COLLIO_ERR_MEMORY, "no memory for a path");
        return;
    }
    collio_names_clean(directory);
    m->part = collio_name_part(directory, uuid, 0, err);
    free(directory);
}

static void make(merging *m, collio_error *err)
{
    collio_solo *solo = NULL;

    name_part(m, err);
    if (err->code != COLLIO_OK)
        return;
    solo = collio_solo_create(m->part, 1, err);
    if (solo == NULL)
        return;
    if (collio_tree_make(&m->tree, collio_solo_id(solo), err) == COLLIO_OK)
        collio_solo_close(&solo, err);
    else
        collio_solo_drop(&solo);
}

static void compare(merging *m, const char *path, collio_error *err)
{
    collio_file *file = NULL;
    collio_error closing = COLLIO_ERROR_INIT;

    if (collio_lone_open(path, &file, err) == COLLIO_OK)
        collio_tree_compare(&m->tree, file->id, err);
    if (file != NULL)
        collio_file_close(&file, &closing);
    closing.agreed = 0; /* by rank 0 with itself */
    if (err->code == COLLIO_OK)
        *err = closing;
}

/* --------------------------------------------------------- what is to be moved */

static void list_moved(merging *m, collio_error *err)
{
    for (int64_t i = 0; i < m->tree.count; i++)
        m->size += m->tree.node[i].moved ? (int64_t)strlen(m->tree.node[i].path) + 1 : 0;
    m->names = malloc((size_t)m->size + 1);
    if (m->names == NULL) {
        collio_error_set(err, COLLIO_ERR_MEMORY, "no memory for names");
        return;
    }
    for (int64_t i = 0, at = 0; i < m->tree.count; i++)
        if (m->tree.node[i].moved) {
            strcpy(m->names + at, m->tree.node[i].path);
            at += (int64_t)strlen(m->tree.node[i].path) + 1;
        }
}

/* A text of rank 0, at all. */
static int share(merging *m, char **text, int64_t size, const char *what, collio_error *err)
{
    if (collio_bcast(m->comm, &size, sizeof size, 0, what, err))
        return err->code;
    if (!m->root) {
        *text = malloc((size_t)size + 1);
        if (*text == NULL)
            collio_error_set(err, COLLIO_ERR_MEMORY, "no memory for names");
    }
    if (collio_agree_step(m->comm, what, err))
        return err->code;
    collio_bcast(m->comm, *text, (size_t)size, 0, what, err);
    return collio_agree_step(m->comm, what, err); /* the next calls are on other communicators */
}

static int share_names(merging *m, collio_error *err)
{
    int64_t size = m->size;

    if (collio_bcast(m->comm, &m->size, sizeof m->size, 0, "merge: share the names", err))
        return err->code;
    return share(m, &m->names, size, "merge: share the names", err);
}

/* ------------------------------------------------------------------- move */

/* How an array is dealt out and cut: along the first dimension that can be, in whole chunks. */
typedef struct cutting {
    collio_type type;
    int ndim, along;
    int64_t shape[COLLIO_MAX_DIMS];
    int64_t unit, rows, row; /* rows dealt out together; all; bytes of one */
    int64_t first, end, step;
    int64_t rounds; /* the same on all ranks */
} cutting;

static void cut(const merging *m, collio_object *from, collio_object *to, cutting *c,
                collio_error *err)
{
    static const int64_t most = 8 << 20;
    int ranks = collio_comm_size(m->comm);
    int64_t units, begin = 0, count = 0;
    int d = 0;

    *c = (cutting){.unit = 1};
    if (collio_dataset_stored_type(from, &c->type, err) ||
        collio_dataset_shape(from, &c->ndim, c->shape, err))
        return;
    while (d < c->ndim - 1 && c->shape[d] == 1)
        d++;
    c->along = d;
    c->rows = c->ndim > 0 ? c->shape[d] : 1;
    if (to->layout.kind == COLLIO_STORED_CHUNKED)
        c->unit = to->layout.chunks[d];
    units = (c->rows + c->unit - 1) / c->unit;
    collio_part_range(units, ranks, collio_comm_rank(m->comm), &begin, &count, err);
    c->first = begin * c->unit;
    c->end = (begin + count) * c->unit < c->rows ? (begin + count) * c->unit : c->rows;
    c->row = (int64_t)collio_type_size(c->type);
    for (int k = 0; k < c->ndim; k++)
        c->row *= k == d ? 1 : c->shape[k];
    c->step = most / (c->row * c->unit + 1) * c->unit;
    c->step = c->step > 0 ? c->step : c->unit;
    units = (units + ranks - 1) / ranks;
    c->rounds = (units * c->unit + c->step - 1) / c->step;
}

/* The rows of one round: none, if this rank is through. */
static void select_rows(const cutting *c, int64_t round, char *buffer, collio_selection *where,
                        collio_array *memory)
{
    int64_t start[COLLIO_MAX_DIMS] = {0}, shape[COLLIO_MAX_DIMS] = {0};
    int64_t first = c->first + round * c->step, left = c->end - first;

    memcpy(shape, c->shape, sizeof shape);
    if (c->ndim > 0) {
        start[c->along] = left > 0 ? first : 0;
        shape[c->along] = left > c->step ? c->step : left > 0 ? left : 0;
    }
    collio_array_fill(memory, buffer, c->type, c->ndim, shape);
    if (left <= 0)
        collio_selection_none(where, c->ndim);
    else
        collio_selection_block(where, c->ndim, start, shape);
}

static void count_done(merging *m, int64_t bytes)
{
    m->done += bytes;
    if (m->progress != NULL)
        m->progress(m->context, m->done, m->total);
}

/* Write rows of the source to the result; or compare them. */
static int move_round(merging *m, collio_object *from, collio_object *to, const cutting *c,
                      int64_t round, char *buffer, int comparing, collio_error *err)
{
    collio_selection where;
    collio_array memory, other;
    int64_t bytes;

    select_rows(c, round, buffer, &where, &memory);
    bytes = collio_selection_size(&where) * (int64_t)collio_type_size(c->type);
    other = memory;
    other.data = buffer + c->step * c->row;
    if (collio_dataset_read(from, &where, &memory, err))
        return err->code;
    if (!comparing)
        collio_dataset_write(to, &where, &memory, err);
    else if (collio_dataset_read(to, &where, &other, err) == COLLIO_OK &&
             memcmp(memory.data, other.data, (size_t)bytes) != 0)
        collio_error_set(err, COLLIO_ERR_DAMAGED,
                         "elements of '%s' are others in '%s' than in '%s'",
                         collio_object_name(from), collio_file_path(to->file), m->source);
    count_done(m, bytes);
    return err->agreed ? err->code : COLLIO_OK;
}

/* An error of this rank's own is brought to the next collective call. */
static int move_dataset(merging *m, collio_file *from, collio_file *to, const char *name,
                        int comparing, int count, collio_error *err)
{
    collio_object *a = NULL, *b = NULL;
    char *buffer = NULL;
    cutting c = {.rounds = 0};

    if (collio_object_open(collio_file_root(from), name, &a, err) == COLLIO_OK &&
        collio_object_open(collio_file_root(to), name, &b, err) == COLLIO_OK) {
        cut(m, a, b, &c, err);
        m->total += count && c.end > c.first ? 2 * (c.end - c.first) * c.row : 0;
        if (!count)
            buffer = malloc((size_t)(2 * c.step * c.row) + 1);
        if (!count && buffer == NULL)
            collio_error_set(err, COLLIO_ERR_MEMORY, "no memory for rows of '%s'", name);
        collio_agree_step(m->comm, "merge: rows of a dataset", err);
        for (int64_t i = 0; i < c.rounds && !count && !err->agreed; i++)
            move_round(m, a, b, &c, i, buffer, comparing, err);
    }
    free(buffer);
    collio_object_close(&a);
    collio_object_close(&b);
    return collio_agree_step(m->comm, "merge: a dataset", err);
}

/* Other communicators have agreed, if they could; this one has the last word. */
static int agree_anew(merging *m, const char *step, collio_error *err)
{
    err->agreed = 0;
    return collio_agree_step(m->comm, step, err);
}

static int open_file(merging *m, const char *path, const char *mode, collio_file **out,
                     collio_error *err)
{
    collio_file_open(m->user, path, mode, NULL, out, err);
    return agree_anew(m, "merge: open a file", err);
}

/* Errors are agreed. */
static int move_all(merging *m, const char *path, int comparing, collio_error *err)
{
    collio_file *from = NULL, *to = NULL;
    collio_error closing = COLLIO_ERROR_INIT;

    if (open_file(m, m->source, "r", &from, err) == COLLIO_OK &&
        open_file(m, path, comparing ? "r" : "r+", &to, err) == COLLIO_OK)
        for (int count = m->total == 0; count >= 0; count--)
            for (const char *name = m->names; name < m->names + m->size && err->code == COLLIO_OK;
                 name += strlen(name) + 1)
                move_dataset(m, from, to, name, comparing, count, err);
    if (to != NULL)
        collio_file_close(&to, &closing);
    if (from != NULL)
        collio_file_close(&from, closing.code == COLLIO_OK ? &closing : &(collio_error){0});
    if (err->code == COLLIO_OK)
        *err = closing;
    return agree_anew(m, "merge: move the elements", err);
}

/* ------------------------------------------------------------- all of it */

static int verify(merging *m, const char *path, collio_error *err)
{
    if (m->root)
        compare(m, path, err);
    if (collio_agree_step(m->comm, "merge: compare the structure", err))
        return err->code;
    return move_all(m, path, 1, err);
}

static int name_result(merging *m, collio_error *err)
{
    const char *slash = strrchr(m->destination, '/');
    char *directory = NULL;

    if (m->root && collio_posix_rename(m->part, m->destination, err) == COLLIO_OK) {
        directory = slash == NULL ? strdup(".")
                                  : strndup(m->destination, (size_t)(slash - m->destination) + 1);
        if (directory == NULL)
            collio_error_set(err, COLLIO_ERR_MEMORY, "no memory for a path");
        else
            collio_posix_sync_directory(directory, err);
    }
    free(directory);
    return collio_agree_step(m->comm, "merge: name the result", err);
}

static int share_part(merging *m, collio_error *err)
{
    return share(m, &m->part, m->root ? (int64_t)strlen(m->part) + 1 : 0, "merge: share the name",
                 err);
}

static int begin(merging *m, int *exists, collio_error *err)
{
    collio_ticket ticket = {.operation = "merge: look at the source"};

    if (m->root) {
        find(m, err);
        if (err->code == COLLIO_OK && collio_posix_exists(m->destination, exists, err) == COLLIO_OK)
            list_moved(m, err);
        if (err->code == COLLIO_OK && !*exists)
            make(m, err);
    }
    ticket.vote[0] = (uint64_t)*exists;
    if (collio_agree(m->comm, &ticket, err))
        return err->code;
    *exists = ticket.max[0] != 0;
    return share_names(m, err);
}

static void merge(merging *m, collio_error *err)
{
    int exists = 0;

    if (begin(m, &exists, err))
        return;
    if (exists)
        verify(m, m->destination, err);
    else if (share_part(m, err) == COLLIO_OK && move_all(m, m->part, 0, err) == COLLIO_OK &&
             verify(m, m->part, err) == COLLIO_OK)
        name_result(m, err);
}

int collio_split_merge(collio_comm *comm, MPI_Comm user, const char *source,
                       const char *destination, collio_progress_function *progress, void *context,
                       collio_error *err)
{
    merging m = {.comm = comm,
                 .user = user,
                 .root = collio_comm_rank(comm) == 0,
                 .source = source,
                 .destination = destination,
                 .progress = progress,
                 .context = context};
    collio_error closing = COLLIO_ERROR_INIT;
    collio_printing printing;

    collio_hdf5_quiet(&printing);
    merge(&m, err);
    if (m.lone != NULL)
        collio_file_close(&m.lone, &closing);
    if (m.root && m.part != NULL && err->code != COLLIO_OK)
        collio_posix_remove(m.part, &closing);
    collio_hdf5_loud(&printing);
    collio_tree_free(&m.tree);
    free(m.names);
    free(m.part);
    return err->code;
}
