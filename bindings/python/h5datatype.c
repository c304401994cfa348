/* collio.Datatype: a named type, an object of a file. */
#include "h5.h"

#include <string.h>

int h5_commit(h5object *group, const char *name, PyObject *dtype, joint *j)
{
    collio_type type = j->err.code == COLLIO_OK ? h5_type(dtype) : COLLIO_TYPE_COUNT;
    PyThreadState *saved;

    if (j->err.code == COLLIO_OK && type == COLLIO_TYPE_COUNT)
        joint_fail(j);
    saved = io_enter();
    collio_datatype_create(group->object, name, type, NULL, &j->err);
    io_leave(saved);
    if (j->err.code == COLLIO_ERR_VALUE && name[0] != '\0') /* as in h5py */
        j->err.code = COLLIO_ERR_TYPE;
    return joint_end(j);
}

collio_object *h5_named_type(const h5object *self, PyObject *dtype)
{
    const h5object *named = (const h5object *)dtype;

    if (dtype == NULL || !is_a(state_of((PyObject *)self), dtype, TYPE_H5Datatype) ||
        named->object == NULL || named->file->handle != self->file->handle)
        return NULL;
    return named->object;
}

PyObject *h5_shared_type(h5object *self, const char *attribute)
{
    collio_error err = COLLIO_ERROR_INIT;
    collio_object *named = NULL;
    PyThreadState *saved;

    if (h5_ready(self) < 0)
        return NULL;
    saved = io_enter();
    collio_datatype_of(self->object, attribute, &named, &err);
    io_leave(saved);
    if (err.code != COLLIO_OK)
        return raise_from(&err);
    return named == NULL ? Py_NewRef(Py_None) : h5_wrap(self->file, named);
}

static PyObject *get_dtype(PyObject *object, void *Py_UNUSED(none))
{
    h5object *self = (h5object *)object;
    collio_error err = COLLIO_ERROR_INIT;
    PyThreadState *saved;
    collio_type type;

    if (h5_ready(self) < 0)
        return NULL;
    saved = io_enter();
    collio_datatype_type(self->object, &type, &err);
    io_leave(saved);
    return err.code != COLLIO_OK ? raise_from(&err) : h5_dtype(type);
}

static PyObject *datatype_repr(PyObject *object)
{
    h5object *self = (h5object *)object;
    PyObject *dtype, *text;
    const char *name, *slash;

    if (!PyObject_IsTrue(object))
        return PyUnicode_FromString("<Closed HDF5 named type>");
    dtype = get_dtype(object, NULL);
    if (dtype == NULL)
        return NULL;
    Py_SETREF(dtype, PyObject_GetAttrString(dtype, "str"));
    if (dtype == NULL)
        return NULL;
    name = collio_object_name(self->object);
    slash = strrchr(name, '/');
    if (name[0] == '\0')
        text = PyUnicode_FromFormat("<HDF5 named type (anonymous) (dtype %S)>", dtype);
    else
        text = PyUnicode_FromFormat("<HDF5 named type \"%s\" (dtype %S)>",
                                    slash != NULL ? slash + 1 : name, dtype);
    Py_DECREF(dtype);
    return text;
}

static PyGetSetDef datatype_getset[] = {
    {"dtype", get_dtype, NULL, "the type as NumPy knows it", NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

PyDoc_STRVAR(datatype_doc, "A named type of an HDF5 file, as group[name] = dtype makes it. Not "
                           "collective to look at.");

static PyType_Slot datatype_slots[] = {
    {Py_tp_doc, (void *)datatype_doc},
    {Py_tp_new, h5_new_from},
    {Py_tp_repr, datatype_repr},
    {Py_tp_getset, datatype_getset},
    {0, NULL},
};

PyType_Spec H5Datatype_spec = {
    .name = "collio.Datatype",
    .basicsize = sizeof(h5object),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE,
    .slots = datatype_slots,
};
