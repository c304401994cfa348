/* Memory for objects that arrive (parcel.h). */
#include "parcel.h"
#include "plain.h"

/* Made empty at first: without memory PyByteArray_FromStringAndSize() of Python 3.11 looks at
 * fields that it has not set, and may say that the program has failed. */
PyObject *parcel_room(Py_ssize_t size, void **data)
{
    PyObject *room = PyByteArray_FromStringAndSize(NULL, 0);

    if (room != NULL && PyByteArray_Resize(room, size) < 0)
        Py_CLEAR(room);
    if (room != NULL)
        *data = PyByteArray_AS_STRING(room);
    return room;
}

/*
 * An array to receive a load of `size` bytes into. Memory is copied 10 % faster between places that
 * lie alike in their cache lines; NumPy's own memory is better where it asks for large pages. New.
 */
PyObject *parcel_array(const char *description, int words, int64_t size, void **data)
{
    enum { LARGE_PAGES = 1 << 22 };
    PyObject *owner, *array;

    if (size >= LARGE_PAGES)
        return array_of(description, words, NULL, data);
    owner = parcel_room((Py_ssize_t)size + 64, data);
    if (owner == NULL)
        return NULL;
    *data = (char *)*data + (((uintptr_t)array_place(description) - (uintptr_t)*data) & 63);
    array = array_of(description, words, owner, data);
    Py_DECREF(owner);
    return array;
}
