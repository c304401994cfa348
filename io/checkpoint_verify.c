/* Compare the data of a step with its seal. The ranks share the blocks; each block is digested by
 * one of them. */
#include "rankset.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void collio_name_range(const collio_record *record, int64_t first, int64_t count, char *text,
                       size_t size)
{
    int64_t row = 1;
    int used;

    for (int d = 1; d < record->ndim; d++)
        row *= record->shape[d];
    used = snprintf(text, size, "'%s': elements %" PRId64 " to %" PRId64, record->name, first,
                    first + count - 1);
    if (record->ndim > 1 && used < (int)size)
        snprintf(text + used, size - (size_t)used,
                 " in row-major order, in rows %" PRId64 " to %" PRId64, first / row,
                 (first + count - 1) / row);
}

static int read_deflated(int fd, const char *path, const collio_record *record, int64_t block,
                         void *elements, int *whole, collio_error *err)
{
    size_t size = (size_t)record->stored[block];
    char *stored = malloc(size + 1);

    if (stored == NULL)
        return collio_error_set(err, COLLIO_ERR_MEMORY, "no memory for a block of '%s'",
                                record->name);
    if (collio_posix_read(fd, stored, size, record->place[block], path, err) == COLLIO_OK)
        collio_inflate(record, block, stored, elements, whole, err);
    free(stored);
    return err->code;
}

int collio_block_read(int fd, const char *path, const collio_record *record, int64_t block,
                      void *elements, int *whole, collio_error *err)
{
    int64_t element = collio_record_element(record), first = collio_block_first(record, block);
    int64_t count = collio_block_count(record, block), offset = record->offset + first * element;
    int failed;

    *whole = 1;
    if (record->deflate > 0 && record->stored[block] != record->block * element) {
        failed = read_deflated(fd, path, record, block, elements, whole, err);
    } else {
        offset = record->deflate > 0 ? record->place[block] : offset;
        failed = collio_posix_read(fd, elements, (size_t)(count * element), offset, path, err);
    }
    if (!failed && *whole)
        *whole = collio_digest((size_t)element, first, elements, count) == record->digest[block];
    return failed;
}

/* --------------------------------------------------------- this rank */

static void note_damage(collio_findings *findings, const collio_record *record, int64_t block)
{
    size_t used = strlen(findings->text);
    char range[512];

    findings->damaged++;
    if (used > sizeof findings->text / 2)
        return;
    collio_name_range(record, collio_block_first(record, block), collio_block_count(record, block),
                      range, sizeof range);
    snprintf(findings->text + used, sizeof findings->text - used, "%s%s", used > 0 ? "; " : "",
             range);
}

static int verify_record(int fd, const char *path, const collio_record *record, int64_t from,
                         int64_t to, collio_findings *findings, collio_error *err)
{
    void *bytes = malloc((size_t)(record->block * collio_record_element(record)));
    int whole, failed = 0;

    if (bytes == NULL)
        return collio_error_set(err, COLLIO_ERR_MEMORY, "no memory for a block of '%s'",
                                record->name);
    for (int64_t block = from; block < to && !failed; block++) {
        failed = collio_block_read(fd, path, record, block, bytes, &whole, err);
        if (failed)
            break;
        findings->blocks++;
        if (!whole)
            note_damage(findings, record, block);
    }
    free(bytes);
    return failed;
}

/* Of a record whose elements lie in this file. */
static int64_t own_blocks(const collio_record *record)
{
    return record->apart ? 0 : record->blocks;
}

int collio_verify_share(int fd, const char *path, const collio_table *table, int share, int shares,
                        collio_findings *findings, collio_error *err)
{
    int64_t total = 0, start = 0, count = 0, at = 0;

    memset(findings, 0, sizeof *findings);
    for (int i = 0; i < table->count; i++)
        total += own_blocks(&table->record[i]);
    if (collio_part_range(total, shares, share, &start, &count, err))
        return err->code;
    for (int i = 0; i < table->count; at += own_blocks(&table->record[i++])) {
        int64_t from = start > at ? start - at : 0, to = start + count - at;
        if (to > own_blocks(&table->record[i]))
            to = own_blocks(&table->record[i]);
        if (from < to && verify_record(fd, path, &table->record[i], from, to, findings, err))
            return err->code;
    }
    if (table->ranks != NULL)
        return collio_ranks_verify(path, table, share, shares, findings, err);
    return COLLIO_OK;
}

/* --------------------------------------------------------- all ranks */

/* The findings of all ranks: numbers added, the words of the lowest rank that has some. Collective.
 */
static int add_findings(collio_comm *comm, collio_findings *findings, collio_error *err)
{
    collio_ticket ticket = {.operation = "checkpoint_verify: add the findings"};
    int64_t numbers[2] = {findings->blocks, findings->damaged};
    int rank = collio_comm_rank(comm), size = collio_comm_size(comm);

    ticket.vote[0] = (uint64_t)(findings->text[0] != '\0' ? rank : size);
    if (collio_agree(comm, &ticket, err) ||
        collio_allreduce(comm, numbers, numbers, 2, MPI_INT64_T, sizeof *numbers, MPI_SUM,
                         ticket.operation, err))
        return err->code;
    findings->blocks = numbers[0];
    findings->damaged = numbers[1];
    if (ticket.min[0] < (uint64_t)size && collio_bcast(comm, findings->text, sizeof findings->text,
                                                       (int)ticket.min[0], ticket.operation, err))
        return err->code;
    return collio_agree_step(comm, "checkpoint_verify: learn the findings", err);
}

/* What this rank finds; damage of any kind goes into the findings, everything else into err. */
static void look(const char *path, int64_t step, int share, int shares, collio_findings *findings,
                 collio_error *err)
{
    collio_error why = COLLIO_ERROR_INIT;
    collio_table table = {.count = 0};
    int fd = -1;

    if (collio_step_open(path, step, &fd, &table, &why) == COLLIO_OK)
        collio_verify_share(fd, path, &table, share, shares, findings, &why);
    if (why.code == COLLIO_ERR_DAMAGED)
        collio_copy_text(findings->text, sizeof findings->text, why.text);
    else if (why.code != COLLIO_OK && err->code == COLLIO_OK)
        collio_error_set(err, why.code, "%s", why.text);
    collio_table_free(&table);
    collio_posix_close(&fd, path, &why);
}

int collio_checkpoint_verify(collio_checkpoint *c, int64_t step, collio_checkpoint_report *report,
                             collio_error *err)
{
    collio_findings findings = {.blocks = 0};
    collio_ticket ticket = {.operation = "checkpoint_verify",
                            .digest = collio_hash_number(0, (uint64_t)step)};
    char *path = NULL;

    memset(report, 0, sizeof *report);
    report->step = step;
    if (c == NULL || err->agreed)
        return collio_checkpoint_check(c, err);
    path = collio_name_step(c->directory, step, err);
    if (collio_agree(c->comm, &ticket, err))
        goto done;
    look(path, step, collio_comm_rank(c->comm), collio_comm_size(c->comm), &findings, err);
    if (add_findings(c->comm, &findings, err))
        goto done;
    report->blocks = findings.blocks;
    report->damaged = findings.damaged;
    report->valid = findings.text[0] == '\0';
    if (!report->valid)
        snprintf(report->text, sizeof report->text, "'%s': %.*s", path,
                 (int)sizeof report->text - 600, findings.text);
done:
    free(path);
    return err->code;
}
