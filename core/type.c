/* The table of element types: name, size, MPI datatype; and those added at run time. */
#include "internal.h"

#include <stdlib.h>
#include <string.h>

/* ------------------------------------------------------- added at run time */

/* The first of them is number COLLIO_TYPE_COUNT + 1. */
typedef struct added {
    size_t size;
    uint64_t digest;
    char name[48];
} added;

static struct {
    added **row;
    int count, room;
} table;

static int have_room(void)
{
    int room = 2 * table.room + 16;
    added **more;

    if (table.count < table.room)
        return 1;
    more = realloc(table.row, (size_t)room * sizeof *more);
    if (more != NULL) {
        table.row = more;
        table.room = room;
    }
    return more != NULL;
}

collio_type collio_type_add(size_t size, const char *name, uint64_t digest)
{
    int number = COLLIO_TYPE_COUNT + 1 + table.count;
    added *row = number <= COLLIO_TYPE_LIMIT && have_room() ? malloc(sizeof *row) : NULL;

    if (row == NULL)
        return COLLIO_TYPE_COUNT;
    row->size = size;
    row->digest = digest;
    collio_copy_text(row->name, sizeof row->name, name);
    table.row[table.count++] = row;
    return (collio_type)number;
}

/* NULL if there is no such type. */
static const added *find(collio_type type)
{
    int row = (int)type - COLLIO_TYPE_COUNT - 1;

    return row >= 0 && row < table.count ? table.row[row] : NULL;
}

uint64_t collio_type_digest(collio_type type)
{
    const added *row = find(type);

    return row != NULL ? row->digest : (uint64_t)type;
}

/* --------------------------------------------------------------- all types */

size_t collio_type_size(collio_type type)
{
    const added *row = find(type);

    switch (type) {
#define X(name, text, mpi, c)                                                                      \
    case COLLIO_##name:                                                                            \
        return sizeof(c);
        COLLIO_TYPES
#undef X
    default:
        return row != NULL ? row->size : 0;
    }
}

const char *collio_type_name(collio_type type)
{
    const added *row = find(type);

    switch (type) {
#define X(name, text, mpi, c)                                                                      \
    case COLLIO_##name:                                                                            \
        return text;
        COLLIO_TYPES
#undef X
    default:
        return row != NULL ? row->name : "?";
    }
}

MPI_Datatype collio_type_mpi(collio_type type)
{
    switch (type) {
#define X(name, text, mpi, c)                                                                      \
    case COLLIO_##name:                                                                            \
        return mpi;
        COLLIO_TYPES
#undef X
    default:
        return MPI_DATATYPE_NULL;
    }
}

collio_type collio_type_from_name(const char *name)
{
    int type = 0;

    while (type < COLLIO_TYPE_COUNT && strcmp(name, collio_type_name((collio_type)type)) != 0)
        type++;
    return (collio_type)type;
}
