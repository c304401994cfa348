/*
 * collio core: how the ranks of a communicator agree.
 *
 * The promise of the library rests on this header:
 *
 *   A collective call on a collio object either does the same thing on every
 *   rank, or returns the same error on every rank, and that error names the
 *   ranks that differed and where in their source they were. No rank waits
 *   for ever.
 *
 * Conventions, for this header and all others of collio
 *
 *   Errors      Every function that can fail takes a `collio_error *err` last
 *               and returns its code: COLLIO_OK (0) or one of COLLIO_ERR_*.
 *               The struct belongs to the caller and needs no release; the
 *               first error stored in it stays.
 *               If *err already holds an error when a collective function is
 *               entered, this rank brings that error into the call: it takes
 *               part, nothing is done, and every rank returns that error. So
 *               a rank whose own preparation failed must not skip the call.
 *               An error with `agreed` set is known to all ranks already; a
 *               call entered with it returns at once, without communication.
 *   Collective  Each function says one of: "Not collective" (any rank, at any
 *               time); "Collective" (every rank of the communicator, in the
 *               same order; arguments must match unless marked "per rank").
 *   Ownership   "out" arguments are handles the caller frees with the named
 *               function; "in" arguments are borrowed for the call.
 *   Sizes       are counted in elements unless "bytes" is said.
 *
 * MPI must be initialised first. The library never prints, aborts or exits.
 */
#ifndef COLLIO_CORE_H
#define COLLIO_CORE_H

#include <mpi.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define COLLIO_API          __attribute__((visibility("default")))
#define COLLIO_PRINTF(f, a) __attribute__((format(printf, f, a)))
#else
#define COLLIO_API
#define COLLIO_PRINTF(f, a)
#endif

#define COLLIO_VERSION_MAJOR 0
#define COLLIO_VERSION_MINOR 1
#define COLLIO_VERSION_PATCH 0

/* The version of the library in use, "major.minor.patch". Not collective. */
COLLIO_API const char *collio_version(void);

/* ------------------------------------------------------------------ errors */

/* One row a code: name, and the words that collio_error_name() gives. */
#define COLLIO_ERROR_CODES                                                                         \
    X(OK, "no error")                                                                              \
    X(ERR_VALUE, "bad value")                                                                      \
    X(ERR_TYPE, "bad type")                                                                        \
    X(ERR_KEY, "no such name")                                                                     \
    X(ERR_INDEX, "index out of range")                                                             \
    X(ERR_MEMORY, "out of memory")                                                                 \
    X(ERR_OS, "system error")                                                                      \
    X(ERR_MPI, "MPI error")                                                                        \
    X(ERR_HDF5, "HDF5 error")                                                                      \
    X(ERR_STATE, "object closed or not usable")                                                    \
    X(ERR_DIVERGED, "ranks disagree")                                                              \
    X(ERR_TIMEOUT, "a rank did not come")                                                          \
    X(ERR_DAMAGED, "data do not match their seal")                                                 \
    X(ERR_NONE, "nothing there")                                                                   \
    X(ERR_UNSUPPORTED, "not supported")                                                            \
    X(ERR_EXCEPTION, "exception in the caller's code")

enum collio_code {
#define X(name, words) COLLIO_##name,
    COLLIO_ERROR_CODES
#undef X
};

#define COLLIO_ERROR_TEXT 2048

typedef struct collio_error {
    int code;                     /* enum collio_code */
    int agreed;                   /* 1: every rank holds this very error */
    int rank;                     /* rank it arose on; -1: several, or this one */
    int mpi_error;                /* MPI error class, or MPI_SUCCESS (0) */
    int sys_error;                /* errno, or 0 */
    const char *file;             /* where the caller is, for diagnoses; may be NULL */
    int line;
    char text[COLLIO_ERROR_TEXT]; /* what was tried, what was given, what is allowed */
} collio_error;

/* An error struct that holds no error and the place it was made at. */
#define COLLIO_ERROR_INIT                                                                          \
    {                                                                                              \
        0, 0, -1, 0, 0, __FILE__, __LINE__, ""                                                     \
    }

/* `err` with the caller's source line noted in it, to be passed to a call:
 * collio_dataset_write(d, &sel, &a, COLLIO_AT(&err)). Diagnoses show it. */
#define COLLIO_AT(err) collio_error_at((err), __FILE__, __LINE__)

/*
 * Note where the caller is. Not collective.
 *   err   in/out  may be NULL
 *   file  in      kept by reference: must live as long as err
 * Returns err.
 */
COLLIO_API collio_error *collio_error_at(collio_error *err, const char *file, int line);

/* Forget the error in `err`; the source line stays. Not collective. */
COLLIO_API void collio_error_clear(collio_error *err);

/*
 * Store an error unless one is there already. Not collective.
 *   code    in  one of COLLIO_ERR_*
 *   format  in  as for printf; the text says what was tried, given, allowed
 * Returns the code now in err.
 */
COLLIO_API int collio_error_set(collio_error *err, int code, const char *format, ...)
    COLLIO_PRINTF(3, 4);

/* The words for a code, "unknown error" for others. Not collective. */
COLLIO_API const char *collio_error_name(int code);

/* ---------------------------------------------------------------- settings */

/*
 * How long a rank waits for the others in a collective call. Not collective,
 * but give every rank the same values.
 *   patience  seconds until a notice goes to the log saying who is missing
 *             (default 30, environment COLLIO_PATIENCE)
 *   timeout   seconds until the call ends with COLLIO_ERR_TIMEOUT
 *             (default 600, environment COLLIO_TIMEOUT); infinite if <= 0
 */
COLLIO_API void collio_set_patience(double seconds);
COLLIO_API void collio_set_timeout(double seconds);
COLLIO_API double collio_get_patience(void);
COLLIO_API double collio_get_timeout(void);

/*
 * Where notices go: a function called with one line of text without newline.
 * NULL, the default: nowhere. Not collective.
 */
typedef void collio_log_function(const char *text, void *data);
COLLIO_API void collio_set_log(collio_log_function *log, void *data);

/* ----------------------------------------------------------- communicators */

/*
 * A communicator of collio's own: a duplicate of the user's, so that no
 * message of the program can be mistaken for one of the library, with errors
 * returned (MPI_ERRORS_RETURN) and a state: open, or poisoned after a rank
 * failed to come or left. Every call on a poisoned one fails at once with the
 * error that poisoned it, without communication.
 */
typedef struct collio_comm collio_comm;

/*
 * Duplicate a communicator. Collective over `user`.
 *   user  in   an intracommunicator
 *   out   out  free with collio_comm_free()
 * Errors: VALUE (null or inter-communicator), MPI, MEMORY, TIMEOUT.
 * The first call for `user` also caches one hidden duplicate with it, on
 * which this call is agreed; it goes when `user` is freed. (MPI_Comm_dup,
 * MPI 3.1 section 6.4; attribute caching, section 6.7)
 */
COLLIO_API int collio_comm_create(MPI_Comm user, collio_comm **out, collio_error *err);

/*
 * Make the hidden duplicate of `user` now, while all ranks are surely there.
 * Collective. Not needed, but the first collio_comm_create() after it can name
 * the ranks that do not come; without it, it only says that some did not.
 * Errors: as collio_comm_create().
 */
COLLIO_API int collio_comm_prepare(MPI_Comm user, collio_error *err);

/*
 * Free the duplicate and set *comm to NULL. Collective; on a poisoned
 * communicator local (the duplicate is left to MPI_Finalize).
 *   comm  in/out  may point to NULL
 */
COLLIO_API int collio_comm_free(collio_comm **comm, collio_error *err);

COLLIO_API int collio_comm_rank(const collio_comm *comm); /* Not collective. */
COLLIO_API int collio_comm_size(const collio_comm *comm); /* Not collective. */

/* The MPI handle, for messages of the caller's own on this duplicate; still
 * owned by `comm`. Tags above 32000 are collio's. Not collective. */
COLLIO_API MPI_Comm collio_comm_handle(const collio_comm *comm);

/*
 * Tell the other ranks that this one will not come to any further call on
 * `comm`, and poison it here. Those waiting now or later get the error
 * "rank r left: <reason>" instead of waiting out the deadline. Not
 * collective, never blocks.
 *   reason  in  one line, for the others' error text
 */
COLLIO_API void collio_comm_leave(collio_comm *comm, const char *reason);

/* 1 if the communicator is poisoned. Not collective. */
COLLIO_API int collio_comm_is_poisoned(const collio_comm *comm);

/*
 * Accept a communicator handle made by another language binding (mpi4py).
 * Not collective.
 *   handle   in   address of its MPI_Comm
 *   size     in   the binding's sizeof(MPI_Comm)
 *   library  in   the binding's MPI_Get_library_version text
 *   out      out  the same communicator; still owned by the other binding
 * Errors: VALUE if that binding runs on another MPI library than collio.
 */
COLLIO_API int collio_comm_adopt(const void *handle, size_t size, const char *library,
                                 MPI_Comm *out, collio_error *err);

/* --------------------------------------------------------------- agreement */

#define COLLIO_VOTES 4

/* Writes what a rank is about to do as one line of at most `size` bytes. */
typedef void collio_describe_function(const void *context, char *text, size_t size);

/*
 * What a rank brings to a collective call. All ranks must bring the same
 * operation, digest; the votes may differ and come back as extremes.
 */
typedef struct collio_ticket {
    const char *operation;             /* in: "create_dataset" */
    uint64_t digest;                   /* in: collio_hash() of the arguments that must match */
    collio_describe_function *describe; /* in: the arguments as text, called only when ranks
                                          differ; NULL: none */
    const void *context;               /* in: passed to describe */
    uint64_t vote[COLLIO_VOTES];       /* in, per rank */
    uint64_t min[COLLIO_VOTES];        /* out: smallest vote of all ranks */
    uint64_t max[COLLIO_VOTES];        /* out: largest vote of all ranks */
} collio_ticket;

/* A describe function whose context is the text itself. Not collective. */
COLLIO_API void collio_describe_text(const void *context, char *text, size_t size);

/*
 * Agree with all ranks that all are about to do (or have done) the same, and
 * that nobody brings an error. Collective; one small all-reduce if so.
 *   comm    in
 *   ticket  in/out
 *   err     in/out  this rank's own error, if it has one; on return the error
 *                   of all ranks, `agreed` set
 * Errors: DIVERGED with the ranks in groups, what each group was about to do
 * and where; the lowest erring rank's error with its code kept; TIMEOUT with
 * the missing ranks; the poisoning error on a poisoned communicator.
 */
COLLIO_API int collio_agree(collio_comm *comm, collio_ticket *ticket, collio_error *err);

/*
 * Wait for a request (a nonblocking operation on collio_comm_handle(comm))
 * as collio_agree() waits: politely, with notice, deadline and roll call.
 * Collective in so far as the operation is.
 *   request    in/out  MPI_REQUEST_NULL when done. If the wait fails with
 *                      TIMEOUT or DIVERGED the operation is still pending:
 *                      its buffers must stay (hand them to the communicator
 *                      or leak them), the request is left as it is
 *   operation  in      for the error text
 */
COLLIO_API int collio_wait(collio_comm *comm, MPI_Request *request, const char *operation,
                           collio_error *err);

/* Digest of bytes, of a text, of a number, chained through `seed` (start with
 * 0). Not collective. Meant to tell arguments apart, not to protect data. */
COLLIO_API uint64_t collio_hash(uint64_t seed, const void *bytes, size_t size);
COLLIO_API uint64_t collio_hash_text(uint64_t seed, const char *text);
COLLIO_API uint64_t collio_hash_number(uint64_t seed, uint64_t number);

/* ----------------------------------------------------------- element types */

/* One row a type: constant, short name as in NumPy's array interface, MPI
 * datatype, C type that gives its size. */
#define COLLIO_TYPES                                                                               \
    X(BOOL, "b1", MPI_C_BOOL, unsigned char)                                                       \
    X(INT8, "i1", MPI_INT8_T, int8_t)                                                              \
    X(INT16, "i2", MPI_INT16_T, int16_t)                                                           \
    X(INT32, "i4", MPI_INT32_T, int32_t)                                                           \
    X(INT64, "i8", MPI_INT64_T, int64_t)                                                           \
    X(UINT8, "u1", MPI_UINT8_T, uint8_t)                                                           \
    X(UINT16, "u2", MPI_UINT16_T, uint16_t)                                                        \
    X(UINT32, "u4", MPI_UINT32_T, uint32_t)                                                        \
    X(UINT64, "u8", MPI_UINT64_T, uint64_t)                                                        \
    X(FLOAT32, "f4", MPI_FLOAT, float)                                                             \
    X(FLOAT64, "f8", MPI_DOUBLE, double)                                                           \
    X(COMPLEX64, "c8", MPI_C_FLOAT_COMPLEX, float[2])                                              \
    X(COMPLEX128, "c16", MPI_C_DOUBLE_COMPLEX, double[2])                                          \
    X(FLOAT16, "f2", MPI_UINT16_T, uint16_t) /* C and MPI have none: it travels as 16 bits */

typedef enum collio_type {
#define X(name, text, mpi, c) COLLIO_##name,
    COLLIO_TYPES
#undef X
        COLLIO_TYPE_COUNT, /* none */
    COLLIO_TYPE_LIMIT = 0xffffff /* types made at run time (type.h) are numbered up to here */
} collio_type;

/* Not collective, all four. A type out of range gives 0, "?", or
 * MPI_DATATYPE_NULL; an unknown name COLLIO_TYPE_COUNT. */
COLLIO_API size_t collio_type_size(collio_type type);       /* bytes */
COLLIO_API const char *collio_type_name(collio_type type);  /* "f8" */
COLLIO_API MPI_Datatype collio_type_mpi(collio_type type);  /* predefined: never free it */
COLLIO_API collio_type collio_type_from_name(const char *name);

/* -------------------------------------------------------------- partitions */

#define COLLIO_MAX_DIMS 32 /* as HDF5 */

/* A block of an N-d array, in elements; outermost dimension first. */
typedef struct collio_box {
    int ndim;
    int64_t start[COLLIO_MAX_DIMS];
    int64_t count[COLLIO_MAX_DIMS]; /* 0 anywhere: an empty block */
} collio_box;

/*
 * The part-th of `parts` blocks of n items: sizes differ by at most one, the
 * larger blocks come first, more parts than items leaves some empty.
 * Not collective.
 *   n            in   >= 0
 *   parts, part  in   0 <= part < parts
 *   start,count  out
 * Errors: VALUE.
 */
COLLIO_API int collio_part_range(int64_t n, int parts, int part, int64_t *start, int64_t *count,
                                 collio_error *err);

/*
 * Choose how many parts to cut each dimension into. Not collective.
 *   parts  in      the product wanted
 *   ndim   in      1 .. COLLIO_MAX_DIMS
 *   shape  in      extents; longer dimensions are cut more often. NULL: all alike
 *   dims   in/out  0: to be chosen; others are kept
 * Errors: VALUE if the fixed ones do not divide `parts`. (Like
 * MPI_Dims_create, MPI 3.1 section 7.5.2, but knowing the shape.)
 */
COLLIO_API int collio_part_dims(int parts, int ndim, const int64_t *shape, int *dims,
                                collio_error *err);

/*
 * The block of one rank in an N-d array cut into dims[0] x dims[1] x ...
 * parts, ranks in row-major order (as MPI_Cart_create without reordering).
 * Not collective.
 *   halo   in   cells added on each side where the array goes on; >= 0
 *   inner  out  the rank's own block, in the array's coordinates
 *   outer  out  the same with its halo, cut at the array's border; may be NULL
 * Errors: VALUE.
 */
COLLIO_API int collio_part_box(int ndim, const int64_t *shape, const int *dims, int rank,
                               int64_t halo, collio_box *inner, collio_box *outer,
                               collio_error *err);

/* Number of elements of a block. Not collective. */
COLLIO_API int64_t collio_box_size(const collio_box *box);

/* The common part of two blocks of the same array; 1 if it is not empty.
 * Not collective. */
COLLIO_API int collio_box_intersect(const collio_box *a, const collio_box *b, collio_box *out);

#ifdef __cplusplus
}
#endif
#endif
