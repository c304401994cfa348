/* The file on disk: lock, read, and change its structure as one step. */
#define _GNU_SOURCE
#include "journal.h"
#include "sound.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

/* The environment has the last word, as in HDF5. */
static int wants_lock(collio_locking locking)
{
    const char *wish = getenv("HDF5_USE_FILE_LOCKING");

    if (wish != NULL)
        return strcmp(wish, "FALSE") != 0 && strcmp(wish, "0") != 0;
    return locking != COLLIO_LOCKING_NEVER;
}

int collio_disk_lock(collio_disk *disk, int exclusive, collio_locking locking, collio_error *err)
{
    int failed;

    if (!wants_lock(locking))
        return COLLIO_OK;
    failed = flock(disk->fd, (exclusive ? LOCK_EX : LOCK_SH) | LOCK_NB) != 0;
    if (failed && locking != COLLIO_LOCKING_ALWAYS &&
        (errno == ENOSYS || errno == ENOLCK || errno == EOPNOTSUPP))
        failed = 0; /* the file system has no locks */
    if (collio_sys(failed, "flock", disk->path, err) && err->sys_error == EAGAIN) {
        collio_error_clear(err);
        collio_error_set(err, COLLIO_ERR_OS, "'%s' is open elsewhere%s (file is locked)",
                         disk->path, exclusive ? "" : " for writing");
        err->sys_error = EAGAIN;
    }
    return err->code;
}

int collio_disk_read(const collio_disk *disk, void *bytes, int64_t size, int64_t offset,
                     collio_error *err)
{
    char *to = bytes;

    while (size > 0) {
        size_t piece = size < (int64_t)1 << 30 ? (size_t)size : (size_t)1 << 30;
        ssize_t done = pread(disk->fd, to, piece, (off_t)offset);

        if (done < 0 && errno == EINTR)
            continue;
        if (collio_sys(done < 0, "pread", disk->path, err))
            return err->code;
        if (done == 0) {
            memset(to, 0, (size_t)size);
            return COLLIO_OK;
        }
        to += done;
        size -= done;
        offset += done;
    }
    return COLLIO_OK;
}

/* Have bytes in this core's cache. */
static void warm(const char *bytes, size_t size)
{
    const volatile char *at = bytes;

    for (size_t i = 0; i < size; i += 64)
        (void)at[i];
}

/* File systems let one write at a time into a file, so the time that counts is the one within: each
 * rank writes pieces that its cache holds, and fetches the next one while others write. Measured, 2
 * ranks, 32 MiB each, MB/s at once, in pieces, and in pieces that were fetched before: 5280, 5480
 * and 6970 where the file has its pages, 3430, 3700 and 4680 where it gets them. What the last
 * cache holds anyway goes at once: 16 MiB in all took 1.8 ms, in pieces 2.4, and 32 MiB 4.8
 * and 5.8. */
int collio_disk_write(const collio_disk *disk, const char *bytes, int64_t size, int64_t offset,
                      collio_error *err)
{
    const int64_t many = 24 << 20, piece = 1 << 20;
    const int in_pieces = disk->busy && size >= many;

    for (int64_t n; size > 0; bytes += n, offset += n, size -= n) {
        n = in_pieces && size > piece ? piece : size;
        if (in_pieces)
            warm(bytes, (size_t)n);
        if (collio_posix_write(disk->fd, bytes, (size_t)n, offset, disk->path, err))
            return err->code;
    }
    return err->code;
}

int collio_disk_gather(const collio_disk *disk, struct iovec *pieces, int count, int64_t offset,
                       collio_error *err)
{
    for (int i = 0; disk->busy && i < count; i++)
        warm(pieces[i].iov_base, pieces[i].iov_len);
    if (count == 1)
        return collio_posix_write(disk->fd, pieces->iov_base, pieces->iov_len, offset, disk->path,
                                  err);
    return collio_posix_gather(disk->fd, pieces, count, offset, disk->path, err);
}

int collio_disk_clear(const collio_disk *disk, int64_t offset, int64_t size, collio_error *err)
{
    static const char zeros[1 << 16];

#ifdef __linux__
    if (size > (int64_t)sizeof zeros &&
        fallocate(disk->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)offset,
                  (off_t)size) == 0)
        return COLLIO_OK;
#endif
    while (size > 0) {
        int64_t piece = size < (int64_t)sizeof zeros ? size : (int64_t)sizeof zeros;

        if (collio_posix_write(disk->fd, zeros, (size_t)piece, offset, disk->path, err))
            return err->code;
        offset += piece;
        size -= piece;
    }
    return COLLIO_OK;
}

int collio_disk_check(const collio_disk *disk, collio_error *err)
{
    if (!disk->lost)
        return COLLIO_OK;
    return collio_error_set(err, COLLIO_ERR_MEMORY, "no memory for the structure of '%s'",
                            disk->path);
}

/* Have space on disk for every piece, and the file as long as its contents. */
static int reserve(const collio_disk *disk, int64_t size, collio_error *err)
{
    if (size < disk->eoa &&
        collio_sys(ftruncate(disk->fd, (off_t)disk->eoa) != 0, "ftruncate", disk->path, err))
        return err->code;
#ifdef __linux__
    for (int64_t i = 0; i < disk->overlay.count; i++) {
        const collio_piece *p = &disk->overlay.pieces[i];
        int failed = fallocate(disk->fd, FALLOC_FL_KEEP_SIZE, (off_t)p->start, (off_t)p->size) != 0;

        if (failed && (errno == EOPNOTSUPP || errno == ENOSYS))
            break; /* a full disk is found by the writes, then */
        if (collio_sys(failed, "fallocate", disk->path, err))
            return err->code;
    }
#endif
    return COLLIO_OK;
}

int collio_disk_write_part(const collio_disk *disk, const collio_overlay *overlay, int64_t start,
                           int64_t end, collio_error *err)
{
    for (int64_t i = 0; i < overlay->count; i++) {
        const collio_piece *p = &overlay->pieces[i];
        int64_t from = p->start > start ? p->start : start;
        int64_t to = p->start + p->size < end ? p->start + p->size : end;

        if (from < to && collio_posix_write(disk->fd, p->bytes + (from - p->start),
                                            (size_t)(to - from), from, disk->path, err))
            return err->code;
    }
    return COLLIO_OK;
}

static int keep_part(const collio_disk *disk, int64_t start, int64_t end, collio_overlay *old,
                     collio_error *err)
{
    char *bytes;

    if (start >= end)
        return COLLIO_OK;
    bytes = malloc((size_t)(end - start));
    if (bytes == NULL)
        return collio_error_set(err, COLLIO_ERR_MEMORY, "no memory to keep old structure");
    if (collio_disk_read(disk, bytes, end - start, start, err) == COLLIO_OK &&
        collio_overlay_write(old, start, end - start, bytes))
        collio_error_set(err, COLLIO_ERR_MEMORY, "no memory to keep old structure");
    free(bytes);
    return err->code;
}

/* Keep the bytes that are about to be overwritten, and the superblock. What lies
 * beyond the last committed end is not referred to by what is on disk. */
static int keep_old(const collio_disk *disk, int64_t superblock, collio_overlay *old,
                    collio_error *err)
{
    for (int64_t i = 0; i < disk->overlay.count; i++) {
        const collio_piece *p = &disk->overlay.pieces[i];
        int64_t end = p->start + p->size < disk->committed ? p->start + p->size : disk->committed;

        if (keep_part(disk, p->start, end, old, err))
            return err->code;
    }
    return keep_part(disk, superblock, superblock + COLLIO_SUPERBLOCK_BYTES, old, err);
}

/* Write all of a file that was not there before. */
static int write_new(const collio_disk *disk, int64_t superblock, collio_error *err)
{
    int64_t fixed = superblock + COLLIO_SUPERBLOCK_BYTES;

    if (collio_disk_write_part(disk, &disk->overlay, fixed, INT64_MAX, err) == COLLIO_OK)
        collio_disk_write_part(disk, &disk->overlay, 0, fixed, err);
    return err->code;
}

/* First what nothing refers to yet, then, journalled, what is there; the whole
 * superblock at once, as the last. */
static int overwrite(const collio_disk *disk, const collio_overlay *old, int64_t superblock,
                     int64_t end, collio_error *err)
{
    char bytes[COLLIO_SUPERBLOCK_BYTES] = "";
    int64_t fixed = superblock + COLLIO_SUPERBLOCK_BYTES;

    collio_overlay_read(old, superblock, sizeof bytes, bytes);
    collio_overlay_read(&disk->overlay, superblock, sizeof bytes, bytes);
    if (collio_disk_write_part(disk, &disk->overlay, disk->committed, INT64_MAX, err) ||
        collio_journal_write(disk, old, superblock, end, err) ||
        collio_disk_write_part(disk, &disk->overlay, fixed, disk->committed, err))
        return err->code;
    return collio_posix_write(disk->fd, bytes, sizeof bytes, superblock, disk->path, err);
}

static int change(const collio_disk *disk, int64_t superblock, int64_t end, collio_error *err)
{
    collio_overlay old = {NULL, 0, 0};
    collio_error ignored = COLLIO_ERROR_INIT;

    if (keep_old(disk, superblock, &old, err) == COLLIO_OK &&
        overwrite(disk, &old, superblock, end, err))
        collio_journal_restore(disk, &old, superblock, &ignored);
    collio_overlay_drop(&old);
    return err->code;
}

int collio_disk_commit(collio_disk *disk, int64_t superblock, collio_error *err)
{
    int64_t size = 0;

    if (err->code != COLLIO_OK || collio_disk_check(disk, err) || disk->overlay.count == 0 ||
        collio_posix_size(disk->fd, &size, disk->path, err) || reserve(disk, size, err))
        return err->code;
    if (disk->committed == 0)
        write_new(disk, superblock, err);
    else
        change(disk, superblock, size > disk->eoa ? size : disk->eoa, err);
    if (err->code == COLLIO_OK)
        collio_sys(ftruncate(disk->fd, (off_t)disk->eoa) != 0, "ftruncate", disk->path, err);
    return err->code;
}

void collio_disk_settle(collio_disk *disk)
{
    collio_overlay_drop(&disk->overlay);
    disk->eof = disk->eoa;
    disk->committed = disk->eoa;
}

int collio_disk_close(collio_disk *disk, collio_error *err)
{
    int failed = collio_posix_close(&disk->fd, disk->path, err);

    collio_overlay_drop(&disk->overlay);
    collio_sound_drop(&disk->sound);
    free(disk->path);
    disk->path = NULL;
    return failed;
}
