/*
 * Shared by the files of io, never installed.
 */
#ifndef COLLIO_IO_INTERNAL_H
#define COLLIO_IO_INTERNAL_H

#include "../core/internal.h"
#include "collio/io.h"

#include <sys/uio.h>

/* ------------------------------------------------------- selection.c */

/* Check a selection against the extents it is to lie in: VALUE or INDEX. */
int collio_selection_check(const collio_selection *selection, int ndim, const int64_t *shape,
                           collio_error *err);

/* Check that memory has the extents of the selection, extents of 1 aside, and a
 * known type: VALUE, TYPE. */
int collio_selection_match(const collio_selection *selection, const collio_array *memory,
                           collio_error *err);

/* 1 if the elements follow each other in memory without gaps: transfer.c. */
int collio_is_packed(const collio_array *memory);

/* Everything of an array of these extents. */
void collio_selection_all(collio_selection *out, int ndim, const int64_t *shape);

/* ------------------------------------------------------------- runs.c */

/*
 * Called for elements that follow each other both in the array and in memory.
 *   first   in      row-major index of the first one in the array
 *   count   in      > 0
 *   memory  in/out  where they are, without gaps
 * Returns an error code, stored in err; other than 0 it ends the walk.
 */
typedef int collio_run_function(void *context, int64_t first, int64_t count, char *memory,
                                collio_error *err);

typedef enum collio_direction { COLLIO_WRITING, COLLIO_READING } collio_direction;

#define COLLIO_PACK_BYTES ((size_t)1 << 20) /* what a packed piece holds at most */

/*
 * Walk a selection of an N-d array in row-major order, and memory with it, and
 * call a function for each run: elements that are contiguous in the array, inner
 * dimensions merged where the selection spans them. Where memory is not
 * contiguous over a run, it is packed before (writing) or unpacked after (reading)
 * the call, at most `limit` bytes a piece. Not collective.
 *   shape      in  extents of the array; not read if the selection is flat
 *   selection  in  checked with collio_selection_check()
 *   memory     in  checked with collio_selection_match()
 *   limit      in  bytes, at least an element's: COLLIO_PACK_BYTES
 * Errors: MEMORY, and what the function returns.
 */
int collio_runs(const int64_t *shape, const collio_selection *selection, const collio_array *memory,
                collio_direction direction, size_t limit, collio_run_function *function,
                void *context, collio_error *err);

/*
 * Runs that are alike, `times` of them with `count` elements each, each `step` elements after the
 * last; in memory without gaps.
 */
typedef int collio_turns_function(void *context, int64_t first, int64_t count, int64_t step,
                                  int64_t times, char *memory, collio_error *err);

/* The same, handing on to `turns` what it can take: elements dealt out one by one are too many to
 * be handed on one by one. NULL: nothing. */
int collio_runs_in_turn(const int64_t *shape, const collio_selection *selection,
                        const collio_array *memory, collio_direction direction, size_t limit,
                        collio_run_function *function, collio_turns_function *turns, void *context,
                        collio_error *err);

/* Copy n elements of `size` bytes between two places with their own strides. */
void collio_copy_elements(char *to, int64_t to_stride, const char *from, int64_t from_stride,
                          int64_t n, size_t size);

/* What a walk is going to be like. */
typedef struct collio_reach {
    int64_t count;      /* elements; 0: the others are 0 */
    int64_t run;        /* elements in each run, at least */
    int64_t first, end; /* row-major indexes in the array: all elements are in between */
} collio_reach;

void collio_runs_reach(const int64_t *shape, const collio_selection *selection, collio_reach *out);

/* ----------------------------------------------------------- digest.c */

/*
 * The digest of some elements of an array. Digests of the parts of any
 * partition add up (modulo 2^64) to that of the whole. Not collective.
 *   element_size  in  1, 2, 4, or a multiple of 8 bytes
 *   first         in  index in the array of the first element given
 *   elements      in  contiguous, any alignment
 */
uint64_t collio_digest(size_t element_size, int64_t first, const void *elements, int64_t count);

/* ------------------------------------------------------------ posix.c */

/*
 * System calls on files, complete or failed: short counts are continued,
 * interruptions repeated, results judged by collio_sys(). `path` names the
 * file in error texts. None is collective. Each does its work even when `err`
 * holds an error already, and returns non-zero if it failed.
 */

/* Open with flags of open(2), close-on-exec; *fd is -1 on failure. */
int collio_posix_open(const char *path, int flags, int *fd, collio_error *err);

/* Close *fd unless it is -1, and set it to -1. */
int collio_posix_close(int *fd, const char *path, collio_error *err);

/* Write or read `size` bytes at `offset`. A file that ends too early is
 * DAMAGED. */
int collio_posix_write(int fd, const void *bytes, size_t size, int64_t offset, const char *path,
                       collio_error *err);
int collio_posix_read(int fd, void *bytes, size_t size, int64_t offset, const char *path,
                      collio_error *err);

/* Write pieces one after the other. The list is used up. */
int collio_posix_gather(int fd, struct iovec *pieces, int count, int64_t offset, const char *path,
                        collio_error *err);

/* Read what the file has of `size` bytes; *got is less only where it ends. */
int collio_posix_read_some(int fd, void *bytes, int64_t size, int64_t offset, int64_t *got,
                           const char *path, collio_error *err);

/* Let the disk begin with what was written, so that a sync to come has less
 * to wait for. A hint: errors show in the sync. */
void collio_posix_hurry(int fd, int64_t offset, int64_t size);

/* Force a file's data, or a directory's names, to the disk. A failure must
 * not be tried again: the kernel may have dropped what it could not write. */
int collio_posix_sync(int fd, const char *path, collio_error *err);
int collio_posix_sync_directory(const char *path, collio_error *err);

/* Reserve disk space for the first `size` bytes, so that a full disk is
 * noticed now; nothing where the file system cannot. */
int collio_posix_reserve(int fd, int64_t size, const char *path, collio_error *err);

int collio_posix_size(int fd, int64_t *size, const char *path, collio_error *err);
int collio_posix_exists(const char *path, int *exists, collio_error *err);
int collio_posix_remove(const char *path, collio_error *err);

/* Rename; an existing `to` is an error (errno EEXIST), never replaced. */
int collio_posix_rename(const char *from, const char *to, collio_error *err);

/* Make a directory and its parents; those that exist are fine. */
int collio_posix_make_directory(const char *path, collio_error *err);

/* ------------------------------------------------------------ alone.c */

/* Before writing to a file or directory: STATE if another process that was started together with
 * this one writes to it, and each is alone in its MPI_COMM_WORLD. Not collective. */
int collio_alone_claim(const char *path, collio_error *err);

/* ------------------------------------------------------------ zstream.c */

/* The first bytes of all elements, then the second ones, ...; and back: the first `count` elements
 * of `all`. */
void collio_shuffle(const char *from, char *to, size_t count, size_t element);
void collio_unshuffle(const char *from, char *to, size_t all, size_t count, size_t element);

/* Streams of zlib: made of bytes at a level, 0 to 9, or taken apart. */
typedef struct collio_zstream {
    int level;
    void *packer, *unpacker; /* NULL at first; kept for the next stream */
} collio_zstream;

/* Whether this build has any. */
int collio_zstream_offered(void);

/* The size of the stream; 0: it has no room, or no memory. */
size_t collio_zstream_pack(collio_zstream *z, const void *bytes, size_t size, void *out,
                           size_t room);
void collio_zstream_close(collio_zstream *z);

typedef enum collio_unpacked {
    COLLIO_UNPACKED,
    COLLIO_UNPACKED_IN_PART, /* there may be more than there is room for */
    COLLIO_UNPACKED_DAMAGED,
    COLLIO_UNPACKED_NO_MEMORY
} collio_unpacked;

/* Take the bytes out of a stream, with whatever may be behind it.
 *   used  out  bytes of the stream
 *   got   out  bytes that came out of it, at most `room` */
collio_unpacked collio_zstream_take(collio_zstream *z, const void *stream, size_t size, void *out,
                                    size_t room, size_t *used, size_t *got);

/* 1 if what there is is one stream of as many bytes as wanted, and they were got. */
int collio_zstream_unpack(const void *stream, size_t size, void *out, size_t wanted);

#endif
