/* What HDF5 knows of files and objects, for collio.handles; and the hints given to open a file. */
#include "h5.h"

PyDoc_STRVAR(facts_doc, "_facts($self, /)\n--\n\nWhat HDF5 knows of the object, a dict. Not "
                        "collective.");

static PyObject *object_facts(PyObject *object, PyObject *Py_UNUSED(none))
{
    h5object *self = (h5object *)object;
    collio_error err = COLLIO_ERROR_INIT;
    collio_object_record f;
    PyThreadState *saved;

    if (h5_ready(self) < 0)
        return NULL;
    saved = io_enter();
    collio_object_look(self->object, &f, &err);
    io_leave(saved);
    if (err.code != COLLIO_OK)
        return raise_from(&err);
    return Py_BuildValue("{sL sL sL si si si si si si si}", "links", (long long)f.links, "changed",
                         (long long)f.changed, "modified", (long long)f.modified, "link_order",
                         f.link_order, "attribute_order", f.attribute_order, "track_times",
                         f.track_times, "attributes_compact", f.attributes_compact,
                         "attributes_dense", f.attributes_dense, "fill_defined", f.fill_defined,
                         "alloc_time", f.alloc_time);
}

PyDoc_STRVAR(file_facts_doc, "_file_facts($self, /)\n--\n\nWhat HDF5 knows of the file of the "
                             "object, a dict. Not collective.");

static PyObject *file_facts(PyObject *object, PyObject *Py_UNUSED(none))
{
    h5object *self = (h5object *)object;
    collio_error err = COLLIO_ERROR_INIT;
    collio_file_record f;
    PyThreadState *saved;

    if (h5_ready(self) < 0)
        return NULL;
    saved = io_enter();
    collio_file_look(self->file->handle, &f, &err);
    io_leave(saved);
    if (err.code != COLLIO_OK)
        return raise_from(&err);
    return Py_BuildValue(
        "{sN si si si si sL sL sL sd s(LLLi)}", "path",
        PyUnicode_DecodeFSDefault(collio_file_path(self->file->handle)), "address_bytes",
        f.address_bytes, "length_bytes", f.length_bytes, "strategy", f.strategy, "persist",
        f.persist, "threshold", (long long)f.threshold, "page_size", (long long)f.page_size,
        "unused", (long long)f.unused, "hit_rate", f.hit_rate, "cache", (long long)f.cache_most,
        (long long)f.cache_clean, (long long)f.cache_now, f.cache_pieces);
}

PyDoc_STRVAR(write_chunk_doc, "_write_chunk($self, offset, skipped, data, /)\n--\n\nWrite a "
                              "filtered chunk. Collective.");

static PyObject *write_chunk(PyObject *object, PyObject *args)
{
    h5object *self = (h5object *)object;
    int64_t offset[COLLIO_MAX_DIMS], shape[COLLIO_MAX_DIMS];
    Py_buffer data = {.buf = NULL};
    PyObject *at = NULL;
    unsigned skipped = 0;
    PyThreadState *saved;
    int ndim;
    joint j;

    if (h5_ready(self) < 0)
        return NULL;
    joint_begin(&j);
    ndim = h5_is_null(self) ? 0 : h5_shape(self, shape);
    if (!PyArg_ParseTuple(args, "OIy*", &at, &skipped, &data))
        joint_fail(&j);
    else if (memory_extents(at, "offsets", offset) != ndim) {
        if (!PyErr_Occurred())
            PyErr_Format(PyExc_TypeError, "offsets must be a tuple of %d numbers", ndim);
        joint_fail(&j);
    }
    saved = io_enter();
    collio_dataset_write_chunk(self->object, offset, skipped, data.buf, (size_t)data.len, &j.err);
    io_leave(saved);
    if (data.obj != NULL)
        PyBuffer_Release(&data);
    if (joint_end(&j) < 0)
        return NULL;
    Py_RETURN_NONE;
}

PyMethodDef h5chunk_methods[] = {
    {"_write_chunk", write_chunk, METH_VARARGS, write_chunk_doc},
    {NULL, NULL, 0, NULL},
};

PyDoc_STRVAR(open_in_doc, "_open_in($self, name, external, mapped, /)\n--\n\nA dataset, with "
                          "directories of its other files. Not collective.");

static const char *bytes_or_none(PyObject *given)
{
    return given == Py_None ? NULL : PyBytes_AsString(given);
}

static PyObject *open_in(PyObject *object, PyObject *args)
{
    h5object *self = (h5object *)object;
    PyObject *external, *mapped;
    const char *name, *in[2];
    collio_error err = COLLIO_ERROR_INIT;
    collio_object *dataset = NULL;
    PyThreadState *saved;

    if (h5_ready(self) < 0 || !PyArg_ParseTuple(args, "sOO", &name, &external, &mapped))
        return NULL;
    in[0] = bytes_or_none(external);
    in[1] = bytes_or_none(mapped);
    if (PyErr_Occurred())
        return NULL;
    saved = io_enter();
    collio_dataset_open_in(self->object, name, in[0], in[1], &dataset, &err);
    io_leave(saved);
    return err.code != COLLIO_OK ? raise_from(&err) : h5_wrap(self->file, dataset);
}

static PyObject *shared_type(PyObject *object, PyObject *Py_UNUSED(none))
{
    return h5_shared_type((h5object *)object, NULL);
}

PyMethodDef h5facts_methods[] = {
    {"_open_in", open_in, METH_VARARGS, open_in_doc},
    {"_shared_type", shared_type, METH_NOARGS,
     "_shared_type($self, /)\n--\n\nThe named type of a dataset's elements, or None. Not "
     "collective."},
    {"_facts", object_facts, METH_NOARGS, facts_doc},
    {"_file_facts", file_facts, METH_NOARGS, file_facts_doc},
    {NULL, NULL, 0, NULL},
};
