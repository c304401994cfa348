/* Memory for the tables of a collective call, which a rank needs to take part in it. */
#include "bindings.h"

#include <stdalign.h>
#include <string.h>

/*
 * A rank that has no memory for its tables cannot tell the others, since that takes a table. So
 * there is a reserve, enough for some three hundred ranks; its pages cost nothing while it is not
 * used. It is given back when nothing of it is in use. Called with the GIL held.
 */
enum { RESERVE = 1 << 18 };

static alignas(16) char reserve[RESERVE];
static size_t used;
static int in_use;

static void *from_reserve(size_t size)
{
    const size_t rounded = (size + 15) / 16 * 16;
    void *place = reserve + used;

    if (size > RESERVE || rounded > RESERVE - used)
        return NULL;
    used += rounded;
    in_use++;
    return memset(place, 0, rounded);
}

void *spare_calloc(size_t n, size_t size)
{
    void *place = PyMem_Calloc(n, size);

    return place != NULL ? place : from_reserve(n * size);
}

void spare_free(void *place)
{
    const uintptr_t at = (uintptr_t)place, start = (uintptr_t)reserve;

    if (at < start || at >= start + RESERVE)
        PyMem_Free(place);
    else if (--in_use == 0)
        used = 0;
}
