/*
 * What makes a change of structure on disk whole or undone, whenever rank 0 is
 * killed. Never installed.
 *
 * Before bytes that the file refers to are overwritten, the old ones are appended
 * to it, and a mark that says where takes the place of the superblock: from then
 * on it is no HDF5 file. The new superblock, written last, makes it one again.
 * Who opens a file with such a mark puts the old bytes back.
 */
#ifndef COLLIO_IO_JOURNAL_H
#define COLLIO_IO_JOURNAL_H

#include "driver.h"

/* The superblock and what HDF5 reads with it. */
#define COLLIO_SUPERBLOCK_BYTES 96

/*
 * Append the old bytes, and put up the mark.
 *   at  in  where to append: beyond everything that is in use
 */
int collio_journal_write(const collio_disk *disk, const collio_overlay *old, int64_t superblock,
                         int64_t at, collio_error *err);

/*
 * Put old bytes back, the superblock last.
 */
int collio_journal_restore(const collio_disk *disk, const collio_overlay *old, int64_t superblock,
                           collio_error *err);

/*
 * Undo a change that was broken off, if there is one.
 *   writable  in  0: report it (DAMAGED) instead
 */
int collio_journal_recover(const collio_disk *disk, int writable, collio_error *err);

/* Write what an overlay has in [start, end). */
int collio_disk_write_part(const collio_disk *disk, const collio_overlay *overlay, int64_t start,
                           int64_t end, collio_error *err);

#endif
