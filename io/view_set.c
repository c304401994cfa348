/* What a rank sees of the file: set it by arrays or datatypes, and say how it is set. */
#include "view.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* A view to be, built on each rank before all agree to have it. */
typedef struct setting {
    const collio_view *view;
    collio_view_facts facts;
    collio_map map;
    MPI_Datatype etype, filetype;
} setting;

static void describe(const void *context, char *text, size_t size)
{
    const setting *s = context;
    int used;

    if (s->facts.type == COLLIO_TYPE_COUNT) {
        snprintf(text, size, "(offset %" PRId64 ", etype of %" PRId64 " bytes) on '%s'",
                 s->facts.offset, s->facts.unit, s->view->path);
        return;
    }
    used = snprintf(text, size, "(offset %" PRId64 ", %s, shape", s->facts.offset,
                    collio_type_name(s->facts.type));
    for (int d = 0; d < s->facts.ndim && used > 0 && (size_t)used < size; d++)
        used += snprintf(text + used, size - (size_t)used, " %" PRId64, s->facts.shape[d]);
    if (used > 0 && (size_t)used < size)
        snprintf(text + used, size - (size_t)used, ") on '%s'", s->view->path);
}

static uint64_t digest(const collio_view_facts *f)
{
    uint64_t d = collio_hash_number(0, (uint64_t)f->unit);

    d = collio_hash_number(d, (uint64_t)f->type);
    if (f->type == COLLIO_TYPE_COUNT) /* by datatypes the offset is each rank's own */
        return d;
    d = collio_hash_number(d, (uint64_t)f->offset);
    d = collio_hash_number(d, (uint64_t)f->ndim);
    for (int i = 0; i < f->ndim; i++)
        d = collio_hash_number(d, (uint64_t)f->shape[i]);
    return d;
}

static void release(setting *s)
{
    collio_map_free(&s->map);
    if (s->etype != MPI_DATATYPE_NULL)
        MPI_Type_free(&s->etype);
    if (s->filetype != MPI_DATATYPE_NULL)
        MPI_Type_free(&s->filetype);
}

/* Exchange the view's setting for the new one; the old one is released by the caller. */
static void swap(collio_view *view, setting *s)
{
    setting old = {view, view->facts, view->map, view->etype, view->filetype};

    view->facts = s->facts;
    view->map = s->map;
    view->etype = s->etype;
    view->filetype = s->filetype;
    view->position = 0;
    *s = old;
}

/* Agree, and take the setting over on all ranks or on none. */
static int agree_to_set(collio_view *view, setting *s, collio_error *err)
{
    collio_ticket ticket = {.operation = "view_set", .describe = describe, .context = s};

    ticket.digest = digest(&s->facts);
    ticket.vote[0] = view->shared_fd >= 0;
    ticket.vote[1] = (uint64_t)collio_view_would_sieve(view, &s->map);
    ticket.vote[2] = !collio_view_can_claim(view, err);
    collio_view_check_idle(view, err);
    if (collio_view_agree(view, &ticket, err) == COLLIO_OK) {
        /* Whoever has used the shared pointer puts it back. */
        if (view->shared_fd >= 0)
            collio_view_store_shared(view, 0, err);
        if (!ticket.max[0] || collio_view_agree_step(view, "view_set", err) == COLLIO_OK) {
            swap(view, s);
            view->sieving = ticket.max[1] && !ticket.max[2];
        }
    }
    release(s);
    return err->code;
}

/* ---------------------------------------------------------- by datatypes */

static int check_type(MPI_Datatype type, const char *what, collio_error *err)
{
    if (type != MPI_DATATYPE_NULL)
        return COLLIO_OK;
    return collio_error_set(err, COLLIO_ERR_TYPE, "view: the %s is MPI_DATATYPE_NULL", what);
}

static int read_types(setting *s, MPI_Datatype etype, MPI_Datatype filetype, collio_error *err)
{
    MPI_Count size = 0, lb = 0, extent = 0;

    if (check_type(etype, "etype", err) || check_type(filetype, "filetype", err) ||
        collio_mpi(MPI_Type_size_x(etype, &size), "MPI_Type_size_x", err) ||
        collio_mpi(MPI_Type_get_extent_x(filetype, &lb, &extent), "MPI_Type_get_extent_x", err) ||
        collio_map_add_type(&s->map, 0, filetype, err))
        return err->code;
    s->map.start = s->facts.offset;
    s->map.extent = extent;
    s->facts.unit = size;
    if (size <= 0 || s->map.size % size != 0)
        return collio_error_set(err, COLLIO_ERR_VALUE,
                                "view: a filetype of %" PRId64
                                " bytes is no whole number of etypes of %" PRId64,
                                s->map.size, (int64_t)size);
    if (collio_map_check_forward(&s->map, err) ||
        collio_mpi(MPI_Type_dup(etype, &s->etype), "MPI_Type_dup", err) ||
        collio_mpi(MPI_Type_dup(filetype, &s->filetype), "MPI_Type_dup", err))
        return err->code;
    return COLLIO_OK;
}

static int check_offset(int64_t offset, collio_error *err)
{
    if (offset >= 0)
        return COLLIO_OK;
    return collio_error_set(err, COLLIO_ERR_VALUE, "view: offset %" PRId64 "; 0 is the least",
                            offset);
}

int collio_view_set(collio_view *view, int64_t offset, MPI_Datatype etype, MPI_Datatype filetype,
                    collio_error *err)
{
    setting s = {.view = view,
                 .facts = {.offset = offset, .length = -1, .type = COLLIO_TYPE_COUNT},
                 .etype = MPI_DATATYPE_NULL,
                 .filetype = MPI_DATATYPE_NULL};

    if (view == NULL || view->comm == NULL)
        return collio_view_check(view, err);
    if (check_offset(offset, err) == COLLIO_OK)
        read_types(&s, etype, filetype, err);
    return agree_to_set(view, &s, err);
}

int collio_view_set_bytes(collio_view *view, collio_error *err)
{
    const collio_piece byte = {0, 1, 1, 1};

    view->facts = (collio_view_facts){.unit = 1, .length = -1, .type = COLLIO_TYPE_COUNT};
    view->map.extent = 1;
    collio_mpi(MPI_Type_dup(MPI_BYTE, &view->etype), "MPI_Type_dup", err);
    collio_mpi(MPI_Type_dup(MPI_BYTE, &view->filetype), "MPI_Type_dup", err);
    return collio_map_add(&view->map, &byte, err);
}

/* -------------------------------------------------------------- by arrays */

static int check_shape(int64_t unit, int ndim, const int64_t *shape, collio_error *err)
{
    int64_t left = INT64_MAX / 2 / (unit > 0 ? unit : 1);

    if (unit == 0)
        return collio_error_set(err, COLLIO_ERR_TYPE, "view: unknown element type");
    if (ndim < 0 || ndim > COLLIO_MAX_DIMS)
        return collio_error_set(err, COLLIO_ERR_VALUE, "view: %d dimensions, 0 to %d allowed", ndim,
                                COLLIO_MAX_DIMS);
    for (int d = 0; d < ndim; d++) {
        if (shape[d] < 0 || (shape[d] > 0 && shape[d] > left))
            return collio_error_set(err, COLLIO_ERR_VALUE,
                                    "view: shape[%d] is %" PRId64 "; 0 is the least, and the "
                                    "array must not be larger than a file can be",
                                    d, shape[d]);
        left /= shape[d] > 0 ? shape[d] : 1;
    }
    return COLLIO_OK;
}

static int read_array(setting *s, int ndim, const int64_t *shape, const collio_selection *selection,
                      collio_error *err)
{
    collio_view_facts *f = &s->facts;
    collio_selection all;

    if (check_offset(f->offset, err) || check_shape(f->unit, ndim, shape, err))
        return err->code;
    f->ndim = ndim;
    memcpy(f->shape, shape, (size_t)ndim * sizeof *shape);
    if (selection == NULL) {
        collio_selection_all(&all, ndim, shape);
        selection = &all;
    }
    if (collio_selection_check(selection, ndim, shape, err) ||
        collio_map_add_selection(&s->map, f->unit, shape, selection, err))
        return err->code;
    s->map.start = f->offset;
    s->map.extent = f->unit;
    for (int d = 0; d < ndim; d++)
        s->map.extent *= shape[d];
    f->length = s->map.size / f->unit;
    return COLLIO_OK;
}

int collio_view_set_array(collio_view *view, int64_t offset, collio_type type, int ndim,
                          const int64_t *shape, const collio_selection *selection,
                          collio_error *err)
{
    setting s = {.view = view,
                 .facts = {.offset = offset, .unit = (int64_t)collio_type_size(type), .type = type},
                 .etype = MPI_DATATYPE_NULL,
                 .filetype = MPI_DATATYPE_NULL};

    if (view == NULL || view->comm == NULL)
        return collio_view_check(view, err);
    read_array(&s, ndim, shape, selection, err);
    return agree_to_set(view, &s, err);
}

int collio_view_get(collio_view *view, collio_view_facts *facts, MPI_Datatype *etype,
                    MPI_Datatype *filetype, collio_error *err)
{
    MPI_Datatype *out[2] = {etype, filetype};

    if (etype != NULL)
        *etype = MPI_DATATYPE_NULL;
    if (filetype != NULL)
        *filetype = MPI_DATATYPE_NULL;
    if (collio_view_check(view, err))
        return err->code;
    *facts = view->facts;
    for (int i = 0; i < 2; i++) {
        MPI_Datatype mine = i == 0 ? view->etype : view->filetype;

        if (out[i] != NULL && mine != MPI_DATATYPE_NULL)
            collio_mpi(MPI_Type_dup(mine, out[i]), "MPI_Type_dup", err);
    }
    return err->code;
}
