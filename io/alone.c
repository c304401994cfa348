/*
 * Processes that a launcher started together and that each believe to be rank 0 of 1, since their
 * MPI is not the launcher's, overwrite one another's files. Each may go about its own files; the
 * second one to write to the same file is told.
 *
 * The first writer of a name holds a local socket of that name, in Linux's abstract name space: the
 * kernel lets go of it when the process ends, however it ends, and nothing is left anywhere. It
 * tells processes of one machine only.
 */
#define _GNU_SOURCE
#include "exam.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define MOST_NAMES 256 /* of one process; no more are watched */

static struct held {
    pthread_mutex_t lock;
    uint64_t names[MOST_NAMES];
    int count;
} held = {.lock = PTHREAD_MUTEX_INITIALIZER};

/* The same number for the same file, whichever way its directory is named. */
static uint64_t number_of(const char *path)
{
    char directory[PATH_MAX], real[PATH_MAX];
    const char *slash = strrchr(path, '/');
    int length = slash == NULL ? 1 : (int)(slash - path) + 1;

    snprintf(directory, sizeof directory, "%.*s", length, slash == NULL ? "." : path);
    if (realpath(directory, real) == NULL)
        collio_copy_text(real, sizeof real, directory);
    return collio_hash_text(collio_hash_text((uint64_t)getuid(), real),
                            slash == NULL ? path : slash + 1);
}

/* Bind a socket of that name, for good; 0 if another process has it. */
static int take_name(uint64_t number)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0), length;

    if (fd < 0)
        return 1;
    /* The first byte is 0: not a name of the file system. */
    length =
        snprintf(address.sun_path + 1, sizeof address.sun_path - 1, "collio-%016" PRIx64, number);
    if (bind(fd, (const struct sockaddr *)&address,
             (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)length)) == 0)
        return 1;
    length = errno;
    close(fd);
    return length != EADDRINUSE;
}

/* 1 if this process has the name, or nobody has. */
static int claim(uint64_t number)
{
    int mine = 0;

    pthread_mutex_lock(&held.lock);
    for (int i = 0; i < held.count; i++)
        mine |= held.names[i] == number;
    if (!mine && held.count < MOST_NAMES && (mine = take_name(number)))
        held.names[held.count++] = number;
    pthread_mutex_unlock(&held.lock);
    return mine || held.count == MOST_NAMES;
}

int collio_alone_claim(const char *path, collio_error *err)
{
    collio_launch launch;
    int world = 0;

    MPI_Comm_size(MPI_COMM_WORLD, &world);
    if (world > 1 || path == NULL)
        return err->code;
    collio_launch_read(&launch);
    if (launch.size < 2 || claim(number_of(path)))
        return err->code;
    return collio_error_set(err, COLLIO_ERR_STATE,
                            "'%s' is being written by another of the %d processes that %s started: "
                            "each believes that it is rank 0 of 1, because this program uses %s "
                            "(E10; `collio doctor` knows how to mend it)",
                            path, launch.size, launch.launcher,
                            collio_family_name(collio_built_family()));
}
