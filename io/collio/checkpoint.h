/*
 * collio checkpoints: the state of a parallel program in one file a step,
 * which is either whole or not there, and is restored on any number of ranks.
 *
 *   collio_checkpoint *c;
 *   collio_checkpoint_options options = {.keep = 3};
 *   collio_item items[] = {
 *       collio_item_part("u", &mine, shape, start),     // an array in parts
 *       collio_item_scalar("t", COLLIO_FLOAT64, &t),    // the same on all ranks
 *       collio_item_state("rng", "json", text, length)  // bytes with a format
 *   };
 *   collio_checkpoint_open(MPI_COMM_WORLD, "run/ckpt", &options, &c, &err);
 *   collio_checkpoint_save(c, step, 3, items, COLLIO_AT(&err));
 *
 * The protocol of a save. Between two agreements no rank leaves; after a
 * failure in any of the steps every rank returns the same error.
 *
 *   guard     All ranks bring the same step, names, types, global shapes and
 *             common values; the parts cover each array exactly once.
 *   skeleton  Rank 0 creates ".part-<uuid>-step-<12 digits>.h5": datasets
 *             contiguous, allocated and not filled, behind a user block with
 *             room for the seal. HDF5 writes its metadata into memory and
 *             collio puts them on disk, after reserving the space of the whole
 *             file; it notes where the raw data will lie.
 *   data      Every rank writes its bytes there and digests them in memory; where
 *             parts lie in very many short runs (columns), the ranks first
 *             exchange elements, so that each writes whole blocks.
 *   durable   Every rank that wrote calls fsync. A failed fsync condemns the
 *             file; it is never tried again.
 *   seal      Rank 0 sums the digests and writes table and seal into the user
 *             block, fsync.
 *   commit    Rank 0 renames to "step-<12 digits>.h5", never over another
 *             file, and syncs the directory. Only now does save succeed.
 *
 * What holds therefore
 *
 *   - A step that save has acknowledged survives the loss of every process at
 *     any later instant, and a committed file is never written again.
 *   - If a rank fails, none succeeds.
 *   - Data that do not match their seal are never returned, and libhdf5 is
 *     never called on a file without a whole seal.
 *   - Every call ends within its deadline (collio_set_timeout).
 *   - After a failed call the object can be used as before, unless a rank was
 *     missing (collio_comm_is_poisoned).
 *   - A save that failed in the very last agreement may have left its step
 *     in the directory, whole; nobody was told that it is there.
 *   - One job writes to a directory at a time: it holds a lease (".lease"), a
 *     second one gets an error that names the first. Readers need none.
 *
 * The seal covers every byte of the file: the raw data by digests a block (a
 * power of two of elements, 256 KiB at least), the HDF5 metadata by one more,
 * seal and table by their own. Compressed arrays are stored in chunks, a block
 * each; the ranks compress them before the skeleton is made, and digests are of
 * the elements, so that a chunk is whole if what comes out of it is. A digest is a sum over the
 * elements of an array of a bijective mix of (index, bits): the same however many ranks wrote it,
 * and damage is located. The file is plain HDF5 for any reader: dataset
 * "<name>" for each item, root attributes "collio_step", "collio_uuid",
 * "collio_writers"; state as bytes with the attribute "collio_format", state
 * of each rank with the dataset "<name>.sizes" beside it.
 *
 * With COLLIO_LAYOUT_PER_RANK the parts lie in "step-<12 digits>.ranks-<uuid>/rank-<6 digits>.h5",
 * each sealed by its rank before all agree. The step's own file has what is common, the digests of
 * whole arrays (the same as in the other layout) and a list of those files with their seals and
 * boxes. Its rename commits the step, files of ranks included.
 *
 * Conventions as in collio/core.h.
 */
#ifndef COLLIO_CHECKPOINT_H
#define COLLIO_CHECKPOINT_H

#include <collio/core.h>
#include <collio/io.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A directory of steps, open on the ranks of a communicator. */
typedef struct collio_checkpoint collio_checkpoint;

/* One whole step, open for reading. */
typedef struct collio_checkpoint_state collio_checkpoint_state;

/* ---------------------------------------------------------- open and close */

enum collio_verify {
    COLLIO_VERIFY_ALL,  /* opening a step reads and verifies all of it, the ranks sharing the work;
                           so the newest step that is whole is found. The default */
    COLLIO_VERIFY_READ, /* opening verifies seal, table and metadata only; damage in the data is an
                           error of the read that meets it. (Reads always verify what they read.) */
};

#define COLLIO_MAX_SIGNALS 16

typedef struct collio_checkpoint_options {
    int keep;      /* steps that stay after a save: that one and the newest before it; 0: all */
    int verify;    /* enum collio_verify */
    int read_only; /* 1: the directory must be there; nothing in it is changed, save and delete
                      are refused; no lease is needed */
    int deflate;   /* 1 .. 9: compress arrays in parts, with HDF5's filters shuffle and deflate of
                      this level; 0: not */
    int layout;    /* enum collio_layout: of the steps saved; all are read, deleted, ... alike */
    /* What collio_checkpoint_due() goes by; 0, NULL: not by that. */
    int64_t every_steps;  /* at steps that are multiples of this one */
    double every_seconds; /* when so much time has passed since the last save */
    const int *signals;   /* SIGTERM, SIGUSR1, ...: watched until close; belongs to the caller */
    int nsignals;         /* at most COLLIO_MAX_SIGNALS */
} collio_checkpoint_options;

/*
 * Open a directory of steps, creating it and its parents. Remains of saves
 * whose job is certainly gone (same host, no such process) are removed.
 * Collective over `user`.
 *   directory  in   must name the same directory on all ranks
 *   options    in   NULL: all zero
 *   out        out  free with collio_checkpoint_close()
 * Errors: VALUE, OS, MEMORY, STATE (another job has the lease: the text says
 * which, where and since when), and those of collio_comm_create().
 *
 * Unless read_only, rank 0 takes the lease of the directory: a file with its
 * host, process, job and the time, touched every few seconds. It is taken over
 * when its process is gone (same host) or it was not touched for 90 s (another
 * host). One process may open a directory several times.
 */
COLLIO_API int collio_checkpoint_open(MPI_Comm user, const char *directory,
                                      const collio_checkpoint_options *options,
                                      collio_checkpoint **out, collio_error *err);

/*
 * Close, and set *c to NULL. Close the states opened from it first.
 * Collective; local after a rank was missing.
 *   c  in/out  may point to NULL
 * A save in flight is finished first; its error is that of this call.
 */
COLLIO_API int collio_checkpoint_close(collio_checkpoint **c, collio_error *err);

/* The directory as an absolute path; belongs to `c`. Not collective. */
COLLIO_API const char *collio_checkpoint_directory(const collio_checkpoint *c);

/* The communicator of `c`, still owned by it. Not collective. */
COLLIO_API collio_comm *collio_checkpoint_comm(const collio_checkpoint *c);

/* -------------------------------------------------------------------- save */

typedef enum collio_item_kind {
    COLLIO_ITEM_PART,       /* an array of which each rank holds a block, maybe an empty one */
    COLLIO_ITEM_COMMON,     /* a small array or scalar, equal on all ranks */
    COLLIO_ITEM_STATE,      /* bytes, the same for all ranks: those of rank 0 are written */
    COLLIO_ITEM_RANK_STATE, /* bytes, each rank its own */
} collio_item_kind;

/* One thing to save. Made by the functions below; `name` may contain '/'
 * (groups), and must not be empty, begin or end with '/' or contain "//". */
typedef struct collio_item {
    const char *name;
    collio_item_kind kind;
    collio_array array;             /* PART: this rank's block; COMMON: all of it */
    int64_t shape[COLLIO_MAX_DIMS]; /* PART: of the whole array */
    int64_t start[COLLIO_MAX_DIMS]; /* PART: where the block begins in it */
    const void *bytes;              /* STATE, RANK_STATE */
    size_t size;                    /* of bytes; RANK_STATE: per rank */
    const char *format;             /* what the bytes are: "json", "pickle", ...; the same on all */
} collio_item;

/*
 * Describe an item; memory and texts stay the caller's and are used until the
 * save has returned. Not collective, these four.
 *   part    array->ndim dimensions, at least 1; block [start, start + array->shape);
 *           an extent of 0 in array->shape: this rank holds nothing
 *   scalar  value points to one element of `type`
 */
COLLIO_API collio_item collio_item_part(const char *name, const collio_array *array,
                                        const int64_t *shape, const int64_t *start);
COLLIO_API collio_item collio_item_common(const char *name, const collio_array *array);
COLLIO_API collio_item collio_item_scalar(const char *name, collio_type type, const void *value);
COLLIO_API collio_item collio_item_state(const char *name, const char *format, const void *bytes,
                                         size_t size);
COLLIO_API collio_item collio_item_rank_state(const char *name, const char *format,
                                              const void *bytes, size_t size);

#define COLLIO_MAX_STEP INT64_C(999999999999)
#define COLLIO_NEWEST (-1) /* where a step is asked for that is there */

/*
 * Save a step: blocking, durable on return. Collective.
 *   step    in  0 .. COLLIO_MAX_STEP; a whole step that is there already is
 *               refused, a damaged one is set aside ("damaged-...") first
 *   nitems  in  may be 0
 *   items   in  names, kinds, types, whole shapes, formats and common values
 *               must match in the same order; blocks, memory layout and
 *               RANK_STATE bytes are per rank
 * Errors: VALUE (step, name, shape; gap or overlap of parts, with place and
 * ranks), DIVERGED, OS, HDF5, MEMORY, MPI, TIMEOUT. Pruning (keep) happens
 * after success, the space is given back in the background; failures go to the log.
 */
COLLIO_API int collio_checkpoint_save(collio_checkpoint *c, int64_t step, int nitems,
                                      const collio_item *items, collio_error *err);

/*
 * Save in the background: returns when the data are copied, and a thread (which
 * makes no MPI calls) writes them and calls fsync while the program computes.
 * The step is committed, by all ranks together, in the next wait, test, save,
 * save_start or close; an error of any rank surfaces there, on all ranks. At
 * most one save is in flight: starting the next finishes the one before.
 * Collective.
 *   borrow  in  1: arrays without gaps, and states, are not copied: their memory
 *               must not change until the save is finished
 * The rest as for collio_checkpoint_save(), errors too; those of writing come
 * later. The memory for copies is kept for the next save, until close. Where
 * parts lie in many very short runs (a few columns), and with compression, the exchange
 * between the ranks, and the compression, are done before this returns. A
 * program that uses this should initialise MPI with MPI_THREAD_FUNNELED at least,
 * as it then has another thread (MPI 3.1, 12.4.3).
 */
COLLIO_API int collio_checkpoint_save_start(collio_checkpoint *c, int64_t step, int nitems,
                                            const collio_item *items, int borrow,
                                            collio_error *err);

/* Finish the save in flight; nothing if there is none. Collective. Errors: those
 * of the save: its step is not there then. */
COLLIO_API int collio_checkpoint_wait(collio_checkpoint *c, collio_error *err);

/* Finish the save in flight if it can be done without waiting for disks: *done
 * is 1 if so, or if there is none, and the same on all ranks. Collective. */
COLLIO_API int collio_checkpoint_test(collio_checkpoint *c, int *done, collio_error *err);

/* 1 if a save is in flight, and its step (which may be NULL). Not collective. */
COLLIO_API int collio_checkpoint_pending(const collio_checkpoint *c, int64_t *step);

/* --------------------------------------------------------------- schedule */

enum collio_due { COLLIO_DUE_STEPS = 1, COLLIO_DUE_SECONDS = 2, COLLIO_DUE_SIGNAL = 4 };

/*
 * Whether a checkpoint is due at this step, by the options given at open:
 * the same answer on all ranks, also when a signal has reached one rank only, or
 * clocks differ (that of rank 0 counts). Collective.
 *   step    in   the same on all ranks. The step that was saved or restored last
 *                is due only because of a signal: then it need not be saved again
 *   why     out  sum of COLLIO_DUE_*; 0: not due
 *   signal  out  the signal that asks for it, or 0
 * A signal is reported once; one that reaches the ranks at different times may
 * be reported at two steps.
 */
COLLIO_API int collio_checkpoint_due(collio_checkpoint *c, int64_t step, int *why, int *signal,
                                     collio_error *err);

/* -------------------------------------------------------- look and clean up */

typedef struct collio_checkpoint_entry {
    int64_t step;
    int64_t size;   /* of the file, bytes */
    int64_t time;   /* when it was saved, seconds since 1970; 0 if damaged */
    int writers;    /* ranks that saved it; 0 if damaged */
    int pinned;     /* 1: see collio_checkpoint_pin() */
    int status;     /* COLLIO_OK: seal, table and metadata whole (data not looked at);
                       COLLIO_ERR_DAMAGED, COLLIO_ERR_UNSUPPORTED, COLLIO_ERR_OS: see text */
    char text[512]; /* why it is refused; "" if it is not */
} collio_checkpoint_entry;

/*
 * List the steps, oldest first. Collective; rank 0 looks.
 *   list   out  free with collio_checkpoint_steps_free(); NULL if empty
 *   count  out
 */
COLLIO_API int collio_checkpoint_steps(collio_checkpoint *c, collio_checkpoint_entry **list,
                                       int *count, collio_error *err);
COLLIO_API void collio_checkpoint_steps_free(collio_checkpoint_entry *list); /* Not collective. */

/*
 * The newest step with a whole seal (data not looked at). Collective.
 * Errors: NONE if no step is there, DAMAGED if none has a whole seal (the text
 * lists each).
 */
COLLIO_API int collio_checkpoint_latest(collio_checkpoint *c, int64_t *step, collio_error *err);

typedef struct collio_checkpoint_report {
    int64_t step;
    int valid;                    /* 1: every byte matches the seal, as read by these ranks */
    int64_t blocks;               /* of raw data in the file; 0 if its table cannot be read */
    int64_t damaged;              /* of them */
    char text[COLLIO_ERROR_TEXT]; /* which file, datasets and index ranges; "" if valid */
} collio_checkpoint_report;

/*
 * Read all of a step and compare it with its seal; the ranks share the work.
 * Collective. Damage is a finding, not an error of this call.
 *   step    in
 *   report  out  the same on all ranks
 * Errors: NONE if there is no such step.
 */
COLLIO_API int collio_checkpoint_verify(collio_checkpoint *c, int64_t step,
                                        collio_checkpoint_report *report, collio_error *err);

/*
 * Delete a step, whole or damaged. Collective. Errors: NONE, OS, STATE
 * (read_only, or the step is pinned).
 */
COLLIO_API int collio_checkpoint_delete(collio_checkpoint *c, int64_t step, collio_error *err);

/*
 * Pin a step, or let it loose again: a pinned one is not pruned, not counted
 * for `keep`, not deleted. The pin is a file beside the step, for all jobs to
 * come. Collective.
 *   step    in
 *   pinned  in  1: pin, 0: let loose; what it is already is no error
 * Errors: NONE (no such step), OS, STATE (read_only).
 */
COLLIO_API int collio_checkpoint_pin(collio_checkpoint *c, int64_t step, int pinned,
                                     collio_error *err);

/* ------------------------------------------------------------------- merge */

/* Told, on each rank, how many bytes of this rank's share are done. */
typedef void collio_progress_function(void *context, int64_t done, int64_t total);

/*
 * Make one file of a step that was saved per rank: the one it would have been in
 * the shared layout, with the same digests; or of a file of the layout per rank,
 * whose datasets are stored as they were made. Collective over `user`; the ranks
 * share the work. The source is only read. The result has another name until
 * every byte of it was compared; after a kill, run it again. If the result is
 * there already it is verified.
 *   source       in  the step's own file, step-<12 digits>.h5, a directory of steps, or a
 *                    file of the layout per rank
 *   step         in  which one of a directory; COLLIO_NEWEST: the newest with a whole seal,
 *                    and for a file
 *   destination  in  of the result; never overwritten
 *   progress     in  NULL: none
 * Errors: VALUE, NONE, OS, MEMORY, HDF5, DAMAGED (the source; the text says where),
 * STATE (the source is one file already). Of a step the result is not compressed.
 */
COLLIO_API int collio_checkpoint_merge(MPI_Comm user, const char *source, int64_t step,
                                       const char *destination, collio_progress_function *progress,
                                       void *context, collio_error *err);

/* ----------------------------------------------------------------- restore */

/*
 * Open a step for reading. Collective.
 *   step  in   COLLIO_NEWEST: the newest one that is valid on all ranks; newer
 *              ones that were refused are named in the log and by
 *              collio_checkpoint_state_refused()
 *   out   out  free with collio_checkpoint_state_close()
 * Errors: NONE if nothing is there; DAMAGED if no step, or not the one asked
 * for, is valid (the text lists each with its reason).
 */
COLLIO_API int collio_checkpoint_restore(collio_checkpoint *c, int64_t step,
                                         collio_checkpoint_state **out, collio_error *err);

/* The same, with another verification than that of the options.
 *   verify  in  enum collio_verify */
COLLIO_API int collio_checkpoint_restore_verified(collio_checkpoint *c, int64_t step, int verify,
                                                  collio_checkpoint_state **out, collio_error *err);

/* Close and set *state to NULL, which it may be already. Not collective. */
COLLIO_API void collio_checkpoint_state_close(collio_checkpoint_state **state);

/* Not collective, these: what the state is. The refused text has one line a
 * step, "" if there were none; it belongs to the state. */
COLLIO_API int64_t collio_checkpoint_state_step(const collio_checkpoint_state *state);
COLLIO_API int collio_checkpoint_state_writers(const collio_checkpoint_state *state);
COLLIO_API int64_t collio_checkpoint_state_time(const collio_checkpoint_state *state);
COLLIO_API const char *collio_checkpoint_state_path(const collio_checkpoint_state *state);
COLLIO_API const char *collio_checkpoint_state_refused(const collio_checkpoint_state *state);

typedef struct collio_item_info {
    const char *name; /* belongs to the state */
    collio_item_kind kind;
    collio_type type;               /* PART, COMMON; UINT8 for states */
    int ndim;                       /* 0: a scalar */
    int64_t shape[COLLIO_MAX_DIMS]; /* whole; states: { bytes of all parts } */
    const char *format;             /* states; "" otherwise */
    int parts;                      /* RANK_STATE: ranks that saved; otherwise 1 */
} collio_item_info;

/* The number of items, in the order they were saved. Not collective. */
COLLIO_API int collio_checkpoint_state_count(const collio_checkpoint_state *state);

/* Describe the i-th item. Not collective. Errors: INDEX. */
COLLIO_API int collio_checkpoint_state_item(const collio_checkpoint_state *state, int i,
                                            collio_item_info *info, collio_error *err);

/* Describe the item of a name. Not collective. Errors: KEY (the text lists
 * the names there are). */
COLLIO_API int collio_checkpoint_state_find(const collio_checkpoint_state *state, const char *name,
                                            collio_item_info *info, collio_error *err);

/*
 * Read a block of an array (PART or COMMON). Collective; every rank its own
 * block: the blocks may overlap, leave gaps, be empty.
 *   name   in
 *   start  in   per rank; where the block begins; NULL: at 0
 *   out    in   per rank; extents, type and memory of the block; an extent of 0
 *               reads nothing. The type must be that of the item
 * If any rank fails, the memory is undefined on all of them.
 * Errors: KEY, TYPE, VALUE, INDEX, DAMAGED (dataset and index range), OS.
 */
COLLIO_API int collio_checkpoint_read(collio_checkpoint_state *state, const char *name,
                                      const int64_t *start, const collio_array *out,
                                      collio_error *err);

/*
 * Read blocks of many arrays at once, into memory that is there. Collective;
 * the names in the same order on all ranks, the blocks per rank.
 *   nitems  in  may be 0
 *   items   in  as for a save, but their arrays are written to.
 *               PART: the block [start, start + array.shape); `shape` must be
 *               that of the whole array, unless shape[0] is negative.
 *               COMMON: all of an array (also of one saved in parts)
 * If any rank fails, the memory is undefined on all of them.
 * Errors: as collio_checkpoint_read(); TYPE for items that are states.
 */
COLLIO_API int collio_checkpoint_read_items(collio_checkpoint_state *state, int nitems,
                                            const collio_item *items, collio_error *err);

/*
 * Size in bytes of a state. Not collective.
 *   part  in  RANK_STATE: the rank that saved it, 0 .. parts-1; STATE: 0
 * Errors: KEY, TYPE (no state), INDEX.
 */
COLLIO_API int collio_checkpoint_state_size(const collio_checkpoint_state *state, const char *name,
                                            int part, size_t *size, collio_error *err);

/*
 * Read the bytes of a state. Collective.
 *   part   in   per rank; as above; negative: this rank reads nothing
 *   bytes  out  of collio_checkpoint_state_size()
 * Errors: KEY, TYPE, INDEX, DAMAGED, OS.
 */
COLLIO_API int collio_checkpoint_read_state(collio_checkpoint_state *state, const char *name,
                                            int part, void *bytes, collio_error *err);

#ifdef __cplusplus
}
#endif
#endif
