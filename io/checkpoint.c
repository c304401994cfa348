/* A directory of checkpoints: open, close; and the items that go into one. */
#include "rankset.h"

#include <stdlib.h>
#include <string.h>

int collio_checkpoint_check(const collio_checkpoint *c, collio_error *err)
{
    if (err->code != COLLIO_OK && err->agreed)
        return err->code;
    if (c == NULL)
        return collio_error_set(err, COLLIO_ERR_STATE, "the checkpoint is closed");
    return COLLIO_OK;
}

/* ---------------------------------------------------------------- open */

static int check_arguments(const char *directory, const collio_checkpoint_options *options,
                           collio_error *err)
{
    if (directory == NULL || directory[0] == '\0')
        return collio_error_set(err, COLLIO_ERR_VALUE, "the name of the directory is empty");
    if (options->keep < 0)
        return collio_error_set(err, COLLIO_ERR_VALUE, "keep must be >= 0, got %d", options->keep);
    if (options->verify != COLLIO_VERIFY_ALL && options->verify != COLLIO_VERIFY_READ)
        return collio_error_set(err, COLLIO_ERR_VALUE, "verify must be one of COLLIO_VERIFY_*");
    if (options->deflate < 0 || options->deflate > 9)
        return collio_error_set(err, COLLIO_ERR_VALUE,
                                "the level of compression must be in 0 .. 9, got %d",
                                options->deflate);
    if (options->layout < COLLIO_LAYOUT_SHARED || options->layout > COLLIO_LAYOUT_AUTO)
        return collio_error_set(err, COLLIO_ERR_VALUE, "layout must be one of COLLIO_LAYOUT_*");
    if (options->deflate > 0 && collio_deflate_check(err))
        return err->code;
    return collio_schedule_check(options, err);
}

static int agree_on_arguments(collio_checkpoint *c, const char *directory, collio_error *err)
{
    collio_ticket ticket = {.operation = "checkpoint_open",
                            .describe = collio_describe_text,
                            .context = directory != NULL ? directory : ""};

    ticket.digest = collio_hash_text(0, directory);
    ticket.digest = collio_hash_number(ticket.digest, (uint64_t)c->options.keep);
    ticket.digest = collio_hash_number(ticket.digest, (uint64_t)c->options.verify);
    ticket.digest = collio_hash_number(ticket.digest, (uint64_t)c->options.read_only);
    ticket.digest = collio_hash_number(ticket.digest, (uint64_t)c->options.deflate);
    ticket.digest = collio_hash_number(ticket.digest, (uint64_t)c->options.layout);
    if (err->code == COLLIO_OK)
        ticket.digest = collio_hash_number(ticket.digest, collio_schedule_digest(&c->options));
    return collio_agree(c->comm, &ticket, err);
}

/* Rank 0 makes the directory, then every rank must see it; then rank 0 takes the lease. */
static int enter_directory(collio_checkpoint *c, const char *directory, collio_error *err)
{
    int writing = collio_comm_rank(c->comm) == 0 && !c->options.read_only;

    if (writing)
        collio_posix_make_directory(directory, err);
    if (collio_agree_step(c->comm, "checkpoint_open: make the directory", err))
        return err->code;
    /* Absolute, so that a program may change its working directory. */
    c->directory = realpath(directory, NULL);
    collio_sys(c->directory == NULL, "realpath", directory, err);
    if (writing && err->code == COLLIO_OK && collio_alone_claim(c->directory, err) == COLLIO_OK &&
        collio_lease_take(c->directory, &c->lease, err) == COLLIO_OK) {
        collio_names_clean(c->directory);
        collio_ranks_drop(c->directory, -1, NULL);
    }
    if (err->code == COLLIO_OK)
        collio_schedule_begin(c, err);
    if (collio_agree_step(c->comm, "checkpoint_open: enter the directory", err))
        return err->code;
    if (c->options.layout == COLLIO_LAYOUT_AUTO && !c->options.read_only)
        collio_ranks_probe(c, err);
    return err->code;
}

static void dispose(collio_checkpoint *c)
{
    if (c == NULL)
        return;
    collio_schedule_end(c);
    collio_prune_wait(c);
    collio_lease_return(&c->lease);
    collio_staging_free(&c->staging);
    collio_staging_free(&c->apart);
    collio_shared_free(&c->windows);
    free(c->directory);
    free(c);
}

int collio_checkpoint_open(MPI_Comm user, const char *directory,
                           const collio_checkpoint_options *options, collio_checkpoint **out,
                           collio_error *err)
{
    collio_checkpoint *c = NULL;
    collio_comm *comm = NULL;
    collio_error closing = COLLIO_ERROR_INIT;

    *out = NULL;
    if (err->code != COLLIO_OK && err->agreed)
        return err->code;
    c = calloc(1, sizeof *c);
    if (c == NULL)
        collio_error_set(err, COLLIO_ERR_MEMORY, "no memory for a checkpoint");
    else if (options != NULL)
        c->options = *options;
    if (c != NULL)
        check_arguments(directory, &c->options, err);
    if (collio_comm_create(user, &comm, err))
        goto done;
    c->comm = comm;
    if (agree_on_arguments(c, directory, err) || enter_directory(c, directory, err))
        goto done;
    *out = c;
    return COLLIO_OK;
done:
    collio_comm_free(&comm, &closing);
    dispose(c);
    return err->code;
}

int collio_checkpoint_close(collio_checkpoint **handle, collio_error *err)
{
    collio_checkpoint *c = *handle;

    *handle = NULL;
    if (c == NULL)
        return err->code;
    collio_pending_finish(c, err);
    collio_comm_free(&c->comm, err);
    dispose(c);
    return err->code;
}

const char *collio_checkpoint_directory(const collio_checkpoint *c)
{
    return c->directory;
}

collio_comm *collio_checkpoint_comm(const collio_checkpoint *c)
{
    return c->comm;
}

/* --------------------------------------------------------------- items */

collio_item collio_item_part(const char *name, const collio_array *array, const int64_t *shape,
                             const int64_t *start)
{
    collio_item item = {.name = name, .kind = COLLIO_ITEM_PART, .array = *array};
    int ndim = array->ndim > 0 && array->ndim <= COLLIO_MAX_DIMS ? array->ndim : 0;

    for (int d = 0; d < ndim; d++) {
        item.shape[d] = shape[d];
        item.start[d] = start[d];
    }
    return item;
}

collio_item collio_item_common(const char *name, const collio_array *array)
{
    return (collio_item){.name = name, .kind = COLLIO_ITEM_COMMON, .array = *array};
}

collio_item collio_item_scalar(const char *name, collio_type type, const void *value)
{
    collio_item item = {.name = name, .kind = COLLIO_ITEM_COMMON};

    item.array.data = (void *)value; /* only read */
    item.array.type = type;
    return item;
}

collio_item collio_item_state(const char *name, const char *format, const void *bytes, size_t size)
{
    return (collio_item){
        .name = name, .kind = COLLIO_ITEM_STATE, .bytes = bytes, .size = size, .format = format};
}

collio_item collio_item_rank_state(const char *name, const char *format, const void *bytes,
                                   size_t size)
{
    return (collio_item){.name = name,
                         .kind = COLLIO_ITEM_RANK_STATE,
                         .bytes = bytes,
                         .size = size,
                         .format = format};
}
