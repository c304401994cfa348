/*
 * Steps whose arrays in parts lie in files of the ranks that saved them. Never installed.
 *
 *   step-<12 digits>.h5                         what is common, the table with the digests of whole
 *                                               arrays, the list of files with their seals and
 *                                               boxes; for other readers each array in parts as a
 *                                               virtual dataset over the files
 *   step-<12 digits>.ranks-<uuid>/rank-<n>.h5   the boxes of one rank, sealed as a step is
 *
 * The files of the ranks are durable and their directory has its name before the step's own file is
 * committed as that of any step: a step is there with all of them, or not at all. A directory
 * without its step is a remain of a save, or of a deletion, that was cut short.
 */
#ifndef COLLIO_IO_RANKSET_H
#define COLLIO_IO_RANKSET_H

#include "hdf.h"
#include "step.h"

/* The files of a step, one a rank that saved it. */
struct collio_rankset {
    int files;
    size_t stride;  /* words of each file in `box` */
    uint64_t *seal; /* of each file */
    int64_t *size;  /* of each file, bytes */
    int64_t *box;   /* of each file and array: starts, then counts */
};

/* ---------------------------------------------------------- rankset.c */

/* An empty set for the arrays of a table that are apart; NULL with an error. */
collio_rankset *collio_rankset_make(const collio_table *table, int files, collio_error *err);
void collio_rankset_free(collio_rankset *set);

/* Starts of the box of an array in a file; its counts follow. NULL if it is not apart. */
int64_t *collio_rankset_box(const collio_table *table, int file, int record);

/* 1 if a box has no elements. */
int collio_box_is_empty(const collio_record *record, const int64_t *box);

/* As words in the user block of the step's file. */
size_t collio_rankset_words(const collio_rankset *set);
void collio_rankset_encode(const collio_rankset *set, uint64_t *words);
int collio_rankset_decode(collio_table *table, const uint64_t *words, size_t count,
                          const char *path, collio_error *err);

/* Bytes of all files. */
int64_t collio_rankset_bytes(const collio_rankset *set);

/* -------------------------------------------------------- rank_names.c */

/* Paths, to be freed. The directory of a step's files, while they are written and then; that of the
 * step whose own file is at `path`; a file in it. */
char *collio_name_apart(const char *directory, const unsigned char *uuid, int64_t step, int part,
                        collio_error *err);
char *collio_name_apart_of(const char *path, const collio_table *table, collio_error *err);
char *collio_name_rank(const char *ranks, int file, collio_error *err);

/* Remove a directory and what is in it, best effort. Returns 1 if it is gone. */
int collio_ranks_remove(const char *path);

/* Whose the directory of a step's files is, as far as its own file tells; 0 if it has none, or does
 * not tell. */
int collio_ranks_owner(const char *path, int64_t step, unsigned char *uuid);

/* Remove the directories of a step whose own file is gone, best effort.
 *   step  in  -1: of all steps, where the process that made them is gone
 *   uuid  in  that one alone; NULL: each, unless a damaged step of the number was set aside */
void collio_ranks_drop(const char *directory, int64_t step, const unsigned char *uuid);

/* --------------------------------------------------------- rank_save.c */

/* Make the directory, and in it the file of this rank; collective. On success err may hold an error
 * of this rank's own. Then collio_rank_file_fill(), and: */
int collio_ranks_begin(collio_save *s, collio_error *err);

/* Agree that the files are durable; learn their seals. Collective. */
int collio_ranks_learn(collio_save *s, collio_error *err);

/* By rank 0, before the step's own file is committed. */
int collio_ranks_commit(const collio_save *s, collio_error *err);

/* After a save that failed. By rank 0. */
void collio_ranks_abandon(const collio_save *s);

/* --------------------------------------------------------- rank_file.c */

/* Make the file of this rank, s->own; to be filled in the background, its parts are copied.
 * Not collective. */
int collio_rank_file_create(collio_save *s, collio_error *err);

/* Write this rank's parts, durable and sealed; add to the digests of the step's table. Neither
 * collective nor with HDF5. */
int collio_rank_file_fill(collio_save *s, collio_error *err);

/* Seal and size. */
void collio_rank_file_facts(const collio_save *s, int64_t *facts);

/* Let go of it. After a save that failed before all had learnt of the file it is removed: later it
 * may be that of a step. */
void collio_rank_file_free(collio_save *s, int success);

/* --------------------------------------------------------- rank_read.c */

/* Read a block of an array that is apart. Not collective. */
int collio_ranks_read(const collio_checkpoint_state *state, int record,
                      const collio_selection *where, const collio_array *memory, collio_error *err);

/* As collio_verify_share(), of all files of a step; adds to the findings. */
int collio_ranks_verify(const char *path, const collio_table *table, int share, int shares,
                        collio_findings *findings, collio_error *err);

/* ------------------------------------------------------- rank_source.c */

/* Which step of a directory is meant; -1: it is no directory, but the step's own file. */
int64_t collio_merge_step(const char *source, int64_t step, collio_error *err);

/* 1 if it is a file of which each rank has written a part: split.h. */
int collio_merge_is_split(const char *path, collio_error *err);

/* -------------------------------------------------------- rank_probe.c */

/* Find out whether the ranks can share a file in a directory; if not, a notice says why.
 * Collective.
 *   what  in  that is to be there */
int collio_share_probe(collio_comm *comm, const char *directory, const char *what, int *shared,
                       collio_error *err);

/* Choose the layout: per-rank, with a notice that says why, if the ranks cannot share a file in the
 * directory. Collective. */
int collio_ranks_probe(collio_checkpoint *c, collio_error *err);

/* -------------------------------------------------------- rank_index.c */

/* A creation list for an array that is apart: a virtual dataset over the files. Negative on
 * failure. */
hid_t collio_ranks_index(const collio_table *table, int record, collio_error *err);

#endif
