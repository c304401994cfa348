/*
 * Files that HDF5's own drivers keep in several ones: what these put into the superblock, and where
 * things are. Ours is in one piece (collio/file.h says how it is made of the others); HDF5 knows it
 * by the same addresses, so that its members are those of HDF5.
 */
#include "driver.h"

#include <string.h>

enum { MAP_BYTES = 8, NUMBER_BYTES = 8 };

static const char *const magic[] = {"", "NCSAfami", "NCSAmult"};

void collio_members_begin(collio_members *m, const collio_file_options *o)
{
    /* HDF5's numbers of kinds of space: elements and global heaps are in the member of elements. */
    static const unsigned char map[6] = {1, 1, 3, 3, 1, 1};

    m->kind = o->arrangement;
    m->bytes = o->member_bytes;
    m->elements_at = HADDR_MAX / 2;
    memcpy(m->map, map, sizeof map);
    for (int i = 0; i < 2 && o->member_names[i] != NULL; i++)
        collio_copy_text(m->names[i], sizeof m->names[i], o->member_names[i]);
}

/* ------------------------------------------------------------- addresses */

static int is_of_elements(const collio_members *m, H5FD_mem_t type)
{
    return type > 0 && type <= 6 && m->map[type - 1] == H5FD_MEM_DRAW;
}

haddr_t collio_members_end(const collio_disk *disk, H5FD_mem_t type)
{
    const collio_members *m = &disk->members;

    if (m->kind != COLLIO_ARRANGED_SPLIT)
        return (haddr_t)disk->eoa;
    if (is_of_elements(m, type) || (type == H5FD_MEM_DEFAULT && m->elements_end > 0))
        return m->elements_at + (haddr_t)m->elements_end;
    return (haddr_t)m->structure_end;
}

void collio_members_set_end(collio_disk *disk, H5FD_mem_t type, haddr_t address)
{
    collio_members *m = &disk->members;

    disk->eoa = (int64_t)address;
    if (m->kind != COLLIO_ARRANGED_SPLIT)
        return;
    if (is_of_elements(m, type))
        m->elements_end = (int64_t)(address - m->elements_at);
    else
        m->structure_end = (int64_t)address;
    disk->eoa = m->elements_end > 0 ? COLLIO_ELEMENTS_PLACE + m->elements_end : m->structure_end;
}

haddr_t collio_members_size(const collio_disk *disk, H5FD_mem_t type)
{
    const collio_members *m = &disk->members;
    int64_t elements = disk->eof - COLLIO_ELEMENTS_PLACE;

    if (m->kind != COLLIO_ARRANGED_SPLIT)
        return (haddr_t)disk->eof;
    if (is_of_elements(m, type) || (type == H5FD_MEM_DEFAULT && elements > 0))
        return m->elements_at + (haddr_t)(elements > 0 ? elements : 0);
    return (haddr_t)(elements > 0 ? COLLIO_ELEMENTS_PLACE : disk->eof);
}

/* ------------------------------------------------------ in the superblock */

static size_t padded(const char *name)
{
    return (strlen(name) + 8) / 8 * 8;
}

static void put(unsigned char *at, uint64_t number)
{
    for (int i = 0; i < NUMBER_BYTES; i++, number >>= 8)
        at[i] = (unsigned char)number;
}

static uint64_t take(const unsigned char *at)
{
    uint64_t number = 0;

    for (int i = NUMBER_BYTES; i-- > 0;)
        number = number << 8 | at[i];
    return number;
}

size_t collio_members_record(const collio_members *m)
{
    if (m->kind == COLLIO_ARRANGED_FAMILY)
        return NUMBER_BYTES;
    if (m->kind == COLLIO_ARRANGED_SPLIT)
        return MAP_BYTES + 4 * NUMBER_BYTES + padded(m->names[0]) + padded(m->names[1]);
    return 0;
}

void collio_members_encode(const collio_members *m, char *name, unsigned char *bytes)
{
    unsigned char *at = bytes + MAP_BYTES;

    memcpy(name, magic[m->kind], sizeof "NCSAfami");
    memset(bytes, 0, collio_members_record(m));
    if (m->kind == COLLIO_ARRANGED_FAMILY) {
        put(bytes, (uint64_t)m->bytes);
        return;
    }
    memcpy(bytes, m->map, sizeof m->map);
    put(at, 0);
    put(at + NUMBER_BYTES, (uint64_t)m->structure_end);
    put(at + 2 * NUMBER_BYTES, m->elements_at);
    put(at + 3 * NUMBER_BYTES, (uint64_t)m->elements_end);
    at += 4 * NUMBER_BYTES;
    memcpy(at, m->names[0], strlen(m->names[0]));
    memcpy(at + padded(m->names[0]), m->names[1], strlen(m->names[1]));
}

size_t collio_members_least(const char *name)
{
    if (strncmp(name, magic[COLLIO_ARRANGED_FAMILY], 8) == 0)
        return NUMBER_BYTES;
    return strncmp(name, magic[COLLIO_ARRANGED_SPLIT], 8) == 0 ? MAP_BYTES + 4 * NUMBER_BYTES : 0;
}

/* Of older superblocks the record is in a block of its own, whose first sixteen bytes HDF5 reads
 * before the rest: version and reserved bytes, the size of the rest, the driver's name. */
int collio_members_check(const collio_members *m, const unsigned char *bytes, size_t size,
                         collio_error *err)
{
    if (m->kind == COLLIO_ARRANGED_PLAIN || size != 16 ||
        (take(bytes) >> 32) >= collio_members_least((const char *)bytes + 8))
        return COLLIO_OK;
    return collio_error_set(err, COLLIO_ERR_HDF5,
                            "the file is damaged: a record of %d bytes of a file "
                            "of several members",
                            (int)(take(bytes) >> 32));
}

static int decode_family(const collio_members *m, const unsigned char *bytes, collio_error *err)
{
    if (take(bytes) == (uint64_t)m->bytes)
        return COLLIO_OK;
    return collio_error_set(err, COLLIO_ERR_HDF5,
                            "Family member size should be %llu. But the size given is %lld",
                            (unsigned long long)take(bytes), (long long)m->bytes);
}

static int decode_split(collio_members *m, const unsigned char *bytes, collio_error *err)
{
    const unsigned char *at = bytes + MAP_BYTES;
    int others = 0;

    for (int i = 0; i < 6; i++)
        others |= bytes[i] != H5FD_MEM_SUPER && bytes[i] != H5FD_MEM_DRAW;
    if (others || bytes[0] != H5FD_MEM_SUPER || bytes[2] != H5FD_MEM_DRAW || take(at) != 0 ||
        take(at + 2 * NUMBER_BYTES) < (uint64_t)COLLIO_ELEMENTS_PLACE ||
        take(at + 3 * NUMBER_BYTES) > (uint64_t)INT64_MAX / 2)
        return collio_error_set(err, COLLIO_ERR_UNSUPPORTED,
                                "a file of several members that are not just one for structure and "
                                "one for elements");
    memcpy(m->map, bytes, sizeof m->map);
    m->elements_at = take(at + 2 * NUMBER_BYTES);
    m->elements_end = (int64_t)take(at + 3 * NUMBER_BYTES);
    return COLLIO_OK;
}

int collio_members_decode(collio_members *m, const char *name, const unsigned char *bytes,
                          collio_error *err)
{
    if (m->kind == COLLIO_ARRANGED_PLAIN || strncmp(name, magic[m->kind], 8) != 0)
        return collio_error_set(err, COLLIO_ERR_HDF5, "a file of another driver of HDF5: '%.8s'",
                                name);
    if (m->kind == COLLIO_ARRANGED_FAMILY)
        return decode_family(m, bytes, err);
    return decode_split(m, bytes, err);
}
