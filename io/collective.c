/* How every collective call on a file begins and ends. */
#include "file.h"

#include <inttypes.h>
#include <stdio.h>

int collio_file_check(const collio_file *file, collio_error *err)
{
    if (file == NULL)
        return collio_error_set(err, COLLIO_ERR_VALUE, "no file given");
    if (file->poison.code != COLLIO_OK && err->code == COLLIO_OK) {
        const char *place = err->file;
        int line = err->line;

        *err = file->poison;
        return collio_error_at(err, place, line)->code;
    }
    if (file->id < 0)
        return collio_error_set(err, COLLIO_ERR_STATE, "the file '%s' is closed", file->path);
    return COLLIO_OK;
}

int collio_object_check(const collio_object *object, collio_error *err)
{
    if (object == NULL)
        return collio_error_set(err, COLLIO_ERR_VALUE, "no object given");
    return collio_file_check(object->file, err);
}

int collio_file_check_writable(const collio_file *file, collio_error *err)
{
    if (file->writable)
        return COLLIO_OK;
    return collio_error_set(err, COLLIO_ERR_VALUE, "the file '%s' is open for reading only",
                            file->path);
}

void collio_named_describe(const void *context, char *text, size_t size)
{
    const collio_named *named = context;

    if (named->name != NULL)
        snprintf(text, size, "('%s') on '%s'", named->name, named->object->name);
    else
        snprintf(text, size, "('%s')", named->object->name);
}

uint64_t collio_named_digest(const collio_named *named)
{
    return collio_hash_text(collio_hash_number(0, named->object->identity),
                            named->name != NULL ? named->name : "");
}

int collio_file_outcome(collio_file *file, const collio_error *err)
{
    if (file->comm != NULL && collio_comm_is_poisoned(file->comm))
        collio_file_poison(file, err);
    return err->code;
}

void collio_file_tell(collio_file *file, collio_error *err)
{
    const char *place = err->file;
    int line = err->line;

    if (file->untold.code == COLLIO_OK || err->code != COLLIO_OK)
        return;
    *err = file->untold;
    collio_error_at(err, place, line);
    collio_error_clear(&file->untold);
}

int collio_begin_voting(collio_file *file, const collio_call *call, collio_ticket *ticket,
                        collio_error *err)
{
    ticket->operation = call->operation;
    ticket->digest = call->digest;
    ticket->describe = call->describe;
    ticket->context = call->context;
    if (!call->keeps_names)
        collio_recent_drop(file);
    collio_file_tell(file, err);
    collio_agree(file->comm, ticket, err);
    return collio_file_outcome(file, err);
}

int collio_begin(collio_file *file, const collio_call *call, collio_error *err)
{
    collio_ticket ticket = {.operation = call->operation};

    return collio_begin_voting(file, call, &ticket, err);
}

static uint64_t changes;

uint64_t collio_changes(void)
{
    return changes;
}

static int finish(collio_file *file, const char *operation, uint64_t outcome, collio_error *err)
{
    collio_ticket ticket = {.operation = operation, .vote = {(uint64_t)file->disk.eoa, outcome}};

    file->changed = 1;
    changes++;
    if (collio_agree(file->comm, &ticket, err) == COLLIO_OK &&
        (ticket.min[0] != ticket.max[0] || ticket.min[1] != ticket.max[1])) {
        collio_error_set(err, COLLIO_ERR_DIVERGED,
                         "%s: the structure of '%s' came out differently on the ranks (end of "
                         "file %" PRIu64 " to %" PRIu64 "); nothing of it is on disk",
                         operation, file->path, ticket.min[0], ticket.max[0]);
        err->agreed = 1;
    }
    return err->code;
}

int collio_finish(collio_file *file, const char *operation, uint64_t outcome, collio_error *err)
{
    if (finish(file, operation, outcome, err))
        collio_file_poison(file, err);
    return err->code;
}

/* HDF5 has refused the same on every rank, for no reason of memory or disk: what it has of the
 * structure is alike everywhere, as it would be in a program with one process. Collective. */
static int all_refused(collio_file *file, const char *operation, const collio_error *err)
{
    int mine = err->code == COLLIO_ERR_HDF5 && collio_hdf5_refused() && !file->disk.lost;
    collio_ticket ticket = {.operation = operation, .vote = {(uint64_t)file->disk.eoa, !mine}};
    collio_error ignored = COLLIO_ERROR_INIT;

    return collio_agree(file->comm, &ticket, &ignored) == COLLIO_OK && ticket.max[1] == 0 &&
           ticket.min[0] == ticket.max[0];
}

int collio_finish_change(collio_file *file, const char *operation, uint64_t outcome,
                         collio_error *err)
{
    if (finish(file, operation, outcome, err) && !all_refused(file, operation, err))
        collio_file_poison(file, err);
    return err->code;
}

int collio_finish_elements(collio_file *file, const char *operation, collio_error *err)
{
    collio_ticket ticket = {.operation = operation};

    collio_agree(file->comm, &ticket, err);
    return collio_file_outcome(file, err);
}

int collio_object_agree(collio_object *object, const char *operation, const char *arguments,
                        collio_error *err)
{
    collio_named named = {object, arguments};
    collio_call call = {operation, 0, collio_named_describe, &named, 0};

    if (collio_object_check(object, err))
        return err->code;
    call.digest = collio_named_digest(&named);
    return collio_begin(object->file, &call, err);
}
