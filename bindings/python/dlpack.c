/* Arrays of other libraries by the DLPack protocol, as far as they lie in memory of the host. */
#include "dlpack.h"

#include <string.h>

/* The protocol's structures, version 0 (capsules named "dltensor"). */
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

enum { CPU = 1, CUDA_HOST = 3, ROCM_HOST = 11 };

/* Letters of NumPy's type strings by the protocol's codes. */
static const char letters[] = {[0] = 'i', [1] = 'u', [2] = 'f', [5] = 'c', [6] = 'b'};

/* 0 if the object says that its memory is the host's, -1. */
static int check_device(PyObject *object)
{
    PyObject *device = PyObject_CallMethod(object, "__dlpack_device__", NULL);
    long type = -1;

    if (device != NULL && PyTuple_Check(device) && PyTuple_GET_SIZE(device) == 2)
        type = PyLong_AsLong(PyTuple_GET_ITEM(device, 0));
    Py_XDECREF(device);
    if (PyErr_Occurred())
        return -1;
    if (type == CPU || type == CUDA_HOST || type == ROCM_HOST)
        return 0;
    PyErr_Format(PyExc_BufferError,
                 "the array lies on a device (DLPack type %ld), which this library does not reach: "
                 "copy it to host memory first",
                 type);
    return -1;
}

static void delete_managed(PyObject *capsule)
{
    dl_managed *managed = PyCapsule_GetPointer(capsule, DLPACK_KEEP);

    if (managed->deleter != NULL)
        managed->deleter(managed);
}

static int describe(const dl_tensor *t, dlpack_view *out)
{
    int known = t->dtype.code < sizeof letters && letters[t->dtype.code] != '\0';

    if (!known || t->dtype.lanes != 1 || t->dtype.bits % 8 != 0 || t->ndim > DLPACK_DIMS) {
        PyErr_Format(PyExc_BufferError,
                     "a DLPack array of type code %d with %d bits and %d "
                     "dimensions is of no use here",
                     t->dtype.code, t->dtype.bits, (int)t->ndim);
        return -1;
    }
    snprintf(out->typestr, sizeof out->typestr, "%c%d", letters[t->dtype.code], t->dtype.bits / 8);
    out->data = (char *)t->data + t->offset;
    out->ndim = t->ndim;
    for (int64_t i = t->ndim - 1, size = t->dtype.bits / 8; i >= 0; i--) {
        out->shape[i] = t->shape[i];
        out->strides[i] = t->strides != NULL ? t->strides[i] * (t->dtype.bits / 8) : size;
        size *= t->shape[i];
    }
    return 0;
}

int dlpack_from(PyObject *object, dlpack_view *out)
{
    PyObject *capsule;
    dl_managed *managed;

    out->keep = NULL;
    if (check_device(object) < 0)
        return -1;
    capsule = PyObject_CallMethod(object, "__dlpack__", NULL);
    managed = capsule == NULL ? NULL : PyCapsule_GetPointer(capsule, "dltensor");
    if (managed != NULL && describe(&managed->tensor, out) == 0) {
        out->keep = PyCapsule_New(managed, DLPACK_KEEP, delete_managed);
        if (out->keep != NULL) /* ours to delete from now on */
            PyCapsule_SetName(capsule, "used_dltensor");
    }
    Py_XDECREF(capsule);
    return out->keep == NULL ? -1 : 0;
}
