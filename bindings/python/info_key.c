/* Hints by their keys, in whatever state MPI is. */
#include "info.h"

#include <string.h>

/* The value of a key as str, or NULL without an exception if there is none. New. */
static PyObject *value_of(PyObject *self, const char *key)
{
    char *value;
    int length = 0, found = 0;
    PyObject *text = NULL;

    if (mpi_failed(MPI_Info_get_valuelen(info_of(self), key, &length, &found),
                   "MPI_Info_get_valuelen") < 0 ||
        !found)
        return NULL;
    value = PyMem_Calloc((size_t)length + 1, 1);
    if (value == NULL)
        return PyErr_NoMemory();
    if (mpi_failed(MPI_Info_get(info_of(self), key, length, value, &found), "MPI_Info_get") == 0)
        text = PyUnicode_DecodeUTF8(value, (Py_ssize_t)strlen(value), "replace");
    PyMem_Free(value);
    return text;
}

/* Before Init and after Finalize what MPI refuses would end the process. */
int info_ready(PyObject *self)
{
    state *st = state_of(self);

    return info_of(self) == MPI_INFO_NULL ? mpi_ready(st) : mpi_ready_early(st);
}

/* MPI refuses MPI_INFO_NULL; as a mapping it is empty. */
int info_mpi_count(PyObject *self)
{
    int n = 0;

    if (info_ready(self) < 0 ||
        mpi_failed(MPI_Info_get_nkeys(info_of(self), &n), "MPI_Info_get_nkeys") < 0)
        return -1;
    return n;
}

int info_count(PyObject *self)
{
    return info_of(self) == MPI_INFO_NULL ? 0 : info_mpi_count(self);
}

PyObject *info_key_at(PyObject *self, int i)
{
    char key[MPI_MAX_INFO_KEY + 1] = "";

    if (mpi_failed(MPI_Info_get_nthkey(info_of(self), i, key), "MPI_Info_get_nthkey") < 0)
        return NULL;
    return PyUnicode_FromString(key);
}

int info_refuse_early(int wrong, int code, const char *name)
{
    return wrong && !life_usable() ? mpi_failed(code, name) : 0;
}

int info_take_key(PyObject *self, PyObject *object, const char **key)
{
    if (info_ready(self) < 0 || arg_string(object, key) < 0)
        return -1;
    return info_refuse_early(**key == '\0' || strlen(*key) > MPI_MAX_INFO_KEY, MPI_ERR_INFO_KEY,
                             "MPI_Info_get");
}

/* The value, or None. */
PyObject *info_lookup(PyObject *self, PyObject *arg, int (*count)(PyObject *))
{
    const char *key;
    PyObject *value;
    int n;

    if (arg_string(arg, &key) < 0)
        return NULL;
    n = count(self);
    if (n > 0 && info_take_key(self, arg, &key) < 0)
        return NULL;
    value = n > 0 ? value_of(self, key) : NULL;
    return value == NULL && !PyErr_Occurred() ? Py_NewRef(Py_None) : value;
}

int info_refuse_fixed(PyObject *self, const char *name)
{
    return info_refuse_early(info_of(self) == MPI_INFO_ENV, MPI_ERR_INFO, name);
}

int info_put(PyObject *self, PyObject *key_object, PyObject *value_object)
{
    const char *key, *value;

    if (info_take_key(self, key_object, &key) < 0 || arg_string(value_object, &value) < 0 ||
        info_refuse_early(*value == '\0' || strlen(value) > MPI_MAX_INFO_VAL, MPI_ERR_INFO_VALUE,
                          "MPI_Info_set") < 0 ||
        info_refuse_fixed(self, "MPI_Info_set") < 0)
        return -1;
    return mpi_failed(MPI_Info_set(info_of(self), key, value), "MPI_Info_set");
}
