/*
 * Bytes that are to be in a file but are not there yet: a sparse image in
 * memory, laid over the file. Never installed.
 */
#ifndef COLLIO_IO_OVERLAY_H
#define COLLIO_IO_OVERLAY_H

#include <stddef.h>
#include <stdint.h>

/* A piece without gaps. Pieces neither overlap nor touch. */
typedef struct collio_piece {
    int64_t start, size; /* bytes */
    int64_t room;        /* allocated */
    char *bytes;
} collio_piece;

/* All zeros is an empty one. */
typedef struct collio_overlay {
    collio_piece *pieces; /* in order of start */
    int64_t count, room;
} collio_overlay;

/* Lay bytes over what is there. 0, or -1 without memory (nothing is done). */
int collio_overlay_write(collio_overlay *overlay, int64_t start, int64_t size, const void *bytes);

/* Put the overlay's bytes into `bytes`, which holds the file's. */
void collio_overlay_read(const collio_overlay *overlay, int64_t start, int64_t size, void *bytes);

/* Whether it has any of these bytes. */
int collio_overlay_has(const collio_overlay *overlay, int64_t start, int64_t size);

/* Where its last piece ends; 0 if it is empty. */
int64_t collio_overlay_end(const collio_overlay *overlay);

/* Tells apart overlays whose pieces lie elsewhere. */
uint64_t collio_overlay_digest(const collio_overlay *overlay);

/* Empty it and free its memory. */
void collio_overlay_drop(collio_overlay *overlay);

#endif
