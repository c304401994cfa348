/*
 * The steps of a write, and transfers that are under way. Never installed.
 */
#ifndef COLLIO_IO_ASYNC_H
#define COLLIO_IO_ASYNC_H

#include "chunk.h"

/* --------------------------------------------------------------- dataset.c */

/* A write under way. */
typedef struct collio_writing {
    collio_object *dataset;
    const collio_selection *selection;
    const collio_array *memory;
    collio_selection whole; /* where `selection` points if none was given */
    collio_ticket ticket;
    collio_chunks *chunks; /* NULL unless it goes to chunks without filters */
} collio_writing;

/* Check this rank's part of a transfer; `whole` is where everything is put if the
 * selection is NULL. Returns the selection. */
const collio_selection *collio_part_check(const collio_object *dataset,
                                          const collio_selection *selection,
                                          collio_selection *whole, const collio_array *memory,
                                          collio_direction direction, collio_error *err);

/* Check the arguments, noting what is wrong; then agree on the call; then write. The last
 * two are collective, and agree on the outcome. In any case collio_write_end(). */
void collio_write_check(collio_writing *w, collio_error *err);
int collio_write_begin(collio_writing *w, const char *operation, collio_error *err);
int collio_write_now(collio_writing *w, collio_error *err);
void collio_write_end(collio_writing *w);

/* ----------------------------------------------------------------- async.c */

/* Wait until no transfer of a file is under way; err gets this rank's first error. Not
 * collective. */
void collio_requests_join(collio_file *file, collio_error *err);

#endif
