/* What HDF5 knows of a file and its objects, for those who ask by its own names. */
#include "file.h"

#include <string.h>

/* Numbers of a property list of creation, and what can be asked of the open file. */
static void facts_of_cache(hid_t id, collio_file_record *out, collio_error *err)
{
    size_t most = 0, clean = 0, now = 0;
    int pieces = 0;

    collio_hdf5(H5Fget_mdc_size(id, &most, &clean, &now, &pieces) < 0, "H5Fget_mdc_size", err);
    collio_hdf5(H5Fget_mdc_hit_rate(id, &out->hit_rate) < 0, "H5Fget_mdc_hit_rate", err);
    out->cache_most = (int64_t)most;
    out->cache_clean = (int64_t)clean;
    out->cache_now = (int64_t)now;
    out->cache_pieces = pieces;
}

static void facts_of_file(hid_t id, hid_t list, collio_file_record *out, collio_error *err)
{
    size_t address = 0, length = 0;
    hssize_t unused;
    hsize_t page = 0;

    collio_hdf5(H5Pget_sizes(list, &address, &length) < 0, "H5Pget_sizes", err);
    out->address_bytes = (int)address;
    out->length_bytes = (int)length;
#if H5_VERSION_GE(1, 10, 1)
    H5F_fspace_strategy_t strategy = H5F_FSPACE_STRATEGY_FSM_AGGR;
    hbool_t persist = 0;
    hsize_t threshold = 1;

    collio_hdf5(H5Pget_file_space_strategy(list, &strategy, &persist, &threshold) < 0,
                "H5Pget_file_space_strategy", err);
    collio_hdf5(H5Pget_file_space_page_size(list, &page) < 0, "H5Pget_file_space_page_size", err);
    out->strategy = (int)strategy;
    out->persist = persist;
    out->threshold = (int64_t)threshold;
#endif
    out->page_size = (int64_t)page;
    unused = H5Fget_freespace(id);
    collio_hdf5(unused < 0, "H5Fget_freespace", err);
    out->unused = (int64_t)unused;
}

int collio_file_look(collio_file *file, collio_file_record *out, collio_error *err)
{
    hid_t list = H5I_INVALID_HID;
    collio_printing printing;

    memset(out, 0, sizeof *out);
    if (err->code != COLLIO_OK || collio_file_check(file, err))
        return err->code;
    collio_hdf5_quiet(&printing);
    list = H5Fget_create_plist(file->id);
    if (collio_hdf5(list < 0, "H5Fget_create_plist", err) == COLLIO_OK)
        facts_of_file(file->id, list, out, err);
    facts_of_cache(file->id, out, err);
    if (list >= 0)
        H5Pclose(list);
    collio_hdf5_loud(&printing);
    return err->code;
}

static hid_t creation_list(const collio_object *object)
{
    switch (object->kind) {
    case COLLIO_KIND_GROUP:
        return H5Gget_create_plist(object->id);
    case COLLIO_KIND_DATASET:
        return H5Dget_create_plist(object->id);
    default:
        return H5Tget_create_plist(object->id);
    }
}

static void facts_of_list(hid_t list, const collio_object *object, collio_object_record *out,
                          collio_error *err)
{
    unsigned order = 0, compact = 0, dense = 0;
    hbool_t times = 0;

    collio_hdf5(H5Pget_attr_creation_order(list, &order) < 0, "H5Pget_attr_creation_order", err);
    collio_hdf5(H5Pget_attr_phase_change(list, &compact, &dense) < 0, "H5Pget_attr_phase_change",
                err);
    collio_hdf5(H5Pget_obj_track_times(list, &times) < 0, "H5Pget_obj_track_times", err);
    out->attribute_order = (int)order;
    out->attributes_compact = (int)compact;
    out->attributes_dense = (int)dense;
    out->track_times = times;
    if (object->kind == COLLIO_KIND_GROUP)
        collio_hdf5(H5Pget_link_creation_order(list, &order) < 0, "H5Pget_link_creation_order",
                    err);
    out->link_order = object->kind == COLLIO_KIND_GROUP ? (int)order : 0;
    if (object->kind == COLLIO_KIND_DATASET) {
        H5D_fill_value_t fill = H5D_FILL_VALUE_DEFAULT;
        H5D_alloc_time_t when = H5D_ALLOC_TIME_LATE;

        collio_hdf5(H5Pfill_value_defined(list, &fill) < 0, "H5Pfill_value_defined", err);
        collio_hdf5(H5Pget_alloc_time(list, &when) < 0, "H5Pget_alloc_time", err);
        out->fill_defined = (int)fill;
        out->alloc_time = (int)when;
    }
}

int collio_object_look(collio_object *object, collio_object_record *out, collio_error *err)
{
    hid_t list = H5I_INVALID_HID;
    collio_printing printing;
    collio_object_facts info;

    memset(out, 0, sizeof *out);
    if (err->code != COLLIO_OK || collio_object_check(object, err))
        return err->code;
    collio_hdf5_quiet(&printing);
    list = creation_list(object);
    if (collio_hdf5(list < 0, "H5Pget_create_plist", err) == COLLIO_OK)
        facts_of_list(list, object, out, err);
    if (list >= 0)
        H5Pclose(list);
    if (collio_hdf5(COLLIO_OBJECT_FACTS(object->id, &info, H5O_INFO_BASIC | H5O_INFO_TIME) < 0,
                    "H5Oget_info", err) == COLLIO_OK) {
        out->links = (int64_t)info.rc;
        out->changed = (int64_t)info.ctime;
        out->modified = (int64_t)info.mtime;
    }
    collio_hdf5_loud(&printing);
    return err->code;
}
