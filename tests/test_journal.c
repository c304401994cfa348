/* A change of structure that is broken off: the file is none until it is mended, and then as it
 * was. ranks: 1 2 */
#include "io/journal.h"
#include "tap.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PATH "journal.h5"

static collio_file *open_file(const char *mode, collio_error *err)
{
    collio_file *file = NULL;

    collio_error_clear(err);
    collio_file_open(MPI_COMM_WORLD, PATH, mode, NULL, &file, err);
    return file;
}

static void make_file(int64_t user_block)
{
    collio_error err = COLLIO_ERROR_INIT;
    collio_file_options options = {.user_block = user_block};
    collio_file *file = NULL;
    double value = 1.5;

    collio_file_open(MPI_COMM_WORLD, PATH, "w", &options, &file, &err);
    collio_group_create(collio_file_root(file), "g", NULL, &err);
    collio_attribute_write(collio_file_root(file), "a", COLLIO_FLOAT64, 0, NULL, &value, &err);
    collio_file_close(&file, &err);
    tap_ok(err.code == COLLIO_OK, "a file with a user block of %d bytes %s", (int)user_block,
           err.text);
}

/* What a rank 0 leaves that was killed in the middle: journal, mark, and half of
 * the new bytes. */
static void break_off(int64_t superblock, int spoil)
{
    collio_error err = COLLIO_ERROR_INIT;
    collio_overlay old = {NULL, 0, 0};
    collio_disk disk = {.path = (char *)PATH};
    int64_t size = 0;
    char *bytes, rubbish[200];

    memset(rubbish, 0x55, sizeof rubbish);
    if (tap_rank == 0) {
        disk.fd = open(PATH, O_RDWR);
        collio_posix_size(disk.fd, &size, PATH, &err);
        bytes = malloc((size_t)size);
        collio_disk_read(&disk, bytes, size, 0, &err);
        collio_overlay_write(&old, superblock, size - superblock, bytes + superblock);
        collio_journal_write(&disk, &old, superblock, size, &err);
        collio_posix_write(disk.fd, rubbish, sizeof rubbish, superblock + 200, PATH, &err);
        if (spoil)
            collio_posix_write(disk.fd, rubbish, 1, size + 40, PATH, &err);
        close(disk.fd);
        collio_overlay_drop(&old);
        free(bytes);
    }
    MPI_Barrier(MPI_COMM_WORLD);
}

static void test_recovery(int64_t user_block)
{
    collio_error err = COLLIO_ERROR_INIT;
    collio_file *file;
    collio_kind kind = COLLIO_KIND_NONE;
    double value = 0.0;

    make_file(user_block);
    break_off(user_block, 0);
    tap_ok(H5Fis_hdf5(PATH) <= 0, "broken off, it is no HDF5 file");
    tap_ok(open_file("r", &err) == NULL && err.code == COLLIO_ERR_DAMAGED && err.agreed,
           "for reading: %s", err.text);
    file = open_file("r+", &err);
    tap_ok(file != NULL, "for writing it opens %s", err.text);
    collio_group_find(collio_file_root(file), "g", &kind, &err);
    collio_attribute_read(collio_file_root(file), "a", COLLIO_FLOAT64, &value, &err);
    tap_ok(err.code == COLLIO_OK && kind == COLLIO_KIND_GROUP && value == 1.5,
           "and is as it was %s", err.text);
    collio_file_close(&file, &err);
    file = open_file("r", &err);
    tap_ok(file != NULL && H5Fis_hdf5(PATH) > 0, "afterwards all can read it %s", err.text);
    collio_file_close(&file, &err);
}

static void test_spoilt(void)
{
    collio_error err = COLLIO_ERROR_INIT;

    make_file(0);
    break_off(0, 1);
    tap_ok(open_file("r+", &err) == NULL && err.code == COLLIO_ERR_DAMAGED,
           "a damaged journal is not used: %s", err.text);
}

int main(int argc, char **argv)
{
    MPI_Init(&argc, &argv);
    tap_begin();
    H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
    test_recovery(0);
    test_recovery(2048);
    test_spoilt();
    MPI_Finalize();
    return tap_end();
}
