/* Arrays of other libraries by the DLPack protocol, as far as they lie in memory of the host. */
#include "dlpack.h"

#include <string.h>
#include <unistd.h>

/* The protocol's structures: before version 1 (capsules named "dltensor"), and since. */
typedef struct dl_tensor {
    void *data;
    struct {
        int32_t type, id;
    } device;
    int32_t ndim;
    struct {
        uint8_t code, bits;
        uint16_t lanes;
    } dtype;
    int64_t *shape, *strides; /* in elements; strides NULL: C order */
    uint64_t offset;
} dl_tensor;

typedef struct dl_managed {
    dl_tensor tensor;
    void *context;
    void (*deleter)(struct dl_managed *self);
} dl_managed;

enum { CPU = 1 };

typedef struct dl_versioned {
    uint32_t major, minor;
    void *context;
    void (*deleter)(struct dl_versioned *self);
    uint64_t flags;
    dl_tensor tensor;
} dl_versioned;

#define READ_ONLY UINT64_C(1)

/* Letters of NumPy's type strings by the protocol's codes. */
static const char letters[] = {[0] = 'i', [1] = 'u', [2] = 'f', [5] = 'c', [6] = 'b'};

/* Whether the byte can be read: a system call says so, where an access would end the process. */
static int is_readable(const char *at)
{
    int ends[2], got;

    if (pipe(ends) < 0)
        return 1;
    got = write(ends[1], at, 1) == 1;
    close(ends[0]);
    close(ends[1]);
    return got;
}

int dlpack_refuse_device(const void *data, int64_t nbytes)
{
    const char *first = data;

    if (nbytes <= 0 || (is_readable(first) && is_readable(first + nbytes - 1)))
        return 0;
    PyErr_SetString(PyExc_BufferError,
                    "the array lies in the memory of a device, which this library does not reach: "
                    "copy it to host memory first");
    return -1;
}

/* The owner's function may be one of Python's, which must not meet with a pending exception. */
static void delete_managed(PyObject *capsule)
{
    dl_managed *managed = PyCapsule_GetPointer(capsule, DLPACK_KEEP);
    PyObject *type, *value, *trace;

    PyErr_Fetch(&type, &value, &trace);
    if (managed->deleter != NULL)
        managed->deleter(managed);
    PyErr_Restore(type, value, trace);
}

static void delete_versioned(PyObject *capsule)
{
    dl_versioned *managed = PyCapsule_GetPointer(capsule, DLPACK_KEEP);
    PyObject *type, *value, *trace;

    PyErr_Fetch(&type, &value, &trace);
    if (managed->deleter != NULL)
        managed->deleter(managed);
    PyErr_Restore(type, value, trace);
}

static int refuse(const char *what)
{
    PyErr_Format(PyExc_BufferError, "__dlpack__: %s", what);
    return -1;
}

static int check_type(const dl_tensor *t)
{
    int known = t->dtype.code < sizeof letters && letters[t->dtype.code] != '\0';

    if (known && t->dtype.lanes == 1 && t->dtype.bits % 8 == 0 && t->dtype.bits > 0)
        return 0;
    PyErr_Format(PyExc_BufferError, "a DLPack array of type code %d with %d bits is of no use here",
                 t->dtype.code, t->dtype.bits);
    return -1;
}

/* Extents and strides; returns the bytes of all elements, or -1. */
static int64_t describe_shape(const dl_tensor *t, dlpack_view *out)
{
    int64_t item = t->dtype.bits / 8, size = item;

    if (t->ndim < 0 || t->ndim > DLPACK_DIMS || (t->ndim > 0 && t->shape == NULL))
        return refuse("this number of dimensions is of no use here");
    for (int64_t i = t->ndim - 1; i >= 0; i--) {
        if (t->shape[i] < 0)
            return refuse("an extent is negative");
        out->shape[i] = t->shape[i];
        out->strides[i] = t->strides != NULL ? t->strides[i] * item : size;
        size *= t->shape[i];
    }
    return size;
}

static int describe(const dl_tensor *t, dlpack_view *out)
{
    int64_t size = check_type(t) < 0 ? -1 : describe_shape(t, out);

    if (size < 0)
        return -1;
    if (t->data == NULL && size > 0)
        return refuse("there is no memory for the elements");
    snprintf(out->typestr, sizeof out->typestr, "%c%d", letters[t->dtype.code], t->dtype.bits / 8);
    out->data = (char *)t->data + t->offset;
    out->ndim = t->ndim;
    return t->device.type == CPU ? 0 : dlpack_refuse_device(out->data, size);
}

/* Take what a capsule of either version holds; it is ours to delete from then on. */
static int take(PyObject *capsule, dlpack_view *out)
{
    void *managed;

    if (PyCapsule_IsValid(capsule, "dltensor")) {
        managed = PyCapsule_GetPointer(capsule, "dltensor");
        out->readonly = 0;
        if (describe(&((dl_managed *)managed)->tensor, out) < 0)
            return -1;
        out->keep = PyCapsule_New(managed, DLPACK_KEEP, delete_managed);
        return out->keep == NULL ? -1 : PyCapsule_SetName(capsule, "used_dltensor");
    }
    if (!PyCapsule_IsValid(capsule, "dltensor_versioned"))
        return refuse("what it returns is no capsule of DLPack's");
    managed = PyCapsule_GetPointer(capsule, "dltensor_versioned");
    if (((dl_versioned *)managed)->major != 1)
        return refuse("this version is not known here");
    out->readonly = (((dl_versioned *)managed)->flags & READ_ONLY) != 0;
    if (describe(&((dl_versioned *)managed)->tensor, out) < 0)
        return -1;
    out->keep = PyCapsule_New(managed, DLPACK_KEEP, delete_versioned);
    return out->keep == NULL ? -1 : PyCapsule_SetName(capsule, "used_dltensor_versioned");
}

/* Ask for version 1; libraries that are older take no such argument. New. */
static PyObject *obtain(PyObject *object)
{
    PyObject *method = PyObject_GetAttrString(object, "__dlpack__"), *none = PyTuple_New(0);
    PyObject *version = Py_BuildValue("{s:(ii)}", "max_version", 1, 0), *capsule = NULL;

    if (method != NULL && none != NULL && version != NULL) {
        capsule = PyObject_Call(method, none, version);
        if (capsule == NULL && PyErr_ExceptionMatches(PyExc_TypeError)) {
            PyErr_Clear();
            capsule = PyObject_CallNoArgs(method);
        }
    }
    Py_XDECREF(method);
    Py_XDECREF(none);
    Py_XDECREF(version);
    return capsule;
}

int dlpack_from(PyObject *object, dlpack_view *out)
{
    PyObject *capsule = obtain(object);
    int result;

    out->keep = NULL;
    result = capsule == NULL ? -1 : take(capsule, out);
    Py_XDECREF(capsule);
    return result;
}
