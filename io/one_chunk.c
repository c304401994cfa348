/*
 * A file in memory with one chunk that has the filters of a dataset, to filter bytes by HDF5 and to
 * undo that without the dataset's file.
 *
 * A dataset that is created lets each filter adapt its values to it, and some (bitshuffle) put
 * theirs before those they find, so that values adapted already would become others than those in
 * the dataset's header. The file is therefore created with another filter in their places, which
 * adapts nothing; in its image the numbers of the filters are then put where that one's are.
 */
#include "chunk.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Of the numbers for use within one program. */
#define STAND_IN 49169
static const char stand_in_name[] = "collio: stands for a filter";

/* Never called: nothing is written before the filters are in their places. */
static size_t pass_on(unsigned flags, size_t count, const unsigned *values, size_t bytes,
                      size_t *room, void **buffer)
{
    (void)flags, (void)count, (void)values, (void)room, (void)buffer;
    return bytes;
}

static int register_stand_in(collio_error *err)
{
    static const H5Z_class2_t class = {
        .version = H5Z_CLASS_T_VERS,
        .id = STAND_IN,
        .encoder_present = 1,
        .decoder_present = 1,
        .name = stand_in_name,
        .filter = pass_on,
    };

    return collio_hdf5(H5Zregister(&class) < 0, "H5Zregister", err);
}

/* Add the stand-in with the values of a filter. */
static int stand_in_for(hid_t filters, unsigned number, hid_t list, collio_error *err)
{
    unsigned flags, how, *values;
    size_t count = 0;

    if (collio_hdf5(H5Pget_filter2(filters, number, &flags, &count, NULL, 0, NULL, &how) < 0,
                    "H5Pget_filter2", err))
        return err->code;
    values = malloc((count + 1) * sizeof *values);
    if (values == NULL)
        return collio_error_set(err, COLLIO_ERR_MEMORY, "no memory for the values of a filter");
    if (collio_hdf5(H5Pget_filter2(filters, number, &flags, &count, values, 0, NULL, &how) < 0,
                    "H5Pget_filter2", err) == COLLIO_OK)
        collio_hdf5(H5Pset_filter(list, STAND_IN, flags, count, values) < 0, "H5Pset_filter", err);
    free(values);
    return err->code;
}

/* A dataset of one chunk with stand-ins. */
static int create_dataset(hid_t file, hid_t filters, hid_t type, const collio_layout *layout,
                          collio_error *err)
{
    hid_t list = H5Pcreate(H5P_DATASET_CREATE), space = H5I_INVALID_HID, dataset;
    hsize_t chunk[COLLIO_MAX_DIMS];
    int count = H5Pget_nfilters(filters);

    for (int d = 0; d < layout->ndim; d++)
        chunk[d] = (hsize_t)layout->chunks[d];
    if (collio_hdf5(list < 0, "H5Pcreate", err))
        return err->code;
    collio_hdf5(count < 0 || H5Pset_chunk(list, layout->ndim, chunk) < 0, "H5Pset_chunk", err);
    for (int i = 0; i < count && err->code == COLLIO_OK; i++)
        stand_in_for(filters, (unsigned)i, list, err);
    if (err->code == COLLIO_OK &&
        collio_hdf5_space(layout->ndim, layout->chunks, &space, err) == COLLIO_OK) {
        dataset = H5Dcreate2(file, "chunk", type, space, H5P_DEFAULT, list, H5P_DEFAULT);
        collio_hdf5(dataset < 0 || H5Dclose(dataset) < 0, "H5Dcreate2", err);
        H5Sclose(space);
    }
    H5Pclose(list);
    return err->code;
}

/* Access to a file in memory, of the oldest format: in it a filter's number lies eight bytes before
 * its name, whatever filter it is. */
static hid_t access_memory(collio_error *err)
{
    hid_t access = H5Pcreate(H5P_FILE_ACCESS);

    if (collio_hdf5(access < 0, "H5Pcreate", err))
        return access;
    collio_hdf5(H5Pset_fapl_core(access, (size_t)1 << 20, 0) < 0, "H5Pset_fapl_core", err);
    collio_hdf5(H5Pset_libver_bounds(access, H5F_LIBVER_EARLIEST, H5F_LIBVER_LATEST) < 0,
                "H5Pset_libver_bounds", err);
    return access;
}

/* The bytes of a file; free() them. */
static char *image_of(hid_t file, size_t *size, collio_error *err)
{
    ssize_t bytes = H5Fflush(file, H5F_SCOPE_LOCAL) < 0 ? -1 : H5Fget_file_image(file, NULL, 0);
    char *image = NULL;

    if (collio_hdf5(bytes < 0, "H5Fget_file_image", err))
        return NULL;
    image = malloc((size_t)bytes + 1);
    if (image == NULL)
        collio_error_set(err, COLLIO_ERR_MEMORY, "no memory for a file of one chunk");
    else
        collio_hdf5(H5Fget_file_image(file, image, (size_t)bytes) < 0, "H5Fget_file_image", err);
    *size = (size_t)bytes;
    return image;
}

/* Where the next stand-in is, at or after `at`; `size` if there is none. */
static size_t find_stand_in(const char *image, size_t size, size_t at)
{
    for (; at + sizeof stand_in_name <= size; at++)
        if (at >= 8 && memcmp(image + at, stand_in_name, sizeof stand_in_name) == 0)
            return at;
    return size;
}

/* Put the numbers of the filters where the stand-in's are. */
static int put_filters(char *image, size_t size, hid_t filters, collio_error *err)
{
    size_t at = 0;

    for (int i = 0; i < H5Pget_nfilters(filters) && err->code == COLLIO_OK; i++) {
        unsigned char *number;
        unsigned flags, how;
        size_t count = 0;
        H5Z_filter_t id = H5Pget_filter2(filters, (unsigned)i, &flags, &count, NULL, 0, NULL, &how);

        at = find_stand_in(image, size, at);
        if (collio_hdf5(id < 0, "H5Pget_filter2", err))
            return err->code;
        number = (unsigned char *)image + at - 8;
        if (at == size || number[0] != STAND_IN % 256 || number[1] != STAND_IN / 256)
            return collio_error_set(err, COLLIO_ERR_HDF5,
                                    "HDF5 made a file of one chunk otherwise");
        number[0] = (unsigned char)(id % 256);
        number[1] = (unsigned char)(id / 256);
        at++;
    }
    return err->code;
}

/* Let files that are opened with `access` be this one. */
static int make_image(hid_t access, hid_t filters, const collio_layout *layout, hid_t type,
                      const char *name, collio_error *err)
{
    hid_t file = H5Fcreate(name, H5F_ACC_TRUNC, H5P_DEFAULT, access);
    char *image = NULL;
    size_t size = 0;

    if (collio_hdf5(file < 0, "H5Fcreate", err))
        return err->code;
    if (create_dataset(file, filters, type, layout, err) == COLLIO_OK)
        image = image_of(file, &size, err);
    H5Fclose(file);
    if (err->code == COLLIO_OK && put_filters(image, size, filters, err) == COLLIO_OK)
        collio_hdf5(H5Pset_file_image(access, image, size) < 0, "H5Pset_file_image", err);
    free(image);
    return err->code;
}

/* Files in memory that are open at once need different names. */
static void name_of(const collio_one_chunk *one, char name[64])
{
    snprintf(name, 64, "collio: one chunk %p", (const void *)one);
}

int collio_one_chunk_open(collio_one_chunk *one, hid_t filters, const collio_layout *layout,
                          hid_t type, collio_error *err)
{
    char name[64];

    name_of(one, name);
    one->type = H5Tcopy(type);
    if (collio_hdf5(one->type < 0, "H5Tcopy", err) || register_stand_in(err))
        return err->code;
    one->access = access_memory(err);
    if (err->code == COLLIO_OK)
        make_image(one->access, filters, layout, one->type, name, err);
    return err->code;
}

static void close_file(collio_one_chunk *one)
{
    if (one->dataset > 0)
        H5Dclose(one->dataset);
    if (one->file > 0)
        H5Fclose(one->file);
    one->dataset = one->file = 0;
}

int collio_one_chunk_renew(collio_one_chunk *one, collio_error *err)
{
    char name[64];

    name_of(one, name);
    close_file(one);
    one->file = H5Fopen(name, H5F_ACC_RDWR, one->access);
    if (collio_hdf5(one->file < 0, "H5Fopen", err))
        return err->code;
    one->dataset = H5Dopen2(one->file, "chunk", H5P_DEFAULT);
    return collio_hdf5(one->dataset < 0, "H5Dopen2", err);
}

void collio_one_chunk_close(collio_one_chunk *one)
{
    close_file(one);
    if (one->access > 0)
        H5Pclose(one->access);
    if (one->type > 0)
        H5Tclose(one->type);
    memset(one, 0, sizeof *one);
}
