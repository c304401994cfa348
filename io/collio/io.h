/*
 * collio io: shared HDF5 files of numeric arrays, written by all ranks of a
 * communicator, with the guarantee of collio/core.h.
 *
 *   collio_error err = COLLIO_ERROR_INIT;
 *   collio_file *file = NULL;
 *   collio_object *u = NULL;
 *   collio_array memory;
 *   collio_selection part;
 *   int64_t shape[2] = {rows, columns}, start[2] = {first, 0}, count[2] = {mine, columns};
 *
 *   collio_file_open(comm, "state.h5", "w", NULL, &file, &err);
 *   collio_dataset_create(collio_file_root(file), "u", COLLIO_FLOAT64, 2, shape, NULL, &u, &err);
 *   collio_selection_block(&part, 2, start, count);
 *   collio_array_fill(&memory, values, COLLIO_FLOAT64, 2, count);
 *   collio_dataset_write(u, &part, &memory, &err);
 *   collio_object_close(&u);
 *   collio_file_close(&file, &err);
 *
 * The error may be looked at once, at the end: an agreed error makes the calls
 * after it return at once, and an error of this rank alone is brought into the
 * next collective call (see core.h). Only the handles need a look before use:
 * a call that failed leaves NULL there, and every function takes NULL for an
 * object or file as the error VALUE.
 *
 * How it works, as far as it shows
 *
 *   Every rank holds the whole structure of the file (groups, names, types,
 *   attributes) and changes it in step with the others; the changes stay in
 *   memory. collio_file_flush() and collio_file_close() let rank 0 alone write
 *   them to disk. So an error on one rank is an error on all of them and never
 *   a wait; looking things up costs no communication and may be done by any
 *   rank alone; and between two flushes the file on disk has the structure it
 *   had at the last one, so a job that dies leaves a file that opens. If rank 0
 *   is killed within a flush, the file is none of HDF5's until collio opens it
 *   for writing the next time, and then it is as it was before that flush.
 *
 *   The elements of datasets go to disk at once, from each rank itself.
 *
 * Errors and what they leave behind
 *
 *   Arguments that are wrong, that differ between ranks, or a rank that brings
 *   an error: nothing was done, the file stays usable.
 *   Elements that could not be written or read: the file stays usable; what is
 *   in the selection (or in memory) is undefined.
 *   A change of structure that failed halfway, or a flush that failed: the file
 *   is poisoned. Every call on it returns that error, closing it only lets go
 *   of it, and the file on disk stays as it was at the last flush.
 */
#ifndef COLLIO_IO_H
#define COLLIO_IO_H

#include <collio/core.h>
#include <collio/type.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ------------------------------------------------------ arrays in memory */

/* Elements in the caller's memory, with any strides (0 and negative ones too;
 * do not read into memory whose elements overlap). */
typedef struct collio_array {
    void *data; /* address of element (0, 0, ...) */
    collio_type type;
    int ndim; /* 0: one element */
    int64_t shape[COLLIO_MAX_DIMS];
    int64_t strides[COLLIO_MAX_DIMS]; /* bytes */
} collio_array;

/* Describe memory in C order without gaps. Not collective.
 *   out    out
 *   shape  in   ndim extents; not read if ndim is 0 */
COLLIO_API void collio_array_fill(collio_array *out, void *data, collio_type type, int ndim,
                                  const int64_t *shape);

/* Number of elements. Not collective. */
COLLIO_API int64_t collio_array_size(const collio_array *array);

/* ------------------------------------------------------------ selections */

/*
 * Some elements of a dataset: in dimension d, `count` blocks of `block` elements
 * each, the first at `start`, one every `stride` elements; or, where there is a
 * `list`, the `count` indexes in it, in increasing order. The elements are those
 * whose index is selected in each dimension. Each rank has its own selection; a
 * count of 0 makes it empty. Where a function takes a selection, NULL stands for
 * the whole dataset.
 *
 * For elements that are no such product (those under a mask), `flat` lets the
 * dataset be seen as one dimension of all its elements in row-major order, in which
 * the selection, of one dimension too, chooses by start and stride or by a list.
 */
typedef struct collio_selection {
    int ndim;
    int64_t start[COLLIO_MAX_DIMS];
    int64_t stride[COLLIO_MAX_DIMS]; /* >= block */
    int64_t count[COLLIO_MAX_DIMS];
    int64_t block[COLLIO_MAX_DIMS];       /* >= 1 */
    const int64_t *list[COLLIO_MAX_DIMS]; /* NULL, or the caller's: start, stride, block not used */
    int flat;
} collio_selection;

/* One block of count[0] x count[1] x ... elements. Not collective. */
COLLIO_API void collio_selection_block(collio_selection *out, int ndim, const int64_t *start,
                                       const int64_t *count);

/* The same from a box, as collio_part_box() makes it. Not collective. */
COLLIO_API void collio_selection_box(collio_selection *out, const collio_box *box);

/* Let a selection that is made take the indexes of a list in one dimension. The list must
 * live as long as the selection. Not collective. */
COLLIO_API void collio_selection_list(collio_selection *selection, int dimension, int64_t count,
                                      const int64_t *list);

/* Elements by their row-major numbers in the dataset, in increasing order. Not collective. */
COLLIO_API void collio_selection_flat(collio_selection *out, int64_t count, const int64_t *list);

/* Nothing: for a rank that only takes part. Not collective. */
COLLIO_API void collio_selection_none(collio_selection *out, int ndim);

/* Number of elements. Not collective. */
COLLIO_API int64_t collio_selection_size(const collio_selection *selection);

/* ----------------------------------------------------------------- files */

typedef struct collio_file collio_file;
typedef struct collio_object collio_object;

/* Versions of HDF5 (major, minor, release): the library in use, and the one that collio was built
 * with. Not collective.
 *   used, built  out */
COLLIO_API void collio_file_versions(unsigned used[3], unsigned built[3]);

typedef enum collio_format {
    COLLIO_FORMAT_EARLIEST, /* every HDF5 since 1.0 reads it; the default */
    COLLIO_FORMAT_V18,      /* HDF5 1.8 and later; faster with very many attributes or names */
    COLLIO_FORMAT_V110,
    COLLIO_FORMAT_V112, /* this one and the next two only where the HDF5 in use knows them */
    COLLIO_FORMAT_V114,
    COLLIO_FORMAT_V200,
    COLLIO_FORMAT_LATEST /* that of the HDF5 in use */
} collio_format;

/* "earliest", "v108", "v110", ...; NULL for one that this HDF5 does not know. That of LATEST is
 * the newest of the others. Not collective. */
COLLIO_API const char *collio_format_name(collio_format format);

typedef enum collio_locking {
    COLLIO_LOCKING_DEFAULT, /* where the file system can */
    COLLIO_LOCKING_NEVER,
    COLLIO_LOCKING_ALWAYS /* an error where it cannot */
} collio_locking;

typedef enum collio_transfer {
    COLLIO_TRANSFER_AUTO,     /* as the sizes of the pieces suggest */
    COLLIO_TRANSFER_DIRECT,   /* each rank writes its pieces itself, however short they are */
    COLLIO_TRANSFER_TWO_PHASE /* ranks first send each other the pieces that follow each other in
                                 the file, and write what they then have in large ones: for file
                                 systems where small or interleaved writes cost much */
} collio_transfer;

/* Of a file, or of the steps of a directory of checkpoints (collio/checkpoint.h). */
enum collio_layout {
    COLLIO_LAYOUT_SHARED,   /* one file, which all ranks write. The default */
    COLLIO_LAYOUT_PER_RANK, /* each rank writes its elements to a file of its own, for file systems
                               on which a shared one cannot be. Other readers see whole arrays, as
                               virtual datasets in one more file */
    COLLIO_LAYOUT_AUTO,     /* shared, unless a probe at open finds that the ranks cannot share a
                               file in the directory: then per-rank, and the log says why */
};

/* Zeros are the defaults. Must match on all ranks. */
typedef struct collio_file_options {
    int64_t user_block;     /* bytes left free at the start: 0, 512, 1024, 2048, ... */
    collio_format format;   /* the oldest HDF5 that is to read the file */
    collio_format newest;   /* nothing newer than that is put into it; LATEST if 0 */
    int64_t alignment;      /* arrays of at least `threshold` bytes start at a multiple of this */
    int64_t threshold;      /* bytes */
    int64_t metadata_block; /* bytes that structure grows by; HDF5's 2048 if 0 */
    int track_order;        /* 1: a new root keeps the order in which names and attributes come */
    collio_locking locking;
    collio_transfer transfer; /* how elements that are contiguous in the file are written */
    int layout;               /* enum collio_layout: see collio_file_open() */
} collio_file_options;

/*
 * Open or create a file. Collective over `comm`.
 *   comm     in   duplicated; the file keeps its own
 *   path     in
 *   mode     in   "r"         read only; must exist
 *                 "r+"        read and write; must exist
 *                 "w"         create; an existing file is lost
 *                 "w-", "x"   create; must not exist
 *                 "a"         read and write; created if it does not exist
 *   options  in   NULL: defaults
 *   out      out  close with collio_file_close(); NULL on failure
 * A file that is open for writing on the same ranks is opened again with "r", "r+" and "a": its
 * structure is flushed, both handles lead to the one file as it is open (writable, with the options
 * it was opened with), and the last one that is closed closes it.
 * Errors: OS with errno (ENOENT, EEXIST, EACCES, ...; EAGAIN: another job has
 * it open for writing, or this one on other ranks, or it is open and to be emptied), VALUE (mode, options), STATE (a process started together
 * with this one writes it, and each is alone in its MPI_COMM_WORLD: the doctor's
 * E10), HDF5 (not an HDF5 file), DIVERGED, MEMORY, DAMAGED (mode "r": a job died within a flush;
 * opening for writing mends it). A file that could not be created whole is removed. Rank 0 holds a
 * lock (flock) while the file is open, shared for "r" and exclusive otherwise;
 * HDF5_USE_FILE_LOCKING=FALSE in its environment turns that off.
 *
 * With COLLIO_LAYOUT_PER_RANK no file is written by two ranks. "<path>.ranks" is a directory with a
 * file of each rank, which holds the elements that it has written, and an index; `path` itself has
 * the structure, and datasets that are virtual over the index. It has its name only once all has
 * been closed and is on disk: a job that dies before leaves nothing of that name, and what it leaves
 * in the directory the next one removes. A file that was there goes at the beginning, as with any
 * "w". Whoever reads `path` (HDF5, this library) gets whole arrays, from the files in the directory,
 * which has to stay beside it; it can be opened with "r+" to change structure, not elements.
 * The layout is for new files ("w", "w-", "x", or "a" where there is none: UNSUPPORTED otherwise,
 * while AUTO takes them as shared ones) and has no effect with "r". Until the file is closed
 *   - a rank reads what it has written itself: UNSUPPORTED for elements that it has not;
 *   - where several ranks have written an element, that of the last call counts, and of the highest
 *     rank in one call; independent writes belong to the collective write before them;
 *   - elements are written by blocks, strides and lists: UNSUPPORTED for those by numbers, and for
 *     single fields of structs;
 *   - datasets keep their shape; none can be virtual or external; nothing is copied: UNSUPPORTED.
 * Elements of variable length and single elements are part of the structure. "collio merge" and
 * collio_checkpoint_merge() make one plain file of it.
 */
COLLIO_API int collio_file_open(MPI_Comm comm, const char *path, const char *mode,
                                const collio_file_options *options, collio_file **out,
                                collio_error *err);

/*
 * Write the structure to disk. Collective. Returns when it is in the hands of
 * the operating system; nothing to do for files opened with "r".
 * Errors: OS (the disk is full, ...), HDF5, DIVERGED. Failing halfway poisons
 * the file.
 */
COLLIO_API int collio_file_flush(collio_file *file, collio_error *err);

/*
 * Flush and close, and set *file to NULL. Collective; on a poisoned file local.
 * Objects of the file that are still open stay valid handles: calls on them
 * return STATE, and they still need their collio_object_close().
 *   file  in/out  may point to NULL
 * If ranks disagree about closing, or one brings an error, the file stays open
 * and *file stays: close again, or abandon it. In every other case *file is NULL
 * afterwards, and an error says that the changes since the last flush are lost.
 */
COLLIO_API int collio_file_close(collio_file **file, collio_error *err);

/*
 * Close on a rank on which something has failed, and set *file to NULL.
 * Collective together with collio_file_close(); each rank calls whichever fits.
 * Where all ranks close, nothing is lost; the ranks on which nothing had failed
 * get the reason as error. Ranks that are in another call on the file get the
 * same error of disagreement as always, with the reason in it, and this rank
 * comes to close again, as they are expected to. If the others do not come
 * within 5 seconds, this rank leaves as by collio_file_abandon().
 *   file    in/out  may point to NULL
 *   reason  in      one line
 * Errors: EXCEPTION (another rank has failed), and those of collio_file_close().
 */
COLLIO_API int collio_file_close_after(collio_file **file, const char *reason, collio_error *err);

/*
 * Let go of the file without the others, and set *file to NULL: for a rank that
 * cannot go on. The disk is not touched, so changes of structure since the last
 * flush are lost; ranks waiting in a call on the file, now or later, get the
 * error "rank r left: <reason>". Not collective, never blocks.
 *   file    in/out  may point to NULL
 *   reason  in      one line, may be NULL
 */
COLLIO_API void collio_file_abandon(collio_file **file, const char *reason);

COLLIO_API const char *collio_file_path(const collio_file *file);   /* Not collective. */
COLLIO_API int collio_file_is_writable(const collio_file *file);    /* Not collective. */
COLLIO_API int collio_file_is_poisoned(const collio_file *file);    /* Not collective. */
COLLIO_API int64_t collio_file_user_block(const collio_file *file); /* Bytes. Not collective. */

/* The options that it was opened with. Not collective. */
COLLIO_API const collio_file_options *collio_file_given(const collio_file *file);

/*
 * Ask for MPI's atomic mode (MPI 3.1 section 13.6.1), or give it up. Collective. What a
 * collective write has returned from is seen by every rank in either mode, and this is all that
 * there is to it: the mode is kept for programs that ask.
 * Errors: DIVERGED, STATE.
 */
COLLIO_API int collio_file_set_atomic(collio_file *file, int atomic, collio_error *err);
COLLIO_API int collio_file_atomic(const collio_file *file); /* Not collective. */

/* The file's own communicator, still owned by it; NULL once the file is
 * poisoned. Not collective. */
COLLIO_API collio_comm *collio_file_comm(const collio_file *file);

/* The root group, owned by the file and gone with it: collio_object_close() on it
 * does nothing. For one of your own, open "/" in it. NULL if `file` is NULL. Not
 * collective. */
COLLIO_API collio_object *collio_file_root(collio_file *file);

/* --------------------------------------------------------------- objects */

typedef enum collio_kind {
    COLLIO_KIND_NONE, /* no such name, or a link that leads nowhere */
    COLLIO_KIND_GROUP,
    COLLIO_KIND_DATASET,
    COLLIO_KIND_DATATYPE
} collio_kind;

/*
 * Open a group or dataset by name. Not collective.
 *   parent  in   a group
 *   name    in   relative to it, or absolute from the root if it starts with '/'
 *   out     out  close with collio_object_close(); NULL on failure
 * Errors: KEY (no such name), STATE (file closed), HDF5.
 */
COLLIO_API int collio_object_open(collio_object *parent, const char *name, collio_object **out,
                                  collio_error *err);

/* Let go of an object and set *object to NULL; may point to NULL. Not collective. */
COLLIO_API void collio_object_close(collio_object **object);

COLLIO_API collio_kind collio_object_kind(const collio_object *object); /* Not collective. */

/* Its absolute name, "" if it has none any more; owned by the object and valid until a link is
 * made, moved or removed. Not collective. */
COLLIO_API const char *collio_object_name(const collio_object *object);

/* 1 while the file it belongs to is open. Not collective. */
COLLIO_API int collio_object_is_open(const collio_object *object);

/* The file it belongs to, NULL once that is closed. Not collective. */
COLLIO_API collio_file *collio_object_file(const collio_object *object);

/* A number that is equal for two objects of one file if and only if they are
 * the same group or dataset, whatever names they were opened by. Not collective. */
COLLIO_API uint64_t collio_object_id(const collio_object *object);

/*
 * Agree with all ranks that they are about to do the same with an object, and that none brings an
 * error; nothing is done. Collective. For what is made of several calls, or of none.
 *   operation  in  its name, as errors are to give it
 *   arguments  in  a text that must be the same on all ranks
 * Errors: DIVERGED, and those of any rank.
 */
COLLIO_API int collio_object_agree(collio_object *object, const char *operation,
                                   const char *arguments, collio_error *err);

/* ---------------------------------------------------------------- groups */

/*
 * Create a group, and the groups on the way to it that are missing. Collective.
 *   parent  in
 *   name    in   as in collio_object_open()
 *   out     out  NULL: not wanted
 * Errors: VALUE (the name exists, is empty; file is read-only), DIVERGED, HDF5.
 */
COLLIO_API int collio_group_create(collio_object *parent, const char *name, collio_object **out,
                                   collio_error *err);

/* Zeros are the defaults. Must match on all ranks. */
typedef struct collio_group_options {
    int track_order; /* 1: keep the order in which names and attributes come */
    int track_times; /* 1: keep the time of creation */
} collio_group_options;

/* The same with options; and without a name if that is NULL: give it one with collio_link_hard(),
 * or it is gone when it is closed. Collective. */
COLLIO_API int collio_group_create_with(collio_object *parent, const char *name,
                                        const collio_group_options *options, collio_object **out,
                                        collio_error *err);

/* What HDF5 knows of a file; the strategy is the number of H5F_fspace_strategy_t. */
typedef struct collio_file_record {
    int address_bytes, length_bytes; /* of numbers in the file */
    int strategy, persist;           /* of free space */
    int64_t threshold, page_size, unused;
} collio_file_record;

/* What HDF5 knows of an object; orders are H5P_CRT_ORDER_... flags, the last two are HDF5's numbers. */
typedef struct collio_object_record {
    int64_t links, changed, modified; /* names that lead there; seconds since 1970, 0: not kept */
    int link_order, attribute_order, track_times;
    int attributes_compact, attributes_dense;
    int fill_defined, alloc_time; /* of a dataset */
} collio_object_record;

/* Look at a file or an object in this way. Not collective.
 *   out  out  all 0 if it fails */
COLLIO_API int collio_file_look(collio_file *file, collio_file_record *out, collio_error *err);
COLLIO_API int collio_object_look(collio_object *object, collio_object_record *out,
                                  collio_error *err);

/*
 * Write a chunk as it is to be in the file, filtered already. Collective, the same on all ranks.
 *   offset   in  indexes of its first element
 *   skipped  in  a bit for each filter that was not applied, the first in bit 0
 *   bytes, size  in
 * Errors: VALUE (not chunked, no chunk begins there), UNSUPPORTED (variable length).
 */
COLLIO_API int collio_dataset_write_chunk(collio_object *dataset, const int64_t *offset,
                                          unsigned skipped, const void *bytes, size_t size,
                                          collio_error *err);

/* Number of names in a group. Not collective.
 *   out  out */
COLLIO_API int collio_group_count(collio_object *group, int64_t *out, collio_error *err);

/* Called for one name; a result other than 0 ends the iteration. */
typedef int collio_name_function(const char *name, void *context);

/*
 * Call a function for each name of a group, in alphabetical order (in order of
 * creation where the group records it). Not collective. The function must not
 * change the group.
 * Returns an error code; ending early is none.
 */
COLLIO_API int collio_group_names(collio_object *group, collio_name_function *function,
                                  void *context, collio_error *err);

/*
 * What a name leads to. Not collective.
 *   out  out  COLLIO_KIND_NONE if there is nothing
 */
COLLIO_API int collio_group_find(collio_object *group, const char *name, collio_kind *out,
                                 collio_error *err);

/* 1 in *out if the group records the order in which its names came. Not collective. */
COLLIO_API int collio_group_is_ordered(collio_object *group, int *out, collio_error *err);

/* ----------------------------------------------------------------- links */

typedef enum collio_link_kind {
    COLLIO_LINK_NONE,     /* no such name */
    COLLIO_LINK_HARD,     /* a name of the object itself */
    COLLIO_LINK_SOFT,     /* a path in this file, which may lead nowhere */
    COLLIO_LINK_EXTERNAL, /* a path in another file */
    COLLIO_LINK_OTHER     /* of another program's making */
} collio_link_kind;

typedef struct collio_link {
    collio_link_kind kind;
    char *path; /* where a soft or external link leads; else NULL */
    char *file; /* of an external link, else NULL */
} collio_link;

/*
 * What a name is, not what it leads to. Not collective.
 *   out  out  release with collio_link_free()
 * Errors: VALUE, TYPE (no group), MEMORY, HDF5.
 */
COLLIO_API int collio_link_info(collio_object *group, const char *name, collio_link *out,
                                collio_error *err);
COLLIO_API void collio_link_free(collio_link *link);

/*
 * Give an object one more name, and make the groups on the way to it that are missing. Collective.
 *   target  in  an object of the same file
 * Errors: VALUE (the name exists; another file; file is read-only), DIVERGED, HDF5.
 */
COLLIO_API int collio_link_hard(collio_object *group, const char *name, collio_object *target,
                                collio_error *err);

/* Make a name that stands for a path, absolute or relative to its group. Collective.
 * Errors: as above. */
COLLIO_API int collio_link_soft(collio_object *group, const char *name, const char *path,
                                collio_error *err);

/* Make a name that stands for a path in another file. Collective. What such a name leads to is
 * open for reading only, on each rank by itself. Errors: as above. */
COLLIO_API int collio_link_external(collio_object *group, const char *name, const char *file,
                                    const char *path, collio_error *err);

/* Give what `name` is, not what it leads to, another name. Collective.
 * Errors: KEY, VALUE, DIVERGED, HDF5. */
COLLIO_API int collio_link_move(collio_object *group, const char *name, const char *to,
                                collio_error *err);

/*
 * Remove a name; what it was the last name of is lost. Collective. Objects open
 * by that name stay usable until they are closed.
 * Errors: KEY, VALUE (file is read-only), DIVERGED, HDF5.
 */
COLLIO_API int collio_link_delete(collio_object *group, const char *name, collio_error *err);

/* ----------------------------------------------------------- named types */

/*
 * Make an element type an object of the file, and the groups on the way to it that are missing.
 * Collective.
 *   type  in   a constant or one of type.h
 *   out   out  NULL: not wanted
 * Errors: VALUE (the name exists; file is read-only), TYPE, DIVERGED, HDF5.
 */
COLLIO_API int collio_datatype_create(collio_object *parent, const char *name, collio_type type,
                                      collio_object **out, collio_error *err);

/* The type that an object of the kind DATATYPE is. Not collective. Errors: TYPE, UNSUPPORTED. */
COLLIO_API int collio_datatype_type(collio_object *datatype, collio_type *out, collio_error *err);

/* ---------------------------------------------------------------- copies */

#define COLLIO_COPY_SHALLOW            1u /* of a group the objects in it, but not those below */
#define COLLIO_COPY_EXPAND_SOFT        2u /* what soft links lead to, not the links */
#define COLLIO_COPY_EXPAND_EXTERNAL    4u /* the same for external links */
#define COLLIO_COPY_EXPAND_REFERENCES  8u /* what references in datasets lead to */
#define COLLIO_COPY_WITHOUT_ATTRIBUTES 16u

/*
 * Copy an object and what is in it, elements of datasets too, within a file or from another one;
 * then flush. Collective over the ranks of `dest`; every rank reads all elements.
 *   source  in  may be in another file that is open on all ranks
 *   from    in  name in it, or NULL: itself
 *   dest    in  a group
 *   to      in  name to create in it
 *   flags   in  some of COLLIO_COPY_*, or 0
 * Errors: KEY, VALUE (the name exists; file is read-only), TYPE, DIVERGED, OS, HDF5.
 */
COLLIO_API int collio_object_copy(collio_object *source, const char *from, collio_object *dest,
                                  const char *to, unsigned flags, collio_error *err);

/* -------------------------------------------------------------- datasets */

/* A step that chunks pass on their way to the file, by its number in HDF5. */
enum {
    COLLIO_FILTER_GZIP = 1,        /* value[0]: level, 0 to 9 */
    COLLIO_FILTER_SHUFFLE = 2,     /* sorts bytes by their place in the element; before gzip */
    COLLIO_FILTER_FLETCHER32 = 3,  /* a checksum */
    COLLIO_FILTER_SZIP = 4,        /* value[0]: 4 (entropy coding) or 32 (nearest neighbour);
                                      value[1]: pixels in a block, even, at most 32 */
    COLLIO_FILTER_SCALEOFFSET = 6, /* integers: value[0] bits to keep, 0: as many as are needed;
                                      floating-point: digits after the decimal point */
    COLLIO_FILTER_LZF = 32000      /* h5py's own; where collio was built with liblzf, or HDF5
                                      finds a plugin for it */
};

#define COLLIO_MAX_FILTERS       32
#define COLLIO_MAX_FILTER_VALUES 32

/* Filters of other numbers take their values as they are. */
typedef struct collio_filter {
    int id;
    int count; /* of values */
    unsigned value[COLLIO_MAX_FILTER_VALUES];
} collio_filter;

/* When elements that were not written yet get the fill value. */
typedef enum collio_fill_time {
    COLLIO_FILL_IFSET, /* if one was given: HDF5's default */
    COLLIO_FILL_ALLOC,
    COLLIO_FILL_NEVER /* they are undefined */
} collio_fill_time;

#define COLLIO_UNLIMITED (-1) /* an extent that may grow without end */

/* A piece of a file of bytes, which the next elements are in. */
typedef struct collio_external {
    const char *path;     /* relative to the working directory of the programs that use it */
    int64_t offset, size; /* bytes; COLLIO_UNLIMITED: all that is needed */
} collio_external;

/* Elements of a virtual dataset that are those of another one. */
typedef struct collio_mapping {
    collio_selection where;  /* in the virtual dataset */
    const char *path, *name; /* of the file ("." the same one), and of the dataset in it */
    int ndim;                /* of that */
    const int64_t *shape;    /* its extents */
    collio_selection from;   /* as many elements of it as `where` has */
} collio_mapping;

/* Zeros are the defaults. Must match on all ranks. */
typedef struct collio_dataset_options {
    int chunked;                  /* 1: stored in chunks, as it is with any of the next three */
    const int64_t *chunks;        /* extents of a chunk; NULL: chosen by collio */
    const int64_t *maximum;       /* extents to which it may be resized; NULL: the shape for ever */
    const collio_filter *filters; /* in the order in which they are applied on writing */
    int filter_count;
    int unknown_filters; /* 1: also filters that HDF5 has not got here, which are left out */
    const void *fill; /* one element of the dataset's type; NULL: zero */
    collio_fill_time fill_time;
    int track_times;                 /* 1: keep the time of creation */
    int track_order;                 /* 1: keep the order in which attributes are made */
    const collio_external *external; /* the elements are there, in this order */
    int external_count;
    int is_virtual; /* 1: the elements are in other datasets; it can be
                       written where they are in datasets of the same file */
    const collio_mapping *mappings;
    int mapping_count;
} collio_dataset_options;

#define COLLIO_NO_EXTENTS (-1)

/*
 * Create a dataset, and the groups on the way to it that are missing. Collective.
 * Its elements are contiguous in the file, unless options ask for chunks, and
 * equal to the fill value until they are written.
 *   parent   in
 *   name     in   as in collio_object_open(); NULL: none. Give it one with collio_link_hard(), or
 * it is gone with the file type     in ndim     in   0: one element; COLLIO_NO_EXTENTS: none at all
 * (a null dataspace) shape    in   extents; 0 is allowed. NULL if ndim is 0 options  in   NULL:
 * defaults out      out  NULL: not wanted Errors: VALUE (the name exists, a bad shape, chunks that
 * do not fit; file is read-only), TYPE, UNSUPPORTED (HDF5 has no such filter here), DIVERGED, HDF5,
 * OS.
 */
COLLIO_API int collio_dataset_create(collio_object *parent, const char *name, collio_type type,
                                     int ndim, const int64_t *shape,
                                     const collio_dataset_options *options, collio_object **out,
                                     collio_error *err);

/*
 * Give a chunked dataset other extents. Collective. Elements outside the new ones
 * are lost; new ones are equal to the fill value.
 *   shape  in  as many extents as it has, each at most its maximum
 * Errors: VALUE, TYPE (it is not chunked), DIVERGED, HDF5, OS.
 */
COLLIO_API int collio_dataset_resize(collio_object *dataset, const int64_t *shape,
                                     collio_error *err);

typedef enum collio_storage_kind {
    COLLIO_STORED_CONTIGUOUS,
    COLLIO_STORED_CHUNKED,
    COLLIO_STORED_COMPACT,  /* within the structure */
    COLLIO_STORED_EXTERNAL, /* in files of their own */
    COLLIO_STORED_VIRTUAL   /* in other datasets */
} collio_storage_kind;

typedef struct collio_storage {
    collio_storage_kind kind;
    int ndim;
    int64_t chunks[COLLIO_MAX_DIMS];  /* of CHUNKED */
    int64_t maximum[COLLIO_MAX_DIMS]; /* COLLIO_UNLIMITED, or the largest extent */
    int filter_count;
    collio_filter filters[COLLIO_MAX_FILTERS]; /* with the values that HDF5 made of those given */
    collio_fill_time fill_time;
} collio_storage;

/* How a dataset is stored. Not collective. Errors: TYPE, HDF5. */
COLLIO_API int collio_dataset_storage(collio_object *dataset, collio_storage *out,
                                      collio_error *err);

/*
 * The fill value. Not collective.
 *   type  in   converted to this
 *   out   out  one element
 * Errors: TYPE, HDF5.
 */
COLLIO_API int collio_dataset_fill(collio_object *dataset, collio_type type, void *out,
                                   collio_error *err);

/* A chunk that has space in the file. */
typedef struct collio_chunk_facts {
    int64_t start[COLLIO_MAX_DIMS]; /* index of its first element */
    unsigned filter_mask;           /* a bit for each filter that it did not pass */
    int64_t offset, size;           /* bytes in the file */
} collio_chunk_facts;

/*
 * The space that a dataset has in the file. Not collective.
 *   bytes   out  of all elements
 *   chunks  out  free with collio_chunk_facts_free(); NULL if it is not chunked
 *   count   out  of them
 * Errors: TYPE, MEMORY, HDF5.
 */
COLLIO_API int collio_dataset_stored(collio_object *dataset, int64_t *bytes,
                                     collio_chunk_facts **chunks, int64_t *count,
                                     collio_error *err);
COLLIO_API void collio_chunk_facts_free(collio_chunk_facts **chunks);

/* What a virtual dataset, or one in other files, is made of, one after the other. */
typedef struct collio_origin {
    char *path;           /* of the file */
    int64_t offset, size; /* of EXTERNAL: bytes; COLLIO_UNLIMITED */
    char *name;           /* of VIRTUAL: of the dataset, and this is its part */
    int ndim;
    int64_t shape[COLLIO_MAX_DIMS];
    collio_selection where, from;
    int64_t *lists; /* what the selections point to */
} collio_origin;

/* How many there are; 0 for other datasets. Not collective. Errors: TYPE, HDF5. */
COLLIO_API int collio_dataset_origin_count(collio_object *dataset, int *out, collio_error *err);

/* One of them. Not collective.
 *   out  out  collio_origin_free() in any case */
COLLIO_API int collio_dataset_origin(collio_object *dataset, int index, collio_origin *out,
                                     collio_error *err);
COLLIO_API void collio_origin_free(collio_origin *origin);

/* 1 if HDF5 can apply a filter here, and undo it. Not collective. */
COLLIO_API int collio_filter_available(int id);

/*
 * Type of the elements as this machine has them: of numbers one of COLLIO_TYPES, of
 * enumerations the integer they are made of; of all others the type in the file.
 * Not collective.
 *   type     out
 *   swapped  out  1 if the file has the other byte order; may be NULL
 */
COLLIO_API int collio_dataset_type(collio_object *dataset, collio_type *type, int *swapped,
                                   collio_error *err);

/* 1 for a dataset without extents and elements (its dataspace is null). Not collective. */
COLLIO_API int collio_dataset_is_null(const collio_object *dataset);

/* Type of the elements exactly as in the file (type.h). Not collective. */
COLLIO_API int collio_dataset_stored_type(collio_object *dataset, collio_type *type,
                                          collio_error *err);

/* Extents. Not collective.
 *   ndim   out
 *   shape  out  room for COLLIO_MAX_DIMS; may be NULL
 * Errors: TYPE if it is no dataset, UNSUPPORTED if it has no extents (null). */
COLLIO_API int collio_dataset_shape(collio_object *dataset, int *ndim, int64_t *shape,
                                    collio_error *err);

/*
 * Where the elements are in the file, in row-major order without gaps.
 * Not collective.
 *   out  out  bytes from the start of the file; -1 if they are stored otherwise
 *             (chunked, compressed, elsewhere, not yet) or there are none
 */
COLLIO_API int collio_dataset_offset(collio_object *dataset, int64_t *out, collio_error *err);

/*
 * Write elements. Collective; selection and memory are per rank, and a rank with
 * nothing to write takes part with an empty selection.
 *   selection  in  NULL: everything
 *   memory     in  its extents equal those of the selection, but for extents of
 *                  1, which may be left out or added; its type is converted to
 *                  the dataset's. Where selections of ranks overlap, either
 *                  rank's elements end up there.
 * Elements of variable length (type.h) are part of the structure of the file: all ranks
 * get what each one writes, at most 64 MiB in all in one call, and have it in memory
 * until the file is flushed.
 * Errors: INDEX (outside the dataset), VALUE (extents; file is read-only), TYPE (no
 * conversion), UNSUPPORTED (the dataset is chunked, compressed or the like), OS,
 * DIVERGED. When it returns, any rank may read the elements.
 */
COLLIO_API int collio_dataset_write(collio_object *dataset, const collio_selection *selection,
                                    const collio_array *memory, collio_error *err);

/*
 * Read elements. Collective; selection and memory are per rank. All datasets that
 * HDF5 can read as one of COLLIO_TYPES are supported.
 *   memory  out  as in collio_dataset_write()
 * Errors: INDEX, VALUE, TYPE, UNSUPPORTED, OS, HDF5, DIVERGED.
 */
COLLIO_API int collio_dataset_read(collio_object *dataset, const collio_selection *selection,
                                   const collio_array *memory, collio_error *err);

/* The same by one rank alone. Not collective: the error, too, is this rank's. */
COLLIO_API int collio_dataset_read_independent(collio_object *dataset,
                                               const collio_selection *selection,
                                               const collio_array *memory, collio_error *err);

/*
 * Write elements by one rank alone. Not collective: the error, too, is this rank's. Only where
 * nothing but these elements changes in the file: they are contiguous, or in other files, and of
 * fixed length. No other rank may be in a call that moves the same elements.
 * Errors: as collio_dataset_write(); UNSUPPORTED for other datasets.
 */
COLLIO_API int collio_dataset_write_independent(collio_object *dataset,
                                                const collio_selection *selection,
                                                const collio_array *memory, collio_error *err);

/* A transfer that goes on while the program does other things. */
typedef struct collio_request collio_request;

/*
 * Begin to write or read elements. Collective, as collio_dataset_write() and
 * collio_dataset_read(). Elements that are contiguous in the file and need no
 * conversion are moved by a thread; all others before the call returns.
 *   selection  in  a list in it must stay until the wait
 *   memory     in  what it describes must stay, and not be used, until the wait
 *   out        out  give it to collio_request_wait(); NULL on failure
 * Errors: as without _async; those of this rank's transfer come with the wait.
 * Between a write and its wait, what other calls read there is undefined.
 */
COLLIO_API int collio_dataset_write_async(collio_object *dataset, const collio_selection *selection,
                                          const collio_array *memory, collio_request **out,
                                          collio_error *err);
COLLIO_API int collio_dataset_read_async(collio_object *dataset, const collio_selection *selection,
                                         const collio_array *memory, collio_request **out,
                                         collio_error *err);

/* 1 if this rank's part is done, or `request` is NULL. Not collective. */
COLLIO_API int collio_request_test(const collio_request *request);

/*
 * Wait for a transfer, and set *request to NULL. Collective: all ranks wait for the
 * same one, and an error of one rank is that of all. If ranks wait for different
 * ones (DIVERGED), the request stays.
 *   request  in/out  may point to NULL
 */
COLLIO_API int collio_request_wait(collio_request **request, collio_error *err);

/* Wait for this rank's part, forget its error, and set *request to NULL; may point to NULL.
 * Not collective. */
COLLIO_API void collio_request_drop(collio_request **request);

/* ------------------------------------------------------------ attributes */

typedef enum collio_attribute_kind {
    COLLIO_ATTRIBUTE_NUMBERS, /* one of COLLIO_TYPES */
    COLLIO_ATTRIBUTE_TEXT,    /* strings, of fixed or variable length */
    COLLIO_ATTRIBUTE_EMPTY,   /* has no elements */
    COLLIO_ATTRIBUTE_OTHER    /* cannot be read yet */
} collio_attribute_kind;

typedef struct collio_attribute_facts {
    collio_attribute_kind kind;
    collio_type type;   /* of NUMBERS: this machine's type for them */
    collio_type stored; /* the type in the file, exactly, whatever it is (type.h) */
    int swapped;        /* 1 if the file has the other byte order */
    int ndim;           /* 0: one element */
    int64_t shape[COLLIO_MAX_DIMS];
} collio_attribute_facts;

/*
 * Write an attribute; one of the same name is replaced. Collective, the values
 * included: they must be the same on every rank.
 *   object  in
 *   name    in  not empty
 *   type    in
 *   ndim    in  0: one element
 *   shape   in  NULL if ndim is 0
 *   data    in  in C order
 * Errors: VALUE, DIVERGED, HDF5 (among others: 64 KiB is the limit in files of
 * format EARLIEST).
 */
COLLIO_API int collio_attribute_write(collio_object *object, const char *name, collio_type type,
                                      int ndim, const int64_t *shape, const void *data,
                                      collio_error *err);

/*
 * The same with a text, stored as h5py stores a str: one UTF-8 string of
 * variable length. Collective.
 *   text  in  UTF-8, ends with NUL
 */
COLLIO_API int collio_attribute_write_text(collio_object *object, const char *name,
                                           const char *text, collio_error *err);

/* Write an attribute that has a type but no elements (a null dataspace). Collective. */
COLLIO_API int collio_attribute_write_empty(collio_object *object, const char *name,
                                            collio_type type, collio_error *err);

/*
 * Change the values of an attribute, but not its type and extents. Collective, as
 * collio_attribute_write().
 *   type   in  converted to that in the file
 *   shape  in  with as many elements as the attribute has
 * Errors: KEY, and as above.
 */
COLLIO_API int collio_attribute_modify(collio_object *object, const char *name, collio_type type,
                                       int ndim, const int64_t *shape, const void *data,
                                       collio_error *err);

/* Remove an attribute. Collective. Errors: KEY, VALUE, DIVERGED, HDF5. */
COLLIO_API int collio_attribute_delete(collio_object *object, const char *name, collio_error *err);

/* What an attribute is. Not collective. Errors: KEY, HDF5. */
COLLIO_API int collio_attribute_info(collio_object *object, const char *name,
                                     collio_attribute_facts *out, collio_error *err);

/*
 * Read numbers. Not collective.
 *   type  in   converted to this
 *   data  out  room for all elements, in C order
 * Errors: KEY, TYPE (no conversion), UNSUPPORTED, HDF5.
 */
COLLIO_API int collio_attribute_read(collio_object *object, const char *name, collio_type type,
                                     void *data, collio_error *err);

/*
 * Read one string, of fixed or variable length. Not collective.
 *   out  out  ends with NUL; free with collio_text_free()
 * Errors: KEY, TYPE (no text, or more than one), MEMORY, HDF5.
 */
COLLIO_API int collio_attribute_read_text(collio_object *object, const char *name, char **out,
                                          collio_error *err);

/* Free a text that collio made, and set *text to NULL. Not collective. */
COLLIO_API void collio_text_free(char **text);

/* 1 in *out if there is such an attribute. Not collective. */
COLLIO_API int collio_attribute_exists(collio_object *object, const char *name, int *out,
                                       collio_error *err);

/* Number of attributes. Not collective. */
COLLIO_API int collio_attribute_count(collio_object *object, int64_t *out, collio_error *err);

/* Call a function for each name, as collio_group_names(). Not collective. */
COLLIO_API int collio_attribute_names(collio_object *object, collio_name_function *function,
                                      void *context, collio_error *err);

#ifdef __cplusplus
}
#endif
#endif
