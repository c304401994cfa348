/*
 * The HDF5 file of a step without its raw data, made by one rank: no HDF5 call of a save is
 * collective, so none can leave another rank waiting. HDF5 writes into memory (driver.h) and we put
 * that on disk, because HDF5 is beyond use after a failed write: it crashes when it is closed or
 * the process ends. What was written is digested for the seal at once.
 */
#include "driver.h"
#include "rankset.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Arrays of at least a few pages begin on a page: their writes then touch no page of another
 * rank's more than they must. */
static const hsize_t align_from = 65536, alignment = COLLIO_SEAL_LEAST;

static void close_id(hid_t id, herr_t (*close_function)(hid_t), const char *call, collio_error *err)
{
    if (id >= 0)
        collio_hdf5(close_function(id) < 0, call, err);
}

/* The oldest format, which all releases of HDF5 read and in which no times are kept: the same
 * arrays are the same bytes, whatever release writes them. */
static int set_access(hid_t access, collio_error *err)
{
    collio_hdf5(H5Pset_libver_bounds(access, H5F_LIBVER_EARLIEST, H5F_LIBVER_LATEST) < 0,
                "H5Pset_libver_bounds", err);
    collio_hdf5(H5Pset_alignment(access, align_from, alignment) < 0, "H5Pset_alignment", err);
    return collio_hdf5(H5Pset_fclose_degree(access, H5F_CLOSE_STRONG) < 0, "H5Pset_fclose_degree",
                       err);
}

static hid_t create_file(collio_disk *disk, int64_t user_block, collio_error *err)
{
    hid_t access = H5Pcreate(H5P_FILE_ACCESS), creation = H5Pcreate(H5P_FILE_CREATE), file = -1;

    if (collio_hdf5(access < 0 || creation < 0, "H5Pcreate", err) == COLLIO_OK &&
        collio_driver_use(access, disk, err) == COLLIO_OK && set_access(access, err) == COLLIO_OK &&
        collio_hdf5(H5Pset_obj_track_times(creation, 0) < 0, "H5Pset_obj_track_times", err) ==
            COLLIO_OK &&
        collio_hdf5(H5Pset_userblock(creation, (hsize_t)user_block) < 0, "H5Pset_userblock", err) ==
            COLLIO_OK) {
        file = H5Fcreate(disk->path, H5F_ACC_TRUNC, creation, access);
        collio_hdf5(file < 0, "H5Fcreate", err);
    }
    close_id(creation, H5Pclose, "H5Pclose", err);
    close_id(access, H5Pclose, "H5Pclose", err);
    return file;
}

/* --------------------------------------------------------- attributes */

static void write_attribute(hid_t object, const char *name, hid_t type, const void *value,
                            collio_error *err)
{
    hid_t space = H5Screate(H5S_SCALAR), attribute = -1;

    if (collio_hdf5(space < 0, "H5Screate", err) == COLLIO_OK) {
        attribute = H5Acreate2(object, name, type, space, H5P_DEFAULT, H5P_DEFAULT);
        if (collio_hdf5(attribute < 0, "H5Acreate2", err) == COLLIO_OK)
            collio_hdf5(H5Awrite(attribute, type, value) < 0, "H5Awrite", err);
    }
    close_id(attribute, H5Aclose, "H5Aclose", err);
    close_id(space, H5Sclose, "H5Sclose", err);
}

static void write_text(hid_t object, const char *name, const char *text, collio_error *err)
{
    hid_t type = H5Tcopy(H5T_C_S1);
    size_t size = strlen(text) + 1;

    if (collio_hdf5(type < 0, "H5Tcopy", err) == COLLIO_OK &&
        collio_hdf5(H5Tset_size(type, size) < 0, "H5Tset_size", err) == COLLIO_OK &&
        collio_hdf5(H5Tset_cset(type, H5T_CSET_UTF8) < 0, "H5Tset_cset", err) == COLLIO_OK)
        write_attribute(object, name, type, text, err);
    close_id(type, H5Tclose, "H5Tclose", err);
}

static void write_root_attributes(hid_t file, const collio_table *table, collio_error *err)
{
    char uuid[40];

    collio_uuid_text(table->uuid, uuid);
    write_attribute(file, "collio_step", H5T_NATIVE_INT64, &table->step, err);
    write_attribute(file, "collio_writers", H5T_NATIVE_INT64, &table->writers, err);
    write_text(file, "collio_uuid", uuid, err);
}

/* ----------------------------------------------------------- datasets */

/* Property lists that all datasets share. */
typedef struct lists {
    hid_t links, creation;
} lists;

static void open_lists(lists *l, collio_error *err)
{
    l->links = H5Pcreate(H5P_LINK_CREATE);
    l->creation = H5Pcreate(H5P_DATASET_CREATE);
    if (collio_hdf5(l->links < 0 || l->creation < 0, "H5Pcreate", err) == COLLIO_OK &&
        collio_hdf5(H5Pset_create_intermediate_group(l->links, 1) < 0,
                    "H5Pset_create_intermediate_group", err) == COLLIO_OK &&
        collio_hdf5(H5Pset_layout(l->creation, H5D_CONTIGUOUS) < 0, "H5Pset_layout", err) ==
            COLLIO_OK &&
        collio_hdf5(H5Pset_alloc_time(l->creation, H5D_ALLOC_TIME_EARLY) < 0, "H5Pset_alloc_time",
                    err) == COLLIO_OK &&
        collio_hdf5(H5Pset_fill_time(l->creation, H5D_FILL_TIME_NEVER) < 0, "H5Pset_fill_time",
                    err) == COLLIO_OK)
        collio_hdf5(H5Pset_obj_track_times(l->creation, 0) < 0, "H5Pset_obj_track_times", err);
}

static void close_lists(const lists *l, collio_error *err)
{
    close_id(l->creation, H5Pclose, "H5Pclose", err);
    close_id(l->links, H5Pclose, "H5Pclose", err);
}

static hid_t create_dataset(hid_t file, const lists *l, hid_t creation, const char *name,
                            collio_type type, int ndim, const int64_t *shape, collio_error *err)
{
    hid_t space = -1, dataset = -1, element = collio_hdf5_type(type, err);

    if (err->code == COLLIO_OK && collio_hdf5_space(ndim, shape, &space, err) == COLLIO_OK) {
        dataset = H5Dcreate2(file, name, element, space, l->links, creation, H5P_DEFAULT);
        if (collio_hdf5(dataset < 0, "H5Dcreate2", err) != COLLIO_OK)
            collio_error_set(err, err->code, "%s", name);
    }
    close_id(space, H5Sclose, "H5Sclose", err);
    return dataset;
}

/* How the bytes of a rank state divide, for readers that know HDF5 only. */
static void write_sizes(hid_t file, const lists *l, const collio_record *record, collio_error *err)
{
    char name[1024];
    hid_t dataset;

    snprintf(name, sizeof name, "%s.sizes", record->name);
    dataset = create_dataset(file, l, l->creation, name, COLLIO_INT64, 1, &record->parts, err);
    if (err->code == COLLIO_OK)
        collio_hdf5(H5Dwrite(dataset, H5T_NATIVE_INT64, H5S_ALL, H5S_ALL, H5P_DEFAULT,
                             record->part_size) < 0,
                    "H5Dwrite", err);
    close_id(dataset, H5Dclose, "H5Dclose", err);
}

/* ------------------------------------------------- datasets, compressed */

/* A creation list with the filters that deflate.c applies. */
static hid_t filtered_list(const collio_record *record, collio_error *err)
{
    int64_t chunk[COLLIO_MAX_DIMS];
    hsize_t extents[COLLIO_MAX_DIMS];
    hid_t list = H5Pcreate(H5P_DATASET_CREATE);

    collio_record_chunk(record, chunk);
    for (int d = 0; d < record->ndim; d++)
        extents[d] = (hsize_t)chunk[d];
    if (collio_hdf5(list < 0, "H5Pcreate", err) == COLLIO_OK &&
        collio_hdf5(H5Pset_chunk(list, record->ndim, extents) < 0, "H5Pset_chunk", err) ==
            COLLIO_OK &&
        collio_hdf5(H5Pset_shuffle(list) < 0, "H5Pset_shuffle", err) == COLLIO_OK &&
        collio_hdf5(H5Pset_deflate(list, (unsigned)record->deflate) < 0, "H5Pset_deflate", err) ==
            COLLIO_OK &&
        collio_hdf5(H5Pset_fill_time(list, H5D_FILL_TIME_NEVER) < 0, "H5Pset_fill_time", err) ==
            COLLIO_OK)
        collio_hdf5(H5Pset_obj_track_times(list, 0) < 0, "H5Pset_obj_track_times", err);
    return list;
}

/* Where in the array a chunk begins. */
static void chunk_start(const collio_record *record, int64_t block, hsize_t *start)
{
    int64_t index = collio_block_first(record, block);

    for (int d = record->ndim - 1; d >= 0; d--) {
        start[d] = (hsize_t)(index % record->shape[d]);
        index /= record->shape[d];
    }
}

/* HDF5 gives each chunk its place, and is told that it is written: the driver only notes where. */
static void place_chunks(hid_t dataset, collio_disk *disk, collio_record *record, collio_error *err)
{
    int64_t full = record->block * collio_record_element(record);
    hsize_t start[COLLIO_MAX_DIMS];
    const char nothing = 0;
    herr_t result;

    for (int64_t i = 0; i < record->blocks && err->code == COLLIO_OK; i++) {
        /* Both filters are left out where a chunk did not get smaller. */
        unsigned mask = record->stored[i] == full ? 3 : 0;
        chunk_start(record, i, start);
        disk->aside = 1;
        disk->noted = -1;
        result =
            H5Dwrite_chunk(dataset, H5P_DEFAULT, mask, start, (size_t)record->stored[i], &nothing);
        disk->aside = 0;
        collio_hdf5(result < 0 || disk->noted < 0, "H5Dwrite_chunk", err);
        record->place[i] = disk->noted;
    }
}

static void write_deflated(hid_t file, const lists *l, collio_disk *disk, collio_record *record,
                           collio_error *err)
{
    hid_t list = filtered_list(record, err), dataset = -1;

    if (err->code == COLLIO_OK)
        dataset = create_dataset(file, l, list, record->name, record->type, record->ndim,
                                 record->shape, err);
    if (err->code == COLLIO_OK)
        place_chunks(dataset, disk, record, err);
    close_id(dataset, H5Dclose, "H5Dclose", err);
    close_id(list, H5Pclose, "H5Pclose", err);
}

/* ------------------------------------------------------------- together */

static void write_record(hid_t file, const lists *l, collio_record *record, hid_t creation,
                         collio_error *err)
{
    hid_t dataset = create_dataset(file, l, creation, record->name, record->type, record->ndim,
                                   record->shape, err);
    haddr_t offset = 0;

    if (err->code == COLLIO_OK && record->size > 0 && !record->apart) {
        offset = H5Dget_offset(dataset);
        collio_hdf5(offset == HADDR_UNDEF, "H5Dget_offset", err);
    }
    record->offset = (int64_t)offset;
    if (err->code == COLLIO_OK &&
        (record->kind == COLLIO_ITEM_STATE || record->kind == COLLIO_ITEM_RANK_STATE))
        write_text(dataset, "collio_format", record->format, err);
    close_id(dataset, H5Dclose, "H5Dclose", err);
    if (err->code == COLLIO_OK && record->kind == COLLIO_ITEM_RANK_STATE)
        write_sizes(file, l, record, err);
}

/* The elements are in files of the ranks. */
static void write_apart(hid_t file, const lists *l, const collio_table *table, int i,
                        collio_error *err)
{
    hid_t list = collio_ranks_index(table, i, err);

    if (err->code == COLLIO_OK)
        write_record(file, l, &table->record[i], list, err);
    close_id(list, H5Pclose, "H5Pclose", err);
}

static void write_hdf5(collio_disk *disk, collio_table *table, collio_error *err)
{
    lists l = {-1, -1};
    hid_t file = -1;

    open_lists(&l, err);
    if (err->code == COLLIO_OK)
        file = create_file(disk, table->user_block, err);
    if (err->code == COLLIO_OK)
        write_root_attributes(file, table, err);
    for (int i = 0; i < table->count && err->code == COLLIO_OK; i++)
        if (table->record[i].deflate > 0)
            write_deflated(file, &l, disk, &table->record[i], err);
        else if (table->record[i].apart)
            write_apart(file, &l, table, i, err);
        else
            write_record(file, &l, &table->record[i], l.creation, err);
    close_lists(&l, err);
    close_id(file, H5Fclose, "H5Fclose", err);
}

/* --------------------------------------------------------------- disk */

static collio_disk *open_disk(const char *path, collio_error *err)
{
    collio_disk *disk = calloc(1, sizeof *disk);

    if (disk == NULL) {
        collio_error_set(err, COLLIO_ERR_MEMORY, "no memory for a file");
        return NULL;
    }
    disk->fd = -1;
    disk->path = strdup(path);
    if (disk->path == NULL)
        collio_error_set(err, COLLIO_ERR_MEMORY, "no memory for a path");
    else
        collio_posix_open(path, O_RDWR | O_CREAT | O_EXCL, &disk->fd, err);
    return disk;
}

static void close_disk(collio_disk *disk, collio_error *err)
{
    if (disk == NULL)
        return;
    collio_disk_close(disk, err);
    /* If HDF5 could not close the file it still refers to this, until the process ends. */
    disk->dead = 1;
    if (!disk->bound)
        free(disk);
}

int collio_skeleton_create(const char *path, collio_table *table, int reserve, collio_error *err)
{
    collio_disk *disk = open_disk(path, err);
    collio_printing printing;

    table->user_block = collio_seal_room(table);
    if (err->code == COLLIO_OK) {
        collio_hdf5_quiet(&printing);
        write_hdf5(disk, table, err);
        collio_hdf5_loud(&printing);
    }
    if (err->code == COLLIO_OK &&
        (!reserve || collio_posix_reserve(disk->fd, disk->eoa, path, err) == COLLIO_OK) &&
        collio_disk_commit(disk, table->user_block, err) == COLLIO_OK &&
        collio_posix_size(disk->fd, &table->file_size, path, err) == COLLIO_OK)
        collio_seal_metadata(disk->fd, table, path, &table->metadata, err);
    close_disk(disk, err);
    return err->code;
}
