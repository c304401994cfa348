/* Filters that are no part of HDF5: registered by a program, or plugins, and where HDF5 looks for
 * those. */
#include "hdf.h"

#include "collio/dataset.h"

static int change(collio_plugin_change what, const char *path, unsigned at)
{
    switch (what) {
    case COLLIO_PLUGIN_APPEND:
        return H5PLappend(path) < 0;
    case COLLIO_PLUGIN_PREPEND:
        return H5PLprepend(path) < 0;
    case COLLIO_PLUGIN_INSERT:
        return H5PLinsert(path, at) < 0;
    case COLLIO_PLUGIN_REPLACE:
        return H5PLreplace(path, at) < 0;
    default:
        return H5PLremove(at) < 0;
    }
}

int collio_plugin_path(collio_plugin_change what, const char *path, unsigned at, collio_error *err)
{
    collio_printing printing;

    collio_hdf5_quiet(&printing);
    collio_hdf5(change(what, path, at), "H5PL", err);
    collio_hdf5_loud(&printing);
    return err->code;
}

int collio_plugin_get(unsigned at, char *path, size_t room, unsigned *count, collio_error *err)
{
    collio_printing printing;

    collio_hdf5_quiet(&printing);
    collio_hdf5(H5PLsize(count) < 0 || (path != NULL && H5PLget(at, path, room) < 0), "H5PLget",
                err);
    collio_hdf5_loud(&printing);
    return err->code;
}

int collio_filter_register(const void *filter, collio_error *err)
{
    collio_printing printing;

    if (filter == NULL)
        return collio_error_set(err, COLLIO_ERR_VALUE, "filter: none given");
    collio_hdf5_quiet(&printing);
    collio_hdf5(H5Zregister(filter) < 0, "H5Zregister", err);
    collio_hdf5_loud(&printing);
    return err->code;
}

int collio_filter_unregister(int id, collio_error *err)
{
    collio_printing printing;

    collio_hdf5_quiet(&printing);
    collio_hdf5(H5Zunregister(id) < 0, "H5Zunregister", err);
    collio_hdf5_loud(&printing);
    return err->code;
}
