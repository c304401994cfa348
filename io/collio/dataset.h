/*
 * collio datasets: memory, selections, creation, writing and reading of elements. Part of io.h,
 * which has the manual.
 */
#ifndef COLLIO_DATASET_H
#define COLLIO_DATASET_H

#include <collio/group.h>

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
    const void *fill;    /* one element of the dataset's type; NULL: zero */
    collio_fill_time fill_time;
    int track_times;                 /* 1: keep the time of creation */
    int track_order;                 /* 1: keep the order in which attributes are made */
    const collio_external *external; /* the elements are there, in this order */
    int external_count;
    int is_virtual; /* 1: the elements are in other datasets; it can be
                       written where they are in datasets of the same file */
    const collio_mapping *mappings;
    int mapping_count;
    /* Directories in which files of `external`, and those of mappings, are looked for now; NULL:
     * where the working directory is. "${ORIGIN}" stands for that of the file itself. It is not
     * kept in the file. */
    const char *external_prefix, *virtual_prefix;
    int compact; /* 1: the elements are in the structure, 64 KiB at most */
    collio_attribute_room attributes;
    collio_object *named_type; /* an object of this file, of the type that is given, which the
                                  dataset shares; NULL: it has a type of its own */
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
 * Open a dataset whose elements are in other files, looked for in directories as in
 * collio_dataset_options. Not collective.
 *   external, mapped  in   prefixes of files of bytes, and of sources of a virtual dataset; NULL
 *   out               out  close with collio_object_close()
 * Errors: KEY, HDF5 (it is open in another way).
 */
COLLIO_API int collio_dataset_open_in(collio_object *parent, const char *name, const char *external,
                                      const char *mapped, collio_object **out, collio_error *err);

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
 * Let HDF5 have a filter, or take it away, for this process. Not collective, but all ranks should
 * do it alike, before they open files with such data. filter  in  a H5Z_class2_t of HDF5; what it
 * points to stays the caller's id      in  one that no open dataset uses, and none of HDF5's own
 * Errors: VALUE (NULL), HDF5.
 */
COLLIO_API int collio_filter_register(const void *filter, collio_error *err);
COLLIO_API int collio_filter_unregister(int id, collio_error *err);

/*
 * Look at a dataset again, of a file that is open for reading and that another process has changed
 * and flushed: its extents, and where its elements are. Not collective; nothing is done where the
 * file is open for writing, whose structure is known.
 * Errors: HDF5, OS, STATE.
 */
COLLIO_API int collio_dataset_refresh(collio_object *dataset, collio_error *err);

/* How the directories in which HDF5 looks for filters that are plugins change. */
typedef enum collio_plugin_change {
    COLLIO_PLUGIN_APPEND,
    COLLIO_PLUGIN_PREPEND,
    COLLIO_PLUGIN_INSERT,
    COLLIO_PLUGIN_REPLACE,
    COLLIO_PLUGIN_REMOVE
} collio_plugin_change;

/*
 * Change these directories, for this process. Not collective, but all ranks should do it alike.
 *   what  in
 *   path  in  a directory; not looked at by REMOVE
 *   at    in  place in their order, for INSERT, REPLACE and REMOVE
 * Errors: HDF5.
 */
COLLIO_API int collio_plugin_path(collio_plugin_change what, const char *path, unsigned at,
                                  collio_error *err);

/*
 * Look at them. Not collective.
 *   at     in   place of one
 *   path   out  room for `room` bytes; NULL: not wanted
 *   count  out  how many there are
 * Errors: HDF5 (there is none at that place).
 */
COLLIO_API int collio_plugin_get(unsigned at, char *path, size_t room, unsigned *count,
                                 collio_error *err);

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
 * Write a chunk as it is to be in the file, filtered already. Collective, the same on all ranks.
 *   offset   in  indexes of its first element
 *   skipped  in  a bit for each filter that was not applied, the first in bit 0
 *   bytes, size  in
 * Errors: VALUE (not chunked, no chunk begins there), UNSUPPORTED (variable length).
 */
COLLIO_API int collio_dataset_write_chunk(collio_object *dataset, const int64_t *offset,
                                          unsigned skipped, const void *bytes, size_t size,
                                          collio_error *err);

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

#ifdef __cplusplus
}
#endif
#endif
