/* Files: modes, flushing, closing, leaving. ranks: 1 2 3 4 */
#include "core/internal.h"
#include "collio/io.h"
#include "tap.h"

#include <errno.h>
#include <fcntl.h>
#include <hdf5.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

static collio_file *open_file(const char *path, const char *mode, collio_error *err)
{
    collio_file *file = NULL;

    collio_error_clear(err);
    collio_file_open(MPI_COMM_WORLD, path, mode, NULL, &file, err);
    return file;
}

static int close_file(collio_file **file)
{
    collio_error err = COLLIO_ERROR_INIT;

    return collio_file_close(file, &err) == COLLIO_OK && *file == NULL;
}

/* Whether a name is in a file, seen by plain HDF5. */
static int on_disk(const char *path, const char *name)
{
    hid_t access = H5Pcreate(H5P_FILE_ACCESS), file;
    int found;

#if H5_VERSION_GE(1, 10, 7)
    H5Pset_file_locking(access, 0, 1); /* ours may hold the lock */
#endif
    file = H5Fopen(path, H5F_ACC_RDONLY, access);
    found = file >= 0 && H5Lexists(file, name, H5P_DEFAULT) > 0;
    if (file >= 0)
        H5Fclose(file);
    H5Pclose(access);
    return found;
}

static void remove_file(const char *path)
{
    MPI_Barrier(MPI_COMM_WORLD);
    if (tap_rank == 0)
        unlink(path);
    MPI_Barrier(MPI_COMM_WORLD);
}

static void test_modes(void)
{
    collio_error err = COLLIO_ERROR_INIT;
    collio_file *file;

    tap_ok(open_file("modes.h5", "r", &err) == NULL && err.code == COLLIO_ERR_OS &&
               err.sys_error == ENOENT && err.agreed,
           "r: what is not there (%s)", err.text);
    tap_ok(open_file("modes.h5", "r+", &err) == NULL && err.sys_error == ENOENT,
           "r+: what is not there");
    file = open_file("modes.h5", "a", &err);
    tap_ok(file != NULL && collio_file_is_writable(file), "a creates");
    tap_ok(strcmp(collio_file_path(file), "modes.h5") == 0 && collio_file_comm(file) != NULL &&
               !collio_file_is_poisoned(file),
           "a file knows its path and communicator");
    collio_group_create(collio_file_root(file), "g", NULL, &err);
    tap_ok(close_file(&file), "close");
    tap_ok(open_file("modes.h5", "w-", &err) == NULL && err.sys_error == EEXIST,
           "w-: what is there");
    tap_ok(open_file("modes.h5", "x", &err) == NULL && err.sys_error == EEXIST, "x: the same");
    file = open_file("modes.h5", "a", &err);
    tap_ok(file != NULL && on_disk("modes.h5", "g"), "a keeps what is there");
    collio_group_create(collio_file_root(file), "h", NULL, &err);
    close_file(&file);
    file = open_file("modes.h5", "r", &err);
    tap_ok(file != NULL &&
               collio_group_create(collio_file_root(file), "i", NULL, &err) == COLLIO_ERR_VALUE,
           "r: no changes (%s)", err.text);
    tap_ok(close_file(&file) && on_disk("modes.h5", "h") && !on_disk("modes.h5", "i"),
           "r+ and a change files, r does not");
    file = open_file("modes.h5", "w", &err);
    tap_ok(file != NULL && close_file(&file) && !on_disk("modes.h5", "g"), "w empties");
    tap_ok(open_file("modes.h5", "q", &err) == NULL && err.code == COLLIO_ERR_VALUE,
           "an unknown mode (%s)", err.text);
    tap_ok(open_file("no/such/dir.h5", "w", &err) == NULL && err.sys_error == ENOENT,
           "a directory that is not there");
    tap_ok(open_file("/", "r", &err) == NULL && err.code != COLLIO_OK, "a directory (%s)",
           err.text);
}

static void test_not_hdf5(void)
{
    collio_error err = COLLIO_ERROR_INIT;
    struct stat status = {0};

    if (tap_rank == 0) {
        FILE *text = fopen("text.h5", "w");
        fputs("no HDF5 file", text);
        fclose(text);
    }
    MPI_Barrier(MPI_COMM_WORLD);
    tap_ok(open_file("text.h5", "r", &err) == NULL && err.code == COLLIO_ERR_HDF5,
           "not an HDF5 file (%s)", err.text);
    tap_ok(open_file("text.h5", "a", &err) == NULL && stat("text.h5", &status) == 0 &&
               status.st_size == 12,
           "it is left as it is");
    remove_file("text.h5");
}

static void test_options(void)
{
    collio_error err = COLLIO_ERROR_INIT;
    collio_file_options options = {.user_block = 1024, .alignment = 512, .threshold = 100};
    collio_object *dataset = NULL;
    collio_file *file = NULL;
    int64_t shape = 100, offset = 0;
    double values[100];
    collio_array memory;

    collio_file_open(MPI_COMM_WORLD, "options.h5", "w", &options, &file, &err);
    tap_ok(file != NULL && collio_file_user_block(file) == 1024, "a user block (%s)", err.text);
    collio_dataset_create(collio_file_root(file), "u", COLLIO_FLOAT64, 1, &shape, NULL, &dataset,
                          &err);
    for (int i = 0; i < 100; i++)
        values[i] = i;
    collio_array_fill(&memory, values, COLLIO_FLOAT64, 1, &shape);
    collio_dataset_write(dataset, NULL, &memory, &err);
    collio_dataset_offset(dataset, &offset, &err);
    tap_ok(offset > 0 && (offset - 1024) % 512 == 0, "alignment: %lld", (long long)offset);
    collio_object_close(&dataset);
    tap_ok(close_file(&file) && err.code == COLLIO_OK, "close");
    file = open_file("options.h5", "r", &err);
    tap_ok(file != NULL && collio_file_user_block(file) == 1024, "the user block is found again");
    memset(values, 0, sizeof values);
    collio_object_open(collio_file_root(file), "u", &dataset, &err);
    collio_dataset_read(dataset, NULL, &memory, &err);
    tap_ok(err.code == COLLIO_OK && values[99] == 99.0, "and the elements");
    collio_object_close(&dataset);
    close_file(&file);
    options.user_block = 100;
    collio_file_open(MPI_COMM_WORLD, "options.h5", "w", &options, &file, &err);
    tap_ok(file == NULL && err.code == COLLIO_ERR_VALUE && on_disk("options.h5", "u"),
           "a bad size is an error before anything is done (%s)", err.text);
}

static void test_flush(void)
{
    collio_error err = COLLIO_ERROR_INIT;
    collio_file *file = open_file("flush.h5", "w", &err);

    tap_ok(H5Fis_hdf5("flush.h5") > 0, "a new file is whole at once");
    collio_group_create(collio_file_root(file), "before", NULL, &err);
    tap_ok(collio_file_flush(file, &err) == COLLIO_OK, "flush");
    tap_ok(on_disk("flush.h5", "before"), "what was flushed is on disk");
    collio_group_create(collio_file_root(file), "after", NULL, &err);
    tap_ok(!on_disk("flush.h5", "after"), "what was not is not");
    collio_file_abandon(&file, "a test");
    tap_ok(file == NULL, "abandon");
    tap_ok(on_disk("flush.h5", "before") && !on_disk("flush.h5", "after"),
           "an abandoned file is as it was at the last flush");
    file = open_file("flush.h5", "r+", &err);
    tap_ok(file != NULL, "and opens for writing");
    close_file(&file);
}

static void test_one_leaves(void)
{
    collio_error err = COLLIO_ERROR_INIT;
    collio_file *file = open_file("leaves.h5", "w", &err);

    if (tap_rank == tap_size - 1 && tap_size > 1) {
        collio_file_abandon(&file, "had enough");
        tap_ok(file == NULL, "one rank leaves");
    } else {
        collio_group_create(collio_file_root(file), "g", NULL, &err);
        tap_ok(tap_size == 1 ||
                   (err.code == COLLIO_ERR_DIVERGED && strstr(err.text, "had enough") != NULL),
               "one rank leaves");
    }
    collio_error_clear(&err);
    if (file != NULL && tap_size > 1)
        collio_file_close(&file, &err);
    collio_file_abandon(&file, NULL);
    tap_ok(H5Fis_hdf5("leaves.h5") > 0, "the others close, and the file is whole");
}

/* A rank that does not come in time: the others go on without it, it hears of it. */
static void test_one_is_late(void)
{
    collio_error err = COLLIO_ERROR_INIT;
    collio_file *file = open_file("late.h5", "w", &err);
    double timeout = collio_get_timeout();
    char missing[32];

    if (tap_size > 1) {
        snprintf(missing, sizeof missing, "rank %d", tap_size - 1);
        collio_set_timeout(1.0);
        MPI_Barrier(MPI_COMM_WORLD);
        if (tap_rank == tap_size - 1) /* comes when the others have given up */
            MPI_Barrier(MPI_COMM_WORLD);
        collio_group_create(collio_file_root(file), "g", NULL, &err);
        if (tap_rank != tap_size - 1)
            MPI_Barrier(MPI_COMM_WORLD);
        tap_ok(err.code == COLLIO_ERR_TIMEOUT &&
                   (tap_rank == tap_size - 1 || strstr(err.text, missing) != NULL),
               "one rank is late: %s", err.text);
        tap_ok(collio_file_is_poisoned(file) && collio_file_comm(file) == NULL,
               "the file cannot be used any more");
        collio_error_clear(&err);
        tap_ok(collio_file_flush(file, &err) == COLLIO_ERR_TIMEOUT, "nobody waits twice");
        collio_error_clear(&err);
        tap_ok(collio_file_close(&file, &err) == COLLIO_ERR_TIMEOUT && file == NULL,
               "closing says that it was not saved");
        collio_set_timeout(timeout);
        tap_ok(H5Fis_hdf5("late.h5") > 0, "what is on disk is whole");
    }
    collio_file_abandon(&file, "end of the test");
}

static void test_after_close(void)
{
    collio_error err = COLLIO_ERROR_INIT;
    collio_file *file = open_file("after.h5", "w", &err);
    collio_object *group = NULL, *root = NULL, *other = NULL;

    collio_group_create(collio_file_root(file), "g", &group, &err);
    collio_object_open(collio_file_root(file), "/", &root, &err);
    tap_ok(err.code == COLLIO_OK && collio_object_is_open(group) &&
               collio_object_file(group) == file,
           "objects of an open file");
    close_file(&file);
    tap_ok(!collio_object_is_open(group) && collio_object_file(group) == NULL &&
               strcmp(collio_object_name(group), "/g") == 0,
           "objects outlive their file, closed");
    tap_ok(collio_group_create(group, "h", NULL, &err) == COLLIO_ERR_STATE, "create: %s", err.text);
    collio_error_clear(&err);
    tap_ok(collio_object_open(root, "g", &other, &err) == COLLIO_ERR_STATE && other == NULL,
           "open");
    collio_object_close(&group);
    collio_object_close(&root);
    tap_ok(group == NULL && root == NULL, "they can still be let go");
}

static void test_one_errs(void)
{
    collio_error err = COLLIO_ERROR_INIT;
    collio_file *file = NULL;

    if (tap_rank == tap_size - 1)
        collio_error_set(&err, COLLIO_ERR_EXCEPTION, "something else");
    collio_file_open(MPI_COMM_WORLD, "errs.h5", "w", NULL, &file, &err);
    tap_ok(file == NULL && err.code == COLLIO_ERR_EXCEPTION &&
               (tap_size == 1 || err.rank == tap_size - 1),
           "open: one rank brings an error");
    tap_ok(access("errs.h5", F_OK) != 0, "no file is made");
    collio_error_clear(&err);
    collio_file_open(MPI_COMM_WORLD, tap_rank == 0 ? "errs.h5" : "other.h5", "w", NULL, &file,
                     &err);
    tap_ok(tap_size == 1 || (file == NULL && err.code == COLLIO_ERR_DIVERGED), "other paths: %s",
           err.text);
    close_file(&file);
    file = open_file("errs.h5", "w", &err);
    if (tap_rank == tap_size - 1)
        collio_error_set(&err, COLLIO_ERR_EXCEPTION, "something else");
    tap_ok(collio_file_close(&file, &err) == COLLIO_ERR_EXCEPTION && file != NULL,
           "close: the file stays open");
    tap_ok(close_file(&file), "and closes the next time");
}

static void test_lock(void)
{
    collio_error err = COLLIO_ERROR_INIT;
    collio_file *file = open_file("lock.h5", "w", &err), *second;

    tap_ok(open_file("lock.h5", "w", &err) == NULL && err.sys_error == EAGAIN,
           "a file that is open is not emptied (%s)", err.text);
    collio_error_clear(&err);
    collio_file_open(MPI_COMM_SELF, "lock.h5", "r", NULL, &second, &err);
    tap_ok(tap_size == 1 ? second == file : second == NULL && err.sys_error == EAGAIN,
           "it is not open to each rank alone");
    if (second != NULL)
        collio_file_close(&second, &err);
    second = open_file("lock.h5", "r", &err);
    tap_ok(second == file && close_file(&second), "but again to all: the same file");
    tap_ok(close_file(&file), "the first one is as it was");
    file = open_file("lock.h5", "r", &err);
    second = open_file("lock.h5", "r", &err);
    tap_ok(file != NULL && second != NULL, "for reading it is open as often as one likes");
    close_file(&file);
    close_file(&second);
}

/* One rank has failed and closes for it while the others are elsewhere: all come to close. */
static void test_close_after(int others_elsewhere)
{
    collio_error err = COLLIO_ERROR_INIT;
    collio_file *file = NULL;
    collio_object *again = NULL;
    int failed = tap_rank == tap_size - 1;

    collio_file_open(MPI_COMM_WORLD, "reason.h5", "w", NULL, &file, &err);
    collio_group_create(collio_file_root(file), "kept", NULL, &err);
    if (failed) {
        collio_file_close_after(&file, "ZeroDivisionError at sim.py:8", &err);
    } else {
        if (others_elsewhere)
            collio_group_create(collio_file_root(file), "other", NULL, &err);
        if (others_elsewhere)
            collio_file_close_after(&file, "the error of the other",
                                    &(collio_error)COLLIO_ERROR_INIT);
        else
            collio_file_close(&file, &err);
    }
    tap_ok(file == NULL, "closed after a failure (others %s)",
           others_elsewhere ? "elsewhere" : "too");
    tap_ok(failed || tap_size == 1 ||
               (err.code == (others_elsewhere ? COLLIO_ERR_DIVERGED : COLLIO_ERR_EXCEPTION) &&
                strstr(err.text, "ZeroDivisionError at sim.py:8") != NULL),
           "the others learn the reason");
    collio_error_clear(&err);
    collio_file_open(MPI_COMM_WORLD, "reason.h5", "r", NULL, &file, &err);
    collio_object_open(collio_file_root(file), "kept", &again, &err);
    tap_ok(err.code == COLLIO_OK, "nothing is lost");
    collio_object_close(&again);
    collio_file_close(&file, &err);
}

/* One rank has failed and the others do not come: it leaves, and they are told. */
static void test_leave_after(void)
{
    collio_error err = COLLIO_ERROR_INIT;
    collio_file *file = NULL;
    int failed = tap_rank == tap_size - 1;

    collio_file_open(MPI_COMM_WORLD, "reason.h5", "w", NULL, &file, &err);
    if (failed)
        collio_file_close_after(&file, "ValueError at sim.py:9", &err);
    MPI_Barrier(MPI_COMM_WORLD);
    if (!failed) {
        collio_group_create(collio_file_root(file), "u", NULL, &err);
        collio_file_close(&file, &(collio_error)COLLIO_ERROR_INIT);
    }
    tap_ok(file == NULL && (failed || strstr(err.text, "left: ValueError at sim.py:9") != NULL),
           "a rank that leaves says why");
}

int main(int argc, char **argv)
{
    static const char *const files[] = {"modes.h5",  "options.h5", "flush.h5",
                                        "leaves.h5", "after.h5",   "reason.h5",
                                        "errs.h5",   "lock.h5",    "late.h5"};

    MPI_Init(&argc, &argv);
    tap_begin();
    H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
    for (size_t i = 0; i < sizeof files / sizeof *files; i++)
        remove_file(files[i]);
    test_modes();
    test_not_hdf5();
    test_options();
    test_flush();
    test_one_leaves();
    test_one_is_late();
    test_after_close();
    test_one_errs();
    test_lock();
    test_close_after(0);
    if (tap_size > 1) {
        test_close_after(1);
        test_leave_after();
    }
    tap_ok(H5Fget_obj_count((hid_t)H5F_OBJ_ALL, H5F_OBJ_ALL) == 0, "nothing is left open");
    MPI_Finalize();
    return tap_end();
}
