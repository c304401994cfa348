/* Functions around partitions of arrays, for collio.Decomposition. Not collective, all of them. */
#include "joint.h"

PyDoc_STRVAR(dims_doc, "_part_dims($module, parts, shape, dims, /)\n--\n\nHow many parts to cut "
                       "each dimension into; 0 in dims: to be chosen.");

static PyObject *part_dims(PyObject *Py_UNUSED(module), PyObject *const *args, Py_ssize_t nargs)
{
    int64_t shape[COLLIO_MAX_DIMS], wanted[COLLIO_MAX_DIMS];
    collio_error err = COLLIO_ERROR_INIT;
    int parts, ndim, dims[COLLIO_MAX_DIMS];

    if (nargs != 3)
        return PyErr_Format(PyExc_TypeError, "_part_dims() takes 3 arguments");
    if (index_int(args[0], &parts) < 0)
        return NULL;
    ndim = memory_extents(args[1], "shape", shape);
    if (ndim < 0 || memory_extents(args[2], "dims", wanted) != ndim)
        return PyErr_Occurred()
                   ? NULL
                   : PyErr_Format(PyExc_ValueError,
                                  "dims and shape differ in their number of dimensions");
    for (int d = 0; d < ndim; d++)
        dims[d] = (int)wanted[d];
    if (collio_part_dims(parts, ndim, shape, dims, &err))
        return raise_from(&err);
    for (int d = 0; d < ndim; d++)
        wanted[d] = dims[d];
    return memory_tuple(ndim, wanted);
}

PyDoc_STRVAR(box_doc, "_part_box($module, shape, dims, rank, halo, /)\n--\n\nThe block of one rank "
                      "and the block with its halo: (start, count, outer_start, outer_count).");

static PyObject *part_box(PyObject *Py_UNUSED(module), PyObject *const *args, Py_ssize_t nargs)
{
    int64_t shape[COLLIO_MAX_DIMS], parts[COLLIO_MAX_DIMS], halo;
    collio_error err = COLLIO_ERROR_INIT;
    collio_box inner, outer;
    int ndim, rank, dims[COLLIO_MAX_DIMS];

    if (nargs != 4)
        return PyErr_Format(PyExc_TypeError, "_part_box() takes 4 arguments");
    ndim = memory_extents(args[0], "shape", shape);
    if (ndim < 0 || memory_extents(args[1], "dims", parts) != ndim)
        return PyErr_Occurred()
                   ? NULL
                   : PyErr_Format(PyExc_ValueError,
                                  "dims and shape differ in their number of dimensions");
    if (index_int(args[2], &rank) < 0 || index_int64(args[3], &halo) < 0)
        return NULL;
    for (int d = 0; d < ndim; d++)
        dims[d] = (int)parts[d];
    if (collio_part_box(ndim, shape, dims, rank, halo, &inner, &outer, &err))
        return raise_from(&err);
    return Py_BuildValue("NNNN", memory_tuple(ndim, inner.start), memory_tuple(ndim, inner.count),
                         memory_tuple(ndim, outer.start), memory_tuple(ndim, outer.count));
}

PyMethodDef partition_functions[] = {
    {"_part_dims", FAST(part_dims), METH_FASTCALL, dims_doc},
    {"_part_box", FAST(part_box), METH_FASTCALL, box_doc},
    {NULL, NULL, 0, NULL},
};
