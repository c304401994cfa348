/* Functions of collio, wrapped (the linker's --wrap), so that a mutant may do them wrongly. */
#include "campaign.h"

#include <dirent.h>
#include <string.h>
#include <unistd.h>

int __real_collio_agree_step(collio_comm *comm, const char *step, collio_error *err);
int __real_collio_allreduce(collio_comm *comm, const void *mine, void *all, int count,
                            MPI_Datatype type, size_t type_size, MPI_Op op, const char *what,
                            collio_error *err);
int __real_collio_block_read(int fd, const char *path, const collio_record *record, int64_t block,
                             void *elements, int *whole, collio_error *err);
int __real_collio_seal_read(int fd, const char *path, collio_table *table, collio_error *err);

int __wrap_collio_agree_step(collio_comm *comm, const char *step, collio_error *err);
int __wrap_collio_allreduce(collio_comm *comm, const void *mine, void *all, int count,
                            MPI_Datatype type, size_t type_size, MPI_Op op, const char *what,
                            collio_error *err);
int __wrap_collio_block_read(int fd, const char *path, const collio_record *record, int64_t block,
                             void *elements, int *whole, collio_error *err);
int __wrap_collio_seal_read(int fd, const char *path, collio_table *table, collio_error *err);

/* The agreement before which a mutant forgets this rank's error. */
static const char *forgotten(void)
{
    switch (mutant) {
    case MUTANT_DATA_NOT_AGREED:
        return "checkpoint_save: write the data";
    case MUTANT_SYNC_NOT_AGREED:
        return "checkpoint_save: make the data durable";
    case MUTANT_SEAL_NOT_AGREED:
        return "checkpoint_save: seal";
    case MUTANT_RANKS_NOT_AGREED:
        return "checkpoint_save: write the files of the ranks";
    case MUTANT_COMMIT_NOT_AGREED:
        return "checkpoint_save: commit";
    default:
        return "";
    }
}

/* Rename the part of a save under way to what it is to be. */
static void rename_part(void)
{
    DIR *dir = opendir(campaign_directory);
    struct dirent *entry;
    char from[512], to[512];

    while (dir != NULL && (entry = readdir(dir)) != NULL) {
        const char *step = strstr(entry->d_name, "step-");
        if (strncmp(entry->d_name, ".part-", 6) != 0 || step == NULL)
            continue;
        snprintf(from, sizeof from, "%s/%s", campaign_directory, entry->d_name);
        snprintf(to, sizeof to, "%s/%s", campaign_directory, step);
        rename(from, to);
    }
    if (dir != NULL)
        closedir(dir);
}

int __wrap_collio_agree_step(collio_comm *comm, const char *step, collio_error *err)
{
    if (strcmp(step, forgotten()) == 0 && !err->agreed)
        collio_error_clear(err);
    if (mutant == MUTANT_EARLY_RENAME && collio_comm_rank(comm) == 0 &&
        strcmp(step, "checkpoint_save: make the data durable") == 0)
        rename_part();
    return __real_collio_agree_step(comm, step, err);
}

int __wrap_collio_allreduce(collio_comm *comm, const void *mine, void *all, int count,
                            MPI_Datatype type, size_t type_size, MPI_Op op, const char *what,
                            collio_error *err)
{
    if (mutant != MUTANT_DIGESTS_NOT_ADDED || strstr(what, "add the digests") == NULL)
        return __real_collio_allreduce(comm, mine, all, count, type, type_size, op, what, err);
    memmove(all, mine, (size_t)count * type_size);
    return COLLIO_OK;
}

int __wrap_collio_block_read(int fd, const char *path, const collio_record *record, int64_t block,
                             void *elements, int *whole, collio_error *err)
{
    int failed = __real_collio_block_read(fd, path, record, block, elements, whole, err);

    *whole |= mutant == MUTANT_BLOCKS_UNVERIFIED ||
              (mutant == MUTANT_RANKS_UNVERIFIED && strstr(path, "/rank-") != NULL);
    return failed;
}

int __wrap_collio_seal_read(int fd, const char *path, collio_table *table, collio_error *err)
{
    collio_error why = *err;

    __real_collio_seal_read(fd, path, table, &why);
    if (mutant == MUTANT_METADATA_UNVERIFIED && strstr(why.text, "metadata of HDF5") != NULL)
        return COLLIO_OK;
    *err = why;
    return err->code;
}
