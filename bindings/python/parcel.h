/*
 * Objects on their way: parcel.c packs them, incoming.c receives and opens them.
 *
 * A small object travels as its bare pickle, in one message. One with large arrays in it (pickle
 * protocol 5, out-of-band buffers), and plain objects with arrays in them (plain.h), travel as
 *
 *   head: mark | kind | number of buffers | length of body | length of each buffer
 *         | body | padding
 *   buffer | padding | buffer | padding ...
 *
 * with head and buffers starting at multiples of 16 bytes. The body is the pickle; of a plain
 * object a description of each array (its length in words, its type and shape), and then what
 * plain_write() wrote. Between two ranks, head and buffers (the load) are two messages, so that the
 * arrays go from where they lie to where they will stay; in collective calls they are one. Where
 * the sender waits until all is sent, each buffer is a message: MPI copies those of several pieces
 * through small buffers of its own, which takes three times as long.
 */
#ifndef COLLIO_PARCEL_H
#define COLLIO_PARCEL_H

#include "bindings.h"

/* One piece of memory to be sent. */
typedef struct stretch {
    void *data;
    MPI_Count count;
    MPI_Datatype type;
} stretch;

/* An object ready to be sent. parcel_release() in any case. */
typedef struct parcel {
    PyObject *keep;    /* what holds the memory */
    PyObject *head;    /* borrowed: bytes at the start, or NULL if one piece is all */
    PyObject *buffers; /* borrowed: list of the pieces that follow, each padded */
    void *data;
    int count;
    MPI_Datatype type;
    int apart;  /* a load is to be sent after it */
    int before; /* and so many of the buffers before that, one by one */
    stretch load;
    int own_type;      /* `made` is to be freed */
    MPI_Datatype made; /* describes several pieces */
    Py_ssize_t size;   /* bytes on the wire, without the load */
} parcel;

int parcel_pack(PyObject *serializer, PyObject *object, parcel *p); /* one message */
int parcel_pack_apart(PyObject *serializer, PyObject *object,
                      parcel *p); /* with a load, if it is large */
int parcel_pack_each(PyObject *serializer, PyObject *object,
                     parcel *p); /* with a load of several messages, if it has several buffers */
void parcel_release(parcel *p);

/* A buffer of a parcel. */
stretch parcel_stretch(const parcel *p, Py_ssize_t i);

/* Describe a parcel of one piece by a datatype from MPI_BOTTOM, as those of several are. */
int parcel_pin(parcel *p);

/* A datatype of that many bytes at `data`, to be used from MPI_BOTTOM. Committed; 0 or -1. */
int parcel_place(void *data, int64_t size, MPI_Datatype *type);

/*
 * sink.c: where bytes go for which there is no memory. They must be received all the same, or
 * their sender waits for ever. A datatype that takes that many, from MPI_BOTTOM; committed.
 */
int sink_type(int64_t size, MPI_Datatype *type);

/* Up to that many may go to sink_memory as they are. */
enum { SINK_SIZE = 65536 };
extern char sink_memory[SINK_SIZE];

/* Heads that announce a load are no longer, so that they arrive without delay. */
enum { PARCEL_HEAD_MAX = 4096 };

/* The length to which a piece of a parcel is padded. */
static inline int64_t parcel_aligned(int64_t size)
{
    return (size + 15) / 16 * 16;
}

/* So many buffers may be messages of their own. */
enum { PARCEL_EACH_MAX = 8 };

/* The parts of a head, in this order after the mark; lengths and body follow. */
enum parcel_kind { PARCEL_PICKLE = 0, PARCEL_PLAIN = 1, PARCEL_APART = 2, PARCEL_EACH = 4 };

typedef struct parcel_head {
    char mark[8];
    int64_t kind; /* flags */
    int64_t buffers;
    int64_t body;      /* bytes */
    int64_t lengths[]; /* and in the highest byte the place in its cache line */
} parcel_head;

extern const char parcel_mark[8];

enum { PARCEL_PLACE_SHIFT = 56 };

/* Number of buffers after the head in received bytes, the length of each, and the place where it
 * lay in its cache line. */
int64_t parcel_buffers(const void *head);
int64_t parcel_buffer_length(const void *head, int64_t i);
int parcel_buffer_place(const void *head, int64_t i);

/* --------------------------------------------------------------------- incoming.c */

/* Room for a parcel of that size; its memory in *data. New. */
PyObject *parcel_room(Py_ssize_t size, void **data);

/* An array as `description` says, to receive a load of `size` bytes into. New. */
PyObject *parcel_array(const char *description, int words, int64_t size, void **data);

/* A plain array, or a copy of one that is none for its gaps alone. New; NULL, without an exception,
 * for others. */
PyObject *parcel_without_gaps(PyObject *array);

/* The object in received bytes (start .. start + size of `room`). New. */
PyObject *parcel_open(PyObject *serializer, PyObject *room, Py_ssize_t start, Py_ssize_t size);

/*
 * Buffers that come one by one. Where buffer i of a head goes: the array that it is, or one of
 * bytes. To be called for each in turn, with *at NULL at first. New. And the object with all of
 * them, in a list. New.
 */
PyObject *parcel_buffer_room(const void *head, int64_t i, const char **at, void **data);
PyObject *parcel_open_each(PyObject *serializer, const void *head, PyObject *arrays);

/* A parcel that is being received by a rank. */
typedef struct incoming {
    PyObject *room; /* of the first message; NULL: none yet */
    Py_ssize_t size;
    PyObject *load; /* what the next goes to: memory for all buffers, or a list of arrays for each;
                     * NULL: there is none */
    MPI_Request others[PARCEL_EACH_MAX - 1]; /* of a load of several messages, but for the last */
    int others_n;
    PyObject *serializer;
    int nobody;      /* the message comes from PROC_NULL */
    PyObject *error; /* why there was no room: the message is taken all the same, and lost */
} incoming;

/*
 * Begin to receive a matched message of `size` bytes, and its load. The request is for what is
 * still to come; its status has the source and tag of the message. -1: an exception. Keeps the GIL,
 * so that no other thread takes the load for a message of its own.
 */
int incoming_post(state *st, incoming *in, MPI_Message *found, MPI_Count size, MPI_Comm comm,
                  MPI_Request *request);

/*
 * The same for a message of at most PARCEL_HEAD_MAX bytes, which is received at once. *object is
 * what it was, or NULL: then a load follows, for which the request is.
 */
int incoming_take(state *st, incoming *in, MPI_Message *found, MPI_Count size, MPI_Comm comm,
                  MPI_Status *status, PyObject **object, MPI_Request *request);

/* The object, when all is there. New. */
PyObject *incoming_open(incoming *in);
void incoming_release(incoming *in);
PyObject *incoming_memory(const incoming *in); /* what MPI may still write to, or NULL. New. */

/* request.c: a request whose completion yields that object. Takes `in` over. New. */
PyObject *request_for_object(state *st, MPI_Request mpi, incoming *in);

#endif
