/* Whether all files of a split file are there. HDF5 takes elements for unwritten whose file is
 * missing, and tells nobody. */
#define _GNU_SOURCE
#include "split.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* Of the index: how many bytes the file of each rank has. */
static const char sizes_name[] = "sizes";

static char *part_beside(const char *index, int rank)
{
    const char *slash = strrchr(index, '/');
    char *path = NULL;

    if (asprintf(&path, "%.*srank-%06d.h5", slash != NULL ? (int)(slash - index + 1) : 0, index,
                 rank) < 0)
        return NULL;
    return path;
}

/* -1: there is none. */
static int64_t size_of(const char *path)
{
    struct stat status;

    return stat(path, &status) == 0 ? (int64_t)status.st_size : -1;
}

/* ------------------------------------------------------------------ noted */

static void write_sizes(hid_t file, const int64_t *sizes, hsize_t count, collio_error *err)
{
    hid_t space = H5Screate_simple(1, &count, NULL), id;

    if (collio_hdf5(space < 0, "H5Screate_simple", err))
        return;
    id = H5Acreate2(file, sizes_name, H5T_STD_I64LE, space, H5P_DEFAULT, H5P_DEFAULT);
    if (collio_hdf5(id < 0, "H5Acreate2", err) == COLLIO_OK) {
        collio_hdf5(H5Awrite(id, H5T_NATIVE_INT64, sizes) < 0, "H5Awrite", err);
        H5Aclose(id);
    }
    H5Sclose(space);
}

int collio_split_note_sizes(hid_t index, const char *path, int ranks, collio_error *err)
{
    int64_t *sizes = calloc((size_t)ranks, sizeof *sizes);

    if (sizes == NULL)
        return collio_error_set(err, COLLIO_ERR_MEMORY, "no memory for the sizes of files");
    for (int rank = 0; rank < ranks && err->code == COLLIO_OK; rank++) {
        char *part = part_beside(path, rank);
        if (part == NULL)
            collio_error_set(err, COLLIO_ERR_MEMORY, "no memory for a path");
        else
            sizes[rank] = size_of(part);
        collio_sys(part != NULL && sizes[rank] < 0, "stat", part, err);
        free(part);
    }
    if (err->code == COLLIO_OK)
        write_sizes(index, sizes, (hsize_t)ranks, err);
    free(sizes);
    return err->code;
}

/* ---------------------------------------------------------------- compared */

/* Those of the index; NULL if it has none, or with an error. */
static int64_t *read_sizes(hid_t file, int *count, collio_error *err)
{
    hid_t id = H5Aexists(file, sizes_name) > 0 ? H5Aopen(file, sizes_name, H5P_DEFAULT) : -1;
    hid_t space = id < 0 ? id : H5Aget_space(id);
    int64_t *sizes = NULL;

    *count = 0;
    if (space >= 0) {
        *count = (int)H5Sget_simple_extent_npoints(space);
        sizes = calloc((size_t)*count + 1, sizeof *sizes);
        if (sizes == NULL)
            collio_error_set(err, COLLIO_ERR_MEMORY, "no memory for the sizes of files");
        else
            collio_hdf5(H5Aread(id, H5T_NATIVE_INT64, sizes) < 0, "H5Aread", err);
        H5Sclose(space);
    }
    if (id >= 0)
        H5Aclose(id);
    return sizes;
}

static void compare(const char *index, const int64_t *sizes, int count, collio_error *err)
{
    for (int rank = 0; rank < count && err->code == COLLIO_OK; rank++) {
        char *part = part_beside(index, rank);
        int64_t size = part != NULL ? size_of(part) : 0;
        if (part == NULL)
            collio_error_set(err, COLLIO_ERR_MEMORY, "no memory for a path");
        else if (size < 0)
            collio_error_set(err, COLLIO_ERR_DAMAGED,
                             "'%s', which has the elements that rank %d has written, is missing",
                             part, rank);
        else if (size != sizes[rank])
            collio_error_set(err, COLLIO_ERR_DAMAGED,
                             "'%s', which has the elements that rank %d has written, has %lld "
                             "bytes and should have %lld",
                             part, rank, (long long)size, (long long)sizes[rank]);
        free(part);
    }
}

int collio_lone_open(const char *path, collio_file **out, collio_error *err)
{
    const collio_file_options options = {.locking = COLLIO_LOCKING_NEVER};

    collio_error own = COLLIO_ERROR_INIT;

    MPI_Comm self = MPI_COMM_NULL;

    *out = NULL;
    /* What collio keeps of a communicator is beyond use after a fault: not that of MPI_COMM_SELF.
     */
    if (err->code != COLLIO_OK ||
        collio_mpi(MPI_Comm_dup(MPI_COMM_SELF, &self), "MPI_Comm_dup", err))
        return err->code;
    collio_error_at(&own, err->file, err->line);
    if (collio_file_open(self, path, "r", &options, out, &own)) {
        own.agreed = 0; /* by this rank with itself */
        *err = own;
    }
    MPI_Comm_free(&self);
    return err->code;
}

int collio_split_check_files(const char *index, collio_error *err)
{
    collio_error why = COLLIO_ERROR_INIT, ignored = COLLIO_ERROR_INIT;
    collio_file *file = NULL;
    int64_t *sizes = NULL;
    int count;

    if (err->code != COLLIO_OK)
        return err->code;
    if (collio_lone_open(index, &file, &why))
        return collio_error_set(err, COLLIO_ERR_DAMAGED,
                                "'%s', which says what each rank has written, is missing or "
                                "damaged: %.1000s",
                                index, why.text);
    sizes = read_sizes(file->id, &count, err);
    if (sizes != NULL && err->code == COLLIO_OK)
        compare(index, sizes, count, err);
    free(sizes);
    collio_file_close(&file, &ignored);
    return err->code;
}

int collio_split_in_parts(hid_t list, const char *source, char **index, char *name, size_t size)
{
    static const char ending[] = ".ranks/index.h5";
    const char *slash = strrchr(source, '/');
    char file[4096] = "";
    size_t length;

    *index = NULL;
    if (H5Pget_layout(list) != H5D_VIRTUAL ||
        H5Pget_virtual_filename(list, 0, file, sizeof file) < 0 ||
        H5Pget_virtual_dsetname(list, 0, name, size) < 0)
        return 0;
    length = strlen(file);
    if (length < sizeof ending || length >= sizeof file ||
        strcmp(file + length - (sizeof ending - 1), ending) != 0)
        return 0;
    if (asprintf(index, "%.*s%s", slash != NULL ? (int)(slash - source + 1) : 0, source, file) < 0)
        *index = NULL;
    return *index != NULL;
}

int collio_split_check_parts(const collio_object *dataset, collio_error *err)
{
    collio_file *file = dataset->file;
    hid_t list;
    char source[4096], name[64], *index = NULL;

    if (err->code != COLLIO_OK || (file->parts_found && !dataset->foreign))
        return err->code;
    list = H5Dget_create_plist(dataset->id);
    if (collio_hdf5(list < 0 || H5Fget_name(dataset->id, source, sizeof source) < 0, "H5Fget_name",
                    err) == COLLIO_OK &&
        collio_split_in_parts(list, source, &index, name, sizeof name) &&
        collio_split_check_files(index, err) == COLLIO_OK && !dataset->foreign)
        file->parts_found = 1;
    free(index);
    if (list >= 0)
        H5Pclose(list);
    return err->code;
}
