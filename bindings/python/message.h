/* What the files on buffer specifications share: message.c and message_vector.c. */
#ifndef COLLIO_MESSAGE_H
#define COLLIO_MESSAGE_H

#include "bindings.h"

/* Borrowed parts of [data, count or (count, displ), displ, type]; NULL: not given. */
typedef struct parts {
    PyObject *data, *count, *displ, *type;
} parts;

/* Where the elements of a datatype lie, in bytes. */
typedef struct layout {
    MPI_Aint extent;     /* from one to the next */
    MPI_Aint start, end; /* what one touches, from its own address */
} layout;

int message_layout(MPI_Datatype type, layout *out);

/* Take the list form apart. `vector`: counts are lists. */
int message_take_apart(state *st, PyObject *spec, int vector, parts *p);

/* (count, displ) given as one item in p->count: a tuple always is, a list if it is no list of
 * counts (`vector`). 0, or ValueError if it is not a pair. */
int message_split_counts(parts *p, int vector);

/* 0, or ValueError if a count is to be inferred from the null type. */
int message_refuse_null(MPI_Datatype type);

/* A Datatype, or the name of one. */
int message_type(state *st, PyObject *object, MPI_Datatype *type);

/* BOTTOM and None stand for data within a list only. 0, or TypeError. */
int message_refuse_nothing(state *st, PyObject *spec);

/* IN_PLACE, which looks like a buffer, is none. 0, or TypeError. */
int message_refuse_in_place(state *st, PyObject *data);

/* Memory and type. *nbytes is -1 where the memory has no known end. */
int message_take_memory(state *st, const parts *p, int writable, message *m, Py_ssize_t *nbytes);

/* The number of elements in nbytes, which must be a multiple; -1. */
Py_ssize_t message_count_in(Py_ssize_t nbytes, MPI_Aint extent);

/* `count` elements (exact up to 2^53) from `displ`, in units of `unit` bytes, must lie inside the
 * buffer. */
int message_inside(Py_ssize_t nbytes, MPI_Count displ, MPI_Aint unit, double count,
                   const layout *l);

#endif
