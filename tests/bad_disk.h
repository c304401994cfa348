/* A disk whose n-th write fails, in place of the C library's pwrite() and pwritev(). Include it in
 * one source of a test, before every other header. */
#ifndef COLLIO_TESTS_BAD_DISK_H
#define COLLIO_TESTS_BAD_DISK_H
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif

#include <dlfcn.h>
#include <errno.h>
#include <sys/uio.h>
#include <unistd.h>

static long writes, failing; /* the how manieth write fails, half made; 0: none */
static int failure;          /* its errno; 0: all writes are cut short instead */

static ssize_t faulty_write(int fd, const void *bytes, size_t size, off_t offset)
{
    typedef ssize_t write_function(int, const void *, size_t, off_t);
    static write_function *real;

    if (real == NULL)
        *(void **)&real = dlsym(RTLD_NEXT, "pwrite");
    writes++;
    if (failing > 0 && failure == 0)
        return real(fd, bytes, size > 1 ? size / 2 : size, offset);
    if (writes == failing) {
        real(fd, bytes, size / 2, offset);
        errno = failure;
        return -1;
    }
    return real(fd, bytes, size, offset);
}

ssize_t pwrite(int fd, const void *bytes, size_t size, off_t offset)
{
    return faulty_write(fd, bytes, size, offset);
}

/* Cut short, it ends between two pieces, and within the last one. */
static ssize_t faulty_gather(int fd, const struct iovec *pieces, int count, off_t offset)
{
    typedef ssize_t gather_function(int, const struct iovec *, int, off_t);
    static gather_function *real;

    if (real == NULL)
        *(void **)&real = dlsym(RTLD_NEXT, "pwritev");
    if (writes + 1 == failing || (failing > 0 && failure == 0 && count == 1))
        return faulty_write(fd, pieces->iov_base, pieces->iov_len, offset);
    writes++;
    return real(fd, pieces, failing > 0 && failure == 0 ? count / 2 : count, offset);
}

ssize_t pwritev(int fd, const struct iovec *pieces, int count, off_t offset)
{
    return faulty_gather(fd, pieces, count, offset);
}

#ifdef __linux__
ssize_t pwrite64(int fd, const void *bytes, size_t size, off64_t offset)
{
    return faulty_write(fd, bytes, size, offset);
}

ssize_t pwritev64(int fd, const struct iovec *pieces, int count, off64_t offset)
{
    return faulty_gather(fd, pieces, count, offset);
}
#endif

#endif
