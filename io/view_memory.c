/* The memory of an access to a view: what the caller gave, checked and laid out as a map. */
#include "view.h"

#include <inttypes.h>

static int check_memory(const collio_view *view, const collio_array *memory, collio_error *err)
{
    const collio_view_facts *f = &view->facts;
    int64_t size = (int64_t)collio_type_size(memory->type);

    if (size == 0)
        return collio_error_set(err, COLLIO_ERR_TYPE, "memory: unknown type %d", (int)memory->type);
    if (memory->ndim < 0 || memory->ndim > COLLIO_MAX_DIMS)
        return collio_error_set(err, COLLIO_ERR_VALUE, "memory: %d dimensions, 0 to %d allowed",
                                memory->ndim, COLLIO_MAX_DIMS);
    for (int d = 0; d < memory->ndim; d++)
        if (memory->shape[d] < 0)
            return collio_error_set(err, COLLIO_ERR_VALUE, "memory: extent %" PRId64,
                                    memory->shape[d]);
    if (f->type != COLLIO_TYPE_COUNT && f->type != memory->type)
        return collio_error_set(
            err, COLLIO_ERR_TYPE, "memory: %s given, the view of '%s' is of %s: convert it first",
            collio_type_name(memory->type), view->path, collio_type_name(f->type));
    size *= collio_array_size(memory);
    if (size % f->unit != 0)
        return collio_error_set(
            err, COLLIO_ERR_VALUE,
            "memory: %" PRId64 " bytes are no whole number of etypes of %" PRId64, size, f->unit);
    if (size > 0 && memory->data == NULL)
        return collio_error_set(err, COLLIO_ERR_VALUE, "memory: no address given");
    return COLLIO_OK;
}

/* Memory that was given by a datatype. */
static int plan_typed(const collio_view *view, const collio_typed *t, collio_job *job,
                      collio_error *err)
{
    MPI_Count lb = 0, extent = 0;

    if (collio_map_add_type(&job->memory, 0, t->type, err) ||
        collio_mpi(MPI_Type_get_extent_x(t->type, &lb, &extent), "MPI_Type_get_extent_x", err))
        return err->code;
    job->memory.extent = extent;
    if (t->count < 0 || (job->memory.size > 0 && t->count > INT64_MAX / 2 / job->memory.size))
        return collio_error_set(err, COLLIO_ERR_VALUE, "memory: a count of %" PRId64, t->count);
    job->data = t->data;
    job->bytes = t->count * job->memory.size;
    if (job->bytes % view->facts.unit != 0)
        return collio_error_set(err, COLLIO_ERR_VALUE,
                                "memory: %" PRId64
                                " bytes are no whole number of etypes of %" PRId64,
                                job->bytes, view->facts.unit);
    return COLLIO_OK;
}

int collio_view_plan_memory(const collio_view *view, const collio_typed *typed,
                            const collio_array *memory, collio_job *job, collio_error *err)
{
    if (typed != NULL)
        return plan_typed(view, typed, job, err);
    if (memory == NULL || check_memory(view, memory, err))
        return err->code;
    if (collio_array_size(memory) > 0)
        collio_map_add_array(&job->memory, 0, (int64_t)collio_type_size(memory->type), memory->ndim,
                             memory->shape, memory->strides, err);
    job->memory.extent = job->memory.size;
    job->data = memory->data;
    job->bytes = job->memory.size;
    return err->code;
}
