/* Other programs, asked one question each, without a shell and without waiting for ever. */
#define _GNU_SOURCE
#include "exam.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define LIMIT 5.0 /* seconds */

extern char **environ;

int collio_which(const char *program, char *out, size_t room)
{
    const char *path = getenv("PATH");

    while (path != NULL && *path != 0) {
        size_t length = strcspn(path, ":");
        snprintf(out, room, "%.*s/%s", (int)length, length > 0 ? path : ".", program);
        if (access(out, X_OK) == 0)
            return 1;
        path += length + (path[length] == ':');
    }
    *out = 0;
    return 0;
}

/* Start it with output and errors into a pipe, as leader of a group of its own so that all it
 * starts can be ended with it. posix_spawn, not fork: a process with MPI must not be copied. */
static pid_t start(const char *const *argv, const int pipes[2])
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    pid_t pid = -1;

    posix_spawn_file_actions_init(&actions);
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP);
    posix_spawnattr_setpgroup(&attributes, 0);
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&actions, pipes[1], 1);
    posix_spawn_file_actions_adddup2(&actions, pipes[1], 2);
    if (posix_spawnp(&pid, argv[0], &actions, &attributes, (char *const *)argv, environ) != 0)
        pid = -1;
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    return pid;
}

/* Read all of it, keeping what there is room for; 0 if the time is up before its end. */
static int collect(int fd, char *out, size_t room)
{
    double end = collio_now() + LIMIT;
    size_t total = 0;
    char rest[4096];

    for (;;) {
        struct pollfd ready = {.fd = fd, .events = POLLIN};
        double left = end - collio_now();
        int keep = total + 1 < room;
        ssize_t got;
        if (left <= 0)
            break;
        if (poll(&ready, 1, (int)(left * 1000) + 1) <= 0)
            continue;
        got = read(fd, keep ? out + total : rest, keep ? room - 1 - total : sizeof rest);
        if (got <= 0 && !(got < 0 && errno == EINTR))
            break;
        if (keep && got > 0)
            total += (size_t)got;
    }
    out[total] = 0;
    return collio_now() < end;
}

static int wait_for(pid_t pid, int in_time)
{
    double end = collio_now() + (in_time ? 1.0 : 0.0);
    int state = 0, done;

    /* It closed its output; give it a moment to end. */
    while ((done = waitpid(pid, &state, WNOHANG)) == 0 && collio_now() < end)
        usleep(1000);
    if (done == 0) {
        kill(-pid, SIGKILL);
        while (waitpid(pid, &state, 0) < 0 && errno == EINTR)
            continue;
        return -1;
    }
    return done == pid && WIFEXITED(state) ? WEXITSTATUS(state) : -1;
}

int collio_spawn(const char *const *argv, char *out, size_t room, int *status)
{
    int pipes[2], result;
    pid_t pid;

    *out = 0;
    if (status != NULL)
        *status = -1;
    if (pipe2(pipes, O_CLOEXEC) != 0)
        return 0;
    pid = start(argv, pipes);
    close(pipes[1]);
    if (pid > 0) {
        result = wait_for(pid, collect(pipes[0], out, room));
        if (status != NULL)
            *status = result;
    }
    close(pipes[0]);
    return pid > 0;
}
