/* NumPy's C API, for array.c, which imports it, and array_elements.c alone. */
#ifndef COLLIO_BINDINGS_NUMPY_API_H
#define COLLIO_BINDINGS_NUMPY_API_H

#include "bindings.h"

#define NPY_NO_DEPRECATED_API  NPY_1_7_API_VERSION
#define PY_ARRAY_UNIQUE_SYMBOL collio_numpy_api
#ifndef NUMPY_IMPORTED_HERE
#define NO_IMPORT_ARRAY
#endif
#include <numpy/arrayobject.h>

static inline int element_size(PyArray_Descr *descr)
{
#if NPY_ABI_VERSION >= 0x02000000
    return (int)PyDataType_ELSIZE(descr);
#else
    return descr->elsize;
#endif
}

#endif
