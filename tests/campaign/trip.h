/*
 * Between collio and the system: every system call of a save passes here (the linker's --wrap), and
 * may be counted, made to fail, recorded, or left out. For the campaign; see campaign.h.
 */
#ifndef COLLIO_CAMPAIGN_TRIP_H
#define COLLIO_CAMPAIGN_TRIP_H

#include <stddef.h>
#include <stdint.h>

/* ------------------------------------------------------------- failures */

enum trip_how { TRIP_SHORT = -1 }; /* otherwise an errno */

/* Let the k-th call from now on fail on this rank; 0: none. */
void trip_set(long k, int how);

/* How many calls there were since; the one that failed, NULL if none did, and what it was about. */
long trip_count(void);
const char *trip_hit(void);
const char *trip_hit_path(void);

/* Whether it was made for a step; a thread that removes old steps begins with their directory. */
int trip_hit_in_save(void);

/* Writes beyond this offset of a file find a full disk, and space cannot be reserved; < 0: all is
 * well. */
void trip_limit(int64_t offset);

/* ---------------------------------------------------------------- trace */

enum trip_op {
    OP_CREATE,
    OP_MKDIR,
    OP_WRITE,
    OP_SIZE,
    OP_SYNC,
    OP_RENAME,
    OP_UNLINK,
    OP_SYNC_DIRECTORY,
    OP_ACK
};

/* One thing that happened to files of steps, on a clock that all ranks share. */
typedef struct trip_event {
    int op, rank;
    uint64_t start, end; /* ns */
    int64_t offset, size;
    char path[160], to[160]; /* below the directory; of a directory that is synced: with '/' */
} trip_event;                /* OP_WRITE: the bytes follow, padded */

/* The room that bytes take in a trace: events stay aligned. */
static inline size_t trip_padded(int64_t size)
{
    return ((size_t)size + 7) / 8 * 8;
}

void trip_record(int on); /* begin anew, or stop */
void trip_acknowledge(int64_t step);
char *trip_trace(size_t *size); /* what was recorded, belongs to trip */

/* --------------------------------------------------------------- mutants */

/* X(name, what is wrong with it): steps of the protocol that are left out or done otherwise. */
#define MUTANTS                                                                                    \
    X(NONE, "nothing")                                                                             \
    X(NO_DATA_SYNC, "ranks but the first do not sync their data")                                  \
    X(NO_SEAL_SYNC, "the seal is not synced")                                                      \
    X(NO_DIRECTORY_SYNC, "the directory is not synced")                                            \
    X(EARLY_RENAME, "the file is renamed before it is sealed")                                     \
    X(NO_SEAL, "the seal is not written")                                                          \
    X(DATA_NOT_AGREED, "a failed write is not told to the others")                                 \
    X(SYNC_NOT_AGREED, "a failed sync is not told to the others")                                  \
    X(SEAL_NOT_AGREED, "a failed seal is not told to the others")                                  \
    X(COMMIT_NOT_AGREED, "a failed commit is not told to the others")                              \
    X(DIGESTS_NOT_ADDED, "each rank's digests are taken for those of all")                         \
    X(SYNC_RETRIED, "a failed sync is tried again")                                                \
    X(SHORT_IGNORED, "a short count is taken for all")                                             \
    X(BLOCKS_UNVERIFIED, "blocks are not compared with their digests")                             \
    X(METADATA_UNVERIFIED, "the metadata of HDF5 are not compared with their digest")              \
    X(PART_LEFT, "what a failed save wrote is left behind")                                        \
    X(COMMIT_NOT_UNDONE, "a step whose commit failed is not taken back")                           \
    X(SKEWED_WRITE, "one rank writes to a wrong place")                                            \
    X(RANKS_NO_SYNC, "files of ranks: they are not synced")                                        \
    X(RANKS_NO_SEAL, "files of ranks: the seals are not written")                                  \
    X(RANKS_NO_DIRECTORY_SYNC, "files of ranks: their directory is not synced")                    \
    X(RANKS_NOT_AGREED, "files of ranks: a failed one is not told to the others")                  \
    X(RANKS_NOT_COMMITTED, "files of ranks: the step is named before their directory")             \
    X(RANKS_LEFT, "files of ranks: those of a failed save are left behind")                        \
    X(RANKS_SKEWED, "files of ranks: one writes to a wrong place")                                 \
    X(RANKS_UNVERIFIED, "files of ranks: their blocks are not compared with digests")              \
    X(SPLIT_NO_SYNC, "files of parts: the parts are not synced")                                   \
    X(SPLIT_WHOLE_NOT_SYNCED, "files of parts: the whole is not synced")                           \
    X(SPLIT_INDEX_NOT_SYNCED, "files of parts: the index is not synced")                           \
    X(SPLIT_NO_DIRECTORY_SYNC, "files of parts: no directory is synced")

enum mutant {
#define X(name, words) MUTANT_##name,
    MUTANTS
#undef X
        MUTANT_COUNT
};

/* The first of those that are about files of ranks, and about files of parts. */
enum { MUTANT_RANKS = MUTANT_RANKS_NO_SYNC, MUTANT_SPLIT = MUTANT_SPLIT_NO_SYNC };

extern int mutant; /* the one in force */

#endif
