/*
 * Shared by the files of io, never installed.
 */
#ifndef COLLIO_IO_INTERNAL_H
#define COLLIO_IO_INTERNAL_H

#include "../core/internal.h"

/* ------------------------------------------------------------ posix.c */

/*
 * System calls on files, complete or failed: short counts are continued,
 * interruptions repeated, results judged by collio_sys(). `path` names the
 * file in error texts. None is collective. Each does its work even when `err`
 * holds an error already, and returns non-zero if it failed.
 */

/* Open with flags of open(2), close-on-exec; *fd is -1 on failure. */
int collio_posix_open(const char *path, int flags, int *fd, collio_error *err);

/* Close *fd unless it is -1, and set it to -1. */
int collio_posix_close(int *fd, const char *path, collio_error *err);

/* Write or read `size` bytes at `offset`. A file that ends too early is
 * DAMAGED. */
int collio_posix_write(int fd, const void *bytes, size_t size, int64_t offset, const char *path,
                       collio_error *err);
int collio_posix_read(int fd, void *bytes, size_t size, int64_t offset, const char *path,
                      collio_error *err);

/* Force a file's data, or a directory's names, to the disk. A failure must
 * not be tried again: the kernel may have dropped what it could not write. */
int collio_posix_sync(int fd, const char *path, collio_error *err);
int collio_posix_sync_directory(const char *path, collio_error *err);

/* Reserve disk space for the first `size` bytes, so that a full disk is
 * noticed now; nothing where the file system cannot. */
int collio_posix_reserve(int fd, int64_t size, const char *path, collio_error *err);

int collio_posix_size(int fd, int64_t *size, const char *path, collio_error *err);
int collio_posix_exists(const char *path, int *exists, collio_error *err);
int collio_posix_remove(const char *path, collio_error *err);

/* Rename; an existing `to` is an error (errno EEXIST), never replaced. */
int collio_posix_rename(const char *from, const char *to, collio_error *err);

/* Make a directory and its parents; those that exist are fine. */
int collio_posix_make_directory(const char *path, collio_error *err);

#endif
