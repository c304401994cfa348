/* MPI.Datatype taken apart: the numbers and types that a type was made of. */
#include "datatype.h"

#include <string.h>

static MPI_Datatype mpi_of(PyObject *self)
{
    return ((handle *)self)->mpi.datatype;
}

int datatype_envelope(MPI_Datatype type, envelope *out)
{
#if MPI_VERSION >= 4
    return mpi_failed(MPI_Type_get_envelope_c(type, &out->integers, &out->addresses, &out->counts,
                                              &out->types, &out->combiner),
                      "MPI_Type_get_envelope");
#else
    int integers = 0, addresses = 0, types = 0;

    if (mpi_failed(MPI_Type_get_envelope(type, &integers, &addresses, &types, &out->combiner),
                   "MPI_Type_get_envelope") < 0)
        return -1;
    *out = (envelope){integers, addresses, 0, types, out->combiner};
    return 0;
#endif
}

/* ------------------------------------------------------------------------- contents */

void datatype_contents_release(contents *c)
{
    PyMem_Free(c->integers);
    PyMem_Free(c->addresses);
    PyMem_Free(c->counts);
    PyMem_Free(c->types);
}

static int contents_ask(MPI_Datatype type, contents *c)
{
#if MPI_VERSION >= 4
    return MPI_Type_get_contents_c(type, c->e.integers, c->e.addresses, c->e.counts, c->e.types,
                                   c->integers, c->addresses, c->counts, c->types);
#else
    return MPI_Type_get_contents(type, (int)c->e.integers, (int)c->e.addresses, (int)c->e.types,
                                 c->integers, c->addresses, c->types);
#endif
}

int datatype_contents(MPI_Datatype type, contents *c)
{
    memset(c, 0, sizeof *c);
    if (datatype_envelope(type, &c->e) < 0)
        return -1;
    c->integers = PyMem_Calloc((size_t)c->e.integers + 1, sizeof *c->integers);
    c->addresses = PyMem_Calloc((size_t)c->e.addresses + 1, sizeof *c->addresses);
    c->counts = PyMem_Calloc((size_t)c->e.counts + 1, sizeof *c->counts);
    c->types = PyMem_Calloc((size_t)c->e.types + 1, sizeof *c->types);
    if (c->integers == NULL || c->addresses == NULL || c->counts == NULL || c->types == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    return mpi_failed(contents_ask(type, c), "MPI_Type_get_contents");
}

int datatype_copied(MPI_Datatype type, MPI_Datatype *out)
{
    contents c;
    int failed = datatype_contents(type, &c) < 0;

    *out = failed ? MPI_DATATYPE_NULL : c.types[0];
    datatype_contents_release(&c);
    return failed ? -1 : 0;
}

int datatype_drop(MPI_Datatype *type)
{
    envelope e;

    if (datatype_envelope(*type, &e) < 0)
        return -1;
    return combiner_is_predefined(e.combiner) ? 0
                                              : mpi_failed(MPI_Type_free(type), "MPI_Type_free");
}

PyObject *datatype_wrap(PyTypeObject *class, MPI_Datatype type)
{
    any_handle mpi = {.datatype = type};
    envelope e;

    if (datatype_envelope(type, &e) < 0)
        return NULL;
    return combiner_is_predefined(e.combiner) ? handle_make(class, KIND_datatype, mpi)
                                              : handle_own(class, KIND_datatype, mpi);
}

/* ------------------------------------------------------------------- as Python lists */

PyObject *datatype_count_list(const MPI_Count *values, MPI_Count n)
{
    PyObject *list = PyList_New((Py_ssize_t)n);

    for (Py_ssize_t i = 0; list != NULL && i < (Py_ssize_t)n; i++) {
        PyObject *item = PyLong_FromLongLong(values[i]);
        if (item == NULL)
            Py_CLEAR(list);
        else
            PyList_SET_ITEM(list, i, item);
    }
    return list;
}

PyObject *datatype_address_list(const MPI_Aint *values, MPI_Count n)
{
    PyObject *list = PyList_New((Py_ssize_t)n);

    for (Py_ssize_t i = 0; list != NULL && i < (Py_ssize_t)n; i++) {
        PyObject *item = PyLong_FromSsize_t((Py_ssize_t)values[i]);
        if (item == NULL)
            Py_CLEAR(list);
        else
            PyList_SET_ITEM(list, i, item);
    }
    return list;
}

PyObject *datatype_type_list(state *st, const contents *c)
{
    PyObject *list = PyList_New((Py_ssize_t)c->e.types);

    for (Py_ssize_t i = 0; list != NULL && i < (Py_ssize_t)c->e.types; i++) {
        PyObject *item = datatype_wrap(st->types[TYPE_Datatype], c->types[i]);
        if (item == NULL)
            Py_CLEAR(list);
        else
            PyList_SET_ITEM(list, i, item);
    }
    return list;
}

PyObject *datatype_Get_envelope(PyObject *self, PyObject *Py_UNUSED(none))
{
    envelope e;

    if (mpi_ready(state_of(self)) < 0 || datatype_envelope(mpi_of(self), &e) < 0)
        return NULL;
    return Py_BuildValue("(LLLLi)", (long long)e.integers, (long long)e.addresses,
                         (long long)e.counts, (long long)e.types, e.combiner);
}

PyObject *datatype_Get_contents(PyObject *self, PyObject *Py_UNUSED(none))
{
    PyObject *result = NULL;
    contents c;

    if (mpi_ready(state_of(self)) < 0)
        return NULL;
    if (datatype_contents(mpi_of(self), &c) == 0)
        result = Py_BuildValue("(NNNN)", ints_to_list(c.integers, (int)c.e.integers),
                               datatype_address_list(c.addresses, c.e.addresses),
                               datatype_count_list(c.counts, c.e.counts),
                               datatype_type_list(state_of(self), &c));
    datatype_contents_release(&c);
    return result;
}

PyObject *datatype_get_combiner(PyObject *self, void *Py_UNUSED(none))
{
    envelope e;

    if (mpi_ready(state_of(self)) < 0 || datatype_envelope(mpi_of(self), &e) < 0)
        return NULL;
    return PyLong_FromLong(e.combiner);
}
