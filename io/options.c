/* The options that a file is opened with, as HDF5's property lists have them. */
#include "file.h"

#include <string.h>

/* What each format is to HDF5, oldest first; what this HDF5 does not know is left out. */
static const struct {
    collio_format format;
    const char *name;
    H5F_libver_t bound;
} formats[] = {
    {COLLIO_FORMAT_EARLIEST, "earliest", H5F_LIBVER_EARLIEST},
    {COLLIO_FORMAT_V18, "v108", H5F_LIBVER_V18},
    {COLLIO_FORMAT_V110, "v110", H5F_LIBVER_V110},
#if H5_VERSION_GE(1, 12, 0)
    {COLLIO_FORMAT_V112, "v112", H5F_LIBVER_V112},
#endif
#if H5_VERSION_GE(1, 14, 0)
    {COLLIO_FORMAT_V114, "v114", H5F_LIBVER_V114},
#endif
#if H5_VERSION_GE(2, 0, 0)
    {COLLIO_FORMAT_V200, "v200", H5F_LIBVER_V200},
#endif
};

enum { FORMATS = sizeof formats / sizeof *formats };

/* Where it is in the table; LATEST is the last row, an unknown one -1. */
static int row_of(collio_format format)
{
    for (int i = 0; i < FORMATS; i++)
        if (formats[i].format == format)
            return i;
    return format == COLLIO_FORMAT_LATEST ? FORMATS - 1 : -1;
}

const char *collio_format_name(collio_format format)
{
    int row = row_of(format);

    return row >= 0 ? formats[row].name : NULL;
}

static collio_format newest(const collio_file_options *o)
{
    return o->newest == COLLIO_FORMAT_EARLIEST ? COLLIO_FORMAT_LATEST : o->newest;
}

static int check_formats(const collio_file_options *o, collio_error *err)
{
    int low = row_of(o->format), high = row_of(newest(o));

    if (low < 0 || high < 0)
        return collio_error_set(err, COLLIO_ERR_VALUE,
                                "file options: a format that this HDF5 does not know (the newest "
                                "is %s)",
                                formats[FORMATS - 1].name);
    if (low > high)
        return collio_error_set(err, COLLIO_ERR_VALUE,
                                "file options: formats %s to %s, the older one comes first",
                                formats[low].name, formats[high].name);
    return COLLIO_OK;
}

static int check_user_block(const collio_file_options *o, collio_error *err)
{
    int64_t block = o->user_block;

    if (block != 0 && (block < 512 || (block & (block - 1)) != 0))
        return collio_error_set(err, COLLIO_ERR_VALUE,
                                "user block of %lld bytes (0, or a power of two from 512 on)",
                                (long long)block);
    if (block > 0 && block < o->alignment)
        return collio_error_set(err, COLLIO_ERR_VALUE,
                                "user block of %lld bytes with alignment %lld (at least that, or "
                                "0)",
                                (long long)block, (long long)o->alignment);
    return COLLIO_OK;
}

int collio_room_check(const collio_attribute_room *room, collio_error *err)
{
    if (room->given && (room->fewest > room->most || room->most > 65535))
        return collio_error_set(err, COLLIO_ERR_VALUE,
                                "attributes in the object: at most %u, elsewhere until fewer than "
                                "%u (the second is not the larger one, both are at most 65535)",
                                room->most, room->fewest);
    return COLLIO_OK;
}

uint64_t collio_room_digest(const collio_attribute_room *room)
{
    return room->given ? 1 + (uint64_t)room->most * 65536 + room->fewest : 0;
}

void collio_room_set(const collio_attribute_room *room, hid_t list, collio_error *err)
{
    if (room->given)
        collio_hdf5(H5Pset_attr_phase_change(list, room->most, room->fewest) < 0,
                    "H5Pset_attr_phase_change", err);
}

static int check_space(const collio_file_options *o, collio_error *err)
{
    if (o->space < COLLIO_SPACE_DEFAULT || o->space > COLLIO_SPACE_NONE || o->least_free < 0)
        return collio_error_set(err, COLLIO_ERR_VALUE, "file options: unknown use of free space");
    if (o->page_size != 0 && o->page_size < 512)
        return collio_error_set(err, COLLIO_ERR_VALUE,
                                "Cannot set file space page size to less than 512 (%lld)",
                                (long long)o->page_size);
    return collio_room_check(&o->attributes, err);
}

static int check_members(const collio_file_options *o, collio_error *err)
{
    int named = o->member_names[0] != NULL && o->member_names[1] != NULL;

    if (o->arrangement < COLLIO_ARRANGED_PLAIN || o->arrangement > COLLIO_ARRANGED_SPLIT)
        return collio_error_set(err, COLLIO_ERR_VALUE, "file options: unknown arrangement");
    if (o->arrangement != COLLIO_ARRANGED_PLAIN && o->layout != COLLIO_LAYOUT_SHARED)
        return collio_error_set(err, COLLIO_ERR_VALUE,
                                "file options: a file of several members, and of ranks");
    if (o->arrangement == COLLIO_ARRANGED_FAMILY && o->member_bytes < 1)
        return collio_error_set(err, COLLIO_ERR_VALUE, "file options: members of %lld bytes",
                                (long long)o->member_bytes);
    if (o->arrangement == COLLIO_ARRANGED_SPLIT &&
        (!named || strlen(o->member_names[0]) >= COLLIO_MEMBER_NAME ||
         strlen(o->member_names[1]) >= COLLIO_MEMBER_NAME))
        return collio_error_set(err, COLLIO_ERR_VALUE,
                                "file options: two names of members, shorter than %d bytes",
                                COLLIO_MEMBER_NAME);
    return COLLIO_OK;
}

int collio_options_check(const collio_file_options *o, collio_error *err)
{
    check_user_block(o, err);
    check_formats(o, err);
    if (o->alignment < 0 || o->threshold < 0 || o->metadata_block < 0)
        collio_error_set(err, COLLIO_ERR_VALUE, "file options: negative sizes");
    if (o->locking < COLLIO_LOCKING_DEFAULT || o->locking > COLLIO_LOCKING_ALWAYS)
        collio_error_set(err, COLLIO_ERR_VALUE, "file options: unknown locking");
    if (o->transfer < COLLIO_TRANSFER_AUTO || o->transfer > COLLIO_TRANSFER_TWO_PHASE)
        collio_error_set(err, COLLIO_ERR_VALUE, "file options: unknown transfer");
    if (o->layout < COLLIO_LAYOUT_SHARED || o->layout > COLLIO_LAYOUT_AUTO)
        collio_error_set(err, COLLIO_ERR_VALUE, "file options: unknown layout");
    check_members(o, err);
    check_space(o, err);
    return err->code;
}

uint64_t collio_options_digest(const collio_file_options *o)
{
    uint64_t d = collio_hash_number((uint64_t)o->user_block, (uint64_t)o->format);

    d = collio_hash_number(d, (uint64_t)o->newest);
    d = collio_hash_number(d, (uint64_t)o->alignment);
    d = collio_hash_number(d, (uint64_t)o->threshold);
    d = collio_hash_number(d, (uint64_t)o->track_order);
    d = collio_hash_number(d, (uint64_t)o->locking);
    d = collio_hash_number(d, (uint64_t)o->transfer);
    d = collio_hash_number(d, (uint64_t)o->layout);
    d = collio_hash_number(d, collio_room_digest(&o->attributes));
    d = collio_hash_number(d, (uint64_t)(2 * o->space + (o->persist != 0)));
    d = collio_hash_number(d, (uint64_t)o->least_free);
    d = collio_hash_number(d, (uint64_t)o->page_size);
    d = collio_hash_number(d, (uint64_t)o->arrangement);
    d = collio_hash_number(d, (uint64_t)o->member_bytes);
    return collio_hash_number(d, (uint64_t)o->metadata_block);
}

void collio_options_access(const collio_file_options *o, hid_t access, collio_error *err)
{
    collio_hdf5(H5Pset_libver_bounds(access, formats[row_of(o->format)].bound,
                                     formats[row_of(newest(o))].bound) < 0,
                "H5Pset_libver_bounds", err);
    if (o->alignment > 1)
        collio_hdf5(H5Pset_alignment(access, (hsize_t)o->threshold, (hsize_t)o->alignment) < 0,
                    "H5Pset_alignment", err);
    if (o->metadata_block > 0)
        collio_hdf5(H5Pset_meta_block_size(access, (hsize_t)o->metadata_block) < 0,
                    "H5Pset_meta_block_size", err);
}

unsigned collio_order_of(int track_order, int what)
{
    int kept = (track_order & (COLLIO_ORDER_BOTH | what)) != 0;

    return kept ? H5P_CRT_ORDER_TRACKED | H5P_CRT_ORDER_INDEXED : 0;
}

static void use_space(const collio_file_options *o, hid_t creation, collio_error *err)
{
#if H5_VERSION_GE(1, 10, 1)
    hsize_t least = (hsize_t)(o->least_free > 0 ? o->least_free : 1);

    if (o->space == COLLIO_SPACE_DEFAULT)
        return;
    collio_hdf5(H5Pset_file_space_strategy(creation, (H5F_fspace_strategy_t)(o->space - 1),
                                           o->persist != 0, least) < 0,
                "H5Pset_file_space_strategy", err);
    if (o->page_size > 0)
        collio_hdf5(H5Pset_file_space_page_size(creation, (hsize_t)o->page_size) < 0,
                    "H5Pset_file_space_page_size", err);
#endif
}

/* Modification times would differ from rank to rank. */
void collio_options_creation(const collio_file_options *o, hid_t creation, collio_error *err)
{
    unsigned names = collio_order_of(o->track_order, COLLIO_ORDER_NAMES);
    unsigned attributes = collio_order_of(o->track_order, COLLIO_ORDER_ATTRIBUTES);

    collio_hdf5(H5Pset_userblock(creation, (hsize_t)o->user_block) < 0, "H5Pset_userblock", err);
    collio_hdf5(H5Pset_obj_track_times(creation, 0) < 0, "H5Pset_obj_track_times", err);
    collio_hdf5(H5Pset_link_creation_order(creation, names) < 0, "H5Pset_link_creation_order", err);
    collio_hdf5(H5Pset_attr_creation_order(creation, attributes) < 0, "H5Pset_attr_creation_order",
                err);
    collio_room_set(&o->attributes, creation, err);
    use_space(o, creation, err);
}
