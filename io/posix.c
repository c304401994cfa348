/* Positioned reads and writes that are complete or fail, durable files and names: what the
 * guarantees of collio stand on. Every result passes collio_sys(). */
#define _GNU_SOURCE
#include "internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

/* Linux moves at most this much in one call; a round number keeps pages whole. */
#define AT_MOST ((size_t)1 << 30)

int collio_posix_open(const char *path, int flags, int *fd, collio_error *err)
{
    do
        *fd = open(path, flags | O_CLOEXEC, 0666);
    while (*fd < 0 && errno == EINTR);
    if (collio_sys(*fd < 0, "open", path, err) == COLLIO_OK)
        return COLLIO_OK;
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
    return err->code;
}

int collio_posix_close(int *fd, const char *path, collio_error *err)
{
    int old = *fd;

    if (old < 0)
        return COLLIO_OK;
    *fd = -1;
    /* Not repeated on EINTR: the descriptor is gone, another thread may own its number now. */
    return collio_sys(close(old) != 0 && errno != EINTR, "close", path, err);
}

int collio_posix_write(int fd, const void *bytes, size_t size, int64_t offset, const char *path,
                       collio_error *err)
{
    const char *from = bytes;

    while (size > 0) {
        ssize_t done = pwrite(fd, from, size < AT_MOST ? size : AT_MOST, (off_t)offset);
        if (done < 0 && errno == EINTR)
            continue;
        if (done == 0)
            errno = ENOSPC;
        if (collio_sys(done <= 0, "pwrite", path, err) != COLLIO_OK)
            return err->code;
        from += done;
        size -= (size_t)done;
        offset += done;
    }
    return COLLIO_OK;
}

/* Go on behind `done` bytes of a list of pieces. */
static void skip_bytes(struct iovec **pieces, int *count, size_t done)
{
    while (*count > 0 && done >= (*pieces)->iov_len) {
        done -= (*pieces)->iov_len;
        (*pieces)++;
        (*count)--;
    }
    if (*count > 0) {
        (*pieces)->iov_base = (char *)(*pieces)->iov_base + done;
        (*pieces)->iov_len -= done;
    }
}

int collio_posix_gather(int fd, struct iovec *pieces, int count, int64_t offset, const char *path,
                        collio_error *err)
{
    while (count > 0) {
        ssize_t done = pwritev(fd, pieces, count, (off_t)offset);
        if (done < 0 && errno == EINTR)
            continue;
        if (done == 0)
            errno = ENOSPC;
        if (collio_sys(done <= 0, "pwritev", path, err) != COLLIO_OK)
            return err->code;
        skip_bytes(&pieces, &count, (size_t)done);
        offset += done;
    }
    return COLLIO_OK;
}

int collio_posix_read_some(int fd, void *bytes, int64_t size, int64_t offset, int64_t *got,
                           const char *path, collio_error *err)
{
    char *to = bytes;
    ssize_t done = 1;

    *got = 0;
    while (done != 0 && *got < size) {
        size_t most = (uint64_t)(size - *got) < AT_MOST ? (size_t)(size - *got) : AT_MOST;

        done = pread(fd, to + *got, most, (off_t)(offset + *got));
        if (done < 0 && errno == EINTR)
            continue;
        if (collio_sys(done < 0, "pread", path, err) != COLLIO_OK)
            return err->code;
        *got += done;
    }
    return COLLIO_OK;
}

int collio_posix_read(int fd, void *bytes, size_t size, int64_t offset, const char *path,
                      collio_error *err)
{
    int64_t got = 0, wanted = (int64_t)size;

    if (collio_posix_read_some(fd, bytes, wanted, offset, &got, path, err) == COLLIO_OK &&
        got < wanted)
        collio_error_set(err, COLLIO_ERR_DAMAGED,
                         "'%s' ends at byte %lld, %lld bytes before what was to be read", path,
                         (long long)(offset + got), (long long)(wanted - got));
    return err->code;
}

void collio_posix_hurry(int fd, int64_t offset, int64_t size)
{
#ifdef SYNC_FILE_RANGE_WRITE
    sync_file_range(fd, (off_t)offset, (off_t)size, SYNC_FILE_RANGE_WRITE);
#else
    (void)fd, (void)offset, (void)size;
#endif
}

int collio_posix_sync(int fd, const char *path, collio_error *err)
{
    int result;

    do
        result = fsync(fd);
    while (result != 0 && errno == EINTR);
    return collio_sys(result != 0, "fsync", path, err);
}

int collio_posix_reserve(int fd, int64_t size, const char *path, collio_error *err)
{
    int failed = 0;

#ifdef __linux__
    /* Not posix_fallocate: where the file system cannot reserve, the C library would write every
     * block once to pretend it. Then a full disk is simply found later, by write or fsync. */
    if (size > 0) {
        do
            failed = fallocate(fd, 0, 0, (off_t)size) != 0;
        while (failed && errno == EINTR);
    }
    if (failed && (errno == EOPNOTSUPP || errno == ENOSYS))
        failed = 0;
#else
    (void)fd;
    (void)size;
#endif
    return collio_sys(failed, "fallocate", path, err);
}

int collio_posix_size(int fd, int64_t *size, const char *path, collio_error *err)
{
    struct stat status = {0};
    int failed = collio_sys(fstat(fd, &status) != 0, "fstat", path, err);

    *size = (int64_t)status.st_size;
    return failed;
}

int collio_posix_exists(const char *path, int *exists, collio_error *err)
{
    struct stat status;
    int result = lstat(path, &status);
    int absent = result != 0 && errno == ENOENT;

    *exists = result == 0;
    return collio_sys(result != 0 && !absent, "stat", path, err);
}

int collio_posix_remove(const char *path, collio_error *err)
{
    return collio_sys(unlink(path) != 0, "unlink", path, err);
}

/* Without a rename that refuses to overwrite: link() refuses too. Where there are no hard links
 * either (some network mounts), looking first is all that is left. */
static int rename_by_link(const char *from, const char *to)
{
    struct stat status;

    if (link(from, to) == 0) {
        unlink(from);
        return 0;
    }
    if (errno != EPERM && errno != EOPNOTSUPP && errno != ENOSYS)
        return -1;
    if (lstat(to, &status) == 0) {
        errno = EEXIST;
        return -1;
    }
    return rename(from, to);
}

int collio_posix_rename(const char *from, const char *to, collio_error *err)
{
    int result = -1;

#ifdef RENAME_NOREPLACE
    result = renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE);
    if (result != 0 && (errno == EINVAL || errno == ENOSYS))
        result = rename_by_link(from, to);
#else
    result = rename_by_link(from, to);
#endif
    return collio_sys(result != 0, "rename", to, err);
}

int collio_posix_sync_directory(const char *path, collio_error *err)
{
    int fd = -1, failed;

    if (collio_posix_open(path, O_RDONLY | O_DIRECTORY, &fd, err) != COLLIO_OK)
        return err->code;
    failed = fsync(fd) != 0;
    /* Some file systems have no fsync for directories; they keep names by themselves. */
    if (failed && (errno == EINVAL || errno == EROFS))
        failed = 0;
    failed = collio_sys(failed, "fsync", path, err);
    return collio_posix_close(&fd, path, err) != COLLIO_OK || failed ? err->code : COLLIO_OK;
}

int collio_posix_make_directory(const char *path, collio_error *err)
{
    size_t length = strlen(path);
    char *prefix = malloc(length + 1);
    int failed = 0;

    if (prefix == NULL)
        return collio_error_set(err, COLLIO_ERR_MEMORY, "no memory for a path");
    memcpy(prefix, path, length + 1);
    for (size_t i = 1; i <= length && !failed; i++) {
        if (path[i] != '/' && path[i] != '\0')
            continue;
        prefix[i] = '\0';
        failed = collio_sys(mkdir(prefix, 0777) != 0 && errno != EEXIST && errno != EISDIR, "mkdir",
                            prefix, err);
        prefix[i] = path[i];
    }
    free(prefix);
    return failed;
}
