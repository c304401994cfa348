/*
 * Memory that all ranks of a communicator address, where all are on one machine. Never installed.
 */
#ifndef COLLIO_CORE_SHARED_H
#define COLLIO_CORE_SHARED_H

#include "internal.h"

/* All zeros: not tried yet. */
typedef struct collio_shared {
    int refused; /* it cannot be had here, which all ranks know */
    char *bytes; /* NULL: not there */
    char *map;
    size_t size; /* of the map */
} collio_shared;

/*
 * Have it: tried once, later calls are local unless more is asked for than is there. Collective;
 * fails only as an agreement does. That it cannot be had (several machines, no permission, no
 * memory) is no error. What was in it is gone if it grows.
 *   size  in  the same on all ranks
 * Returns 1 if it is there, the same on all ranks.
 */
int collio_shared_have(collio_comm *comm, collio_shared *shared, size_t size, collio_error *err);

/* For tests: whether this rank can have it from now on, as on one machine, or not, as on several.
 */
void collio_shared_allow(int allowed);

/* Not collective. */
void collio_shared_free(collio_shared *shared);

#endif
