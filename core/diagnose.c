/*
 * What went wrong in an agreement. Only now, when all ranks know that something did, each tells
 * all others what it was about to do; all make the same text from the same records.
 */
#include "comm.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What one rank says of itself. */
struct record {
    uint64_t digest;
    int32_t code;
    int32_t mpi_error;
    int32_t sys_error;
    int32_t line;
    char file[96];
    char operation[64];
    char arguments[352];
    char error[640];
};

/* A text that is filled piece by piece; what does not fit is dropped. */
struct draft {
    char *text;
    size_t size;
    size_t used;
};

static void append(struct draft *draft, const char *format, ...) COLLIO_PRINTF(2, 3);

static void append(struct draft *draft, const char *format, ...)
{
    va_list args;
    int written;

    va_start(args, format);
    written = vsnprintf(draft->text + draft->used, draft->size - draft->used, format, args);
    va_end(args);
    if (written > 0)
        draft->used += (size_t)written;
    if (draft->used >= draft->size)
        draft->used = draft->size - 1;
}

void collio_name_ranks(collio_chosen_function *chosen, const void *context, int size, char *text,
                       size_t text_size)
{
    struct draft draft = {text, text_size, 0};
    int count = 0, first = 1;

    for (int rank = 0; rank < size; rank++)
        count += chosen(context, rank);
    append(&draft, count == 0 ? "no rank" : count == 1 ? "rank " : "ranks ");
    for (int rank = 0; rank < size; rank++) {
        int last = rank;
        if (!chosen(context, rank))
            continue;
        while (last + 1 < size && chosen(context, last + 1))
            last++;
        append(&draft, "%s%d", first ? "" : ", ", rank);
        if (last > rank)
            append(&draft, "%s%d", last == rank + 1 ? ", " : "-", last);
        first = 0;
        rank = last;
    }
}

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash != NULL ? slash + 1 : path;
}

static void fill_record(struct record *record, const collio_ticket *ticket, uint64_t digest,
                        const collio_error *err)
{
    memset(record, 0, sizeof *record);
    record->digest = digest;
    record->code = err->code;
    record->mpi_error = err->mpi_error;
    record->sys_error = err->sys_error;
    record->line = err->line;
    if (err->file != NULL)
        collio_copy_text(record->file, sizeof record->file, base_name(err->file));
    collio_copy_text(record->operation, sizeof record->operation, ticket->operation);
    if (ticket->describe != NULL)
        ticket->describe(ticket->context, record->arguments, sizeof record->arguments);
    if (err->code != COLLIO_OK)
        collio_copy_text(record->error, sizeof record->error, err->text);
}

static void append_call(struct draft *draft, const struct record *record)
{
    append(draft, "%s%s", record->operation, record->arguments);
    if (record->file[0] != '\0')
        append(draft, " at %s:%d", record->file, (int)record->line);
}

/* The ranks whose record equals that of one rank, in one respect. */
struct alike {
    const struct record *records;
    const struct record *model;
};

static int same_error(const void *context, int rank)
{
    const struct alike *alike = context;
    const struct record *record = &alike->records[rank];

    return record->code == alike->model->code && strcmp(record->error, alike->model->error) == 0;
}

static int same_ticket(const void *context, int rank)
{
    const struct alike *alike = context;

    return alike->records[rank].digest == alike->model->digest;
}

/* "rank 0: create_dataset('u') at sim.py:41; ranks 1-3: ..." */
static void append_groups(struct draft *draft, const struct record *records, int size)
{
    char ranks[256];

    for (int rank = 0; rank < size; rank++) {
        struct alike alike = {records, &records[rank]};
        int first = 0;
        while (!same_ticket(&alike, first))
            first++;
        if (first < rank)
            continue;
        collio_name_ranks(same_ticket, &alike, size, ranks, sizeof ranks);
        append(draft, "%s%s: ", rank > 0 ? "; " : "", ranks);
        append_call(draft, &records[rank]);
    }
}

static int one_ticket(const struct record *records, int size)
{
    struct alike alike = {records, &records[0]};
    int rank = 0;

    while (rank < size && same_ticket(&alike, rank))
        rank++;
    return rank == size;
}

/* The error of the lowest erring rank, with the ranks that hold it, becomes that of all. */
static void judge_error(const struct record *records, int size, int erring, collio_error *err)
{
    struct alike alike = {records, &records[erring]};
    struct draft draft = {err->text, sizeof err->text, 0};
    char ranks[256];
    int count = 0;

    for (int rank = 0; rank < size; rank++)
        count += same_error(&alike, rank);
    err->code = records[erring].code;
    err->rank = count < size ? erring : -1;
    err->mpi_error = records[erring].mpi_error;
    err->sys_error = records[erring].sys_error;
    if (count == size) {
        append(&draft, "%s", records[erring].error);
        return;
    }
    collio_name_ranks(same_error, &alike, size, ranks, sizeof ranks);
    append(&draft, "%s: %s (in ", ranks, records[erring].error);
    append_call(&draft, &records[erring]);
    append(&draft, ")");
    if (!one_ticket(records, size)) {
        append(&draft, "; the calls: ");
        append_groups(&draft, records, size);
    }
}

static void judge(const struct record *records, int size, collio_error *err)
{
    struct draft draft = {err->text, sizeof err->text, 0};
    int erring = 0;

    collio_error_clear(err);
    err->agreed = 1;
    while (erring < size && records[erring].code == COLLIO_OK)
        erring++;
    if (erring < size) {
        judge_error(records, size, erring, err);
        return;
    }
    err->code = COLLIO_ERR_DIVERGED;
    append(&draft, "ranks disagree: ");
    append_groups(&draft, records, size);
}

int collio_diagnose(collio_comm *comm, const collio_ticket *ticket, uint64_t digest,
                    collio_error *err)
{
    struct record *records = malloc((size_t)comm->size * sizeof *records);
    struct record mine;
    collio_error local = COLLIO_ERROR_INIT;

    fill_record(&mine, ticket, digest, err);
    if (records == NULL) {
        collio_error_set(&local, COLLIO_ERR_MEMORY, "no memory to compare what ranks do");
        collio_comm_fail(comm, &local);
    } else if (collio_allgather(comm, &mine, records, sizeof mine, ticket->operation, &local) ==
               COLLIO_OK) {
        judge(records, comm->size, err);
    }
    if (local.code != COLLIO_OK) {
        collio_error_at(&local, err->file, err->line);
        *err = local;
    }
    free(records);
    return err->code;
}
