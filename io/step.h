/*
 * Shared by the files that make checkpoints, never installed.
 */
#ifndef COLLIO_IO_STEP_H
#define COLLIO_IO_STEP_H

#include "internal.h"
#include "collio/checkpoint.h"

#include <pthread.h>

/* ------------------------------------------------------------ table.c */

/* One array of a step, as its sealed table describes it. */
typedef struct collio_record {
    char *name;
    char *format; /* of states; "" otherwise */
    collio_item_kind kind;
    collio_type type;
    int ndim;
    int64_t shape[COLLIO_MAX_DIMS];
    int64_t size;       /* elements */
    int64_t offset;     /* bytes from the start of the file; 0 if compressed */
    int64_t block;      /* elements under one digest */
    int64_t span;       /* after so many elements a block ends, whether full or not */
    int64_t blocks;     /* how many digests */
    uint64_t *digest;   /* of each block */
    int64_t parts;      /* RANK_STATE: ranks that saved; otherwise 1 */
    int64_t *part_size; /* bytes of each part; NULL unless RANK_STATE */
    int deflate;        /* level, 1 .. 9: each block is compressed by itself; 0: none is */
    int64_t *place;     /* compressed: where each block lies, */
    int64_t *stored;    /* and its bytes there: as many as it has elements for: not compressed */
    int apart;          /* 1: the elements lie in files of the ranks: rankset.h */
} collio_record;

/* The files of the ranks, of a step that has some: rankset.h. */
typedef struct collio_rankset collio_rankset;

/* What the user block of a step holds: seal and table. */
typedef struct collio_table {
    unsigned char uuid[16];
    int64_t step;
    int64_t time; /* seconds since 1970 */
    int64_t writers;
    int64_t file_size;
    int64_t user_block; /* bytes */
    uint64_t metadata;  /* digest of what is neither user block nor elements */
    uint64_t seal;      /* the seal's own digest: tells two steps apart */
    int count;
    collio_record *record;
    collio_rankset *ranks; /* NULL: all arrays lie in this file */
} collio_table;

/* A table of `count` empty records, or release all that one holds. */
int collio_table_make(collio_table *table, int count, collio_error *err);
void collio_table_free(collio_table *table);

/*
 * Give a record its name, extents and room for digests, choosing the block.
 *   deflate  in  level of compression, for parts that are not tiny; 0: none
 * Errors: MEMORY, VALUE (more bytes than a file can have).
 */
int collio_record_fill(collio_record *record, const char *name, const char *format,
                       collio_item_kind kind, collio_type type, int ndim, const int64_t *shape,
                       int64_t parts, int deflate, collio_error *err);

/* Bytes of an element, of all elements. */
int64_t collio_record_element(const collio_record *record);
int64_t collio_record_bytes(const collio_record *record);

/* Blocks: the first element of one (of the one past the last: the size), how
 * many it has, and which one an element is in. */
int64_t collio_block_first(const collio_record *record, int64_t block);
int64_t collio_block_count(const collio_record *record, int64_t block);
int64_t collio_block_of(const collio_record *record, int64_t index);

/* The chunk of a compressed record, in each dimension: a block is one chunk. */
void collio_record_chunk(const collio_record *record, int64_t *chunk);

/* Where blocks, or all elements, are in the file: piece i of `pieces`. */
int64_t collio_record_pieces(const collio_record *record);
void collio_record_piece(const collio_record *record, int64_t i, int64_t *offset, int64_t *bytes);

/* The record of a name, or -1. */
int collio_table_find(const collio_table *table, const char *name);

/* Words that the records take when encoded; the records to and from words. */
size_t collio_table_words(const collio_table *table);
void collio_table_encode(const collio_table *table, uint64_t *words);
int collio_table_decode(collio_table *table, const uint64_t *words, size_t count, const char *path,
                        collio_error *err);

/* ---------------------------------------------------------- deflate.c */

/*
 * Compress a block.
 *   elements  in   collio_block_count() of them
 *   out       out  room for a full block
 *   size      out  bytes stored; those of a full block: as they are
 */
int collio_deflate(const collio_record *record, int64_t block, const char *elements, char *out,
                   int64_t *size, collio_error *err);

/* The opposite, of record->stored[block] bytes; *whole is 0 if they are not
 * what collio_deflate() makes. */
int collio_inflate(const collio_record *record, int64_t block, const char *stored, char *elements,
                   int *whole, collio_error *err);

/* Whether there is compression: UNSUPPORTED. */
int collio_deflate_check(collio_error *err);

/* ------------------------------------------------------------- seal.c */

/* The size the user block needs: a power of two; at least a page, which is
 * also what HDF5 demands if arrays are to begin on pages. */
#define COLLIO_SEAL_LEAST 4096
int64_t collio_seal_room(const collio_table *table);

/* Write the user block, table->user_block bytes: seal, table, zeros. */
void collio_seal_encode(collio_table *table, void *user_block);

/* Write it to the file, and force it to the disk. */
int collio_seal_write(int fd, collio_table *table, const char *path, collio_error *err);

/* The opposite, checking everything in it. Errors: DAMAGED, UNSUPPORTED,
 * MEMORY. */
int collio_seal_decode(collio_table *table, const void *user_block, size_t size, const char *path,
                       collio_error *err);

/* Digest what is neither user block nor elements. */
int collio_seal_metadata(int fd, const collio_table *table, const char *path, uint64_t *digest,
                         collio_error *err);

/*
 * Read and check the seal of an open file: user block, length, metadata.
 *   table  out  free with collio_table_free() in any case
 * Errors: DAMAGED, UNSUPPORTED, OS, MEMORY.
 */
int collio_seal_read(int fd, const char *path, collio_table *table, collio_error *err);

/* ------------------------------------------------------------ cover.c */

/*
 * Check that the blocks of all ranks cover an array exactly once.
 *   ranks   in
 *   blocks  in  of rank r at blocks + r * stride: ndim starts, then ndim counts
 * Errors: VALUE with the place and the ranks; MEMORY.
 */
int collio_cover_check(const char *name, int ndim, const int64_t *shape, int ranks,
                       const int64_t *blocks, size_t stride, collio_error *err);

/* --------------------------------------------------------- skeleton.c */

/*
 * Create the HDF5 file of a step around its raw data, which is not written:
 * fills in the offsets, the user block's size, the file's length and the digest
 * of the metadata. By one rank.
 *   reserve  in  1: have all of the space on disk; 0: the caller does so later, as this can take as
 *                long as it takes to copy the data
 */
int collio_skeleton_create(const char *path, collio_table *table, int reserve, collio_error *err);

/* ------------------------------------------------------------ names.c */

/* A path in the directory, to be freed by the caller; NULL without memory. */
char *collio_name_step(const char *directory, int64_t step, collio_error *err);
char *collio_name_part(const char *directory, const unsigned char *uuid, int64_t step,
                       collio_error *err);
char *collio_name_old(const char *directory, const unsigned char *uuid, int64_t step,
                      collio_error *err);
char *collio_name_damaged(const char *directory, const unsigned char *uuid, int64_t step,
                          collio_error *err);

char *collio_name_pin(const char *directory, int64_t step, collio_error *err);

/* Remove the parts, and pruned steps, of processes of this host that are gone, best
 * effort. */
void collio_names_clean(const char *directory);

/* The steps in a directory, ascending.
 *   steps  out  to be freed by the caller */
int collio_names_list(const char *directory, int64_t **steps, int *count, collio_error *err);

/* ---------------------------------------------------------- process.c */

/* An identity that tells which process on which host made it, and is new. */
void collio_uuid_make(unsigned char *uuid);
void collio_uuid_text(const unsigned char *uuid, char *text); /* 37 bytes */
int collio_uuid_parse(const char *text, unsigned char *uuid); /* 0: no uuid */

/* Whether the process that made an identity still runs: ours is this one;
 * elsewhere: on another host, so nobody here knows. */
typedef enum collio_process {
    COLLIO_PROCESS_OURS,
    COLLIO_PROCESS_RUNS,
    COLLIO_PROCESS_GONE,
    COLLIO_PROCESS_ELSEWHERE
} collio_process;

/*   began  in  collio_process_began() of that process, which tells it from a
 *              later one with the same number; 0: not known */
collio_process collio_process_is(const unsigned char *uuid, int64_t began);
int64_t collio_process_began(void);

/* ----------------------------------------------------------- thread.c */

/* pthread_create() for a thread that takes no signals; 0, or an errno. */
int collio_thread_start(pthread_t *thread, void *(*function)(void *), void *argument);

/* ------------------------------------------------------------ lease.c */

/* The right of this process to write to a directory. */
typedef struct collio_lease collio_lease;

/*
 * Take the lease, or join the one that this process has already. By one rank.
 *   out  out  free with collio_lease_return()
 * Errors: STATE (another job has it), OS, MEMORY.
 */
int collio_lease_take(const char *directory, collio_lease **out, collio_error *err);

/* Whether it is still ours: another host takes over what is not touched for
 * long, as while this process was stopped. Errors: STATE. */
int collio_lease_check(const collio_lease *lease, collio_error *err);

/* Give it back and set *lease to NULL, which it may be already. */
void collio_lease_return(collio_lease **lease);

/* ------------------------------------------------------- checkpoint.c */

/* Errors: STATE if the object is closed (NULL). For the start of each call. */
int collio_checkpoint_check(const collio_checkpoint *c, collio_error *err);

/* ------------------------------------------------ checkpoint_prune.c */

/* Whether a step is pinned; *pinned stays as it was if that cannot be told. */
int collio_pin_exists(const char *directory, int64_t step, int *pinned, collio_error *err);

/* Delete what lies before the newest `keep` steps up to this one: its names at
 * once, its space in the background. By rank 0. */
void collio_prune(collio_checkpoint *c, int64_t newest);
void collio_prune_wait(collio_checkpoint *c); /* until that is done */

/* ------------------------------------------------ checkpoint_guard.c */

/* What one save is about, the same on all ranks but for the blocks. */
typedef struct collio_plan {
    int64_t step;
    int nitems;
    const collio_item *items;
    int deflate;        /* level of compression; 0: none */
    int64_t short_run;  /* shorter ones, in bytes, are exchanged */
    int boxes;          /* 1: what is not exchanged is handed on as boxes, not run by run */
    collio_table table; /* a record an item */
    size_t stride;      /* words of each rank in `blocks` */
    int64_t *blocks;    /* of every rank and item: start and count */
    int64_t *mine;      /* this rank's words in there */
} collio_plan;

/*
 * Check items, agree on them with the other ranks, learn the blocks of all and
 * check that they cover the arrays. Collective.
 *   plan    out  free with collio_plan_free() in any case
 *   operation in  what the ranks are about, which must be the same
 *   deflate in   level of compression; 0: none
 *   exists  in   rank 0: whether the step is there already
 *           out  the same on all ranks
 */
int collio_plan_make(collio_plan *plan, collio_comm *comm, const char *operation, int64_t step,
                     int nitems, const collio_item *items, int deflate, int *exists,
                     collio_error *err);
void collio_plan_free(collio_plan *plan);

/* Where rank 0's words for the i-th item are; rank r's are r * stride on. */
const int64_t *collio_plan_blocks(const collio_plan *plan, int i);

/* ------------------------------------------------- checkpoint_data.c */

/* Elements on their way to the file: a run of one item. */
typedef struct collio_stretch {
    int item;
    int64_t first, count; /* in the array; of a compressed block: its number, 1 */
    char *memory;         /* without gaps */
    int lasting;          /* 1: the memory is the caller's and stays until the save is over */
    int64_t stored;       /* of a compressed block: its bytes; 0: these are elements */
    const int64_t *box;   /* not NULL: `first` counts in this box of the array: starts, counts */
} collio_stretch;

typedef int collio_take_function(void *context, const collio_stretch *stretch, collio_error *err);

/*
 * Hand this rank's share of all items, run by run, to a function. Collective
 * where items are exchanged first; an error may be this rank's own on return.
 */
int collio_plan_send(const collio_plan *plan, collio_comm *comm, collio_take_function *take,
                     void *context, collio_error *err);

/* How many bytes collio_plan_send() hands on, at most; without those whose memory
 * lasts, to borrow. */
size_t collio_plan_room(const collio_plan *plan, collio_comm *comm, int borrow);

/* What writes stretches to the file of a step, and adds to the digests. */
typedef struct collio_writer {
    collio_table *table;
    const char *path;
    int fd;             /* -1 until there is something to write */
    int64_t begun, end; /* bytes of the file written since the disk was last hurried */
} collio_writer;

collio_take_function collio_writer_take; /* context: a collio_writer */

/* ---------------------------------------------------------- staging.c */

/* Pieces kept in memory until they are written. */
typedef struct collio_staged {
    int item;
    int64_t first, count;
    const char *bytes;  /* in the staging, or borrowed */
    int64_t stored;     /* as in collio_stretch, */
    const int64_t *box; /* of which all elements are here */
} collio_staged;

typedef struct collio_staging {
    char *bytes;
    size_t room, used;
    collio_staged *run;
    size_t runs, run_room;
} collio_staging;

/* Forget what was there and have room for so many bytes. */
int collio_staging_prepare(collio_staging *staging, size_t bytes, collio_error *err);
void collio_staging_free(collio_staging *staging);

/* Keep a stretch: a copy of it, or, to borrow, its memory where that lasts. */
int collio_staging_add(collio_staging *staging, const collio_stretch *stretch, int64_t element,
                       int borrow, collio_error *err);

/* Compress a block into the staging; record->stored and digest are noted. */
int collio_staging_deflate(collio_staging *staging, collio_record *record, int item, int64_t block,
                           const char *elements, collio_error *err);

/* Hand on all that was kept, in order; boxes run by run. Not collective. */
int collio_staging_write(const collio_staging *staging, const collio_table *table,
                         collio_take_function *take, void *context, collio_error *err);

/* When a checkpoint is due: checkpoint_due.c. */
typedef struct collio_schedule {
    int64_t step; /* saved or restored last; -1: none */
    double time;  /* of the last save, or of open: collio_now() */
    int watched;  /* signals that are watched */
    int signals[COLLIO_MAX_SIGNALS];
    unsigned noted[COLLIO_MAX_SIGNALS]; /* how often each was seen when last asked */
} collio_schedule;

/* Pruned steps on their way out: checkpoint_prune.c. */
typedef struct collio_removal collio_removal;

/* A save that goes on while the program computes: checkpoint_background.c. */
typedef struct collio_pending collio_pending;

struct collio_checkpoint {
    collio_comm *comm;
    char *directory;
    collio_checkpoint_options options;
    collio_lease *lease;     /* on rank 0, unless read_only */
    collio_staging staging;  /* of the save in flight; its memory is kept for the next one */
    collio_staging apart;    /* the same for the file of this rank */
    collio_pending *pending; /* the save in flight, or NULL; on all ranks or none */
    collio_schedule schedule;
    collio_removal *removal; /* of pruned steps, under way; by rank 0 */
};

/* -------------------------------------------------- checkpoint_save.c */

/* The file of one rank: rank_file.c. */
typedef struct collio_rank_file collio_rank_file;

/* One save under way. Its steps in order: guard, stage (if it is to be written
 * from memory), layout, data, durable, seal, commit. */
typedef struct collio_save {
    collio_checkpoint *c;
    collio_plan plan;
    int root;              /* 1 on rank 0 */
    int background;        /* collio_save_write() is called by a thread, later */
    collio_rank_file *own; /* the file of this rank, if there is one */
    int learnt;            /* all know the files of the ranks: they may be committed */
    int staged;            /* written from c->staging */
    int borrow;            /* and that refers to the caller's memory */
    char *part;            /* the file's name until it is committed */
    char *final;           /* and then */
    collio_writer writer;
    uint64_t *sums; /* the digests of all records, one after the other */
    size_t nsums;
} collio_save;

/* Up to where all ranks know where their data go. Collective. On success err
 * may hold an error of this rank's own, to be brought into what comes next.
 *   s  in/out  `staged` and `borrow` set; collio_save_end() in any case */
int collio_save_begin(collio_save *s, collio_checkpoint *c, int64_t step, int nitems,
                      const collio_item *items, collio_error *err);

/* Write what was staged and make it durable. Not collective, no MPI. */
int collio_save_write(collio_save *s, collio_error *err);

/* Agree that the data are durable, seal, commit. Collective; err as of
 * collio_save_write(). */
int collio_save_finish(collio_save *s, collio_error *err);

/* Release what it holds; without success the file too. */
void collio_save_end(collio_save *s, int success);

/* -------------------------------------------------- checkpoint_due.c */

/* The part of the options that is about the schedule. Errors: VALUE. */
int collio_schedule_check(const collio_checkpoint_options *options, collio_error *err);
uint64_t collio_schedule_digest(const collio_checkpoint_options *options);

/* Begin and end to watch signals. Errors: OS. */
int collio_schedule_begin(collio_checkpoint *c, collio_error *err);
void collio_schedule_end(collio_checkpoint *c);

/* A step was saved, or restored. */
void collio_schedule_note(collio_checkpoint *c, int64_t step, int saved);

/* ---------------------------------------------------------- signals.c */

/* Whether a signal can be watched: VALUE. Watch it, by as many as like; how
 * often it has been seen since the process began. */
int collio_signal_check(int number, collio_error *err);
int collio_signal_watch(int number, collio_error *err);
void collio_signal_unwatch(int number);
unsigned collio_signal_seen(int number);

/* -------------------------------------------- checkpoint_background.c */

/* Finish the one in flight, if any, without asking the other ranks first.
 * Collective. */
int collio_pending_finish(collio_checkpoint *c, collio_error *err);

/* -------------------------------------------------------- aggregate.c */

/* Whether runs are so short and so many that exchanging pays, or blocks are to be
 * compressed. The same on all ranks.
 *   short_run  in  bytes; see collio_plan */
int collio_aggregate_wanted(const collio_record *record, int ranks, const int64_t *blocks,
                            size_t stride, int64_t short_run);

/* How many elements a rank hands on after the exchange; compressed: blocks. */
int64_t collio_aggregate_share(const collio_record *record, int ranks, int rank);

/*
 * Exchange an array's elements so that each rank holds whole blocks of it, and
 * write those. Collective.
 *   blocks, stride  in  as in collio_cover_check()
 *   packed          in  this rank's elements, in row-major order without gaps
 *   write           in  called for each window of this rank's slab
 * Errors: MEMORY and UNSUPPORTED on all ranks; those of `write` on this one.
 */
int collio_aggregate(collio_comm *comm, const collio_record *record, const int64_t *blocks,
                     size_t stride, const char *packed, collio_run_function *write, void *context,
                     collio_error *err);

/* ----------------------------------------------- checkpoint_verify.c */

/* What was found in a step. */
typedef struct collio_findings {
    int64_t blocks, damaged;
    char text[COLLIO_ERROR_TEXT]; /* what is damaged, the first ones; "" if nothing */
} collio_findings;

/* Digest one of `shares` shares of the blocks and compare. Not collective.
 * Errors: OS, MEMORY, DAMAGED (the file is too short); other damage is a
 * finding. */
int collio_verify_share(int fd, const char *path, const collio_table *table, int share, int shares,
                        collio_findings *findings, collio_error *err);

/* Words for a range of elements: "'u': elements 5 to 9 ...". */
void collio_name_range(const collio_record *record, int64_t first, int64_t count, char *text,
                       size_t size);

/* Read a block, as collio_block_count() elements; *whole says whether it has its
 * digest. */
int collio_block_read(int fd, const char *path, const collio_record *record, int64_t block,
                      void *bytes, int *whole, collio_error *err);

/* ---------------------------------------------- checkpoint_restore.c */

struct collio_checkpoint_state {
    collio_checkpoint *owner;
    collio_table table;
    char *path;
    char *refused; /* one line a step; NULL: none */
    int fd;
};

/* Open a file as a step and check its seal. Not collective.
 *   fd     out  to be closed, if not -1, in any case
 *   table  out  to be freed in any case
 * Errors: NONE, DAMAGED, UNSUPPORTED, OS, MEMORY. */
int collio_step_open(const char *path, int64_t step, int *fd, collio_table *table,
                     collio_error *err);

/* Read a block of an array in a file, comparing what is read with its digests. Not collective. */
int collio_elements_read(int fd, const char *path, const collio_record *record,
                         const collio_selection *where, const collio_array *memory,
                         collio_error *err);

/* The same of an array of an open step, wherever its elements lie; the block is checked. */
int collio_record_read(const collio_checkpoint_state *state, const collio_record *record,
                       const collio_selection *where, const collio_array *memory,
                       collio_error *err);

/* Open one step on all ranks; `verify` is one of COLLIO_VERIFY_*. Collective. */
int collio_state_open(collio_checkpoint *c, int64_t step, int verify, collio_checkpoint_state **out,
                      collio_error *err);

/* The steps in the directory as rank 0 sees them, ascending. Collective.
 *   steps  out  to be freed by the caller */
int collio_share_steps(collio_checkpoint *c, int64_t **steps, int *count, collio_error *err);

#endif
