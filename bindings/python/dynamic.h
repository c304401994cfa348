/* Shared by dynamic.c and ports.c: processes that were not started together. */
#ifndef COLLIO_DYNAMIC_H
#define COLLIO_DYNAMIC_H

#include "bindings.h"

/* 0 if the MPI library can do the call here, else NotImplementedError with the reason.
 * Asked first, since the library may wait for ever where it cannot. */
int dynamic_refuse(const char *call);
int names_refuse(const char *call);

#endif
