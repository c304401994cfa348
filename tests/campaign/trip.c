/* The system calls of collio, wrapped: see trip.h. */
#define _GNU_SOURCE
#include "trip.h"

#include "../tap.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

int mutant;

int __real_open(const char *path, int flags, ...);
int __real_close(int fd);
ssize_t __real_pwrite(int fd, const void *bytes, size_t size, off_t offset);
ssize_t __real_pread(int fd, void *bytes, size_t size, off_t offset);
int __real_fsync(int fd);
int __real_fallocate(int fd, int mode, off_t offset, off_t size);
int __real_ftruncate(int fd, off_t size);
int __real_renameat2(int from_dir, const char *from, int to_dir, const char *to, unsigned flags);
int __real_unlink(const char *path);
int __real_unlinkat(int dir, const char *name, int flags);
int __real_mkdir(const char *path, mode_t mode);
int __real_rmdir(const char *path);

int __wrap_open(const char *path, int flags, ...);
int __wrap_close(int fd);
ssize_t __wrap_pwrite(int fd, const void *bytes, size_t size, off_t offset);
ssize_t __wrap_pwritev(int fd, const struct iovec *pieces, int pieces_count, off_t offset);
ssize_t __wrap_pread(int fd, void *bytes, size_t size, off_t offset);
int __wrap_fsync(int fd);
int __wrap_fallocate(int fd, int mode, off_t offset, off_t size);
int __wrap_ftruncate(int fd, off_t size);
int __wrap_renameat2(int from_dir, const char *from, int to_dir, const char *to, unsigned flags);
int __wrap_unlink(const char *path);
int __wrap_unlinkat(int dir, const char *name, int flags);
int __wrap_mkdir(const char *path, mode_t mode);
int __wrap_rmdir(const char *path);

/* ------------------------------------------------------------ failures */

static long count, fail_at;
static int fail_how;
static const char *hit;
static char hit_path[160];
static int hit_in_save;
static __thread int in_save; /* this thread has had to do with more than directories */
static int64_t limit = -1;

/* The name of each open file, below the directory of steps. */
enum { MOST_FILES = 1024 };
static char names[MOST_FILES][160];

static const char *base_of(const char *path)
{
    const char *slash = strrchr(path, '/'), *name = slash != NULL ? slash + 1 : path;

    /* Files of ranks are one directory further down. */
    if (slash == NULL || (strncmp(name, "rank-", 5) != 0 && strncmp(name, "structure-", 10) != 0 &&
                          strcmp(name, "index.h5") != 0))
        return name;
    while (slash > path && slash[-1] != '/')
        slash--;
    return slash;
}

static int is_of_rank(const char *name)
{
    return strncmp(name, ".part-", 6) == 0 && strstr(name, "/rank-") != NULL;
}

static const char *name_of(int fd)
{
    return fd >= 0 && fd < MOST_FILES ? names[fd] : "";
}

void trip_set(long k, int how)
{
    count = 0;
    fail_at = k;
    fail_how = how;
    hit = NULL;
    hit_path[0] = '\0';
}

long trip_count(void)
{
    return count;
}

const char *trip_hit(void)
{
    return hit;
}

const char *trip_hit_path(void)
{
    return hit_path;
}

int trip_hit_in_save(void)
{
    return hit_in_save;
}

void trip_limit(int64_t offset)
{
    limit = offset;
}

/* Whether this call is the one to fail; with an errno unless it is to be short. */
static int trips(const char *call, const char *path)
{
    in_save |= path[0] != '/';
    if (__atomic_add_fetch(&count, 1, __ATOMIC_RELAXED) != fail_at)
        return 0;
    hit = call;
    hit_in_save = in_save;
    snprintf(hit_path, sizeof hit_path, "%s", path);
    if (fail_how != TRIP_SHORT)
        errno = fail_how;
    return 1;
}

static int fails(const char *call, const char *path)
{
    return trips(call, path) && fail_how != TRIP_SHORT;
}

/* --------------------------------------------------------------- trace */

static pthread_mutex_t pen = PTHREAD_MUTEX_INITIALIZER; /* threads of a save write, too */
static int recording;
static char *trace;
static size_t used, room;

static uint64_t now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

void trip_record(int on)
{
    recording = on;
    if (on)
        used = 0;
}

char *trip_trace(size_t *size)
{
    *size = used;
    return trace;
}

static void append(const void *bytes, size_t size)
{
    if (used + size > room) {
        room = 2 * (used + size);
        trace = realloc(trace, room);
        if (trace == NULL)
            abort();
    }
    memcpy(trace + used, bytes, size);
    used += size;
}

/* Note what happened since `start`, if it is about a step. */
static void note(int op, uint64_t start, const char *path, const char *to, int64_t offset,
                 int64_t size, const void *bytes)
{
    static const char padding[8];
    trip_event e = {.op = op, .rank = tap_rank, .start = start, .offset = offset, .size = size};

    if (!recording || (op < OP_SYNC_DIRECTORY && strstr(path, "step-") == NULL))
        return;
    snprintf(e.path, sizeof e.path, "%s", path);
    snprintf(e.to, sizeof e.to, "%s", to);
    e.end = now();
    pthread_mutex_lock(&pen);
    append(&e, sizeof e);
    if (bytes != NULL) {
        append(bytes, (size_t)size);
        append(padding, trip_padded(size) - (size_t)size);
    }
    pthread_mutex_unlock(&pen);
}

void trip_acknowledge(int64_t step)
{
    note(OP_ACK, now(), "", "", step, 0, NULL);
}

/* --------------------------------------------------------------- calls */

int __wrap_open(const char *path, int flags, ...)
{
    uint64_t start = now();
    char name[160];
    int fd = -1, mode;
    va_list args;

    va_start(args, flags);
    mode = flags & O_CREAT ? va_arg(args, int) : 0;
    va_end(args);
    /* A directory is told from a file here, too: the thread that removes pruned steps begins with
     * one, and its failures are none of the save. */
    snprintf(name, sizeof name, "%s%s", flags & O_DIRECTORY ? "/" : "", base_of(path));
    if (fails("open", name))
        return -1;
    fd = __real_open(path, flags, mode);
    if (fd >= 0 && fd < MOST_FILES)
        memcpy(names[fd], name, sizeof names[fd]);
    if (fd >= 0 && flags & O_CREAT)
        note(OP_CREATE, start, base_of(path), "", 0, 0, NULL);
    return fd;
}

int __wrap_close(int fd)
{
    int failed = fails("close", name_of(fd)), number = errno;

    if (fd >= 0 && fd < MOST_FILES)
        names[fd][0] = '\0';
    if (!failed)
        return __real_close(fd);
    __real_close(fd);
    errno = number;
    return -1;
}

/* What a write may still take, by the size of the disk. */
static size_t allowed(size_t size, off_t offset)
{
    if (limit < 0 || (int64_t)offset + (int64_t)size <= limit)
        return size;
    return (int64_t)offset < limit ? (size_t)(limit - offset) : 0;
}

ssize_t __wrap_pwrite(int fd, const void *bytes, size_t size, off_t offset)
{
    int tripped = trips("pwrite", name_of(fd)), is_part = strncmp(name_of(fd), ".part-", 6) == 0;
    uint64_t start = now();
    size_t given = size;
    ssize_t done;

    if (tripped && fail_how != TRIP_SHORT)
        return -1;
    if (offset == 0 && ((mutant == MUTANT_NO_SEAL && is_part) ||
                        (mutant == MUTANT_RANKS_NO_SEAL && is_of_rank(name_of(fd)))))
        return (ssize_t)size;
    if (size > 4096 && tap_rank == tap_size - 1 &&
        ((mutant == MUTANT_SKEWED_WRITE && is_part) ||
         (mutant == MUTANT_RANKS_SKEWED && is_of_rank(name_of(fd)))))
        offset += 8;
    if (tripped && size > 1)
        size /= 2;
    size = is_part ? allowed(size, offset) : size;
    if (size == 0) {
        errno = ENOSPC;
        return -1;
    }
    done = __real_pwrite(fd, bytes, size, offset);
    if (done > 0)
        note(OP_WRITE, start, name_of(fd), "", offset, done, bytes);
    return mutant == MUTANT_SHORT_IGNORED && done > 0 ? (ssize_t)given : done;
}

/* Each piece is a write of its own. */
ssize_t __wrap_pwritev(int fd, const struct iovec *pieces, int pieces_count, off_t offset)
{
    ssize_t total = 0;

    for (int i = 0; i < pieces_count; i++) {
        ssize_t done = __wrap_pwrite(fd, pieces[i].iov_base, pieces[i].iov_len, offset + total);
        if (done < 0)
            return total > 0 ? total : -1;
        total += done;
        if ((size_t)done < pieces[i].iov_len)
            break;
    }
    return total;
}

ssize_t __wrap_pread(int fd, void *bytes, size_t size, off_t offset)
{
    int tripped = trips("pread", name_of(fd));

    if (tripped && fail_how != TRIP_SHORT)
        return -1;
    return __real_pread(fd, bytes, tripped && size > 1 ? size / 2 : size, offset);
}

/* Whether rank 0 has synced this part before: then this time it is for the seal. */
static int is_sealed(const char *name)
{
    static char last[128];
    int again = strcmp(last, name) == 0;

    snprintf(last, sizeof last, "%s", name);
    return again;
}

/* Whether a mutant leaves this sync out. */
static int leaves_out(int fd)
{
    const char *name = name_of(fd);

    if (strstr(name, ".h5.ranks/") != NULL)
        return mutant == (strstr(name, "/rank-") != NULL        ? MUTANT_SPLIT_NO_SYNC
                          : strstr(name, "/structure-") != NULL ? MUTANT_SPLIT_WHOLE_NOT_SYNCED
                                                                : MUTANT_SPLIT_INDEX_NOT_SYNCED);
    if (name[0] == '/')
        return mutant == MUTANT_NO_DIRECTORY_SYNC || mutant == MUTANT_SPLIT_NO_DIRECTORY_SYNC ||
               (mutant == MUTANT_RANKS_NO_DIRECTORY_SYNC && strstr(name, ".ranks") != NULL);
    if (is_of_rank(name))
        return mutant == MUTANT_RANKS_NO_SYNC;
    if (strncmp(name, ".part-", 6) != 0)
        return 0;
    return (mutant == MUTANT_NO_DATA_SYNC && tap_rank > 0) ||
           (tap_rank == 0 && is_sealed(name) && mutant == MUTANT_NO_SEAL_SYNC);
}

int __wrap_fsync(int fd)
{
    uint64_t start = now();
    int left_out = leaves_out(fd), result;

    if (fails("fsync", name_of(fd))) {
        if (mutant != MUTANT_SYNC_RETRIED)
            return -1;
        return __real_fsync(fd); /* as if all were well: the kernel has dropped the pages */
    }
    if (left_out)
        return 0;
    result = __real_fsync(fd);
    if (result == 0)
        note(name_of(fd)[0] == '/' ? OP_SYNC_DIRECTORY : OP_SYNC, start, name_of(fd), "", 0, 0,
             NULL);
    return result;
}

int __wrap_fallocate(int fd, int mode, off_t offset, off_t size)
{
    uint64_t start = now();
    int result;

    if (fails("fallocate", name_of(fd)))
        return -1;
    if (limit >= 0 && strncmp(name_of(fd), ".part-", 6) == 0) {
        errno = EOPNOTSUPP; /* so that the writes meet the end of the disk */
        return -1;
    }
    result = __real_fallocate(fd, mode, offset, size);
    if (result == 0 && !(mode & FALLOC_FL_KEEP_SIZE))
        note(OP_SIZE, start, name_of(fd), "", 0, offset + size, NULL);
    return result;
}

int __wrap_ftruncate(int fd, off_t size)
{
    uint64_t start = now();
    int result;

    if (fails("ftruncate", name_of(fd)))
        return -1;
    result = __real_ftruncate(fd, size);
    if (result == 0)
        note(OP_SIZE, start, name_of(fd), "", 0, size, NULL);
    return result;
}

/* What a mutant renames only after the step itself. */
static char late[2][4096];

static void rename_late(int dir)
{
    uint64_t start = now();

    if (late[0][0] != '\0' && __real_renameat2(dir, late[0], dir, late[1], 0) == 0)
        note(OP_RENAME, start, base_of(late[0]), base_of(late[1]), 0, 0, NULL);
    late[0][0] = '\0';
}

int __wrap_renameat2(int from_dir, const char *from, int to_dir, const char *to, unsigned flags)
{
    uint64_t start = now();
    int result;

    if (fails("rename", base_of(from)))
        return -1;
    if (mutant == MUTANT_EARLY_RENAME && access(from, F_OK) != 0 && access(to, F_OK) == 0)
        return 0;
    if (mutant == MUTANT_RANKS_NOT_COMMITTED && strstr(to, ".ranks-") != NULL) {
        snprintf(late[0], sizeof late[0], "%s", from);
        snprintf(late[1], sizeof late[1], "%s", to);
        return 0;
    }
    result = __real_renameat2(from_dir, from, to_dir, to, flags);
    if (result == 0)
        note(OP_RENAME, start, base_of(from), base_of(to), 0, 0, NULL);
    rename_late(from_dir);
    return result;
}

int __wrap_unlink(const char *path)
{
    uint64_t start = now();
    int result, is_part = strncmp(base_of(path), ".part-", 6) == 0;

    if (fails("unlink", base_of(path)))
        return -1;
    if ((mutant == MUTANT_PART_LEFT && is_part) ||
        (mutant == MUTANT_COMMIT_NOT_UNDONE && !is_part && hit != NULL &&
         strcmp(hit, "fsync") == 0))
        return 0;
    result = __real_unlink(path);
    if (result == 0)
        note(OP_UNLINK, start, base_of(path), "", 0, 0, NULL);
    return result;
}

/* The path of a name in an open directory. */
static void path_in(int dir, const char *name, char *path, size_t size)
{
    char link[64], directory[3500] = "";

    snprintf(link, sizeof link, "/proc/self/fd/%d", dir);
    if (readlink(link, directory, sizeof directory - 1) < 0)
        directory[0] = '\0';
    snprintf(path, size, "%s/%s", directory, name);
}

int __wrap_unlinkat(int dir, const char *name, int flags)
{
    uint64_t start = now();
    char path[4096];
    int result;

    path_in(dir, name, path, sizeof path);
    if (fails("unlink", base_of(path)))
        return -1;
    if (mutant == MUTANT_RANKS_LEFT && is_of_rank(base_of(path)))
        return 0;
    result = __real_unlinkat(dir, name, flags);
    if (result == 0)
        note(OP_UNLINK, start, base_of(path), "", 0, 0, NULL);
    return result;
}

int __wrap_mkdir(const char *path, mode_t mode)
{
    uint64_t start = now();
    int result;

    if (fails("mkdir", base_of(path)))
        return -1;
    result = __real_mkdir(path, mode);
    if (result == 0)
        note(OP_MKDIR, start, base_of(path), "", 0, 0, NULL);
    return result;
}

int __wrap_rmdir(const char *path)
{
    uint64_t start = now();
    int result;

    if (fails("rmdir", base_of(path)))
        return -1;
    result = __real_rmdir(path);
    if (result == 0)
        note(OP_UNLINK, start, base_of(path), "", 0, 0, NULL);
    return result;
}
