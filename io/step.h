/*
 * Shared by the files that make checkpoints, never installed.
 */
#ifndef COLLIO_IO_STEP_H
#define COLLIO_IO_STEP_H

#include "../core/shared.h"
#include "directory.h"
#include "table.h"

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
    int deflate;            /* level of compression; 0: none */
    int64_t short_run;      /* shorter ones, in bytes, are exchanged, */
    collio_shared *windows; /* through this */
    int boxes;              /* 1: what is not exchanged is handed on as boxes, not run by run */
    collio_table table;     /* a record an item */
    size_t stride;          /* words of each rank in `blocks` */
    int64_t *blocks;        /* of every rank and item: start and count */
    int64_t *mine;          /* this rank's words in there */
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
    collio_shared windows;   /* what elements are exchanged through */
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
 *   windows         in  to exchange through, where ranks can share memory; kept for the next
 *                       exchange, because to have it takes as long as to write some tens of MiB
 *   blocks, stride  in  as in collio_cover_check()
 *   packed          in  this rank's elements, in row-major order without gaps
 *   write           in  called for each window of this rank's slab
 * Errors: MEMORY and UNSUPPORTED on all ranks; those of `write` on this one.
 */
int collio_aggregate(collio_comm *comm, collio_shared *windows, const collio_record *record,
                     const int64_t *blocks, size_t stride, const char *packed,
                     collio_run_function *write, void *context, collio_error *err);

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
