/*
 * Files of which each rank writes its elements to a file of its own (layout "per-rank"). Never
 * installed.
 *
 * "NAME.ranks/structure-<6 digits>.h5", one a rank and all alike: what is NAME otherwise, changed
 * in step. Its datasets are virtual, over those of the index. "NAME.ranks/rank-<6 digits>.h5": the
 * elements that a rank has written, under the numbers of the datasets. At the end rank 0 makes
 * "NAME.ranks/index.h5", in which virtual datasets put the parts together, and gives its structure
 * the name NAME: nothing has it before.
 */
#ifndef COLLIO_IO_SPLIT_H
#define COLLIO_IO_SPLIT_H

#include "creation.h"

/* An HDF5 file that this rank writes alone. */
typedef struct collio_solo collio_solo;

/* A dataset whose elements are in the files of the ranks. */
typedef struct collio_shard {
    uint64_t identity; /* of the dataset in the structure */
    hid_t id;          /* in this rank's file */
    hid_t list;        /* how it was to be created: the fill value is there */
    collio_type type;
    int ndim;
    int64_t shape[COLLIO_MAX_DIMS];
    int64_t offset; /* bytes, in this rank's file; -1: in chunks, through HDF5 */
} collio_shard;

/* That this rank has written some elements of one. */
typedef struct collio_note {
    int64_t shard;  /* its number */
    int64_t call;   /* how many writes of all ranks there were before */
    int64_t rank;   /* who has written */
    int64_t count;  /* of words */
    int64_t *words; /* the selection */
} collio_note;

struct collio_split {
    char *ranks;        /* the directory, absolute */
    char *final;        /* the name of the whole, absolute */
    char *index;        /* the name of the index, relative to the whole */
    char *path;         /* of this rank's file */
    collio_solo *store; /* it, until it is closed */
    collio_shard **shards;
    int count;
    int64_t calls;
    collio_note *notes;
    int64_t noted;
    int size; /* ranks */
};

/* ------------------------------------------------------------------- solo.c */

/*
 * Create one, which must not exist; NULL on failure. Not collective, as all of them.
 *   has_elements  in  0: what HDF5 writes as such (so it does the sources of virtual datasets) is
 * few and stays in memory till the end, when nothing in HDF5 can fail any more
 */
collio_solo *collio_solo_create(const char *path, int has_elements, collio_error *err);
hid_t collio_solo_id(const collio_solo *solo);
const collio_disk *collio_solo_disk(const collio_solo *solo);

/* Close it with all that is open in it, durable; or give it up. */
int collio_solo_close(collio_solo **solo, collio_error *err);
void collio_solo_drop(collio_solo **solo);

/* ------------------------------------------------------------------ split.c */

/*
 * Find out whether the file is to be split, and if so make the directory: file->split, and the
 * disk's path in it. Collective, agreed.
 *   must_exist, exclusive, truncate  in  what the mode asks for
 */
int collio_split_begin(collio_file *file, int must_exist, int exclusive, int truncate,
                       collio_error *err);

/* Create this rank's file. Not collective. */
int collio_split_create(collio_file *file, collio_error *err);

/* Close it, make the index, and give the whole its name, after the structure is on disk.
 * Collective, agreed. */
int collio_split_finish(collio_file *file, collio_error *err);

/* Remove what an opening that failed has made. */
void collio_split_undo(collio_file *file);

/* Remove the files of the ranks of a file that was emptied to be made anew, shared: it is nothing
 * any more without them, nor they without it. Best effort; by rank 0. */
void collio_split_forget(const collio_file *file);

/* Let go of HDF5's handles, and of all memory. */
void collio_split_drop(collio_split *split);
void collio_split_free(collio_split *split);

/* ------------------------------------------------------------- split_data.c */

/* Whether the elements of a new dataset go to the files of the ranks, and UNSUPPORTED for what
 * cannot be in a split file. */
int collio_split_takes(const collio_creation *c);
int collio_split_check(const collio_creation *c, collio_error *err);

/* What stands for it in the structure: a virtual dataset; something small is kept there itself.
 *   mapping, path, name  out  what the options of `in_structure` point to */
typedef struct collio_stand_in {
    collio_creation creation;
    collio_mapping mapping;
    char name[24];
} collio_stand_in;
void collio_split_stand_in(const collio_creation *c, collio_stand_in *out);

/* Make room for its elements in this rank's file. Not collective. */
int collio_split_add(collio_object *dataset, const collio_creation *c, collio_error *err);

/* The one of a dataset that was opened, or NULL. */
collio_shard *collio_split_find(const collio_object *dataset);

/* Check elements that are to be written; write them, and agree; or this rank alone. */
int collio_split_check_write(const collio_object *dataset, const collio_selection *selection,
                             const collio_array *memory, collio_error *err);
int collio_split_write(collio_object *dataset, const collio_selection *selection,
                       const collio_array *memory, collio_error *err);
int collio_split_write_alone(const collio_object *dataset, const collio_selection *selection,
                             const collio_array *memory, collio_error *err);

/* Read elements that this rank has written: UNSUPPORTED if some are not. Not collective. */
int collio_split_read(const collio_object *dataset, const collio_selection *selection,
                      const collio_array *memory, collio_error *err);

/* ------------------------------------------------------------- split_rows.c */

/*
 * Hand a selection on as it is, or, of elements by their numbers, one for each row of the dataset
 * that has some. Not collective.
 */
typedef int collio_row_function(void *context, const collio_selection *row, collio_error *err);
int collio_split_rows(const collio_selection *selection, int ndim, const int64_t *shape,
                      collio_row_function *take, void *context, collio_error *err);

/* Into how many pieces elements by their numbers fall; 0 of other selections. */
int64_t collio_split_pieces(const collio_selection *selection);

/* ------------------------------------------------------------ split_notes.c */

/* Note that elements were written, after `calls` writes of all. */
int collio_note_add(collio_split *split, int64_t shard, int rank, const collio_selection *selection,
                    collio_error *err);

/* What it selects; the lists are those of the note. */
void collio_note_selection(const collio_note *note, int ndim, collio_selection *out);

/* 1 if two cannot have elements in common; 0 if they may. */
int collio_notes_apart(const collio_note *a, const collio_note *b, int ndim);

/* Bring the notes of all ranks to all, in the order of datasets and calls: free them with
 * collio_notes_free(). Collective; an error may be this rank's own. */
int collio_notes_gather(collio_file *file, collio_note **all, int64_t *count, collio_error *err);
void collio_notes_free(collio_note *notes, int64_t count);

/* ------------------------------------------------------------- split_whole.c */

/* Open a file of which something is to be known. By one rank. */
int collio_lone_open(const char *path, collio_file **out, collio_error *err);

/* Note in the index how large the files of the ranks are. By rank 0. */
int collio_split_note_sizes(hid_t index, const char *path, int ranks, collio_error *err);

/* Compare that with what is there: DAMAGED. Not collective. */
int collio_split_check_files(const char *index, collio_error *err);

/* The same, of the file that a virtual dataset is in, before it is read. Not collective. */
int collio_split_check_parts(const collio_object *dataset, collio_error *err);

/* 1 if the elements of a dataset with this creation list are in files of the ranks.
 *   source  in   path of the whole
 *   index   out  path of the index, to be freed
 *   name    out  of the dataset in it */
int collio_split_in_parts(hid_t list, const char *source, char **index, char *name, size_t size);

/* ------------------------------------------------------------ split_index.c */

/* Write the index. By rank 0. */
int collio_split_index(const collio_split *split, const char *path, collio_note *notes,
                       int64_t count, collio_error *err);

#endif
