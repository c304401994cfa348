/* Shared by the lower-case collective calls: comm_bcast.c, comm_gather.c, object_table.c. */
#ifndef COLLIO_OBJECTS_H
#define COLLIO_OBJECTS_H

#include "parcel.h"

/* Announced in place of a size by a rank that has no object to send. */
#define UNPICKLABLE (-1)

/* The size that stays where no rank tells one: there is none (PROC_NULL). */
#define NOBODY (-2)

typedef struct object_args {
    PyObject *object;
    int root;
    PyObject *op;
} object_args;

/* What every such call starts with. */
typedef struct call {
    state *st;
    PyObject *serializer; /* borrowed */
    MPI_Comm comm;
    int inter, neighbours; /* on an intercommunicator; among neighbours */
    int rank;              /* in the own group */
    int to, from;          /* number of ranks that objects go to and come from */
    object_args a;
} call;

/* Parse the arguments, find who takes part. */
int object_call(call *c, PyObject *self, const row_method *row, const param *params,
                PyObject *const *args, Py_ssize_t nargs, PyObject *keywords);

/* On an intercommunicator the root's group calls it ROOT. */
static inline int object_at_root(const call *c)
{
    return c->inter ? c->a.root == MPI_ROOT : c->a.root == c->rank;
}

/* Whether this rank is at the other end of the root: PROC_NULL is nobody. */
static inline int object_is_leaf(const call *c)
{
    return !c->inter || (c->a.root != MPI_ROOT && c->a.root != MPI_PROC_NULL);
}

/* Pickle an object; the size to announce. A failure stays pending as the exception,
 * and the parcel is empty. */
int64_t object_pack(PyObject *serializer, PyObject *object, parcel *p);

/* 0 for a size; -1 for UNPICKLABLE, with an exception that names the rank. */
int object_refuse(int64_t size, const char *who, int rank);

/*
 * Collective within one group, with a size that all know: leave together, with an exception on all,
 * if a rank that gets the objects has no memory for them. What the sink can take needs no
 * agreement.
 */
int object_agree_on_room(call *c, int64_t size, int have);

/* In words: a rank, a remote rank or a neighbour. */
const char *object_word(const call *c);

/* object_gather.c: everyone's objects, on all ranks or (None elsewhere) on the root. New. */
PyObject *object_gather(call *c, int to_all);

/* A pending exception waits while the others are told. */
typedef struct held {
    PyObject *type, *value, *trace;
} held;

static inline void object_hold(held *h)
{
    PyErr_Fetch(&h->type, &h->value, &h->trace);
}

/* The result of the call: NULL if there was an exception. Steals. */
PyObject *object_release(held *h, PyObject *result);

/* ------------------------------------------------------------------ object_table.c */

/*
 * What is told of a parcel before it is sent: its size, and the head of one with a single large
 * buffer. Of that parcel only the buffer is to be sent then, from where it lies to where it will
 * stay; head and buffer in one message would be copied once more within MPI. A small parcel is told
 * as a whole, so that nothing is left to be sent.
 */
typedef struct notice {
    int64_t size;
    int64_t head; /* bytes told; 0: all of the parcel is to be sent */
    char bytes[240];
} notice;

/* Sizes and places of several ranks' parcels within one block of memory. */
typedef struct table {
    int n;
    int64_t *sizes;
    notice *notices; /* of each, where such are told, or NULL */
    int *counts, *displs;
    MPI_Aint *places; /* the displacements, however large */
    PyObject *room;
    void *data;
    parcel *parcels;     /* of table_pack() */
    int in_place;        /* they are sent from where they lie: `types` counts */
    MPI_Datatype *types; /* of the counts, for MPI_Alltoallw */
    int own_types;
    int64_t lost; /* bytes there was no memory for: they go to the sink */
    void *from;   /* where displacements count from in MPI_Alltoallw: data, or MPI_BOTTOM */
} table;

/* table_free() in any case. */
int table_init(table *t, int n);
void table_free(table *t);

/* Counts and displacements from the sizes, where what is missing is empty; and room, if `room`.
 * All together must fit an int. Without memory t->lost says so; if the sink can take all, it is
 * the room then, else there is none. */
int table_lay_out(table *t, int room);

/* What all take with their padding. */
int64_t table_total(const table *t);

/* Room for all from the sizes, as MPI_Alltoallw() and MPI_Neighbor_alltoallw() want it: together
 * they may be larger than an int can say. Without memory the types lead to the sink, and
 * table_refuse() raises. */
int table_lay_out_typed(table *t);

/* The only buffer after the head of a parcel, or NULL. */
const Py_buffer *parcel_single(const parcel *p);

/* Room for notices that are to be told or heard. */
int table_make_notices(table *t);

/* The notices of a packed table, whose types describe then what is to be sent. Without memory for
 * that all sizes say so, as of table_pack(). */
int table_notify(table *t);

/* The same for a table that cannot be sent for another reason. */
void table_fail(table *t);

/* What the notices heard say of sizes, before the table is laid out. */
void table_heed(table *t);

/* The heads told, to the places of their parcels in the room. */
void table_put_heads(table *t);

/* What this rank sends to itself, if that is a buffer whose head was told, and there is room for
 * it: to be copied to its place, at which MPI is slower. It is sent no more then. Else NULL. */
const Py_buffer *table_take_own(table *out, table *in, int rank);

/* 0 if no size is UNPICKLABLE and nothing is lost, else -1. */
int table_refuse(const table *t, const char *who);

/* Pickle one object for each into a table laid out for sending; None: that many times None. Large
 * objects stay where they are: the types describe them from `from`. If that fails all sizes say
 * so, and the table is empty. */
int table_pack(PyObject *serializer, PyObject *objects, table *t);

/* The objects of a table. New list. */
PyObject *table_open(PyObject *serializer, const table *t);

#endif
