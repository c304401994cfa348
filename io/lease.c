/*
 * The lease of a directory: one job writes to it at a time. A file names the process that has it,
 * its host, its job and when it began; a thread touches it, so that other hosts see that the
 * process lives. On the same host the process itself is looked for.
 */
#define _GNU_SOURCE
#include "directory.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* Seconds: how often it is touched; when one of another host counts as left behind (longer than
 * network file systems keep what they know of a file); how long a process that is about to end,
 * as after a kill, is given to do so. */
enum { BEAT = 10, STALE = 90 };
static const double dying = 2.0;

struct collio_lease {
    collio_lease *next; /* of those of this process */
    char *path;
    unsigned char uuid[16];
    int users;
    int fd;
    int ending; /* guarded by `lock` */
    int beating;
    pthread_t heart;
    pthread_mutex_t lock;
    pthread_cond_t wake;
};

/* What a lease file says. */
typedef struct holder {
    unsigned char uuid[16];
    int64_t began, pid, time;
    char host[256], job[128];
    int64_t age; /* seconds since it was touched */
    int known;   /* 0: the file makes no sense (yet) */
} holder;

static collio_lease *ours;
static pthread_mutex_t ours_lock = PTHREAD_MUTEX_INITIALIZER;

/* ----------------------------------------------------------- the file */

/* What the batch system calls this job; "" without one. */
static const char *job_name(void)
{
    static const char *const names[] = {"SLURM_JOB_ID", "PBS_JOBID", "LSB_JOBID", "JOB_ID"};
    const char *job = NULL;

    for (size_t i = 0; i < sizeof names / sizeof *names && job == NULL; i++)
        job = getenv(names[i]);
    return job != NULL ? job : "";
}

static int write_holder(const collio_lease *l, collio_error *err)
{
    char text[1024], host[256] = "", uuid[40];
    int size;

    gethostname(host, sizeof host - 1);
    collio_uuid_text(l->uuid, uuid);
    size =
        snprintf(text, sizeof text,
                 "uuid %s\nhost %s\npid %ld\nbegan %" PRId64 "\ntime %lld\njob %.100s\nend\n", uuid,
                 host, (long)getpid(), collio_process_began(), (long long)time(NULL), job_name());
    return collio_posix_write(l->fd, text, (size_t)size, 0, l->path, err);
}

/* A file that says nothing must not stay: it would look like a job that has just begun. */
static int announce(const collio_lease *l, collio_error *err)
{
    collio_error ignored = COLLIO_ERROR_INIT;

    if (write_holder(l, err))
        collio_posix_remove(l->path, &ignored);
    return err->code;
}

static void parse_holder(const char *text, holder *h)
{
    char uuid[40] = "";

    h->known = sscanf(text,
                      "uuid %39s host %255s pid %" SCNd64 " began %" SCNd64 " time %" SCNd64
                      " job%*1[ ]%127[^\n]",
                      uuid, h->host, &h->pid, &h->began, &h->time, h->job) >= 5 &&
               strstr(text, "\nend\n") != NULL && collio_uuid_parse(uuid, h->uuid);
}

/* Who has it. Returns 0 if there is no file, or -1 with an error. */
static int read_holder(const char *path, holder *h, collio_error *err)
{
    collio_error why = COLLIO_ERROR_INIT;
    struct stat status = {0};
    char text[1024] = "";
    ssize_t got = 0;
    int fd = -1;

    memset(h, 0, sizeof *h);
    if (collio_posix_open(path, O_RDONLY, &fd, &why) != COLLIO_OK && why.sys_error == ENOENT)
        return 0;
    if (why.code == COLLIO_OK) {
        got = pread(fd, text, sizeof text - 1, 0);
        if (collio_sys(got < 0, "pread", path, &why) == COLLIO_OK)
            collio_sys(fstat(fd, &status) != 0, "fstat", path, &why);
    }
    collio_posix_close(&fd, path, &why);
    if (why.code != COLLIO_OK) {
        collio_error_set(err, why.code, "%s", why.text);
        return -1;
    }
    parse_holder(text, h);
    h->age = (int64_t)time(NULL) - (int64_t)status.st_mtime;
    return 1;
}

static int is_stale(const holder *h)
{
    collio_process process =
        h->known ? collio_process_is(h->uuid, h->began) : COLLIO_PROCESS_ELSEWHERE;

    /* Ours, but not in the list: left by the process that this one was before an exec. */
    return process == COLLIO_PROCESS_GONE || process == COLLIO_PROCESS_OURS ||
           (process == COLLIO_PROCESS_ELSEWHERE && h->age > STALE);
}

static int refuse(const char *path, const holder *h, collio_error *err)
{
    char began[32] = "";
    time_t when = (time_t)h->time;
    struct tm local;

    if (!h->known)
        return collio_error_set(err, COLLIO_ERR_STATE,
                                "another job has just begun to write here ('%s')", path);
    strftime(began, sizeof began, "%F %T", localtime_r(&when, &local));
    return collio_error_set(err, COLLIO_ERR_STATE,
                            "another job writes to this directory: process %" PRId64
                            " on host %s%s%s, since %s, last sign of life %" PRId64
                            " s ago ('%s'); to read only, open it read-only",
                            h->pid, h->host, h->job[0] != '\0' ? ", job " : "", h->job, began,
                            h->age > 0 ? h->age : 0, path);
}

/* ------------------------------------------------------------ take it */

/* Move a stale file out of the way. What is moved may be a new one, if another job came first:
 * that is put back. */
static int clear_stale(const collio_lease *l, const holder *stale, collio_error *err)
{
    char aside[64], uuid[40], *path = NULL;
    collio_error ignored = COLLIO_ERROR_INIT;
    holder moved;

    collio_uuid_text(l->uuid, uuid);
    snprintf(aside, sizeof aside, "-%s", uuid);
    if (asprintf(&path, "%s%s", l->path, aside) < 0)
        return collio_error_set(err, COLLIO_ERR_MEMORY, "no memory for a path");
    if (rename(l->path, path) == 0) {
        if (read_holder(path, &moved, &ignored) == 1 &&
            memcmp(moved.uuid, stale->uuid, sizeof moved.uuid) != 0)
            collio_posix_rename(path, l->path, &ignored);
        else
            collio_posix_remove(path, &ignored);
    }
    free(path);
    return COLLIO_OK;
}

/* Create the file, taking over a stale one. */
static int create(collio_lease *l, collio_error *err)
{
    struct timespec moment = {0, 20000000};
    double until = collio_now() + dying;
    holder h;

    for (;;) {
        collio_error why = COLLIO_ERROR_INIT;
        int found;
        if (collio_posix_open(l->path, O_WRONLY | O_CREAT | O_EXCL, &l->fd, &why) == COLLIO_OK)
            return announce(l, err);
        if (why.sys_error != EEXIST) {
            collio_error_set(err, why.code, "%s", why.text);
            return err->code;
        }
        found = read_holder(l->path, &h, err);
        if (found < 0)
            return err->code;
        if (found > 0 && is_stale(&h)) {
            collio_log("checkpoint: took over '%s' of process %" PRId64 " on host %s", l->path,
                       h.pid, h.host);
            clear_stale(l, &h, err);
        } else if (found > 0 && collio_now() > until) {
            return refuse(l->path, &h, err);
        }
        nanosleep(&moment, NULL);
    }
}

/* The thread that touches the file. Of MPI it knows nothing. */
static void *beat(void *argument)
{
    collio_lease *l = argument;
    struct timespec next;

    pthread_mutex_lock(&l->lock);
    while (!l->ending) {
        clock_gettime(CLOCK_REALTIME, &next);
        next.tv_sec += BEAT;
        pthread_cond_timedwait(&l->wake, &l->lock, &next);
        futimens(l->fd, NULL);
    }
    pthread_mutex_unlock(&l->lock);
    return NULL;
}

static void stop_beating(collio_lease *l)
{
    if (!l->beating)
        return;
    pthread_mutex_lock(&l->lock);
    l->ending = 1;
    pthread_cond_signal(&l->wake);
    pthread_mutex_unlock(&l->lock);
    pthread_join(l->heart, NULL);
}

static int start_beating(collio_lease *l, collio_error *err)
{
    int failed = collio_thread_start(&l->heart, beat, l);

    errno = failed;
    l->beating = !failed;
    return collio_sys(failed, "pthread_create", l->path, err);
}

static void dispose(collio_lease *l)
{
    collio_error ignored = COLLIO_ERROR_INIT;

    if (l == NULL)
        return;
    stop_beating(l);
    if (l->fd >= 0 && collio_lease_check(l, &ignored) == COLLIO_OK)
        collio_posix_remove(l->path, &ignored);
    collio_posix_close(&l->fd, l->path, &ignored);
    pthread_cond_destroy(&l->wake);
    pthread_mutex_destroy(&l->lock);
    free(l->path);
    free(l);
}

static int take_new(const char *path, collio_lease **out, collio_error *err)
{
    collio_lease *l = calloc(1, sizeof *l);

    if (l == NULL)
        return collio_error_set(err, COLLIO_ERR_MEMORY, "no memory for a lease");
    l->fd = -1;
    l->users = 1;
    pthread_mutex_init(&l->lock, NULL);
    pthread_cond_init(&l->wake, NULL);
    collio_uuid_make(l->uuid);
    l->path = strdup(path);
    if (l->path == NULL)
        collio_error_set(err, COLLIO_ERR_MEMORY, "no memory for a lease");
    else if (create(l, err) == COLLIO_OK)
        start_beating(l, err);
    if (err->code != COLLIO_OK) {
        dispose(l);
        return err->code;
    }
    l->next = ours;
    *out = ours = l;
    return COLLIO_OK;
}

int collio_lease_take(const char *directory, collio_lease **out, collio_error *err)
{
    collio_lease *l;
    char *path = NULL;

    *out = NULL;
    if (asprintf(&path, "%s/.lease", directory) < 0)
        return collio_error_set(err, COLLIO_ERR_MEMORY, "no memory for a path");
    pthread_mutex_lock(&ours_lock);
    for (l = ours; l != NULL && strcmp(l->path, path) != 0;)
        l = l->next;
    if (l != NULL) {
        l->users++;
        *out = l;
    } else {
        take_new(path, out, err);
    }
    pthread_mutex_unlock(&ours_lock);
    free(path);
    return err->code;
}

int collio_lease_check(const collio_lease *lease, collio_error *err)
{
    holder h;
    int found = read_holder(lease->path, &h, err);

    if (found < 0)
        return err->code;
    if (found == 0)
        return collio_error_set(err, COLLIO_ERR_STATE,
                                "the lease of this job is gone: somebody removed '%s'",
                                lease->path);
    return memcmp(h.uuid, lease->uuid, sizeof h.uuid) == 0 ? COLLIO_OK
                                                           : refuse(lease->path, &h, err);
}

void collio_lease_return(collio_lease **handle)
{
    collio_lease *l = *handle, **link = &ours;

    *handle = NULL;
    if (l == NULL)
        return;
    pthread_mutex_lock(&ours_lock);
    if (--l->users == 0) {
        while (*link != l)
            link = &(*link)->next;
        *link = l->next;
        dispose(l);
    }
    pthread_mutex_unlock(&ours_lock);
}
