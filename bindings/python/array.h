/*
 * What array.c and array_elements.c, which know NumPy, do for the others. Included by bindings.h.
 */
#ifndef COLLIO_BINDINGS_ARRAY_H
#define COLLIO_BINDINGS_ARRAY_H

/* An array as it lies in memory, for calls that take strided data. */
typedef struct array_view {
    PyObject *keep; /* owns the memory; array_view_release() */
    char *data;
    int ndim;
    int64_t shape[COLLIO_MAX_DIMS];   /* elements */
    int64_t strides[COLLIO_MAX_DIMS]; /* bytes, may be negative */
    collio_type type;
    int writable;
    int contiguous; /* C order without gaps */
} array_view;

int array_setup(void);

/* An array for an object without the buffer protocol, by the other protocols that arrays have
 * (__dlpack__, __array_interface__); None if it has none. Memory of a device: BufferError. New. */
PyObject *array_exported(PyObject *object);

/* NumPy's binary interface, as built for and as loaded: its layout and its functions. */
void array_interface(unsigned built[2], unsigned now[2]);

/*
 * View an object as a strided array, without a copy if it is an array or has
 * the buffer protocol, else (a number, nested lists) through numpy.asarray.
 *   writable  in  refuse what cannot be written to, or would be a copy
 * Errors: TypeError, BufferError (byte order), ValueError.
 */
int array_view_from(PyObject *object, int writable, array_view *out);
void array_view_release(array_view *view);

/*
 * The same whatever the elements are: out->type is that of array_plain_type(). `object` must be
 * an array.
 */
int array_view_any(PyObject *object, int writable, array_view *out);

/* A new C-ordered array of any dtype, not initialised (objects: None). New. */
PyObject *array_new_any(PyObject *dtype, int ndim, const int64_t *shape, void **data);

/* Whether an object is a dtype. */

/* The dtype of an array; borrowed. NULL, without an exception, for other objects. */
PyObject *array_dtype_of(PyObject *object);

/* Whether an object is one of NumPy's scalars. */
int array_is_scalar(PyObject *object);
int array_ndim(PyObject *array);
int array_is_dtype(PyObject *object);

/* What numpy.dtype(object) makes of it. New. */
PyObject *array_dtype_like(PyObject *object);

/* A new C-ordered array, not initialised; *data is its memory. New. */
PyObject *array_new(collio_type type, int ndim, const int64_t *shape, void **data);

/* Whether an object is nothing but numbers in C order, as described here: a plain array. */
int array_is_plain(PyObject *object);

/* Whether an array cannot be written to. */
int array_is_fixed(PyObject *array);

/* Whether it is none because its elements lie apart. Its bytes without what lies between. And copy
 * the elements of an array to one of that shape. 0, -1. */
int array_has_gaps(PyObject *object);
int64_t array_bytes(PyObject *object);
int array_copy(PyObject *to, PyObject *from);

/* Type and shape of such an array, the number of words that takes; and an array made from them:
 * over memory of `owner` at *data, or (NULL) over its own, whose place is stored there. New. */
typedef int64_t array_words[1 + COLLIO_MAX_DIMS];
int array_describe(PyObject *object, array_words to);
int array_place(const char *description); /* of its data in their cache line: 0 to 63 */
PyObject *array_of(const char *description, int words, PyObject *owner, void **data);

/* The class of arrays; borrowed. And the plain array of that description (`size` bytes, which are
 * not trusted) over the memory of a memoryview: read-only where that is. New. */
PyObject *array_class(void);
PyObject *array_restore(const char *description, Py_ssize_t size, PyObject *view);

/* A 0-d array's element as a NumPy scalar; other arrays as they are. Steals. */
PyObject *array_scalar(PyObject *array);

/* collio_type <-> anything numpy.dtype() takes. COLLIO_TYPE_COUNT: TypeError. */
PyObject *array_dtype(collio_type type); /* new */

/* The constant that is exactly this dtype (a dtype object) in memory: not another byte order, no
 * enumeration. COLLIO_TYPE_COUNT, without an exception, where there is none. */
collio_type array_plain_type(PyObject *dtype);
collio_type array_type_from(PyObject *dtype);

#endif
