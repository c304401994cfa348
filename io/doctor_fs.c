/* Checks of the file system that files are to be written to: each thing that collio's promises
 * stand on is tried out in the target directory. */
#define _GNU_SOURCE
#include "exam.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/vfs.h>
#include <unistd.h>

#define MIB ((double)(1 << 20))

/* What statfs(2) says, and what follows from it. */
static const struct kind {
    unsigned magic;
    const char *name;
    collio_level level;
    const char *remark;
} kinds[] = {
    {0x6969, "NFS", COLLIO_LEVEL_WARNING,
     "several writers of one file do not see each other's data "
     "in time: prefer layout=\"per-rank\" for checkpoints"},
    {0x01021994, "tmpfs", COLLIO_LEVEL_NOTE,
     "memory: nothing survives a reboot, and other machines "
     "do not see it"},
    {0x794c7630, "overlay", COLLIO_LEVEL_NOTE,
     "a container's own disk: it goes with the container"},
    {0x65735546, "FUSE", COLLIO_LEVEL_NOTE, "what it keeps depends on the program behind it"},
    {0xff534d42, "CIFS", COLLIO_LEVEL_WARNING, "locks and renames of several writers differ there"},
    {0x0bd00bd0, "Lustre", COLLIO_LEVEL_FINE, "parallel"},
    {0x47504653, "GPFS", COLLIO_LEVEL_FINE, "parallel"},
    {0x19830326, "BeeGFS", COLLIO_LEVEL_FINE, "parallel"},
    {0xef53, "ext4", COLLIO_LEVEL_FINE, "local"},
    {0x58465342, "XFS", COLLIO_LEVEL_FINE, "local"},
    {0x9123683e, "Btrfs", COLLIO_LEVEL_FINE, "local"},
};

static const struct kind *kind_of(const char *directory)
{
    struct statfs fs;

    if (statfs(directory, &fs) != 0)
        return NULL;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (kinds[i].magic == (unsigned)fs.f_type)
            return &kinds[i];
    return NULL;
}

/* A file of this process alone in the directory, with a number; -1 and errno if that fails. */
static int probe_file(const collio_exam *exam, char *path, size_t room)
{
    char host[64] = "";

    gethostname(host, sizeof host - 1);
    snprintf(path, room, "%s/.collio-doctor-%s-%d", exam->directory, host, (int)getpid());
    return open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
}

/* Open the probe, or write into the finding why there is nothing to try. */
static int begin_probe(collio_exam *exam, collio_finding *f, char *path, size_t room)
{
    int fd = -1;

    if (!exam->first_here)
        collio_say(f, COLLIO_LEVEL_SKIPPED, "another process of this machine looks");
    else if ((fd = probe_file(exam, path, room)) < 0)
        collio_say(f, COLLIO_LEVEL_SKIPPED, "'%s' cannot be written to", exam->directory);
    return fd;
}

static void end_probe(int fd, const char *path)
{
    close(fd);
    unlink(path);
}

/* ---------------------------------------------------------------------- E43 */

static void check_locks(collio_exam *exam, collio_finding *f)
{
    char path[PATH_MAX];
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_len = 16};
    int fd = begin_probe(exam, f, path, sizeof path), range, whole;

    if (fd < 0)
        return;
    range = fcntl(fd, F_SETLK, &lock) == 0 ? 0 : errno;
    whole = flock(fd, LOCK_EX | LOCK_NB) == 0 ? 0 : errno;
    end_probe(fd, path);
    collio_evidence(f, "fcntl(F_SETLK): %s", range == 0 ? "works" : strerror(range));
    collio_evidence(f, "flock: %s", whole == 0 ? "works" : strerror(whole));
    if (range == 0 && whole == 0) {
        collio_say(f, COLLIO_LEVEL_FINE, "both kinds work");
        return;
    }
    collio_say(f, COLLIO_LEVEL_WARNING, "%s %s not work here", range != 0 ? "fcntl" : "flock",
               range != 0 && whole != 0 ? "and flock do" : "does");
    collio_mend(f, "export HDF5_USE_FILE_LOCKING=FALSE; ask for a mount with locks (flock, not "
                   "nolock); MPI-IO of MPICH may abort here, collio.File does not need it");
}

/* ---------------------------------------------------------------------- E44 */

static void check_directory(collio_exam *exam, collio_finding *f)
{
    const struct kind *kind = kind_of(exam->directory);
    char path[PATH_MAX];
    int fd;

    if (!exam->first_here) {
        collio_say(f, COLLIO_LEVEL_SKIPPED, "another process of this machine looks");
        return;
    }
    fd = probe_file(exam, path, sizeof path);
    if (fd < 0) {
        collio_say(f, COLLIO_LEVEL_FAILURE, "'%s' cannot be written to: %s", exam->directory,
                   strerror(errno));
        collio_mend(f, "collio doctor --dir DIRECTORY, with the one that files are to go to");
        return;
    }
    end_probe(fd, path);
    if (kind == NULL)
        collio_say(f, COLLIO_LEVEL_FINE, "'%s' is on a file system that collio has no remarks on",
                   exam->directory);
    else
        collio_say(f, kind->level, "'%s' is on %s: %s", exam->directory, kind->name, kind->remark);
}

/* ---------------------------------------------------------------------- E46 */

static void check_space(collio_exam *exam, collio_finding *f)
{
    struct statvfs fs;
    struct rlimit limit = {RLIM_INFINITY, RLIM_INFINITY};
    double free_bytes, share;

    if (statvfs(exam->directory, &fs) != 0) {
        collio_say(f, COLLIO_LEVEL_SKIPPED, "'%s': %s", exam->directory, strerror(errno));
        return;
    }
    getrlimit(RLIMIT_FSIZE, &limit);
    free_bytes = (double)fs.f_bavail * (double)fs.f_frsize;
    share = fs.f_blocks > 0 ? 100.0 * (double)fs.f_bavail / (double)fs.f_blocks : 100;
    collio_evidence(f, "free: %.0f MiB, %.1f %%; names: %.0f free; quotas do not show here",
                    free_bytes / MIB, share, (double)fs.f_favail);
    if (limit.rlim_cur != RLIM_INFINITY) {
        collio_say(f, COLLIO_LEVEL_WARNING, "files may not grow beyond %.0f MiB (ulimit -f)",
                   (double)limit.rlim_cur / MIB);
        collio_mend(f, "ulimit -f unlimited");
    } else if (free_bytes < 256 * MIB) {
        collio_say(f, COLLIO_LEVEL_WARNING, "only %.0f MiB are free in '%s'", free_bytes / MIB,
                   exam->directory);
        collio_mend(f, "remove something, or write elsewhere");
    } else {
        collio_say(f, COLLIO_LEVEL_FINE, "%.1f GiB free", free_bytes / MIB / 1024);
    }
}

/* ---------------------------------------------------------------------- E47 */

static void check_stripes(collio_exam *exam, collio_finding *f)
{
    const struct kind *kind = kind_of(exam->directory);
    const char *ask[] = {"lfs", "getstripe", "-d", "-c", exam->directory, NULL};
    char text[256];

    if (kind == NULL || strcmp(kind->name, "Lustre") != 0) {
        collio_say(f, COLLIO_LEVEL_FINE, "not on Lustre");
        return;
    }
    if (!exam->may_spawn || !collio_spawn(ask, text, sizeof text, NULL) || atoi(text) == 0) {
        collio_say(f, COLLIO_LEVEL_SKIPPED, "lfs getstripe does not tell");
    } else if (atoi(text) == 1) {
        collio_say(f, COLLIO_LEVEL_WARNING,
                   "new files in '%s' lie on one storage target: large ones "
                   "are as slow as it is",
                   exam->directory);
        collio_mend(f, "lfs setstripe -c 8 %s", exam->directory);
    } else {
        collio_say(f, COLLIO_LEVEL_FINE, "stripe count %d", atoi(text));
    }
}

/* ---------------------------------------------------------------------- E48 */

/* Try what a checkpoint does: reserve, write, sync, rename, sync the directory. */
static void try_commit(const char *directory, const char *path, int *reserved, collio_error *err)
{
    char to[PATH_MAX + 8];
    int fd = -1;

    snprintf(to, sizeof to, "%s.whole", path);
    *reserved = 0;
    if (collio_posix_open(path, O_RDWR, &fd, err) == COLLIO_OK) {
        *reserved = fallocate(fd, 0, 0, 65536) == 0;
        collio_posix_write(fd, "collio", 6, 0, path, err);
        collio_posix_sync(fd, path, err);
    }
    collio_posix_close(&fd, path, err);
    if (err->code == COLLIO_OK && collio_posix_rename(path, to, err) == COLLIO_OK)
        collio_posix_sync_directory(directory, err);
    unlink(to);
}

static void check_commit(collio_exam *exam, collio_finding *f)
{
    collio_error err = COLLIO_ERROR_INIT;
    char path[PATH_MAX];
    int fd = begin_probe(exam, f, path, sizeof path), reserved;

    if (fd < 0)
        return;
    try_commit(exam->directory, path, &reserved, &err);
    end_probe(fd, path);
    if (err.code != COLLIO_OK) {
        collio_say(f, COLLIO_LEVEL_FAILURE, "a file cannot be made durable here: %.400s", err.text);
        collio_mend(f, "write checkpoints to another file system (--dir to try one)");
    } else if (!reserved) {
        collio_say(f, COLLIO_LEVEL_NOTE,
                   "works, but space cannot be reserved: a full disk shows only "
                   "while writing");
    } else {
        collio_say(f, COLLIO_LEVEL_FINE, "fsync, rename, fsync of the directory, fallocate work");
    }
}

const collio_check collio_checks_fs[] = {
    {"E43", "file locks", check_locks,
     "HDF5 locks files that it opens, and MPI-IO locks what it writes: without locks they fail or "
     "abort.",
     1, 0},
    {"E44", "target directory", check_directory,
     "What is written must stay, and all ranks must see it.", 1, 0},
    {"E46", "free space", check_space, "A full disk ends the run, mostly at its end.", 1, 0},
    {"E47", "striping", check_stripes,
     "On Lustre a file is spread over as many storage targets as its directory says.", 1, 0},
    {"E48", "durable files", check_commit,
     "A checkpoint counts as saved once fsync and rename have worked.", 1, 0},
    {0},
};
