/* The names in a directory of checkpoints: steps, parts of saves under way, who owns a part. */
#define _GNU_SOURCE
#include "step.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static char *print_path(const char *directory, const char *before, const unsigned char *uuid,
                        int64_t step, collio_error *err)
{
    char text[40] = "", *path = NULL;

    if (uuid != NULL) {
        collio_uuid_text(uuid, text);
        strcat(text, "-");
    }
    if (asprintf(&path, "%s/%s%sstep-%012" PRId64 ".h5", directory, before, text, step) >= 0)
        return path;
    collio_error_set(err, COLLIO_ERR_MEMORY, "no memory for a path");
    return NULL;
}

char *collio_name_step(const char *directory, int64_t step, collio_error *err)
{
    return print_path(directory, "", NULL, step, err);
}

char *collio_name_part(const char *directory, const unsigned char *uuid, int64_t step,
                       collio_error *err)
{
    return print_path(directory, ".part-", uuid, step, err);
}

char *collio_name_damaged(const char *directory, const unsigned char *uuid, int64_t step,
                          collio_error *err)
{
    return print_path(directory, "damaged-", uuid, step, err);
}

/* ----------------------------------------------------------- identity */

/* Read a short file or link of the system; "" where there is none. */
static void read_short(const char *path, char *text, size_t size)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t got = fd >= 0 ? read(fd, text, size - 1) : readlink(path, text, size - 1);

    text[got > 0 ? got : 0] = '\0';
    if (fd >= 0)
        close(fd);
}

/*
 * Where a process number means something: this host, in this process namespace, since this boot.
 * The uuid holds two digests, so that a part of an earlier boot is known to be abandoned.
 */
static uint32_t host_digest(void)
{
    char host[256] = "", space[64];

    gethostname(host, sizeof host - 1);
    read_short("/proc/self/ns/pid", space, sizeof space);
    return (uint32_t)(collio_hash_text(collio_hash_text(0, host), space) & 0xffffff);
}

static uint32_t boot_digest(void)
{
    char boot[64];

    read_short("/proc/sys/kernel/random/boot_id", boot, sizeof boot);
    return (uint32_t)(collio_hash_text(0, boot) & 0xffffff);
}

static void store(unsigned char *to, uint64_t value, int bytes)
{
    for (int i = bytes - 1; i >= 0; i--, value >>= 8)
        to[i] = (unsigned char)value;
}

static uint64_t load(const unsigned char *from, int bytes)
{
    uint64_t value = 0;

    for (int i = 0; i < bytes; i++)
        value = value << 8 | from[i];
    return value;
}

/* Bytes of the uuid (version 8, free form): 0-2 host, 3-5 boot, 6-7 version and chance, 8-9
 * variant and chance, 10-13 process, 14-15 count. */
void collio_uuid_make(unsigned char *uuid)
{
    static unsigned count;
    struct timespec now;
    uint64_t chance;

    clock_gettime(CLOCK_REALTIME, &now);
    chance = collio_hash_number((uint64_t)now.tv_sec, (uint64_t)now.tv_nsec);
    store(uuid, host_digest(), 3);
    store(uuid + 3, boot_digest(), 3);
    store(uuid + 6, chance, 4);
    uuid[6] = (unsigned char)((uuid[6] & 0x0f) | 0x80);
    uuid[8] = (unsigned char)((uuid[8] & 0x3f) | 0x80);
    store(uuid + 10, (uint64_t)getpid(), 4);
    store(uuid + 14, count++, 2);
}

void collio_uuid_text(const unsigned char *uuid, char *text)
{
    for (int i = 0; i < 16; i++)
        text += sprintf(text, "%s%02x", i == 4 || i == 6 || i == 8 || i == 10 ? "-" : "", uuid[i]);
}

/* The 16 bytes of a text, or 0. */
static int parse_uuid(const char *text, unsigned char *uuid)
{
    for (int i = 0; i < 16; i++) {
        unsigned byte;
        if (i == 4 || i == 6 || i == 8 || i == 10)
            if (*text++ != '-')
                return 0;
        if (sscanf(text, "%2x", &byte) != 1)
            return 0;
        uuid[i] = (unsigned char)byte;
        text += 2;
    }
    return 1;
}

/* 1 for a process that has ended but is still listed, because nobody has asked how it ended. */
static int is_zombie(pid_t pid)
{
    char path[40], text[512], *after;

    snprintf(path, sizeof path, "/proc/%ld/stat", (long)pid);
    read_short(path, text, sizeof text);
    after = strrchr(text, ')');
    return after != NULL && strncmp(after, ") Z", 3) == 0;
}

/* 1 only if the process that made this uuid is certainly gone. */
static int is_abandoned(const unsigned char *uuid)
{
    pid_t pid = (pid_t)load(uuid + 10, 4);

    if (load(uuid, 3) != host_digest())
        return 0;
    if (load(uuid + 3, 3) != boot_digest())
        return 1;
    return (kill(pid, 0) != 0 && errno == ESRCH) || is_zombie(pid);
}

void collio_names_clean(const char *directory)
{
    DIR *dir = opendir(directory);
    struct dirent *entry;
    unsigned char uuid[16];

    while (dir != NULL && (entry = readdir(dir)) != NULL) {
        if (strncmp(entry->d_name, ".part-", 6) != 0 || strlen(entry->d_name) < 6 + 36 ||
            !parse_uuid(entry->d_name + 6, uuid) || !is_abandoned(uuid))
            continue;
        if (unlinkat(dirfd(dir), entry->d_name, 0) == 0)
            collio_log("checkpoint: removed %s/%s, left by a job that is gone", directory,
                       entry->d_name);
    }
    if (dir != NULL)
        closedir(dir);
}

/* --------------------------------------------------------------- list */

/* The number in "step-<12 digits>.h5", or -1 for any other name. */
static int64_t parse_step(const char *name)
{
    int64_t step = 0;

    if (strlen(name) != 5 + 12 + 3 || strncmp(name, "step-", 5) != 0 ||
        strcmp(name + 17, ".h5") != 0 || strspn(name + 5, "0123456789") != 12)
        return -1;
    for (int i = 5; i < 17; i++)
        step = 10 * step + (name[i] - '0');
    return step;
}

static int by_number(const void *a, const void *b)
{
    const int64_t *x = a, *y = b;

    return (*x > *y) - (*x < *y);
}

static int append(int64_t **steps, int *count, int64_t step, collio_error *err)
{
    int64_t *longer = *steps;

    if ((*count & (*count - 1)) == 0)
        longer = realloc(*steps, (*count > 0 ? 2 * (size_t)*count : 1) * sizeof **steps);
    if (longer == NULL)
        return collio_error_set(err, COLLIO_ERR_MEMORY, "no memory for the list of steps");
    *steps = longer;
    longer[(*count)++] = step;
    return COLLIO_OK;
}

/* All entries of an open directory that are steps. */
static int read_steps(DIR *dir, const char *directory, int64_t **steps, int *count,
                      collio_error *err)
{
    struct dirent *entry;
    int64_t step;

    for (;;) {
        errno = 0;
        entry = readdir(dir);
        if (entry == NULL)
            return collio_sys(errno != 0, "readdir", directory, err);
        step = parse_step(entry->d_name);
        if (step >= 0 && append(steps, count, step, err))
            return err->code;
    }
}

int collio_names_list(const char *directory, int64_t **steps, int *count, collio_error *err)
{
    DIR *dir = opendir(directory);
    int failed;

    *steps = NULL;
    *count = 0;
    failed = collio_sys(dir == NULL, "opendir", directory, err);
    if (!failed)
        failed = read_steps(dir, directory, steps, count, err);
    if (dir != NULL)
        closedir(dir);
    if (failed) {
        free(*steps);
        *steps = NULL;
        *count = 0;
    } else if (*count > 1) {
        qsort(*steps, (size_t)*count, sizeof **steps, by_number);
    }
    return failed;
}
