/* What the files around MPI.Datatype share. */
#ifndef COLLIO_DATATYPE_H
#define COLLIO_DATATYPE_H

#include "bindings.h"

/* How a type was made: the numbers of the parts that datatype_contents() gives. */
typedef struct envelope {
    MPI_Count integers, addresses, counts, types;
    int combiner;
} envelope;

int datatype_envelope(MPI_Datatype type, envelope *out);

typedef struct contents {
    envelope e;
    int *integers;
    MPI_Aint *addresses;
    MPI_Count *counts;
    MPI_Datatype *types;
} contents;

/* The types in *out are the caller's to drop; datatype_contents_release() in any case. */
int datatype_contents(MPI_Datatype type, contents *out);
void datatype_contents_release(contents *c);

/* Parts of them as lists. New. */
PyObject *datatype_count_list(const MPI_Count *values, MPI_Count n);
PyObject *datatype_address_list(const MPI_Aint *values, MPI_Count n);
PyObject *datatype_type_list(state *st, const contents *c);

/* The type that another is a plain copy of (Dup). */
int datatype_copied(MPI_Datatype type, MPI_Datatype *out);

/* Whether types of that combiner are MPI's own, never to be freed. */
static inline int combiner_is_predefined(int combiner)
{
    return combiner == MPI_COMBINER_NAMED || combiner == MPI_COMBINER_F90_INTEGER ||
           combiner == MPI_COMBINER_F90_REAL || combiner == MPI_COMBINER_F90_COMPLEX;
}

/* Free what MPI returned of a type's contents, unless it is MPI's own. */
int datatype_drop(MPI_Datatype *type);

/* An object for a type that MPI returned: freed with the object unless MPI's own. New. */
PyObject *datatype_wrap(PyTypeObject *class, MPI_Datatype type);

/* typecode.c: attributes, and module names. */
PyObject *typecode_typestr(PyObject *self, void *none);
PyObject *typecode_typechar(PyObject *self, void *none);

/* datatype_contents.c: attributes. */
PyObject *datatype_get_combiner(PyObject *self, void *none);
PyObject *datatype_Get_envelope(PyObject *self, PyObject *none);
PyObject *datatype_Get_contents(PyObject *self, PyObject *none);

#endif
