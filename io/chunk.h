/*
 * Chunked datasets: how their elements are written. Never installed.
 *
 * A chunk is known by its index: its place in the grid of all chunks, in row-major
 * order. Each rank cuts what it has to write into segments, each of which lies in
 * one chunk without gaps (grid.c), and lists the chunks that it touches
 * (touched.c). What then happens is in chunk_write.c for chunks as they are, and in
 * chunk_filter.c for chunks that pass filters; both give new chunks their space
 * through chunk_space.c, in step on all ranks, and neither lets HDF5 move elements.
 */
#ifndef COLLIO_IO_CHUNK_H
#define COLLIO_IO_CHUNK_H

#include "file.h"

/* ------------------------------------------------------------------ grid.c */

typedef struct collio_grid {
    int ndim;
    int64_t shape[COLLIO_MAX_DIMS];  /* of the dataset */
    int64_t chunks[COLLIO_MAX_DIMS]; /* of a chunk */
    int64_t counts[COLLIO_MAX_DIMS]; /* of chunks */
    int inner;                       /* the last dimension to cut: chunks have the others whole */
    int64_t width;                   /* elements per index of that dimension */
    int64_t chunk;                   /* elements in a chunk */
    size_t element;                  /* bytes */
} collio_grid;

void collio_grid_make(const collio_layout *layout, collio_grid *out);

/* Where a chunk begins in the dataset. */
void collio_grid_start(const collio_grid *grid, int64_t chunk, int64_t *start);

/* How many elements of the dataset are in a chunk: fewer at the border. */
int64_t collio_grid_inside(const collio_grid *grid, int64_t chunk);

/* Elements without gaps in memory and in a chunk. */
typedef struct collio_segment {
    int64_t chunk;
    int64_t offset, count; /* elements, from the chunk's first one */
    char *memory;
    int64_t step, times; /* in a parcel: there are so many alike, each `step` after the last */
} collio_segment;

typedef int collio_segment_function(void *context, const collio_segment *segment,
                                    collio_error *err);

/* Cut a run of elements (see collio_runs()) where it goes from chunk to chunk. */
int collio_grid_cut(const collio_grid *grid, int64_t first, int64_t count, char *memory,
                    collio_segment_function *function, void *context, collio_error *err);

/* --------------------------------------------------------------- touched.c */

/* A chunk that a rank writes to. */
typedef struct collio_touch {
    int64_t chunk;
    int64_t count; /* elements written; with a whole chunk all that are in the dataset */
} collio_touch;

/* Chunks in ascending order; free() the list. */
typedef struct collio_touched {
    collio_touch *list;
    int64_t count;
} collio_touched;

/* Find out which chunks a selection touches. MEMORY. */
int collio_touched_find(const collio_grid *grid, const collio_selection *selection,
                        const collio_array *memory, collio_touched *out, collio_error *err);

/* The entry of a chunk that is in the list. */
collio_touch *collio_touched_at(const collio_touched *touched, int64_t chunk);

/* A chunk that some rank touches. */
typedef struct collio_share {
    int64_t chunk;
    int owner;       /* the rank that writes it */
    int whole;       /* it writes all elements */
    int alone;       /* it needs nothing of other ranks */
    int64_t address; /* bytes, once space is given to it */
    int64_t size;    /* bytes in the file */
    unsigned mask;   /* filters that were left out */
} collio_share;

typedef struct collio_shares {
    collio_share *list; /* ascending; free() it */
    int64_t count;
} collio_shares;

/*
 * All chunks that any rank touches, the same list on all ranks. The ranks that touch a
 * chunk own it in turn, those that have it whole before all others. Collective; an
 * error that this rank brings goes to all, one that arises at the end is its own.
 */
int collio_shares_find(collio_comm *comm, const collio_grid *grid, const collio_touched *touched,
                       collio_shares *out, collio_error *err);

/* ------------------------------------------------------------ chunk_mask.c */

/* The size of a chunk in the file, 0 if there is none, and the mask of filters that were left out
 * of it; the driver notes where it is. Not collective. */
int collio_chunk_look(const collio_object *dataset, const hsize_t *start, int64_t *size,
                      uint32_t *mask, collio_error *err);

/* Have the driver note where so many bytes of a chunk go. The same on all ranks, as what follows.
 */
int collio_chunk_place(const collio_object *dataset, const hsize_t *start, int64_t size,
                       uint32_t mask, collio_error *err);

/* Before a chunk of that size and mask is placed: *stale becomes 1 if HDF5 will remember another
 * mask, until collio_object_renew(). */
int collio_chunk_new_mask(const collio_object *dataset, const hsize_t *start, int64_t size,
                          uint32_t mask, int *stale, collio_error *err);

/* HDF5 if a chunk of so many bytes, and so many without filters (`whole`), is shorter than it can
 * be where these filters were left out. Not collective. */
int collio_mask_check(const collio_object *dataset, hid_t list, uint32_t mask, int64_t whole,
                      int64_t size, collio_error *err);

/* Before HDF5 reads these elements: HDF5 if a chunk is shorter than it can be. Not collective. */
int collio_masks_check(const collio_object *dataset, const collio_selection *selection,
                       collio_error *err);

/* A chunk as it is in the file, in memory that is used again. All zeros is none. */
typedef struct collio_chunk_bytes {
    char *bytes;
    int64_t size, room; /* the size is 0 if there is no such chunk */
    uint32_t mask;
} collio_chunk_bytes;

int collio_chunk_read(const collio_object *dataset, const hsize_t *start, collio_chunk_bytes *bytes,
                      collio_error *err);
void collio_chunk_bytes_free(collio_chunk_bytes *bytes);

/* -------------------------------------------------------------- unfilter.c */

#define COLLIO_MOST_FILTERS 8
#define COLLIO_SUM_BYTES    4 /* of the checksum of "fletcher32" */

/* Put the checksum of bytes behind them. */
void collio_sum_put(char *bytes, size_t size);

/* The filters of a dataset, to be undone without HDF5 if all are known: "shuffle", "deflate" and
 * "fletcher32". All zeros is none. */
typedef struct collio_unfilter {
    int known, count;
    struct {
        int id;
        size_t element; /* of "shuffle" */
        size_t before;  /* bytes that the filter was given when the chunk was written; 0: unknown */
    } filter[COLLIO_MOST_FILTERS];
    size_t size; /* bytes of a chunk without filters */
    collio_zstream stream;
    char *buffer[2];
    size_t room[2];
} collio_unfilter;

/* Find out which filters there are. Not collective; close it also after a failure.
 *   list  in  of the dataset's creation
 *   size  in  bytes of a chunk without filters */
int collio_unfilter_open(collio_unfilter *filters, hid_t list, size_t size, collio_error *err);
void collio_unfilter_close(collio_unfilter *filters);

/*
 * Undo those that are not in the mask of the ones left out.
 *   bytes  in   of the chunk in the file
 *   out    out  all bytes of the chunk, in `bytes` or until the next chunk
 * HDF5, with no more than what is wrong, if the chunk is damaged; MEMORY.
 */
int collio_unfilter_undo(collio_unfilter *filters, const char *bytes, size_t size, uint32_t mask,
                         const char **out, collio_error *err);

/* The same to a chunk of a dataset, in chunk_mask.c; *out is NULL if there is no such chunk. Not
 * collective.
 *   bytes  in/out  memory for it */
int collio_chunk_unfilter(const collio_object *dataset, const collio_grid *grid, int64_t chunk,
                          collio_chunk_bytes *bytes, collio_unfilter *filters, const char **out,
                          collio_error *err);

/* ------------------------------------------------------------ chunk_part.c */

/* A selection that is cut by chunks, with the memory that belongs to it. */
typedef struct collio_cut {
    const collio_grid *grid;
    const collio_selection *selection;
    const collio_array *memory;
    int64_t strides[COLLIO_MAX_DIMS]; /* of memory, bytes, in the dimensions of the dataset */
} collio_cut;

/* 0 if it is not made of single indexes of each dimension or of one block. */
int collio_cut_make(const collio_grid *grid, const collio_selection *selection,
                    const collio_array *memory, collio_cut *out);

/* Whether it is one block. */
int collio_selection_is_block(const collio_selection *selection);

/* What is in a chunk that the selection touches. */
void collio_cut_part(const collio_cut *cut, int64_t chunk, collio_selection *part,
                     collio_array *memory);

/* ------------------------------------------------------------ chunk_kept.c */

/* Chunks that were read in part, without their filters, until anything is changed. */
typedef struct collio_kept collio_kept;

collio_kept *collio_kept_make(void); /* NULL: no memory */
void collio_kept_free(collio_kept *kept);
const char *collio_kept_find(collio_kept *kept, int64_t chunk);
void collio_kept_add(collio_kept *kept, int64_t chunk, const char *bytes, size_t size);

/* ----------------------------------------------------------- filtered_read.c */

/* Read a selection, checked, of chunks whose filters are known here. Not collective.
 *   taken  out  0 if it has to be read in another way */
int collio_filtered_read(const collio_object *dataset, const collio_selection *selection,
                         const collio_array *memory, int *taken, collio_error *err);

/* ----------------------------------------------------------- chunk_space.c */

/* Where a chunk is in the file; *size is 0 if it has no space yet. Not collective. */
int collio_chunk_find(const collio_object *dataset, const collio_grid *grid, int64_t chunk,
                      int64_t *address, int64_t *size, collio_error *err);

/* Give space to chunks, by their sizes and masks. Collective, the same on all ranks:
 * fails as collio_finish() does. Nothing is written. */
int collio_chunks_allocate(const collio_object *dataset, const collio_grid *grid,
                           collio_share *shares, int64_t count, collio_error *err);

/* Put the fill value into a whole chunk. */
void collio_chunk_fill(const collio_grid *grid, const char *element, char *chunk);

/* Memory for chunks, used again: fresh pages cost as much as what is done with them. All zeros is
 * none. */
typedef struct collio_spare {
    char *first; /* a list through the buffers' first bytes */
} collio_spare;

char *collio_spare_take(collio_spare *spare, size_t size); /* NULL: no memory */
void collio_spare_give(collio_spare *spare, char *buffer);
void collio_spare_free(collio_spare *spare);

/* ------------------------------------------------------------ chunk_walk.c */

/* Rows of the chunk that is the one of this number among those touched, to be written without gaps
 * from the byte `offset` of it on. */
typedef int collio_rows_function(void *context, int64_t number, int64_t offset, struct iovec *rows,
                                 int count, collio_error *err);

/* At most so many rows are handed on at once, and no more when they have so many bytes: what a core
 * keeps next to it. */
#define COLLIO_MOST_ROWS  256
#define COLLIO_ROWS_BYTES ((int64_t)1 << 20)

/* As collio_transfer_walk(), with the elements of one chunk after those of another where the
 * selection is a block, and with the rows of a whole chunk where they are in memory.
 *   touched  in  what the selection touches */
int collio_chunks_walk(const collio_object *dataset, const collio_grid *grid,
                       const collio_touched *touched, const collio_selection *selection,
                       const collio_array *memory, collio_rows_function *put_rows,
                       collio_run_function *put, void *context, collio_error *err);

/* ------------------------------------------------------------- interleave.c */

/* The votes of a write to a contiguous dataset: how many short runs there are, where the first
 * element is and where the last one ends, how many bytes come in runs to gather. */
enum { SHORT_RUNS, FIRST, END, TO_GATHER };

/*
 * Whether the ranks' parts of a contiguous dataset lie in runs so short that it is
 * better to gather them: votes for collio_begin_voting(), and what came of them.
 */
void collio_interleave_vote(const collio_object *dataset, const collio_selection *selection,
                            collio_ticket *ticket);
int collio_interleave_wanted(const collio_file *file, const collio_ticket *ticket);

/* As collio_chunks_write(), to a contiguous dataset, after that vote. */
int collio_interleave_write(collio_object *dataset, const collio_selection *selection,
                            const collio_array *memory, const collio_ticket *ticket,
                            collio_error *err);

/* ----------------------------------------------------------------- gather.c */

/*
 * Whether the runs are longer than that, but short enough to be put together in memory that all
 * ranks address: a vote of the same ticket, and what came of it. The second is collective, and may
 * fail as an agreement does.
 */
void collio_gather_vote(const collio_object *dataset, const collio_reach *reach,
                        collio_ticket *ticket);
int collio_gather_ready(collio_file *file, const collio_object *dataset,
                        const collio_ticket *ticket, collio_error *err);

/* As collio_interleave_write(), where it is ready. */
int collio_gather_write(collio_object *dataset, const collio_selection *selection,
                        const collio_array *memory, const collio_ticket *ticket, collio_error *err);

/* ----------------------------------------------- chunk_write.c, chunk_filter.c */

/* A write to chunks without filters, prepared before the ranks agree on the call. */
typedef struct collio_chunks collio_chunks;

/*
 * Find the chunks that a selection, checked, touches, and vote on whether there are new ones. Not
 * collective.
 *   ticket  in/out  for collio_begin_voting(): its first vote
 * The result is to be dropped; NULL: no memory, which err says.
 */
collio_chunks *collio_chunks_prepare(collio_object *dataset, const collio_selection *selection,
                                     const collio_array *memory, collio_ticket *ticket,
                                     collio_error *err);
void collio_chunks_drop(collio_chunks *chunks);

/*
 * Write a selection, checked, to a chunked dataset. Collective: the caller has
 * agreed on the call; these agree on the outcome.
 */
int collio_chunks_write(collio_chunks *chunks, const collio_selection *selection,
                        const collio_array *memory, const collio_ticket *ticket, collio_error *err);
int collio_chunks_write_filtered(collio_object *dataset, const collio_selection *selection,
                                 const collio_array *memory, collio_error *err);

/* ------------------------------------------------------------ chunk_read.c */

/* Read a selection, checked, of a chunked dataset without filters. Not collective. */
int collio_chunks_read(const collio_object *dataset, const collio_selection *selection,
                       const collio_array *memory, collio_error *err);

/* ------------------------------------------------------------- odd_write.c */

/* Give a contiguous dataset the space that it has not got yet. Collective. */
int collio_late_allocate(collio_object *dataset, collio_error *err);

/* As collio_chunks_write(), to a compact dataset. */
int collio_compact_write(collio_object *dataset, const collio_selection *selection,
                         const collio_array *memory, collio_error *err);

/* ------------------------------------------------------------- one_chunk.c */

/* A dataset of one chunk with filters, in memory. All zeros is none. */
typedef struct collio_one_chunk {
    hid_t type; /* of its elements, in the file and in memory */
    hid_t access, file, dataset;
} collio_one_chunk;

/*
 * Not collective. Close it also after a failure.
 *   filters  in  a list for the creation of datasets, as one that is there has it
 *   layout   in  extents of a chunk
 *   type     in  of the elements in the file, or bytes as many; filters may refuse types when HDF5
 *                writes
 */
int collio_one_chunk_open(collio_one_chunk *one, hid_t filters, const collio_layout *layout,
                          hid_t type, collio_error *err);
void collio_one_chunk_close(collio_one_chunk *one);

/* Open its dataset anew, without elements: of a chunk that was there before HDF5 1.10 remembers the
 * size and the filters left out. */
int collio_one_chunk_renew(collio_one_chunk *one, collio_error *err);

/* -------------------------------------------------------------- pipeline.c */

/* The filters of a dataset, apart from its file. */
typedef struct collio_pipeline {
    int known; /* "deflate", alone or after "shuffle" and before a checksum: done here, */
    collio_zstream stream;
    size_t size, shuffled; /* bytes of a chunk; of what is shuffled, or 1 */
    int summed;
    char *buffer;
    collio_one_chunk one; /* others by HDF5 */
} collio_pipeline;

/* Not collective. All zeros is none; close it also after a failure. */
int collio_pipeline_open(collio_pipeline *pipeline, const collio_object *dataset,
                         collio_error *err);
void collio_pipeline_close(collio_pipeline *pipeline);

/* Before HDF5 reads elements of variable length in filtered chunks: check that they refer to what
 * is in the file. Not collective. HDF5 if they do not. */
int collio_filtered_check(const collio_object *dataset, hid_t space, collio_error *err);

/* Let a chunk pass the filters; free() *out. */
int collio_pipeline_pass(collio_pipeline *pipeline, const char *chunk, char **out, int64_t *size,
                         unsigned *mask, collio_error *err);

/* -------------------------------------------------------------- exchange.c */

/* Segments on their way to the ranks that own their chunks. All zeros is none. */
typedef struct collio_parcel {
    char *bytes;
    int64_t size, room;
    int64_t label; /* where the last label is */
} collio_parcel;

/* Add a segment of the share number `share`, or (`times` is more than 1) several alike. MEMORY. */
int collio_parcel_add(collio_parcel *parcel, int64_t share, const collio_segment *segment,
                      size_t element, collio_error *err);

/* Take the segments out of a parcel; their `chunk` is the number of the share. `alike`: those that
 * are alike at once. */
int collio_parcel_open(char *bytes, int64_t size, size_t element, int alike,
                       collio_segment_function *arrived, void *context, collio_error *err);

/*
 * Send a parcel to each rank and hand on what arrives. Collective; an error that this
 * rank brings goes to all.
 *   parcels  in/out  one a rank; emptied
 *   arrived  in      called as by collio_parcel_open()
 */
int collio_parcels_exchange(collio_comm *comm, collio_parcel *parcels, size_t element, int alike,
                            collio_segment_function *arrived, void *context, collio_error *err);

#endif
