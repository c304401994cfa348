/* Which process made something, and whether it still runs: identities that are new, and tell. */
#define _GNU_SOURCE
#include "directory.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

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

int collio_uuid_parse(const char *text, unsigned char *uuid)
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

/* Its state and when it began, in ticks since the boot; "?", 0 where that is not known. */
static char look_at_process(int64_t pid, int64_t *began)
{
    char path[40], text[1024], state = '?', *after;

    *began = 0;
    snprintf(path, sizeof path, "/proc/%" PRId64 "/stat", pid);
    read_short(path, text, sizeof text);
    after = strrchr(text, ')'); /* behind the name, which may hold anything */
    if (after != NULL)
        sscanf(after + 1,
               " %c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %*d "
               "%*d %" SCNd64,
               &state, began);
    return state;
}

int64_t collio_process_began(void)
{
    int64_t began;

    look_at_process(getpid(), &began);
    return began;
}

/* A zombie is gone: it is listed only because nobody has asked yet how it ended. */
collio_process collio_process_is(const unsigned char *uuid, int64_t began)
{
    int64_t pid = (int64_t)load(uuid + 10, 4), other;
    char state;

    if (load(uuid, 3) != host_digest())
        return COLLIO_PROCESS_ELSEWHERE;
    if (load(uuid + 3, 3) != boot_digest() || (kill((pid_t)pid, 0) != 0 && errno == ESRCH))
        return COLLIO_PROCESS_GONE;
    state = look_at_process(pid, &other);
    if (state == 'Z' || state == 'X' || (began != 0 && other != 0 && other != began))
        return COLLIO_PROCESS_GONE;
    return pid == getpid() ? COLLIO_PROCESS_OURS : COLLIO_PROCESS_RUNS;
}
