/* One rank makes a file without a name in memory, the others find it among that process's open
 * files: nothing of it can be left behind, whoever is killed when. What fails here only means that
 * there is no such memory, so system calls are not judged. */
#define _GNU_SOURCE
#include "shared.h"

#include <unistd.h>

#ifdef __linux__
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>

/* What tells the ranks where it is; a number alone may mean something else on another machine. */
typedef struct card {
    int64_t process, descriptor; /* negative: there is none */
    uint64_t device, node, token;
} card;

static uint64_t new_token(const void *place)
{
    struct timespec now = {0};
    uint64_t digest = (uint64_t)(uintptr_t)place;

    clock_gettime(CLOCK_REALTIME, &now);
    digest = collio_hash(digest, &now, sizeof now);
    return collio_hash_number(digest, (uint64_t)getpid()) | 1;
}

/* Before the bytes that are to be used: the token. */
static const size_t head = 4096;

/* All pages at once: to fault on each costs more than what is done with them. */
static char *map(int fd, size_t size)
{
    char *bytes = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, fd, 0);

    return bytes != MAP_FAILED ? bytes : NULL;
}

/* Make it, and say where. It has its memory from the beginning, because a page that could not be
 * had later would be a signal. */
static char *create(size_t size, card *c)
{
    int fd = memfd_create("collio", MFD_CLOEXEC);
    struct stat status;
    char *bytes = NULL;

    *c = (card){.process = getpid(), .descriptor = -1};
    if (fd >= 0 && fallocate(fd, 0, 0, (off_t)size) == 0 && fstat(fd, &status) == 0)
        bytes = map(fd, size);
    if (bytes != NULL) {
        c->descriptor = fd;
        c->device = (uint64_t)status.st_dev;
        c->node = (uint64_t)status.st_ino;
        c->token = new_token(bytes);
        memcpy(bytes, &c->token, sizeof c->token);
    } else if (fd >= 0) {
        close(fd);
    }
    return bytes;
}

/* Looked at before it is opened: what has this name elsewhere may be anything. */
static char *find(size_t size, const card *c)
{
    struct stat status;
    char path[64], *bytes;
    int fd;

    snprintf(path, sizeof path, "/proc/%" PRId64 "/fd/%" PRId64, c->process, c->descriptor);
    if (c->descriptor < 0 || stat(path, &status) != 0 || !S_ISREG(status.st_mode) ||
        (uint64_t)status.st_dev != c->device || (uint64_t)status.st_ino != c->node ||
        (size_t)status.st_size != size || (fd = open(path, O_RDWR | O_CLOEXEC)) < 0)
        return NULL;
    bytes = map(fd, size);
    close(fd);
    if (bytes != NULL && memcmp(bytes, &c->token, sizeof c->token) != 0) {
        munmap(bytes, size);
        bytes = NULL;
    }
    return bytes;
}

static int forbidden;

void collio_shared_allow(int allowed)
{
    forbidden = !allowed;
}

int collio_shared_have(collio_comm *comm, collio_shared *s, size_t size, collio_error *err)
{
    collio_ticket ticket = {.operation = "shared memory"};
    card c = {.descriptor = -1};
    int first = collio_comm_rank(comm) == 0;

    if (s->size < head + size)
        collio_shared_free(s);
    if (s->refused || s->bytes != NULL)
        return s->bytes != NULL;
    s->size = head + size;
    if (first && !forbidden)
        s->map = create(s->size, &c);
    if (collio_bcast(comm, &c, sizeof c, 0, "shared memory", err) == COLLIO_OK && !first &&
        !forbidden)
        s->map = find(s->size, &c);
    ticket.vote[0] = s->map != NULL;
    s->refused = collio_agree(comm, &ticket, err) != COLLIO_OK || ticket.min[0] == 0;
    if (first && c.descriptor >= 0)
        close((int)c.descriptor);
    if (s->refused)
        collio_shared_free(s);
    else
        s->bytes = s->map + head;
    return !s->refused;
}

void collio_shared_free(collio_shared *s)
{
    if (s->map != NULL)
        munmap(s->map, s->size);
    s->map = s->bytes = NULL;
}

#else

void collio_shared_allow(int allowed)
{
    (void)allowed;
}

int collio_shared_have(collio_comm *comm, collio_shared *s, size_t size, collio_error *err)
{
    (void)comm, (void)s, (void)size, (void)err;
    return 0;
}

void collio_shared_free(collio_shared *s)
{
    (void)s;
}

#endif
