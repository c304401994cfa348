/* HDF5 property lists that every creation uses; made once, because making one
 * costs more than a small dataset. */
#include "hdf.h"

/* A list under way to be kept: closed again if something failed. */
static hid_t keep(hid_t list, hid_t *kept, const collio_error *err)
{
    if (err->code == COLLIO_OK)
        return *kept = list;
    if (list >= 0)
        H5Pclose(list);
    return H5I_INVALID_HID;
}

static int is_kept(hid_t list)
{
    return list > 0 && H5Iis_valid(list) > 0; /* H5close() takes all ids away */
}

hid_t collio_list_links(collio_error *err)
{
    static hid_t kept;
    collio_error local = COLLIO_ERROR_INIT;
    hid_t list;

    if (is_kept(kept))
        return kept;
    list = H5Pcreate(H5P_LINK_CREATE);
    collio_hdf5(list < 0 || H5Pset_create_intermediate_group(list, 1) < 0,
                "H5Pset_create_intermediate_group", &local);
    if (local.code != COLLIO_OK)
        collio_error_set(err, local.code, "%s", local.text);
    return keep(list, &kept, &local);
}

hid_t collio_list_groups(int track_order, collio_error *err)
{
    static hid_t kept[2];
    collio_error local = COLLIO_ERROR_INIT;
    unsigned order = track_order ? H5P_CRT_ORDER_TRACKED | H5P_CRT_ORDER_INDEXED : 0;
    hid_t list;

    track_order = track_order != 0;
    if (is_kept(kept[track_order]))
        return kept[track_order];
    list = H5Pcreate(H5P_GROUP_CREATE);
    collio_hdf5(list < 0 || H5Pset_obj_track_times(list, 0) < 0, "H5Pset_obj_track_times", &local);
    collio_hdf5(H5Pset_link_creation_order(list, order) < 0, "H5Pset_link_creation_order", &local);
    collio_hdf5(H5Pset_attr_creation_order(list, order) < 0, "H5Pset_attr_creation_order", &local);
    if (local.code != COLLIO_OK)
        collio_error_set(err, local.code, "%s", local.text);
    return keep(list, &kept[track_order], &local);
}

hid_t collio_list_datasets(collio_error *err)
{
    static hid_t kept;
    collio_error local = COLLIO_ERROR_INIT;
    hid_t list;

    if (is_kept(kept))
        return kept;
    list = H5Pcreate(H5P_DATASET_CREATE);
    collio_hdf5(list < 0 || H5Pset_layout(list, H5D_CONTIGUOUS) < 0, "H5Pset_layout", &local);
    collio_hdf5(H5Pset_alloc_time(list, H5D_ALLOC_TIME_EARLY) < 0, "H5Pset_alloc_time", &local);
    collio_hdf5(H5Pset_obj_track_times(list, 0) < 0, "H5Pset_obj_track_times", &local);
    if (local.code != COLLIO_OK)
        collio_error_set(err, local.code, "%s", local.text);
    return keep(list, &kept, &local);
}
