/* Everyone's objects to all or to the root: what gather, allgather and the reductions do. */
#include "objects.h"

#include <string.h>

/*
 * What a rank tells of its parcel. One of several pieces is a load, or has a head and a load: loads
 * travel by themselves. The algorithms of Open MPI for MPI_Allgatherv() depend on the datatype
 * sent, so that all ranks must send bytes; MPI_Alltoallw() takes any. A small parcel is told as a
 * whole, where all know what all have told.
 */
typedef struct tally {
    int64_t size;
    int64_t head, load; /* bytes */
    char bytes[104];
} tally;

static int64_t told(const tally *t)
{
    return t->size > 0 && t->size <= (int64_t)sizeof t->bytes ? t->size : 0;
}

/* Within one group the sizes of gather are told to all: everybody is to know whether one
 * is missing. */
static int tell(call *c, const tally *mine, tally *all, int to_all)
{
    enum { WORDS = sizeof *mine / sizeof(int64_t) };
    PyThreadState *saved = gil_lend(c->st);
    int code;

    if (c->neighbours)
        code = MPI_Neighbor_allgather(mine, WORDS, MPI_INT64_T, all, WORDS, MPI_INT64_T, c->comm);
    else if (to_all || !c->inter)
        code = MPI_Allgather(mine, WORDS, MPI_INT64_T, all, WORDS, MPI_INT64_T, c->comm);
    else
        code = MPI_Gather(mine, WORDS, MPI_INT64_T, all, WORDS, MPI_INT64_T, c->a.root, c->comm);
    gil_acquire(saved);
    return mpi_failed(code, "MPI_Allgather");
}

/* Whether all counts and displacements are ints, and everybody knows. */
static int is_small(const call *c, const table *t)
{
    return !c->neighbours && !c->inter && table_total(t) <= INT_MAX;
}

/* All but the buffers that travel alone, to where the table says. */
static int move_first(call *c, const parcel *p, const tally *mine, table *t, int to_all)
{
    const void *data = mine->load > 0 ? PyBytes_AS_STRING(p->head) : p->data;
    const int count = mine->load > 0 ? (int)mine->head : told(mine) > 0 ? 0 : p->count;
    const MPI_Datatype type = MPI_BYTE;
    PyThreadState *saved = gil_lend(c->st);
    int code =
        to_all ? MPI_Allgatherv(data, count, type, t->data, t->counts, t->displs, MPI_BYTE, c->comm)
               : MPI_Gatherv(data, count, type, t->data, t->counts, t->displs, MPI_BYTE, c->a.root,
                             c->comm);

    gil_acquire(saved);
    return mpi_failed(code, to_all ? "MPI_Allgatherv" : "MPI_Gatherv");
}

/* What this rank sends to each that gets anything. */
static void give_loads(const call *c, const parcel *p, const tally *mine, int to_all, table *out)
{
    const Py_buffer *buffer = mine->head > 0 ? parcel_single(p) : NULL;

    out->from = buffer != NULL ? buffer->buf : MPI_BOTTOM;
    for (int i = 0; i < out->n && mine->load > 0; i++) {
        out->counts[i] = !to_all && i != c->a.root ? 0 : buffer != NULL ? (int)buffer->len : 1;
        out->types[i] = buffer != NULL ? MPI_BYTE : p->type;
    }
}

/* The loads, from where they lie; one's own buffer without MPI, which takes longer. */
static int move_loads(call *c, const tally *all, table *out, table *t, int gets)
{
    const int own = all[c->rank].head > 0;
    PyThreadState *saved;
    int code;

    for (int i = 0; i < t->n; i++) {
        t->counts[i] = gets ? (int)all[i].load : 0;
        t->displs[i] += (int)all[i].head;
    }
    saved = gil_lend(c->st);
    if (own && gets)
        memcpy((char *)t->data + t->displs[c->rank], out->from, (size_t)all[c->rank].load);
    if (own)
        out->counts[c->rank] = t->counts[c->rank] = 0;
    code = MPI_Alltoallw(out->from, out->counts, out->displs, out->types, t->data, t->counts,
                         t->displs, t->types, c->comm);
    gil_acquire(saved);
    return mpi_failed(code, "MPI_Alltoallw");
}

/* The parcels that are told, to their places. */
static void put_told(const tally *all, const table *t)
{
    for (int i = 0; t->room != NULL && i < t->n; i++)
        memcpy((char *)t->data + t->displs[i], all[i].bytes, (size_t)told(&all[i]));
}

static int move_small(call *c, const parcel *p, const tally *all, table *t, int to_all, int gets)
{
    table out;
    int loads = 0, left = 0, result = -1;

    table_lay_out(t, gets);
    if (object_agree_on_room(c, table_total(t), t->lost == 0) < 0)
        return -1;
    put_told(all, t);
    for (int i = 0; i < t->n; i++) {
        if (told(&all[i]) > 0)
            t->counts[i] = 0;
        if (all[i].load > 0)
            t->counts[i] = (int)all[i].head;
        loads |= all[i].load > 0;
        left |= t->counts[i] > 0;
    }
    if (!loads)
        return left ? move_first(c, p, &all[c->rank], t, to_all) : 0;
    if (table_init(&out, c->to) == 0) {
        give_loads(c, p, &all[c->rank], to_all, &out);
        if (move_first(c, p, &all[c->rank], t, to_all) == 0)
            result = move_loads(c, all, &out, t, gets);
    }
    table_free(&out);
    return result;
}

/*
 * Where a rank cannot know whether the objects of others are more than an int can say, or knows
 * that they are, each piece has its own type: the sender need not know which way the receiver goes.
 * `out` says who gets the parcel.
 */
static int move_typed(call *c, const parcel *p, const table *out, table *t, int gets)
{
    PyThreadState *saved;
    int code;

    if (gets && table_lay_out_typed(t) < 0)
        return -1;
    saved = gil_lend(c->st);
    code = c->neighbours ? MPI_Neighbor_alltoallw(p->data, out->counts, out->places, out->types,
                                                  t->from, t->counts, t->places, t->types, c->comm)
                         : MPI_Alltoallw(p->data, out->counts, out->displs, out->types, t->from,
                                         t->counts, t->displs, t->types, c->comm);
    gil_acquire(saved);
    return mpi_failed(code, "MPI_Alltoallw");
}

/* The same parcel to all, or only to the root. */
static int move_each(call *c, const parcel *p, table *t, int to_all, int gets, int gives)
{
    table out;
    int result = -1;

    if (table_init(&out, c->to) == 0) {
        for (int i = 0; i < c->to; i++) {
            out.types[i] = p->type;
            out.counts[i] = gives && (to_all || i == c->a.root) ? p->count : 0;
        }
        result = move_typed(c, p, &out, t, gets);
    }
    table_free(&out);
    return result;
}

/* What to tell of one's own. Between groups and neighbours all goes in one piece: there not
 * everybody knows whether somebody has a load. */
static void count(const call *c, const parcel *p, int64_t size, tally *t)
{
    const Py_buffer *buffer = parcel_single(p);

    t->size = size;
    if (size < 0 || c->inter || c->neighbours)
        return;
    memcpy(t->bytes, p->data, (size_t)told(t));
    if (!p->own_type || p->head == NULL)
        return;
    t->head = buffer != NULL ? PyBytes_GET_SIZE(p->head) : 0;
    t->load = buffer != NULL ? buffer->len : size;
}

static int move(call *c, const parcel *p, const tally *all, table *t, int to_all, int gets,
                int gives)
{
    for (int i = 0; i < t->n; i++)
        t->sizes[i] = all[i].size;
    if (is_small(c, t))
        return move_small(c, p, all, t, to_all, gets);
    return move_each(c, p, t, to_all, gets, gives);
}

/* Where nobody tells anything there is nobody. New memory. */
static tally *make_tallies(int n)
{
    tally *all = spare_calloc((size_t)n + 1, sizeof *all);

    for (int i = 0; all != NULL && i < n; i++)
        all[i].size = NOBODY;
    if (all == NULL)
        PyErr_NoMemory();
    return all;
}

PyObject *object_gather(call *c, int to_all)
{
    const int gives = to_all || object_is_leaf(c), gets = to_all || object_at_root(c);
    tally mine = {0}, *all = make_tallies(c->from);
    parcel p = {.type = MPI_BYTE};
    PyObject *result = NULL;
    table t;
    held h;

    if (table_init(&t, c->from) == 0 && all != NULL) {
        if (gives)
            count(c, &p, object_pack(c->serializer, c->a.object, &p), &mine);
        object_hold(&h);
        if (tell(c, &mine, all, to_all) == 0 && move(c, &p, all, &t, to_all, gets, gives) == 0 &&
            table_refuse(&t, object_word(c)) == 0)
            result = gets ? table_open(c->serializer, &t) : Py_NewRef(Py_None);
        result = object_release(&h, result);
    }
    parcel_release(&p);
    table_free(&t);
    spare_free(all);
    return result;
}
