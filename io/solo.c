/* HDF5 files that one rank writes alone, with our driver: HDF5 cannot let go of a file of its own
 * on a disk that is full, and says what happened there in words only. Structure stays in memory
 * until the end; elements go to the disk at once. */
#include "split.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

/* Chunks under way. */
static const size_t cache_bytes = 32 << 20, cache_slots = 12421;

struct collio_solo {
    hid_t id;  /* negative once closed */
    int stuck; /* HDF5 could not let go of it, and goes on using its disk: */
    collio_disk disk;
};

static hid_t access_list(collio_solo *solo, collio_error *err)
{
    hid_t access = H5Pcreate(H5P_FILE_ACCESS);

    if (collio_hdf5(access < 0, "H5Pcreate", err))
        return access;
    collio_driver_use(access, &solo->disk, err);
    collio_hdf5(H5Pset_cache(access, 0, cache_slots, cache_bytes, 0.75) < 0, "H5Pset_cache", err);
    collio_hdf5(H5Pset_fclose_degree(access, H5F_CLOSE_STRONG) < 0, "H5Pset_fclose_degree", err);
    return access;
}

static void create(collio_solo *solo, const char *path, collio_error *err)
{
    hid_t access = access_list(solo, err);

    solo->disk.path = strdup(path);
    if (solo->disk.path == NULL)
        collio_error_set(err, COLLIO_ERR_MEMORY, "no memory for a path");
    if (err->code == COLLIO_OK &&
        collio_posix_open(path, O_RDWR | O_CREAT | O_EXCL, &solo->disk.fd, err) == COLLIO_OK) {
        solo->id = H5Fcreate(path, H5F_ACC_TRUNC, H5P_DEFAULT, access);
        collio_hdf5(solo->id < 0, "H5Fcreate", err);
    }
    if (access >= 0)
        H5Pclose(access);
}

collio_solo *collio_solo_create(const char *path, int has_elements, collio_error *err)
{
    collio_solo *solo = calloc(1, sizeof *solo);

    if (solo == NULL) {
        collio_error_set(err, COLLIO_ERR_MEMORY, "no memory for a file");
        return NULL;
    }
    solo->id = H5I_INVALID_HID;
    solo->disk.fd = -1;
    solo->disk.elements = has_elements ? COLLIO_ELEMENTS_WRITTEN : COLLIO_ELEMENTS_KEPT;
    create(solo, path, err);
    if (err->code != COLLIO_OK)
        collio_solo_drop(&solo);
    return solo;
}

hid_t collio_solo_id(const collio_solo *solo)
{
    return solo->id;
}

const collio_disk *collio_solo_disk(const collio_solo *solo)
{
    return &solo->disk;
}

static void let_go(collio_solo *solo)
{
    if (solo->id >= 0)
        solo->stuck = H5Fclose(solo->id) < 0;
    solo->id = H5I_INVALID_HID;
}

static void dispose(collio_solo **handle, collio_error *err)
{
    collio_solo *solo = *handle;

    *handle = NULL;
    if (solo->stuck)
        return;
    collio_disk_close(&solo->disk, err);
    free(solo);
}

int collio_solo_close(collio_solo **handle, collio_error *err)
{
    collio_solo *solo = *handle;

    if (solo == NULL)
        return err->code;
    collio_hdf5(H5Fflush(solo->id, H5F_SCOPE_LOCAL) < 0, "H5Fflush", err);
    solo->disk.dead = err->code != COLLIO_OK;
    let_go(solo);
    collio_hdf5(solo->stuck, "H5Fclose", err);
    collio_disk_commit(&solo->disk, 0, err);
    if (err->code == COLLIO_OK)
        collio_posix_sync(solo->disk.fd, solo->disk.path, err);
    dispose(handle, err);
    return err->code;
}

void collio_solo_drop(collio_solo **handle)
{
    collio_error ignored = COLLIO_ERROR_INIT;

    if (*handle == NULL)
        return;
    (*handle)->disk.dead = 1;
    let_go(*handle);
    dispose(handle, &ignored);
}
