/* Group.create_dataset. */
#include "h5create.h"

#include <string.h>

int h5_arg_list(PyObject *object, void *out)
{
    *(PyObject **)out = object;
    if (object == Py_None || PyObject_HasAttrString(object, "get_class"))
        return 0;
    raise_type("a property list", "one of collio.h5p", object);
    return -1;
}

static const param create_rows[] = {
    {"name", arg_object, offsetof(h5create_args, name)},
    {"|shape", arg_object, offsetof(h5create_args, shape)},
    {"|dtype", arg_object, offsetof(h5create_args, dtype)},
    {"|data", arg_object, offsetof(h5create_args, data)},
    H5_STORAGE_ROWS(h5create_args),
    {"$track_order", arg_object, offsetof(h5create_args, track_order)},
    {"$external", arg_object, offsetof(h5create_args, external)},
    H5_ACCESS_ROWS,
    {"$_mappings", arg_object, offsetof(h5create_args, mappings)},
    {"$_attributes", arg_object, offsetof(h5create_args, attributes)},
    {"$_compact", arg_object, offsetof(h5create_args, compact)},
    {NULL, NULL, 0},
};

/* Whether data are to be stored just as they are. */
static int is_plain(const h5create_args *a)
{
    PyObject *dtype = array_dtype_of(a->data);

    return dtype != NULL && a->dtype == Py_None && a->shape == Py_None &&
           array_plain_type(dtype) != COLLIO_TYPE_COUNT;
}

static int plan_plain(const h5create_args *a, h5plan *p)
{
    if (array_view_any(a->data, 0, &p->data.view) < 0)
        return -1;
    p->type = p->data.view.type;
    p->ndim = p->data.view.ndim;
    memcpy(p->shape, p->data.view.shape, sizeof p->shape);
    return 0;
}

/* Data and type as collio._values makes of them what is stored. */
static int plan_data(const h5create_args *a, h5plan *p)
{
    PyObject *made = memory_call("collio._values", "for_new", "(OOO)", a->data, a->dtype, a->shape);
    PyObject *array, *keep;
    int memory, ndim, stored, result = -1;

    if (made == NULL || !PyArg_ParseTuple(made, "OiiOi", &array, &memory, &ndim, &keep, &stored))
        goto done;
    p->type = (collio_type)stored;
    p->ndim = ndim;
    result =
        array == Py_None ? 0 : h5_values_take(array, (collio_type)memory, ndim, keep, &p->data);
    if (result == 0 && array != Py_None)
        memcpy(p->shape, p->data.view.shape, sizeof p->shape);
done:
    Py_XDECREF(made);
    return result;
}

/* A dtype argument as a dtype: by far the most are names like 'f8', or one already. New. */
static PyObject *plain_dtype(PyObject *dtype)
{
    if (PyUnicode_CheckExact(dtype) || array_is_dtype(dtype))
        return array_dtype_like(dtype);
    return memory_call("collio._types", "plain_dtype", "(O)", dtype);
}

/* Type and shape. */
static int plan_elements(const h5create_args *a, h5plan *p)
{
    PyObject *dtype;

    if (is_plain(a))
        return plan_plain(a, p);
    if (a->data != Py_None || a->shape == Py_None)
        return plan_data(a, p);
    p->type = COLLIO_FLOAT32;
    if (a->dtype != Py_None) {
        dtype = plain_dtype(a->dtype);
        p->type = dtype == NULL ? COLLIO_TYPE_COUNT : h5_type(dtype);
        Py_XDECREF(dtype);
    }
    if (p->type == COLLIO_TYPE_COUNT)
        return -1;
    p->ndim = memory_extents(a->shape, "shape", p->shape);
    return p->ndim < 0 ? -1 : memory_no_negative(p->ndim, p->shape, "shape");
}

/* Keywords that are not given come from the list; the dict keeps them alive. */
static int take_list(h5create_args *a, PyObject **kept)
{
    if (a->dcpl == Py_None)
        return 0;
    *kept = PyObject_CallMethod(a->dcpl, "_keywords", NULL);
    if (*kept == NULL)
        return -1;
    for (const param *row = create_rows; row->name != NULL; row++) {
        PyObject *value = PyDict_GetItemString(*kept, row->name + 1);
        PyObject **place = (PyObject **)((char *)a + row->offset);

        if (value != NULL && (*place == Py_None || *place == Py_False))
            *place = value;
    }
    return 0;
}

/* How the dataset is to be open: a dict, None if nothing is said. New. */
static PyObject *access_of(const h5create_args *a)
{
    int any = a->dapl != Py_None;

    for (int i = 0; i < 5; i++)
        any |= a->hints[i] != Py_None;
    if (!any)
        return Py_NewRef(Py_None);
    return memory_call("collio.made", "dataset_hints", "((OOO)OOO)", a->hints[0], a->hints[1],
                       a->hints[2], a->hints[3], a->hints[4], a->dapl);
}

/* Bytes in the dict, or NULL. */
static const char *prefix_in(PyObject *access, const char *name)
{
    PyObject *value = access == Py_None ? NULL : PyDict_GetItemString(access, name);

    return value != NULL && PyBytes_Check(value) ? PyBytes_AS_STRING(value) : NULL;
}

/* Kept with the object, for its id. */
PyObject *h5_with_access(PyObject *dataset, const h5plan *p)
{
    if (dataset != NULL && p->access != NULL && p->access != Py_None &&
        PyObject_SetAttrString(dataset, "_hints", p->access) < 0)
        Py_CLEAR(dataset);
    return dataset;
}

int h5_plan(const h5object *self, const h5create_args *a, h5plan *p)
{
    p->access = access_of(a);
    if (p->access == NULL)
        return -1;
    p->storage.options.external_prefix = prefix_in(p->access, "efile_prefix");
    p->storage.options.virtual_prefix = prefix_in(p->access, "virtual_prefix");
    if (a->name != Py_None && arg_name(a->name, &p->name) < 0)
        return -1;
    if (a->name == Py_None)
        p->name = NULL;
    if (plan_elements(a, p) < 0 || h5_elsewhere(a->external, a->mappings, &p->storage) < 0)
        return -1;
    p->storage.options.track_order = h5_wants_order(a->track_order);
    p->storage.options.named_type = h5_named_type(self, a->dtype);
    p->storage.options.compact = a->compact == Py_True;
    if (h5_attribute_room(a->attributes, &p->storage.options.attributes) < 0)
        return -1;
    if (p->storage.options.track_order < 0)
        return -1;
    return h5_storage(&a->storage, p->type, p->ndim, &p->storage);
}

/* Rank 0 writes; the others have nothing to do, unless there is just one
 * element, of which nobody can have none. */
static void write_data(collio_object *dataset, const h5plan *p, collio_error *err)
{
    int rank = collio_comm_rank(collio_file_comm(collio_object_file(dataset)));
    collio_selection selection;
    collio_array memory;

    memory_describe(&p->data.view, &memory);
    if (rank == 0 || p->ndim == 0) {
        collio_dataset_write(dataset, NULL, &memory, err);
        return;
    }
    collio_selection_none(&selection, p->ndim);
    memset(memory.shape, 0, sizeof memory.shape);
    collio_dataset_write(dataset, &selection, &memory, err);
}

/* A dataset whose data could not be written, which is so on all ranks, is none. */
static void take_back(h5object *self, const h5plan *p)
{
    collio_error second = COLLIO_ERROR_INIT;

    if (p->name != NULL)
        collio_link_delete(self->object, p->name, &second);
}

PyObject *h5_create(h5object *self, h5plan *p, joint *j)
{
    collio_object *dataset = NULL;
    PyThreadState *saved = io_enter();

    collio_dataset_create(self->object, p->name, p->type, p->ndim, p->shape, &p->storage.options,
                          &dataset, &j->err);
    if (dataset != NULL && p->data.view.keep != NULL) {
        write_data(dataset, p, &j->err);
        if (j->err.code != COLLIO_OK)
            take_back(self, p);
    }
    if (j->err.code != COLLIO_OK)
        collio_object_close(&dataset);
    /* The name of a dataset in the place of a group: TypeError in h5py. */
    if (j->err.code == COLLIO_ERR_VALUE && strstr(j->err.text, "on the way is not a group") != NULL)
        j->err.code = COLLIO_ERR_TYPE;
    io_leave(saved);
    h5_values_release(&p->data);
    h5_storage_forget(&p->storage);
    return joint_end(j) < 0 ? NULL : h5_wrap(self->file, dataset);
}

PyDoc_STRVAR(
    create_doc,
    "create_dataset($self, name, shape=None, dtype=None, data=None, *, chunks=None, "
    "maxshape=None, compression=None, compression_opts=None, shuffle=None, "
    "fletcher32=None, scaleoffset=None, fillvalue=None, fill_time=None, "
    "track_times=None, track_order=None, external=None, allow_unknown_filter=False, "
    "rdcc_nslots=None, rdcc_nbytes=None, rdcc_w0=None, efile_prefix=None, virtual_prefix=None, "
    "dcpl=None, dapl=None)\n--\n\n"
    "Create a dataset, and the groups on the way to it that are missing. Collective.\n\n"
    "  shape             extents, or one; by default those of the data\n"
    "  dtype             of the elements; by default that of the data, or 'f4'\n"
    "  data              what to write at once: must be the same on all ranks, that of\n"
    "                    rank 0 is written. For data that the ranks share, create by\n"
    "                    shape and assign parts\n"
    "  chunks            extents of the chunks to store it in, or True: chosen for the\n"
    "                    shape and the number of ranks. By default it is contiguous,\n"
    "                    unless something below needs chunks\n"
    "  maxshape          extents to which it can be resized, None for no end; True: all\n"
    "  compression       'gzip', 'szip', 'lzf' (where collio was built with liblzf), a level of\n"
    "                    gzip, or the number of a filter\n"
    "  compression_opts  level of gzip (4), ('ec' or 'nn', pixels) of szip, or values\n"
    "  shuffle           sort bytes by their place in the element before compression\n"
    "  fletcher32        keep checksums\n"
    "  scaleoffset       keep so many bits of integers (0 or True: as many as needed) or\n"
    "                    decimal digits of floating-point numbers\n"
    "  fillvalue         of elements that were not written; by default 0\n"
    "  fill_time         'ifset', 'alloc', or 'never': they are undefined\n"
    "  track_times       keep the time of creation\n"
    "  track_order       keep the order in which attributes are made\n"
    "  external          names of files that hold the elements as bytes, one after the\n"
    "                    other: (name, offset, size), or one name; relative to the\n"
    "                    working directory\n"
    "  efile_prefix, virtual_prefix\n"
    "                    directories in which files of `external`, and sources of a virtual\n"
    "                    dataset, are looked for while the dataset is open; '${ORIGIN}' stands\n"
    "                    for that of the file. It is not kept in the file\n"
    "  allow_unknown_filter, rdcc_*\n"
    "                    accepted for h5py's sake; without effect\n\n"
    "A dataset without a name (None) is to be assigned to one, or it is gone when the\n"
    "file is closed.");

PyObject *h5_create_dataset(PyObject *object, PyObject *const *args, Py_ssize_t nargs,
                            PyObject *keywords)
{
    h5create_args a = H5_CREATE_NOTHING;
    h5plan p = {.name = "", .data = {.view = {.keep = NULL}, .keep = NULL}};
    PyObject *kept = NULL, *dataset;
    joint j;

    if (h5_ready((h5object *)object) < 0)
        return NULL;
    joint_begin(&j);
    if (args_parse("create_dataset", create_rows, &a, args, nargs, keywords) < 0 ||
        take_list(&a, &kept) < 0 || h5_plan((h5object *)object, &a, &p) < 0)
        joint_fail(&j);
    dataset = h5_with_access(h5_create((h5object *)object, &p, &j), &p);
    Py_XDECREF(p.access);
    Py_XDECREF(kept);
    return dataset;
}

PyMethodDef h5create_methods[] = {
    {"create_dataset", FAST(h5_create_dataset), FASTCALL, create_doc},
    {NULL, NULL, 0, NULL},
};
