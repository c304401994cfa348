/*
 * One file from the files of the ranks: the one it would have been. It is made under another name,
 * compared with the digests of the step, read again from the disk, and only then given its name;
 * the source is only read. Between two agreements no rank leaves.
 */
#include "rankset.h"
#include "split_tree.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

typedef struct merging {
    MPI_Comm user;
    collio_comm *comm;
    int root;
    collio_checkpoint_state source; /* not of a checkpoint: no owner */
    collio_table target;
    char *part; /* the result, until it has its name */
    const char *destination;
    collio_writer writer;
    collio_progress_function *progress;
    void *context;
    int64_t done, total; /* bytes of this rank */
} merging;

/* ---------------------------------------------------------------- source */

/* Rank 0 looks; all learn the path, and whether it is no step, but a file of which each rank has
 * written a part. */
static int find_source(merging *m, const char *source, int64_t step, int *split, collio_error *err)
{
    collio_ticket ticket = {.operation = "merge: find the step"};

    if (m->root) {
        step = collio_merge_step(source, step, err);
        ticket.vote[0] = err->code == COLLIO_OK && step < 0 && collio_merge_is_split(source, err);
    }
    if (collio_agree(m->comm, &ticket, err) ||
        collio_bcast(m->comm, &step, sizeof step, 0, "merge: find the step", err))
        return err->code;
    *split = ticket.max[0] != 0;
    m->source.path = step >= 0 ? collio_name_step(source, step, err) : strdup(source);
    if (m->source.path == NULL)
        collio_error_set(err, COLLIO_ERR_MEMORY, "no memory for a path");
    return COLLIO_OK; /* an error of this rank's own comes with the next agreement */
}

static int open_source(merging *m, collio_error *err)
{
    collio_checkpoint_state *s = &m->source;
    const char *path = s->path;

    if (err->code != COLLIO_OK || collio_posix_open(path, O_RDONLY, &s->fd, err) ||
        collio_seal_read(s->fd, path, &s->table, err))
        return err->code;
    if (s->table.ranks == NULL)
        return collio_error_set(err, COLLIO_ERR_STATE, "'%s' is one file already", path);
    /* The result's table is the same; only where elements lie will differ. */
    if (collio_seal_read(s->fd, path, &m->target, err))
        return err->code;
    collio_rankset_free(m->target.ranks);
    m->target.ranks = NULL;
    for (int i = 0; i < m->target.count; i++) {
        collio_record *record = &m->target.record[i];
        record->apart = 0;
        memset(record->digest, 0, (size_t)record->blocks * sizeof *record->digest);
    }
    return COLLIO_OK;
}

static int agree_on_source(merging *m, collio_error *err)
{
    collio_ticket ticket = {.operation = "merge: open the step", .vote = {m->source.table.seal}};

    if (collio_agree(m->comm, &ticket, err) == COLLIO_OK && ticket.min[0] != ticket.max[0]) {
        collio_error_set(err, COLLIO_ERR_DAMAGED, "'%s' is not the same file on all ranks",
                         m->source.path);
        err->agreed = 1;
    }
    return err->code;
}

/* ---------------------------------------------------------------- layout */

static char *directory_of(const char *path, collio_error *err)
{
    const char *slash = strrchr(path, '/');
    char *directory =
        slash == NULL ? strdup(".") : strndup(path, slash > path ? (size_t)(slash - path) : 1);

    if (directory == NULL)
        collio_error_set(err, COLLIO_ERR_MEMORY, "no memory for a path");
    return directory;
}

static char *name_part(const merging *m, const unsigned char *uuid, collio_error *err)
{
    char *directory = directory_of(m->destination, err), *part = NULL;

    if (directory != NULL)
        part = collio_name_part(directory, uuid, m->target.step, err);
    free(directory);
    return part;
}

static void create_target(merging *m, const unsigned char *uuid, collio_error *err)
{
    char *directory = directory_of(m->destination, err);

    if (directory != NULL)
        collio_names_clean(directory);
    free(directory);
    m->part = name_part(m, uuid, err);
    if (m->part != NULL)
        collio_skeleton_create(m->part, &m->target, 1, err);
}

/* What rank 0 has made: its name, its size, where each array begins. */
static int share_layout(merging *m, int64_t *words, collio_error *err)
{
    size_t count = (size_t)m->target.count + 4;

    words[2] = m->target.file_size;
    words[3] = m->target.user_block;
    for (int i = 0; i < m->target.count; i++)
        words[4 + i] = m->target.record[i].offset;
    if (collio_bcast(m->comm, words, count * sizeof *words, 0, "merge: share the layout", err))
        return err->code;
    m->target.file_size = words[2];
    m->target.user_block = words[3];
    for (int i = 0; i < m->target.count; i++)
        m->target.record[i].offset = words[4 + i];
    return COLLIO_OK;
}

/* An error may be this rank's own on return. */
static int layout(merging *m, collio_error *err)
{
    int64_t *words = calloc((size_t)m->target.count + 4, sizeof *words);

    if (words == NULL)
        collio_error_set(err, COLLIO_ERR_MEMORY, "no memory for the layout of a file");
    else if (m->root) {
        collio_uuid_make((unsigned char *)words);
        create_target(m, (const unsigned char *)words, err);
    }
    if (collio_agree_step(m->comm, "merge: create the file", err) == COLLIO_OK &&
        share_layout(m, words, err) == COLLIO_OK) {
        if (!m->root)
            m->part = name_part(m, (const unsigned char *)words, err);
        m->writer = (collio_writer){&m->target, m->part, -1, -1, -1};
        if (m->root)
            collio_posix_open(m->part, O_RDWR, &m->writer.fd, err);
    }
    free(words);
    return err->code;
}

/* ------------------------------------------------------------------ data */

/* The dimension along which an array is dealt out and cut: those before it have extent 1. */
static int cut_along(const collio_record *record)
{
    int d = 0;

    while (d < record->ndim - 1 && record->shape[d] == 1)
        d++;
    return d;
}

static int64_t rows_of(const collio_record *record)
{
    return record->ndim > 0 ? record->shape[cut_along(record)] : 1;
}

static int move_rows(merging *m, int i, int64_t first, int64_t count, char *buffer,
                     collio_error *err)
{
    const collio_record *record = &m->source.table.record[i];
    int64_t start[COLLIO_MAX_DIMS] = {0}, shape[COLLIO_MAX_DIMS], row;
    collio_selection where;
    collio_array memory;
    collio_stretch stretch = {.item = i, .memory = buffer};

    memcpy(shape, record->shape, sizeof shape);
    if (record->ndim > 0) {
        start[cut_along(record)] = first;
        shape[cut_along(record)] = count;
    }
    row = record->size / rows_of(record);
    stretch.first = first * row;
    stretch.count = count * row;
    collio_selection_block(&where, record->ndim, start, shape);
    collio_array_fill(&memory, buffer, record->type, record->ndim, shape);
    if (collio_record_read(&m->source, record, &where, &memory, err) ||
        collio_writer_take(&m->writer, &stretch, err))
        return err->code;
    m->done += stretch.count * collio_record_element(record);
    if (m->progress != NULL)
        m->progress(m->context, m->done, m->total);
    return COLLIO_OK;
}

/* This rank's share of an array; its bytes alone, if there is no need to move them. */
static int64_t move_record(merging *m, int i, int move, collio_error *err)
{
    static const int64_t most = 8 << 20;
    const collio_record *record = &m->source.table.record[i];
    int64_t rows = record->size > 0 ? rows_of(record) : 0, first = 0, count = 0, row, step;
    char *buffer;

    if (rows == 0 || collio_part_range(rows, collio_comm_size(m->comm), collio_comm_rank(m->comm),
                                       &first, &count, err))
        return 0;
    row = record->size / rows * collio_record_element(record);
    step = most / row > 0 ? most / row : 1;
    if (!move || count == 0)
        return count * row;
    buffer = malloc((size_t)((step < count ? step : count) * row));
    if (buffer == NULL)
        collio_error_set(err, COLLIO_ERR_MEMORY, "no memory for rows of '%s'", record->name);
    for (int64_t end = first + count; first < end && err->code == COLLIO_OK; first += step)
        move_rows(m, i, first, first + step < end ? step : end - first, buffer, err);
    free(buffer);
    return count * row;
}

static int move_data(merging *m, collio_error *err)
{
    for (int move = 0; move < 2; move++)
        for (int i = 0; i < m->target.count && err->code == COLLIO_OK; i++)
            m->total += move_record(m, i, move, err) * !move;
    if (err->code == COLLIO_OK && m->writer.fd >= 0)
        collio_posix_sync(m->writer.fd, m->part, err);
    return collio_agree_step(m->comm, "merge: write the data", err);
}

/* -------------------------------------------------------------- and sealed */

/* The digests of the arrays must be those that the ranks had of them in memory when they saved. */
static int compare_digests(merging *m, collio_error *err)
{
    /* All ranks have the same sums, so they leave the loop at the same array. */
    for (int i = 0; i < m->target.count && err->code == COLLIO_OK; i++) {
        collio_record *record = &m->target.record[i];
        if (record->blocks > 0 &&
            collio_allreduce(m->comm, record->digest, record->digest, (int)record->blocks,
                             MPI_UINT64_T, sizeof *record->digest, MPI_SUM,
                             "merge: add the digests", err))
            return err->code;
        if (memcmp(record->digest, m->source.table.record[i].digest,
                   (size_t)record->blocks * sizeof(uint64_t)) != 0)
            collio_error_set(err, COLLIO_ERR_DAMAGED,
                             "'%s': the elements of '%s' do not match the digest of the step",
                             m->source.path, record->name);
    }
    return collio_agree_step(m->comm, "merge: compare the digests", err);
}

static int seal(merging *m, collio_error *err)
{
    if (m->root)
        collio_seal_write(m->writer.fd, &m->target, m->part, err);
    collio_posix_close(&m->writer.fd, m->part, err);
    return collio_agree_step(m->comm, "merge: seal", err);
}

/* Read a result again, from the disk. */
static int verify(merging *m, const char *path, collio_error *err)
{
    collio_table table = {.count = 0};
    collio_findings findings = {.blocks = 0};
    int fd = -1;

    if (collio_step_open(path, m->target.step, &fd, &table, err) == COLLIO_OK &&
        collio_verify_share(fd, path, &table, collio_comm_rank(m->comm), collio_comm_size(m->comm),
                            &findings, err) == COLLIO_OK &&
        (findings.damaged > 0 || memcmp(table.uuid, m->target.uuid, sizeof table.uuid) != 0))
        collio_error_set(err, COLLIO_ERR_DAMAGED, "'%s' is not '%s' as one file %.300s", path,
                         m->source.path, findings.text);
    collio_table_free(&table);
    collio_posix_close(&fd, path, err);
    return collio_agree_step(m->comm, "merge: verify the result", err);
}

static int name_result(merging *m, collio_error *err)
{
    char *directory = NULL;

    if (m->root && collio_posix_rename(m->part, m->destination, err) == COLLIO_OK) {
        directory = directory_of(m->destination, err);
        if (directory != NULL)
            collio_posix_sync_directory(directory, err);
    }
    free(directory);
    return collio_agree_step(m->comm, "merge: name the result", err);
}

/* 1 on all ranks if the result is there: of a merge that was killed after it, or by mistake. */
static int is_there(merging *m, collio_error *err)
{
    collio_ticket ticket = {.operation = "merge: look for the result"};
    int exists = 0;

    if (m->root && err->code == COLLIO_OK)
        collio_posix_exists(m->destination, &exists, err);
    ticket.vote[0] = (uint64_t)exists;
    return collio_agree(m->comm, &ticket, err) == COLLIO_OK && ticket.max[0] != 0;
}

static void merge(merging *m, const char *source, int64_t step, collio_error *err)
{
    int split = 0;

    if (find_source(m, source, step, &split, err))
        return;
    if (split) {
        collio_split_merge(m->comm, m->user, source, m->destination, m->progress, m->context, err);
        return;
    }
    open_source(m, err);
    if (agree_on_source(m, err))
        return;
    if (is_there(m, err))
        verify(m, m->destination, err);
    else if (err->code == COLLIO_OK) {
        layout(m, err);
        if (!err->agreed && move_data(m, err) == COLLIO_OK &&
            compare_digests(m, err) == COLLIO_OK && seal(m, err) == COLLIO_OK &&
            verify(m, m->part, err) == COLLIO_OK)
            name_result(m, err);
    }
}

/* What a call was about. */
typedef struct request {
    const char *source, *destination;
    int64_t step;
} request;

static void describe(const void *context, char *text, size_t size)
{
    const request *r = context;

    if (r->step == COLLIO_NEWEST)
        snprintf(text, size, "('%s' to '%s')", r->source, r->destination);
    else
        snprintf(text, size, "('%s', step %" PRId64 ", to '%s')", r->source, r->step,
                 r->destination);
}

int collio_checkpoint_merge(MPI_Comm user, const char *source, int64_t step,
                            const char *destination, collio_progress_function *progress,
                            void *context, collio_error *err)
{
    merging m = {
        .user = user, .source = {.fd = -1}, .writer = {.fd = -1}, .destination = destination};
    request what = {source != NULL ? source : "", destination != NULL ? destination : "", step};
    collio_ticket ticket = {
        .operation = "checkpoint_merge", .describe = describe, .context = &what};
    collio_error closing = COLLIO_ERROR_INIT;

    if (err->code != COLLIO_OK && err->agreed)
        return err->code;
    if (source == NULL || destination == NULL || source[0] == '\0' || destination[0] == '\0')
        collio_error_set(err, COLLIO_ERR_VALUE, "the name of a file is empty");
    if (step < COLLIO_NEWEST || step > COLLIO_MAX_STEP)
        collio_error_set(err, COLLIO_ERR_VALUE, "there can be no step %" PRId64, step);
    if (collio_comm_create(user, &m.comm, err))
        return err->code;
    m.root = collio_comm_rank(m.comm) == 0;
    m.progress = progress;
    m.context = context;
    ticket.digest = collio_hash_text(collio_hash_text(0, what.source), what.destination);
    ticket.digest = collio_hash_number(ticket.digest, (uint64_t)step);
    if (collio_agree(m.comm, &ticket, err) == COLLIO_OK)
        merge(&m, source, step, err);
    collio_posix_close(&m.writer.fd, m.part, &closing);
    if (m.root && m.part != NULL && err->code != COLLIO_OK)
        collio_posix_remove(m.part, &closing);
    collio_posix_close(&m.source.fd, m.source.path, &closing);
    collio_table_free(&m.source.table);
    collio_table_free(&m.target);
    collio_error_clear(&closing);
    collio_comm_free(&m.comm, &closing);
    free(m.source.path);
    free(m.part);
    return err->code;
}
