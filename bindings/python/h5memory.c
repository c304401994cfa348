/* Elements of any type on their way between Python and the library. What has a variable length is
 * Python objects on one side and pointers on the other: collio._elements turns one into the other.
 */
#include "h5.h"

#include <string.h>

/* ----------------------------------------------------------------------- reading */

/* Memory of zeros for elements that hold pointers: no array of the program. New. */
static PyObject *raw_array(collio_type type, int64_t count, void **data)
{
    PyObject *name = PyUnicode_FromFormat("V%zu", collio_type_size(type)), *dtype = NULL, *array;

    if (name != NULL)
        dtype = memory_call("numpy", "dtype", "(O)", name);
    array = dtype == NULL ? NULL : array_new_any(dtype, 1, &count, data);
    if (array != NULL)
        memset(*data, 0, (size_t)count * collio_type_size(type));
    Py_XDECREF(dtype);
    Py_XDECREF(name);
    return array;
}

/* Asked for types that are no constants only. */
int h5_is_objects(collio_type type)
{
    PyObject *dtype, *answer = NULL;
    int result;

    if (type <= COLLIO_TYPE_COUNT || collio_type_variable(type))
        return type > COLLIO_TYPE_COUNT;
    dtype = h5_dtype(type);
    if (dtype != NULL)
        answer = PyObject_GetAttrString(dtype, "hasobject");
    result = answer == NULL ? 0 : PyObject_IsTrue(answer) > 0;
    PyErr_Clear();
    Py_XDECREF(answer);
    Py_XDECREF(dtype);
    return result;
}

int h5_room(PyObject *dtype, collio_type stored, int ndim, const int64_t *shape, h5room *out)
{
    collio_type type;
    void *data = NULL;

    out->array = NULL;
    out->dtype = dtype != NULL ? Py_NewRef(dtype) : h5_dtype(stored);
    if (out->dtype == NULL)
        return -1;
    type = h5_type(out->dtype);
    if (type == COLLIO_TYPE_COUNT)
        goto done;
    collio_array_fill(&out->memory, NULL, type, ndim, shape);
    if (h5_is_objects(type))
        out->array = raw_array(type, collio_array_size(&out->memory), &data);
    else
        out->array = array_new_any(out->dtype, ndim, shape, &data);
    /* Fields that the dataset has not stay as they are. */
    if (out->array != NULL && type > COLLIO_TYPE_COUNT && type != stored)
        memset(data, 0, (size_t)collio_array_size(&out->memory) * collio_type_size(type));
    out->memory.data = data;
done:
    if (out->array == NULL)
        Py_CLEAR(out->dtype);
    return out->array == NULL ? -1 : 0;
}

/* Turn pointers into objects, and free what they point to. New. */
static PyObject *load(h5room *room)
{
    const collio_array *m = &room->memory;
    collio_error err = COLLIO_ERROR_INIT;
    PyObject *flat, *shape, *array = NULL;
    PyThreadState *saved;

    flat = memory_call("collio._elements", "load", "(OiO)", room->array, (int)m->type, room->dtype);
    saved = io_enter();
    collio_type_reclaim(m->type, m->data, collio_array_size(m), &err);
    io_leave(saved);
    shape = memory_tuple(m->ndim, m->shape);
    if (flat != NULL && shape != NULL)
        array = memory_call("collio._elements", "reshape", "(OO)", flat, shape);
    Py_XDECREF(shape);
    Py_XDECREF(flat);
    return array;
}

PyObject *h5_room_take(h5room *room, int good)
{
    PyObject *array = NULL;

    if (good && room->array != NULL)
        array = h5_is_objects(room->memory.type) ? load(room) : Py_NewRef(room->array);
    Py_CLEAR(room->array);
    Py_CLEAR(room->dtype);
    return array;
}

/* ----------------------------------------------------------------------- writing */

int h5_values_take(PyObject *array, collio_type type, int ndim, PyObject *keep, h5values *out)
{
    out->keep = NULL;
    if (array_view_any(array, 0, &out->view) < 0)
        return -1;
    out->view.type = type;
    out->view.ndim = ndim;
    out->keep = Py_NewRef(keep);
    return 0;
}

int h5_values(PyObject *object, collio_type stored, PyObject *names, h5values *out)
{
    PyObject *made, *array, *keep;
    int type, ndim, result = -1;

    out->keep = NULL;
    out->view.keep = NULL;
    made = memory_call("collio._values", "prepare", "(OiO)", object, (int)stored,
                       names != NULL ? names : Py_None);
    if (made != NULL && PyArg_ParseTuple(made, "OiiO", &array, &type, &ndim, &keep))
        result = h5_values_take(array, (collio_type)type, ndim, keep, out);
    Py_XDECREF(made);
    return result;
}

void h5_values_release(h5values *values)
{
    array_view_release(&values->view);
    Py_CLEAR(values->keep);
}
