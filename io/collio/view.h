/*
 * collio views: raw files that all ranks read and write at once, each through its own view, with
 * the guarantee of collio/core.h. No format: the bytes are those of the arrays, row by row, as
 * NumPy's tofile() and a C program's fwrite() leave them.
 *
 *   collio_error err = COLLIO_ERROR_INIT;
 *   collio_view *v = NULL;
 *   int64_t shape[2] = {rows, columns};
 *
 *   collio_view_open(comm, "field.raw", "w", MPI_INFO_NULL, &v, &err);
 *   collio_view_set_array(v, 0, COLLIO_FLOAT32, 2, shape, NULL, &err);
 *   collio_selection_block(&part, 2, start, count);
 *   collio_array_fill(&memory, values, COLLIO_FLOAT32, 2, count);
 *   collio_view_write_part(v, &part, &memory, &err);
 *   collio_view_close(&v, &err);
 *
 * A view in the sense of MPI (MPI 3.1 chapter 13): the file seen through a pattern, so that what a
 * rank sees looks contiguous to it. It is set in terms of arrays, with collio_view_set_array(), or
 * of datatypes, with collio_view_set(). Positions count elements (etypes) of the view from its
 * beginning; what lies between belongs to others and keeps its bytes.
 *
 * Every data access of MPI's table 13.1 is one of these four functions with one of the six words
 * of collio_access:
 *
 *                    MPI                                    here
 *   blocking         MPI_File_read_at(_all), write_..._all  collio_view_read(), _write()
 *   nonblocking      MPI_File_iread..., iwrite...           collio_view_start_read(), _start_write()
 *   split collective ..._all_begin, ..._ordered_begin       collio_view_start_...() with a
 *                    and ..._end                            collective word, collio_view_wait()
 *
 * How it works, as far as it shows
 *
 *   Bytes travel by positioned reads and writes of each rank. Where the ranks' parts interleave
 *   finely, a collective write exchanges them first, so that each rank writes long stretches;
 *   hints (below) can turn that on or off. An independent write of runs shorter than a kilobyte
 *   goes through a sieve: the rank locks the stretch, reads it, puts its runs in and writes it
 *   back; in a view where some rank may do so every write locks its bytes. Whoever else writes to
 *   the file at the same time, through another view or another program, must not write between
 *   such runs, or the hint must turn the sieve off.
 *   A write has happened when the call returns: every rank can read it. collio_view_sync() makes
 *   it durable.
 *
 * Errors and what they leave behind
 *
 *   Wrong arguments, or a rank that brings an error: nothing was written, and what was to be read
 *   is undefined.
 *   Bytes that could not be moved (OS with errno: ENOSPC, EIO, ...): all ranks have the error of a
 *   collective call; what the selected bytes are is undefined; the view stays usable.
 *   A rank that does not come (TIMEOUT): the view is poisoned, closing it lets go of it.
 *
 * Hints (MPI_Info of collio_view_open), each rank the same; others are kept and given back:
 *
 *   collio_exchange      "auto" (default), "always", "never": see above. MPI's romio_cb_write is
 *                        understood too ("automatic", "enable", "disable")
 *   romio_ds_write       "automatic" (default): independent writes go through a sieve where that
 *                        pays, but not in a view of one rank in a program of several, where nobody
 *                        knows who else writes; "enable": there too; "disable": never
 *   striping_factor, striping_unit, start_iodevice
 *                        given to MPI-IO when the file is created
 */
#ifndef COLLIO_VIEW_H
#define COLLIO_VIEW_H

#include <collio/io.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct collio_view collio_view;

/* --------------------------------------------------------- open and close */

/*
 * Open or create a file. Collective over `comm`. The view is one of bytes, the whole file.
 *   comm  in   duplicated; the view keeps its own
 *   path  in
 *   mode  in   "r", "r+", "w", "w-" or "x", "a", as in collio_file_open()
 *   info  in   hints, duplicated; MPI_INFO_NULL: none
 *   out   out  close with collio_view_close(); NULL on failure
 * Errors: OS with errno (ENOENT, EEXIST, EACCES, EISDIR, ...), VALUE (mode), STATE (as
 * collio_file_open()), DIVERGED, MEMORY.
 * A file that could not be opened on every rank is removed if this call created it.
 */
COLLIO_API int collio_view_open(MPI_Comm comm, const char *path, const char *mode, MPI_Info info,
                                collio_view **out, collio_error *err);

/*
 * Close, and set *view to NULL. Collective; on a poisoned view local.
 *   view  in/out  may point to NULL
 * Errors: VALUE (requests are pending: the view stays open), DIVERGED (likewise), OS (written
 * bytes that did not reach the file; the view is closed).
 */
COLLIO_API int collio_view_close(collio_view **view, collio_error *err);

/*
 * Let go of the view without the others, and set *view to NULL; ranks waiting in a call on it get
 * the error "rank r left: <reason>". Not collective, never blocks but for pending requests of this
 * rank that have not been waited for: they are leaked.
 *   reason  in  one line, may be NULL
 */
COLLIO_API void collio_view_abandon(collio_view **view, const char *reason);

/* Delete a file. Collective over `comm`. Errors: OS (ENOENT, ...), DIVERGED. */
COLLIO_API int collio_view_delete(MPI_Comm comm, const char *path, collio_error *err);

COLLIO_API const char *collio_view_path(const collio_view *view); /* Not collective. */
COLLIO_API int collio_view_is_writable(const collio_view *view);  /* Not collective. */

/* The view's own communicator, still owned by it; NULL once it is poisoned. Not collective. */
COLLIO_API collio_comm *collio_view_comm(const collio_view *view);

/* ------------------------------------------------------------ set and get */

/*
 * See the file as (part of) an array in row-major order. Collective; the selection is per rank, all
 * else must match. Both pointers go to 0.
 *   offset     in  bytes from the start of the file to the array
 *   type       in  of the elements
 *   ndim       in  0: one element
 *   shape      in  extents of the whole array
 *   selection  in  what this rank sees, element after element; NULL: the whole array
 * What a rank sees ends with its part of the array: accesses beyond it are INDEX.
 * Errors: VALUE, INDEX, TYPE, DIVERGED, MEMORY.
 */
COLLIO_API int collio_view_set_array(collio_view *view, int64_t offset, collio_type type, int ndim,
                                     const int64_t *shape, const collio_selection *selection,
                                     collio_error *err);

/*
 * See the file through datatypes, as MPI_File_set_view does: from `offset` on, `filetype` repeats
 * without end, and its data are seen. Collective; etypes must be of the same size on all ranks, all
 * else is per rank. Both pointers go to 0.
 *   offset    in  bytes
 *   etype     in  unit of access
 *   filetype  in  of etypes, its displacements never negative nor decreasing; need not be committed
 * Any constructor of MPI may have made them, large counts included. Errors: VALUE, TYPE,
 * UNSUPPORTED, DIVERGED, MEMORY.
 */
COLLIO_API int collio_view_set(collio_view *view, int64_t offset, MPI_Datatype etype,
                               MPI_Datatype filetype, collio_error *err);

typedef struct collio_view_facts {
    int64_t offset;    /* bytes */
    int64_t unit;      /* bytes of an element (etype) */
    int64_t length;    /* elements this rank sees; -1: no end (set by datatypes) */
    collio_type type;  /* of the array; COLLIO_TYPE_COUNT if set by datatypes */
    int ndim;          /* of the array */
    int64_t shape[COLLIO_MAX_DIMS];
} collio_view_facts;

/* How the view is set. Not collective.
 *   etype, filetype  out  duplicates, to be freed by the caller; MPI_DATATYPE_NULL if the view is
 *                         set in terms of an array. May be NULL */
COLLIO_API int collio_view_get(collio_view *view, collio_view_facts *facts, MPI_Datatype *etype,
                               MPI_Datatype *filetype, collio_error *err);

/* ------------------------------------------------------------ data access */

typedef enum collio_access {
    COLLIO_ACCESS_AT,      /* at a position given; independent */
    COLLIO_ACCESS_AT_ALL,  /* the same, collective */
    COLLIO_ACCESS_OWN,     /* at this rank's own pointer, which moves on; independent */
    COLLIO_ACCESS_OWN_ALL, /* the same, collective */
    COLLIO_ACCESS_SHARED,  /* at the pointer all ranks share, in no order; independent */
    COLLIO_ACCESS_ORDERED  /* the same, in the order of the ranks; collective */
} collio_access;

/*
 * Write, or read. Collective with a collective word, which must match; position and memory are per
 * rank. With the independent words the call and its error are this rank's alone.
 *   position  in   elements; read with the words AT only
 *   memory    in   elements of any strides; in a view set by collio_view_set_array() of its type, in
 *                  others any whole number of etypes. NULL or empty: takes part with nothing
 *   moved     out  elements moved: fewer than asked for where the file ends. May be NULL
 * A pointer moves by what was moved (the shared one by what was asked for).
 * Errors: VALUE (position, sizes; the view is read-only), INDEX (beyond an array), TYPE, OS,
 * DIVERGED, TIMEOUT, MEMORY.
 */
COLLIO_API int collio_view_write(collio_view *view, collio_access access, int64_t position,
                                 const collio_array *memory, int64_t *moved, collio_error *err);
COLLIO_API int collio_view_read(collio_view *view, collio_access access, int64_t position,
                                const collio_array *memory, int64_t *moved, collio_error *err);

typedef struct collio_view_request collio_view_request;

/*
 * Start the same and return; the bytes move while the program goes on. With a collective word all
 * ranks agree first, so the start waits for the ranks to come, not for their bytes. The pointer
 * moves at once, by what was asked for.
 *   memory  in   must stay, and be left alone, until the wait
 *   out     out  end with collio_view_wait(); NULL on failure
 */
COLLIO_API int collio_view_start_write(collio_view *view, collio_access access, int64_t position,
                                       const collio_array *memory, collio_view_request **out,
                                       collio_error *err);
COLLIO_API int collio_view_start_read(collio_view *view, collio_access access, int64_t position,
                                      const collio_array *memory, collio_view_request **out,
                                      collio_error *err);

/*
 * Wait until it is done, and set *request to NULL. Collective if the start was; requests of
 * collective words must then be waited for in the same order on all ranks.
 *   request  in/out  may point to NULL
 *   moved    out     as in collio_view_read(); may be NULL
 */
COLLIO_API int collio_view_wait(collio_view_request **request, int64_t *moved, collio_error *err);

/* 1 if this rank's bytes have moved, so that a wait will not wait for them. Not collective. */
COLLIO_API int collio_view_test(const collio_view_request *request);

/*
 * Write or read a part of the array of collio_view_set_array(), whatever part the view shows.
 * Collective; both per rank.
 *   selection  in  NULL: the whole array
 *   memory     in  of the array's type; its extents equal those of the selection, but for extents
 *                  of 1. Where selections of ranks overlap, either rank's elements end up there
 * Errors: as above; DAMAGED if a file ends before what is to be read.
 */
COLLIO_API int collio_view_write_part(collio_view *view, const collio_selection *selection,
                                      const collio_array *memory, collio_error *err);
COLLIO_API int collio_view_read_part(collio_view *view, const collio_selection *selection,
                                     const collio_array *memory, collio_error *err);

/* --------------------------------------------------------------- pointers */

/* Move this rank's pointer. Not collective.
 *   whence  in  MPI_SEEK_SET, MPI_SEEK_CUR, MPI_SEEK_END */
COLLIO_API int collio_view_seek(collio_view *view, int64_t position, int whence, collio_error *err);
COLLIO_API int collio_view_position(collio_view *view, int64_t *out, collio_error *err);

/* Move the shared pointer. Collective, the arguments must match. The pointer lives in a small hidden
 * file beside the file, made when it is first used and removed by collio_view_close(). */
COLLIO_API int collio_view_seek_shared(collio_view *view, int64_t position, int whence,
                                       collio_error *err);
COLLIO_API int collio_view_position_shared(collio_view *view, int64_t *out, collio_error *err);

/* Where in the file, in bytes, an element of the view is. Not collective. */
COLLIO_API int collio_view_byte_offset(collio_view *view, int64_t position, int64_t *out,
                                       collio_error *err);

/* --------------------------------------------------------------- the file */

COLLIO_API int collio_view_size(collio_view *view, int64_t *bytes, collio_error *err); /* Not collective. */

/* Cut the file off, or let it grow with zeros; pointers stay. Collective, the size must match. */
COLLIO_API int collio_view_set_size(collio_view *view, int64_t bytes, collio_error *err);

/* Reserve disk space for the first bytes, so that a full disk is noticed now; the file grows to at
 * least that. Collective, the size must match. Errors: OS (ENOSPC). */
COLLIO_API int collio_view_preallocate(collio_view *view, int64_t bytes, collio_error *err);

/* Force what was written to the disk. Collective. */
COLLIO_API int collio_view_sync(collio_view *view, collio_error *err);

/* Whether accesses that overlap come out as if one had come after the other (MPI's atomic mode), at
 * the cost of locks. Off at first. Collective, must match. */
COLLIO_API int collio_view_set_atomic(collio_view *view, int atomic, collio_error *err);
COLLIO_API int collio_view_is_atomic(const collio_view *view); /* Not collective. */

/* Hints in use. Not collective.
 *   out  out  free with MPI_Info_free() */
COLLIO_API int collio_view_info(collio_view *view, MPI_Info *out, collio_error *err);

#ifdef __cplusplus
}
#endif
#endif
