/* Shared by view.c (MPI.File), view_pattern.c (its views), view_access.c (its data accesses) and
 * view_array.c (collio.View). */
#ifndef COLLIO_BINDINGS_VIEW_H
#define COLLIO_BINDINGS_VIEW_H

#include "bindings.h"

extern const row_method file_rows[], file_view_rows[], file_access_rows[];

/* The open file of an object: 0, or -1 if MPI is not running. */
int file_of(PyObject *self, MPI_File *out);

#endif
