/*
 * Plain objects without pickle: None, numbers (complex ones too), texts and bytes; lists, tuples
 * and dictionaries of such; objects that are nothing but what is in their dictionary, where the
 * class has no say in that (plain_class.c); and plain arrays in them, whose elements may lie apart
 * (parcel_without_gaps()). pickle spends most of its time on a small object with getting ready, and
 * on an array with Python code.
 *
 * What is written is a pickle that pickle can read, unless there are arrays in it. What is read is
 * what is written here; all else is left to pickle.
 */
#ifndef COLLIO_PLAIN_H
#define COLLIO_PLAIN_H

#include "bindings.h"

/* Objects of more bytes or items (arrays not counted) are pickle's business. */
enum { PLAIN_BYTES = 4096, PLAIN_ITEMS = 256 };

/*
 * Write an object.
 *   arrays   out  new list of the arrays in it (each once), NULL if there are none
 *   to       out  room for PLAIN_BYTES
 * Returns the number of bytes; 0 for an object that is not plain; -1 with an exception.
 */
Py_ssize_t plain_write(PyObject *object, PyObject **arrays, char *to);

/*
 * Read an object.
 *   arrays   in   list of the arrays in it, in their order; NULL: there are none
 * New; NULL without an exception for what is not written by plain_write().
 */
PyObject *plain_read(const char *from, Py_ssize_t size, PyObject *arrays);

#endif
