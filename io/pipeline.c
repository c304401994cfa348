/* Filters without a file: chunks are written to a file in memory that has the same
 * filters and one chunk, and read back as they are in it. */
#include "chunk.h"

#include <stdlib.h>

static hid_t file_in_memory(collio_error *err)
{
    hid_t access = H5Pcreate(H5P_FILE_ACCESS), file = H5I_INVALID_HID;

    if (collio_hdf5(access < 0, "H5Pcreate", err))
        return file;
    if (collio_hdf5(H5Pset_fapl_core(access, (size_t)1 << 20, 0) < 0, "H5Pset_fapl_core", err) ==
        COLLIO_OK) {
        file = H5Fcreate("collio filters", H5F_ACC_TRUNC, H5P_DEFAULT, access);
        collio_hdf5(file < 0, "H5Fcreate", err);
    }
    H5Pclose(access);
    return file;
}

static int make_dataset(collio_pipeline *p, const collio_layout *layout, hid_t list,
                        collio_error *err)
{
    hid_t space = H5I_INVALID_HID;

    p->type = collio_hdf5_type(layout->stored, err);
    if (p->type < 0 || collio_hdf5_space(layout->ndim, layout->chunks, &space, err))
        return err->code;
    p->dataset = H5Dcreate2(p->file, "chunk", p->type, space, H5P_DEFAULT, list, H5P_DEFAULT);
    H5Sclose(space);
    return collio_hdf5(p->dataset < 0, "H5Dcreate2", err);
}

int collio_pipeline_open(collio_pipeline *p, const collio_object *dataset, collio_error *err)
{
    hid_t list = H5Dget_create_plist(dataset->id);

    *p = (collio_pipeline){0, 0, 0};
    if (collio_hdf5(list < 0, "H5Dget_create_plist", err))
        return err->code;
    p->file = file_in_memory(err);
    if (p->file >= 0)
        make_dataset(p, &dataset->layout, list, err);
    H5Pclose(list);
    return err->code;
}

void collio_pipeline_close(collio_pipeline *p)
{
    if (p->dataset > 0)
        H5Dclose(p->dataset);
    if (p->file > 0)
        H5Fclose(p->file);
    *p = (collio_pipeline){0, 0, 0};
}

static herr_t read_raw(hid_t dataset, const hsize_t *start, unsigned *mask, char *out, size_t size)
{
#if H5_VERSION_GE(2, 0, 0)
    return H5Dread_chunk2(dataset, H5P_DEFAULT, start, mask, out, &size);
#else
    (void)size;
    return H5Dread_chunk(dataset, H5P_DEFAULT, start, mask, out);
#endif
}

int collio_pipeline_pass(const collio_pipeline *p, const char *chunk, char **out, int64_t *size,
                         unsigned *mask, collio_error *err)
{
    static const hsize_t start[COLLIO_MAX_DIMS];
    hsize_t bytes = 0;

    *out = NULL;
    if (collio_hdf5(H5Dwrite(p->dataset, p->type, H5S_ALL, H5S_ALL, H5P_DEFAULT, chunk) < 0,
                    "H5Dwrite", err) ||
        collio_hdf5(H5Dget_chunk_storage_size(p->dataset, start, &bytes) < 0,
                    "H5Dget_chunk_storage_size", err))
        return err->code;
    *size = (int64_t)bytes;
    *out = malloc((size_t)bytes + 1);
    if (*out == NULL)
        return collio_error_set(err, COLLIO_ERR_MEMORY, "no memory for a chunk");
    return collio_hdf5(read_raw(p->dataset, start, mask, *out, (size_t)bytes) < 0, "H5Dread_chunk",
                       err);
}
