/*
 * The campaign against the promises of checkpoints, in one program: tests/test_campaign. Each
 * function below returns how many violations it found, the same on all ranks, and says on the
 * standard error what each was. All are collective over MPI_COMM_WORLD.
 */
#ifndef COLLIO_CAMPAIGN_H
#define COLLIO_CAMPAIGN_H

#include "../checkpoint_tools.h"
#include "io/step.h"
#include "trip.h"

/* Where the steps are. */
extern const char campaign_directory[];

/* A generator of numbers that anybody can repeat: below n. */
uint64_t campaign_random(uint64_t *state, uint64_t n);

/* How a step is saved. */
typedef struct variant {
    const char *name;
    int deflate, background, columns, apart;
} variant;

enum { VARIANTS = 7, APART = 4 /* the first with files of ranks */ };
extern const variant campaign_variants[VARIANTS];

collio_checkpoint *campaign_open(const variant *v);
int campaign_save(collio_checkpoint *c, const variant *v, int64_t step, collio_error *err);

/* sweep.c: every `every`-th system call of a save fails, in every way, on each rank in turn.
 *   points  out  how many */
long campaign_sweep(const variant *v, int every, long *points);

/* sweep.c: the disk is full after so many bytes, for `sizes` sizes. */
long campaign_full(const variant *v, int sizes);

/* sweep.c: the same on a disk that is full indeed: a small file system in memory, 4 KiB more each
 * time. -1 where this process may not make one. */
long campaign_full_disk(int sizes);

/* replay.c: saves are recorded, and what power loss may have left of them is looked at.
 *   states  in  how many */
long campaign_power(const variant *v, int states, uint64_t seed);

/* What was recorded on all ranks, looked at in `states` states by rank 0.
 *   judge  in  whether a state is right: what is in the directory, and the newest step that was
 *              acknowledged */
typedef int campaign_judge_function(void *context, const char *directory, int64_t acknowledged);
int campaign_replay_begin(void);
long campaign_replay(int states, uint64_t seed, campaign_judge_function *judge, void *context);

/* files.c: as campaign_power(), of files of which each rank writes a part. */
long campaign_power_files(int states, uint64_t seed);

/* corrupt.c: a step is damaged, in many ways, and must be refused or be right. */
long campaign_corrupt(const variant *v, int damages, uint64_t seed);

#endif
