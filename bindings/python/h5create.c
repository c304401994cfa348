/* Group.create_dataset and require_dataset. */
#include "h5storage.h"

#include <string.h>

typedef struct create_args {
    PyObject *name;
    PyObject *shape;
    PyObject *dtype;
    PyObject *data;
    PyObject *exact;
    h5storage_args storage;
    PyObject *track_order;
    PyObject *external, *mappings, *attributes, *compact;
    PyObject *dcpl, *dapl;
    /* Of a cache of chunks that collio does not have, kept to be told; and directories of files
     * with elements. */
    PyObject *hints[5];
} create_args;

static const create_args nothing = {NULL,     Py_None,
                                    Py_None,  Py_None,
                                    Py_False, H5_STORAGE_NOTHING,
                                    Py_None,  Py_None,
                                    Py_None,  Py_None,
                                    Py_False, Py_None,
                                    Py_None,  {Py_None, Py_None, Py_None, Py_None, Py_None}};

/* A property list, which stands for the keywords that are not given. */
static int arg_list(PyObject *object, void *out)
{
    *(PyObject **)out = object;
    if (object == Py_None || PyObject_HasAttrString(object, "get_class"))
        return 0;
    raise_type("a property list", "one of collio.h5p", object);
    return -1;
}

#define ACCESS_ROWS                                                                                \
    {"$allow_unknown_filter", arg_object, offsetof(create_args, storage.unknown)},                 \
        {"$rdcc_nslots", arg_object, offsetof(create_args, hints[0])},                             \
        {"$rdcc_nbytes", arg_object, offsetof(create_args, hints[1])},                             \
        {"$rdcc_w0", arg_object, offsetof(create_args, hints[2])},                                 \
        {"$efile_prefix", arg_object, offsetof(create_args, hints[3])},                            \
        {"$virtual_prefix", arg_object, offsetof(create_args, hints[4])},                          \
        {"$dcpl", arg_list, offsetof(create_args, dcpl)},                                          \
    {                                                                                              \
        "$dapl", arg_list, offsetof(create_args, dapl)                                             \
    }

static const param create_rows[] = {
    {"name", arg_object, offsetof(create_args, name)},
    {"|shape", arg_object, offsetof(create_args, shape)},
    {"|dtype", arg_object, offsetof(create_args, dtype)},
    {"|data", arg_object, offsetof(create_args, data)},
    H5_STORAGE_ROWS(create_args),
    {"$track_order", arg_object, offsetof(create_args, track_order)},
    {"$external", arg_object, offsetof(create_args, external)},
    ACCESS_ROWS,
    {"$_mappings", arg_object, offsetof(create_args, mappings)},
    {"$_attributes", arg_object, offsetof(create_args, attributes)},
    {"$_compact", arg_object, offsetof(create_args, compact)},
    {NULL, NULL, 0},
};

/* The dataset to make, and what to write into it. */
typedef struct plan {
    const char *name;
    collio_type type;
    int ndim;
    int64_t shape[COLLIO_MAX_DIMS];
    h5values data; /* view.keep == NULL: none */
    h5storage storage;
    PyObject *access; /* how it is to be open: a dict, or None */
} plan;

/* Whether data are to be stored just as they are. */
static int is_plain(const create_args *a)
{
    PyObject *dtype = array_dtype_of(a->data);

    return dtype != NULL && a->dtype == Py_None && a->shape == Py_None &&
           array_plain_type(dtype) != COLLIO_TYPE_COUNT;
}

static int plan_plain(const create_args *a, plan *p)
{
    if (array_view_any(a->data, 0, &p->data.view) < 0)
        return -1;
    p->type = p->data.view.type;
    p->ndim = p->data.view.ndim;
    memcpy(p->shape, p->data.view.shape, sizeof p->shape);
    return 0;
}

/* Data and type as collio._values makes of them what is stored. */
static int plan_data(const create_args *a, plan *p)
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
static int plan_elements(const create_args *a, plan *p)
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
static int take_list(create_args *a, PyObject **kept)
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
static PyObject *access_of(const create_args *a)
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
static PyObject *with_access(PyObject *dataset, const plan *p)
{
    if (dataset != NULL && p->access != NULL && p->access != Py_None &&
        PyObject_SetAttrString(dataset, "_hints", p->access) < 0)
        Py_CLEAR(dataset);
    return dataset;
}

static int plan_from(const h5object *self, const create_args *a, plan *p)
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
static void write_data(collio_object *dataset, const plan *p, collio_error *err)
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
static void take_back(h5object *self, const plan *p)
{
    collio_error second = COLLIO_ERROR_INIT;

    if (p->name != NULL)
        collio_link_delete(self->object, p->name, &second);
}

static PyObject *create(h5object *self, plan *p, joint *j)
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
    create_args a = nothing;
    plan p = {.name = "", .data = {.view = {.keep = NULL}, .keep = NULL}};
    PyObject *kept = NULL, *dataset;
    joint j;

    if (h5_ready((h5object *)object) < 0)
        return NULL;
    joint_begin(&j);
    if (args_parse("create_dataset", create_rows, &a, args, nargs, keywords) < 0 ||
        take_list(&a, &kept) < 0 || plan_from((h5object *)object, &a, &p) < 0)
        joint_fail(&j);
    dataset = with_access(create((h5object *)object, &p, &j), &p);
    Py_XDECREF(p.access);
    Py_XDECREF(kept);
    return dataset;
}

/* ------------------------------------------------------------------- require */

/* None where there are no extents. New. */
static PyObject *extents_of(int ndim, const int64_t *shape)
{
    return ndim < 0 ? Py_NewRef(Py_None) : memory_tuple(ndim, shape);
}

static int same_shape(h5object *dataset, const plan *p)
{
    int64_t shape[COLLIO_MAX_DIMS];
    int none = h5_is_null(dataset), ndim = none ? -1 : h5_shape(dataset, shape);
    PyObject *there, *wanted;

    if (ndim < 0 && !none)
        return -1;
    if (ndim == p->ndim && (none || memcmp(shape, p->shape, (size_t)ndim * sizeof *shape) == 0))
        return 0;
    there = extents_of(ndim, shape);
    wanted = extents_of(p->ndim, p->shape);
    if (there != NULL && wanted != NULL)
        PyErr_Format(PyExc_TypeError, "Shapes do not match (existing %R vs new %R)", there, wanted);
    Py_XDECREF(there);
    Py_XDECREF(wanted);
    return -1;
}

/* 1 if the maxshape asked for is that of the dataset; -1 with an exception. */
static int same_maximum(PyObject *dataset, const create_args *a)
{
    PyObject *there, *wanted;
    int same = 0;

    there = PyObject_GetAttrString(dataset, "maxshape");
    wanted = there == NULL ? NULL
                           : memory_call("collio._storage", "same_maximum", "(OO)",
                                         a->storage.maxshape, there);
    if (wanted != NULL)
        same = PyObject_RichCompareBool(there, wanted, Py_EQ);
    if (wanted != NULL && same == 0) {
        PyErr_Format(PyExc_TypeError, "Maxshapes do not match (existing %R vs new %R)", there,
                     wanted);
        same = -1;
    }
    Py_XDECREF(wanted);
    Py_XDECREF(there);
    return PyErr_Occurred() ? -1 : same;
}

static int same_type(PyObject *dataset, const plan *p, int exact)
{
    PyObject *there = PyObject_GetAttrString(dataset, "dtype"), *wanted = h5_dtype(p->type);
    PyObject *castable = NULL;
    int fits = -1;

    if (there != NULL && wanted != NULL && exact)
        fits = PyObject_RichCompareBool(there, wanted, Py_EQ);
    else if (there != NULL && wanted != NULL)
        castable = memory_call("numpy", "can_cast", "(OO)", wanted, there);
    if (castable != NULL)
        fits = PyObject_IsTrue(castable);
    if (fits == 0)
        PyErr_Format(PyExc_TypeError, "Datatypes %s (existing %S vs new %S)",
                     exact ? "do not exactly match" : "cannot be safely cast", there, wanted);
    Py_XDECREF(castable);
    Py_XDECREF(there);
    Py_XDECREF(wanted);
    return fits == 1 ? 0 : -1;
}

/* Its shape is that asked for, or may become it. */
static int fits_shape(PyObject *dataset, const plan *p, const create_args *a)
{
    if (same_shape((h5object *)dataset, p) == 0)
        return 1;
    if (a->storage.maxshape == Py_None || !PyErr_ExceptionMatches(PyExc_TypeError))
        return 0;
    PyErr_Clear();
    return same_maximum(dataset, a) > 0;
}

/* The dataset that is there, if it is what is asked for. */
static PyObject *existing(h5object *self, const plan *p, const create_args *a)
{
    PyObject *object = h5_open(self, p->name);
    int exact = PyObject_IsTrue(a->exact);

    if (object == NULL)
        return NULL;
    if (!is_a(state_of(object), object, TYPE_H5Dataset))
        PyErr_SetString(PyExc_TypeError, "Incompatible object (Group) already exists");
    else if (fits_shape(object, p, a) && same_type(object, p, exact) == 0)
        return object;
    Py_DECREF(object);
    return NULL;
}

/* NumPy's dtypes of str and objects, which cannot be stored, stand for that of the strings that
 * are there, which they can be cast to. */
static int fit_type(h5object *group, create_args *a, PyObject **fitting)
{
    PyObject *there = NULL, *dtype = NULL;
    const char *name;

    if (a->dtype == Py_None || arg_name(a->name, &name) < 0 || name[0] == '\0' ||
        h5_find(group, name) != COLLIO_KIND_DATASET) {
        PyErr_Clear(); /* it comes again */
        return 0;
    }
    there = h5_open(group, name);
    if (there != NULL)
        dtype = PyObject_GetAttrString(there, "dtype");
    if (dtype != NULL)
        *fitting = memory_call("collio._types", "fit_there", "(OOO)", a->dtype, dtype, a->exact);
    if (*fitting != NULL)
        a->dtype = *fitting;
    Py_XDECREF(dtype);
    Py_XDECREF(there);
    return *fitting == NULL ? -1 : 0;
}

PyDoc_STRVAR(require_doc,
             "require_dataset($self, name, shape, dtype, exact=False, data=None, *, chunks=None, "
             "maxshape=None, compression=None, compression_opts=None, shuffle=None, "
             "fletcher32=None, scaleoffset=None, fillvalue=None, fill_time=None, "
             "track_times=None, track_order=None, external=None, allow_unknown_filter=False, "
             "rdcc_nslots=None, rdcc_nbytes=None, rdcc_w0=None, efile_prefix=None, "
             "virtual_prefix=None, dcpl=None, dapl=None)\n--\n\n"
             "The dataset of that name, created if it is not there. TypeError if one with another "
             "shape,\nor with a type that cannot hold this one (exact: any other type), is. "
             "Collective.");

static PyObject *require_dataset(PyObject *object, PyObject *const *args, Py_ssize_t nargs,
                                 PyObject *keywords)
{
    static const param rows[] = {{"name", arg_object, offsetof(create_args, name)},
                                 {"shape", arg_object, offsetof(create_args, shape)},
                                 {"dtype", arg_object, offsetof(create_args, dtype)},
                                 {"|exact", arg_object, offsetof(create_args, exact)},
                                 {"|data", arg_object, offsetof(create_args, data)},
                                 H5_STORAGE_ROWS(create_args),
                                 {"$track_order", arg_object, offsetof(create_args, track_order)},
                                 {"$external", arg_object, offsetof(create_args, external)},
                                 ACCESS_ROWS,
                                 {NULL, NULL, 0}};
    create_args a = nothing;
    plan p = {.name = "", .data = {.view = {.keep = NULL}, .keep = NULL}};
    PyObject *there, *fitting = NULL;
    joint j;

    if (h5_ready((h5object *)object) < 0)
        return NULL;
    joint_begin(&j);
    if (args_parse("require_dataset", rows, &a, args, nargs, keywords) < 0 ||
        fit_type((h5object *)object, &a, &fitting) < 0 || plan_from((h5object *)object, &a, &p) < 0)
        joint_fail(&j);
    else if (h5_find((h5object *)object, p.name) != COLLIO_KIND_NONE) {
        h5_values_release(&p.data);
        h5_storage_forget(&p.storage);
        there = existing((h5object *)object, &p, &a);
        joint_fail(&j); /* if an exception is pending */
        Py_XDECREF(p.access);
        Py_XDECREF(fitting);
        return h5_agree_existing((h5object *)object, "require_dataset", p.name, there, &j);
    }
    there = with_access(create((h5object *)object, &p, &j), &p);
    Py_XDECREF(p.access);
    Py_XDECREF(fitting);
    return there;
}

PyMethodDef h5create_methods[] = {
    {"create_dataset", FAST(h5_create_dataset), FASTCALL, create_doc},
    {"require_dataset", FAST(require_dataset), FASTCALL, require_doc},
    {NULL, NULL, 0, NULL},
};
