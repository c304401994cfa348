/* Where HDF5 looks for filters that are plugins. */
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
