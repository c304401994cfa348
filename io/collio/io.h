/*
 * collio io: shared HDF5 files of numeric arrays, written by all ranks of a
 * communicator, with the guarantee of collio/core.h.
 *
 *   collio_error err = COLLIO_ERROR_INIT;
 *   collio_file *file = NULL;
 *   collio_object *u = NULL;
 *   collio_array memory;
 *   collio_selection part;
 *   int64_t shape[2] = {rows, columns}, start[2] = {first, 0}, count[2] = {mine, columns};
 *
 *   collio_file_open(comm, "state.h5", "w", NULL, &file, &err);
 *   collio_dataset_create(collio_file_root(file), "u", COLLIO_FLOAT64, 2, shape, NULL, &u, &err);
 *   collio_selection_block(&part, 2, start, count);
 *   collio_array_fill(&memory, values, COLLIO_FLOAT64, 2, count);
 *   collio_dataset_write(u, &part, &memory, &err);
 *   collio_object_close(&u);
 *   collio_file_close(&file, &err);
 *
 * The error may be looked at once, at the end: an agreed error makes the calls
 * after it return at once, and an error of this rank alone is brought into the
 * next collective call (see core.h). Only the handles need a look before use:
 * a call that failed leaves NULL there, and every function takes NULL for an
 * object or file as the error VALUE.
 *
 * How it works, as far as it shows
 *
 *   Every rank holds the whole structure of the file (groups, names, types,
 *   attributes) and changes it in step with the others; the changes stay in
 *   memory. collio_file_flush() and collio_file_close() let rank 0 alone write
 *   them to disk. So an error on one rank is an error on all of them and never
 *   a wait; looking things up costs no communication and may be done by any
 *   rank alone; and between two flushes the file on disk has the structure it
 *   had at the last one, so a job that dies leaves a file that opens. If rank 0
 *   is killed within a flush, the file is none of HDF5's until collio opens it
 *   for writing the next time, and then it is as it was before that flush.
 *
 *   The elements of datasets go to disk at once, from each rank itself.
 *
 * Errors and what they leave behind
 *
 *   Arguments that are wrong, that differ between ranks, or a rank that brings
 *   an error: nothing was done, the file stays usable.
 *   Elements that could not be written or read: the file stays usable; what is
 *   in the selection (or in memory) is undefined.
 *   A change of structure that failed halfway, or a flush that failed: the file
 *   is poisoned. Every call on it returns that error, closing it only lets go
 *   of it, and the file on disk stays as it was at the last flush.
 */
#ifndef COLLIO_IO_H
#define COLLIO_IO_H

#include <collio/file.h>
#include <collio/group.h>
#include <collio/dataset.h>
#include <collio/attribute.h>

#endif
