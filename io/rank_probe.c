/* Can the ranks share a file in this directory? Each writes a page of one and reads that of its
 * neighbour: file systems that keep pages of a file apart on their hosts are found so. */
#include "rankset.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

enum { PAGE = 4096 };

/* What a rank writes; the same on all ranks for the same file. */
static void fill_page(uint64_t *page, uint64_t seed, int rank)
{
    for (uint64_t i = 0; i < PAGE / sizeof *page; i++)
        page[i] = seed ^ collio_hash_number((uint64_t)rank, i);
}

static void write_page(const char *path, uint64_t seed, int rank, collio_error *err)
{
    uint64_t page[PAGE / sizeof seed];
    int fd = -1;

    fill_page(page, seed, rank);
    if (collio_posix_open(path, O_WRONLY, &fd, err) == COLLIO_OK &&
        collio_posix_write(fd, page, sizeof page, (int64_t)rank * PAGE, path, err) == COLLIO_OK)
        collio_posix_sync(fd, path, err);
    collio_posix_close(&fd, path, err);
}

static void read_page(const char *path, uint64_t seed, int rank, collio_error *err)
{
    uint64_t page[PAGE / sizeof seed], wanted[PAGE / sizeof seed];
    int fd = -1;

    fill_page(wanted, seed, rank);
    if (collio_posix_open(path, O_RDONLY, &fd, err) == COLLIO_OK &&
        collio_posix_read(fd, page, sizeof page, (int64_t)rank * PAGE, path, err) == COLLIO_OK &&
        memcmp(page, wanted, sizeof page) != 0)
        collio_error_set(err, COLLIO_ERR_OS, "'%s': what rank %d wrote is not what is read", path,
                         rank);
    collio_posix_close(&fd, path, err);
}

static void create_file(const char *path, collio_error *err)
{
    int fd = -1;

    collio_posix_open(path, O_WRONLY | O_CREAT | O_EXCL, &fd, err);
    collio_posix_close(&fd, path, err);
}

static void share_file(collio_comm *comm, const char *path, uint64_t seed, collio_error *err)
{
    int rank = collio_comm_rank(comm), size = collio_comm_size(comm);

    if (rank == 0 && err->code == COLLIO_OK)
        create_file(path, err);
    if (collio_agree_step(comm, "probe: create a file", err))
        return;
    write_page(path, seed, rank, err);
    if (collio_agree_step(comm, "probe: write to a file of all ranks", err))
        return;
    read_page(path, seed, (rank + 1) % size, err);
    collio_agree_step(comm, "probe: read what another rank wrote", err);
}

int collio_share_probe(collio_comm *comm, const char *directory, const char *what, int *shared,
                       collio_error *err)
{
    collio_error why = COLLIO_ERROR_INIT, ignored = COLLIO_ERROR_INIT;
    int root = collio_comm_rank(comm) == 0;
    unsigned char uuid[16];
    uint64_t seed = 0;
    char *path;

    *shared = 1;
    collio_uuid_make(uuid);
    if (collio_bcast(comm, uuid, sizeof uuid, 0, "probe: name a file", err))
        return err->code;
    memcpy(&seed, uuid + 8, sizeof seed);
    path = collio_name_part(directory, uuid, 0, &why);
    share_file(comm, path, seed, &why);
    if (root && path != NULL)
        collio_posix_remove(path, &ignored);
    free(path);
    if (collio_comm_is_poisoned(comm)) {
        *err = why;
        return err->code;
    }
    *shared = why.code == COLLIO_OK;
    if (root && !*shared)
        collio_log("%s: the ranks cannot share a file in '%s', so each writes its own: %s", what,
                   directory, why.text);
    return err->code;
}

int collio_ranks_probe(collio_checkpoint *c, collio_error *err)
{
    int shared;

    if (collio_share_probe(c->comm, c->directory, "checkpoint", &shared, err) == COLLIO_OK)
        c->options.layout = shared ? COLLIO_LAYOUT_SHARED : COLLIO_LAYOUT_PER_RANK;
    return err->code;
}
