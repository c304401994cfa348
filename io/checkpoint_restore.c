/* Open a step for reading: the newest that is valid on all ranks, or the one asked for. */
#include "step.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ------------------------------------------------------------ one step */

int collio_step_open(const char *path, int64_t step, int *fd, collio_table *table,
                     collio_error *err)
{
    collio_error why = COLLIO_ERROR_INIT;

    memset(table, 0, sizeof *table);
    if (collio_posix_open(path, O_RDONLY, fd, &why) != COLLIO_OK && why.sys_error == ENOENT)
        return collio_error_set(err, COLLIO_ERR_NONE, "there is no '%s'", path);
    if (why.code == COLLIO_OK)
        collio_seal_read(*fd, path, table, &why);
    if (why.code == COLLIO_OK && table->step != step)
        collio_error_set(&why, COLLIO_ERR_DAMAGED, "'%s' holds step %" PRId64, path, table->step);
    if (why.code != COLLIO_OK) {
        collio_error_set(err, why.code, "%s", why.text);
        err->sys_error = why.sys_error;
    }
    return why.code;
}

static int verify_data(collio_checkpoint_state *state, collio_error *err)
{
    const collio_comm *comm = state->owner->comm;
    collio_findings findings;

    if (collio_verify_share(state->fd, state->path, &state->table, collio_comm_rank(comm),
                            collio_comm_size(comm), &findings, err))
        return err->code;
    if (findings.damaged > 0)
        return collio_error_set(err, COLLIO_ERR_DAMAGED, "'%s': %.*s", state->path,
                                COLLIO_ERROR_TEXT - 600, findings.text);
    return COLLIO_OK;
}

/* Agree that this step went well, and that all ranks look at the same file. */
static int compare_seals(collio_checkpoint_state *state, collio_error *err)
{
    collio_ticket ticket = {.operation = "checkpoint_restore: verify the step",
                            .vote = {state->table.seal}};

    if (collio_agree(state->owner->comm, &ticket, err))
        return err->code;
    if (ticket.min[0] == ticket.max[0])
        return COLLIO_OK;
    collio_error_set(err, COLLIO_ERR_DAMAGED, "'%s' is not the same file on all ranks",
                     state->path);
    err->agreed = 1;
    return err->code;
}

int collio_state_open(collio_checkpoint *c, int64_t step, int verify, collio_checkpoint_state **out,
                      collio_error *err)
{
    collio_checkpoint_state *state = calloc(1, sizeof *state);

    *out = NULL;
    if (state == NULL) {
        collio_error_set(err, COLLIO_ERR_MEMORY, "no memory for a state");
    } else {
        state->owner = c;
        state->fd = -1;
        state->path = collio_name_step(c->directory, step, err);
        if (err->code == COLLIO_OK)
            collio_step_open(state->path, step, &state->fd, &state->table, err);
    }
    if (collio_agree_step(c->comm, "checkpoint_restore: open the step", err))
        goto done;
    if (verify == COLLIO_VERIFY_ALL)
        verify_data(state, err);
    if (compare_seals(state, err))
        goto done;
    *out = state;
    return COLLIO_OK;
done:
    collio_checkpoint_state_close(&state);
    return err->code;
}

void collio_checkpoint_state_close(collio_checkpoint_state **handle)
{
    collio_checkpoint_state *state = *handle;
    collio_error ignored = COLLIO_ERROR_INIT;

    *handle = NULL;
    if (state == NULL)
        return;
    collio_posix_close(&state->fd, state->path, &ignored);
    collio_table_free(&state->table);
    free(state->path);
    free(state->refused);
    free(state);
}

/* ---------------------------------------------------------- the newest */

int collio_share_steps(collio_checkpoint *c, int64_t **steps, int *count, collio_error *err)
{
    int64_t number;
    int root = collio_comm_rank(c->comm) == 0;

    *steps = NULL;
    *count = 0;
    if (root && err->code == COLLIO_OK)
        collio_names_list(c->directory, steps, count, err);
    if (collio_agree_step(c->comm, "list the steps", err))
        goto done;
    number = *count;
    if (collio_bcast(c->comm, &number, sizeof number, 0, "list the steps", err))
        goto done;
    *count = (int)number;
    if (!root)
        *steps = malloc(((size_t)number + 1) * sizeof **steps);
    if (number > 0 && *steps == NULL)
        collio_error_set(err, COLLIO_ERR_MEMORY, "no memory for %d steps", *count);
    if (collio_agree_step(c->comm, "list the steps: make room", err))
        goto done;
    if (number > 0)
        collio_bcast(c->comm, *steps, (size_t)number * sizeof **steps, 0, "list the steps", err);
done:
    if (err->code != COLLIO_OK) {
        free(*steps);
        *steps = NULL;
        *count = 0;
    }
    return err->code;
}

/* Whether an agreed error is about this step alone, so that an older one may do. */
static int is_refusal(const collio_checkpoint *c, const collio_error *why)
{
    return !collio_comm_is_poisoned(c->comm) &&
           (why->code == COLLIO_ERR_DAMAGED || why->code == COLLIO_ERR_UNSUPPORTED ||
            why->code == COLLIO_ERR_NONE || why->code == COLLIO_ERR_OS);
}

/* Add "step 30: <why>" and a newline to what was refused before. */
static void add_refusal(char **refused, int64_t step, const char *why)
{
    size_t before = *refused != NULL ? strlen(*refused) : 0, more = strlen(why) + 40;
    char *longer = realloc(*refused, before + more);

    collio_log("checkpoint: step %" PRId64 " is refused: %s", step, why);
    if (longer == NULL)
        return;
    snprintf(longer + before, more, "step %" PRId64 ": %s\n", step, why);
    *refused = longer;
}

static int open_newest(collio_checkpoint *c, int verify, collio_checkpoint_state **out,
                       collio_error *err)
{
    int64_t *steps = NULL;
    char *refused = NULL;
    int count = 0;

    if (collio_share_steps(c, &steps, &count, err))
        return err->code;
    for (int i = count - 1; i >= 0 && *out == NULL && err->code == COLLIO_OK; i--) {
        collio_error why = COLLIO_ERROR_INIT;
        if (collio_state_open(c, steps[i], verify, out, &why) == COLLIO_OK)
            break;
        if (is_refusal(c, &why))
            add_refusal(&refused, steps[i], why.text);
        else
            *err = why;
    }
    if (*out != NULL) {
        (*out)->refused = refused;
        refused = NULL;
    } else if (err->code == COLLIO_OK) {
        if (count == 0)
            collio_error_set(err, COLLIO_ERR_NONE, "there is no step in '%s'", c->directory);
        else
            collio_error_set(err, COLLIO_ERR_DAMAGED, "no step in '%s' is valid:\n%s", c->directory,
                             refused != NULL ? refused : "");
        err->agreed = 1;
    }
    free(refused);
    free(steps);
    return err->code;
}

int collio_checkpoint_restore_verified(collio_checkpoint *c, int64_t step, int verify,
                                       collio_checkpoint_state **out, collio_error *err)
{
    collio_ticket ticket = {
        .operation = "checkpoint_restore",
        .digest = collio_hash_number(collio_hash_number(0, (uint64_t)step), (uint64_t)verify)};

    *out = NULL;
    if (c == NULL || err->agreed)
        return collio_checkpoint_check(c, err);
    if (step < COLLIO_NEWEST || step > COLLIO_MAX_STEP)
        collio_error_set(err, COLLIO_ERR_VALUE, "there can be no step %" PRId64, step);
    if (verify != COLLIO_VERIFY_ALL && verify != COLLIO_VERIFY_READ)
        collio_error_set(err, COLLIO_ERR_VALUE, "verify must be one of COLLIO_VERIFY_*");
    if (collio_agree(c->comm, &ticket, err))
        return err->code;
    if (step == COLLIO_NEWEST)
        open_newest(c, verify, out, err);
    else
        collio_state_open(c, step, verify, out, err);
    if (*out != NULL)
        collio_schedule_note(c, (*out)->table.step, 0);
    return err->code;
}

int collio_checkpoint_restore(collio_checkpoint *c, int64_t step, collio_checkpoint_state **out,
                              collio_error *err)
{
    int verify = c != NULL ? c->options.verify : COLLIO_VERIFY_ALL;

    return collio_checkpoint_restore_verified(c, step, verify, out, err);
}
