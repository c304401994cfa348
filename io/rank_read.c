/* Reading and verifying arrays that lie in files of the ranks. */
#include "rankset.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* One file of a step, open. */
typedef struct rank_file {
    char *path;
    int fd;
    collio_table table;
} rank_file;

static void close_file(rank_file *f)
{
    collio_error ignored = COLLIO_ERROR_INIT;

    collio_posix_close(&f->fd, f->path, &ignored);
    collio_table_free(&f->table);
    free(f->path);
}

/* To be closed in any case. The seal must be the one that the step lists: a whole file of another
 * save is damage too. */
static int open_file(rank_file *f, const char *path, const collio_table *table, int file,
                     collio_error *err)
{
    collio_error why = COLLIO_ERROR_INIT;
    char *ranks = collio_name_apart_of(path, table, err);

    *f = (rank_file){.fd = -1};
    if (ranks != NULL)
        f->path = collio_name_rank(ranks, file, err);
    free(ranks);
    if (f->path == NULL)
        return err->code;
    if (collio_step_open(f->path, table->step, &f->fd, &f->table, &why) == COLLIO_OK &&
        f->table.seal != table->ranks->seal[file])
        collio_error_set(&why, COLLIO_ERR_DAMAGED, "'%s' has another seal than '%s' lists", f->path,
                         path);
    if (why.code != COLLIO_OK) {
        collio_error_set(err, why.code == COLLIO_ERR_NONE ? COLLIO_ERR_DAMAGED : why.code, "%s",
                         why.text);
        err->sys_error = why.sys_error;
    }
    return why.code;
}

/* ------------------------------------------------------------------ read */

/* What a block and a box have in common, as starts and counts; 0 if nothing. */
static int intersect(const collio_record *record, const int64_t *box, const collio_selection *where,
                     int64_t *start, int64_t *count)
{
    for (int d = 0; d < record->ndim; d++) {
        int64_t a = box[d], b = where->start[d];
        int64_t a_end = a + box[record->ndim + d], b_end = b + where->count[d];
        start[d] = a > b ? a : b;
        count[d] = (a_end < b_end ? a_end : b_end) - start[d];
        if (count[d] <= 0)
            return 0;
    }
    return 1;
}

static int read_box(const rank_file *f, const collio_record *record, const int64_t *box,
                    const int64_t *start, const int64_t *count, const collio_array *memory,
                    const int64_t *from, collio_error *err)
{
    int i = collio_table_find(&f->table, record->name);
    int64_t inside[COLLIO_MAX_DIMS];
    collio_array part = *memory;
    collio_selection where;

    if (i < 0 || f->table.record[i].type != record->type || f->table.record[i].ndim != record->ndim)
        return collio_error_set(err, COLLIO_ERR_DAMAGED, "'%s' has no such '%s' as its step lists",
                                f->path, record->name);
    for (int d = 0; d < record->ndim; d++) {
        inside[d] = start[d] - box[d];
        part.shape[d] = count[d];
        part.data = (char *)part.data + (start[d] - from[d]) * memory->strides[d];
    }
    collio_selection_block(&where, record->ndim, inside, count);
    return collio_elements_read(f->fd, f->path, &f->table.record[i], &where, &part, err);
}

int collio_ranks_read(const collio_checkpoint_state *state, int i, const collio_selection *where,
                      const collio_array *memory, collio_error *err)
{
    const collio_table *table = &state->table;
    const collio_record *record = &table->record[i];
    int64_t start[COLLIO_MAX_DIMS], count[COLLIO_MAX_DIMS];

    for (int file = 0; file < table->ranks->files && err->code == COLLIO_OK; file++) {
        const int64_t *box = collio_rankset_box(table, file, i);
        rank_file f;
        if (!intersect(record, box, where, start, count))
            continue;
        if (open_file(&f, state->path, table, file, err) == COLLIO_OK)
            read_box(&f, record, box, start, count, memory, where->start, err);
        close_file(&f);
    }
    return err->code;
}

/* ---------------------------------------------------------------- verify */

static void add_findings(collio_findings *to, const collio_findings *more, const char *path)
{
    size_t used = strlen(to->text);

    to->blocks += more->blocks;
    to->damaged += more->damaged;
    if (more->damaged > 0 && used < sizeof to->text / 2)
        snprintf(to->text + used, sizeof to->text - used, "%s'%s': %.*s", used > 0 ? "; " : "",
                 path, (int)(sizeof to->text / 2), more->text);
}

int collio_ranks_verify(const char *path, const collio_table *table, int share, int shares,
                        collio_findings *findings, collio_error *err)
{
    for (int file = 0; file < table->ranks->files && err->code == COLLIO_OK; file++) {
        collio_findings more;
        rank_file f;
        /* The larger shares of small files are not to fall to the same rank each time. */
        if (open_file(&f, path, table, file, err) == COLLIO_OK &&
            collio_verify_share(f.fd, f.path, &f.table, (share + file) % shares, shares, &more,
                                err) == COLLIO_OK)
            add_findings(findings, &more, f.path);
        close_file(&f);
    }
    return err->code;
}
