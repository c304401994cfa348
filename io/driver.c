/* A virtual file driver for HDF5: reads the file through the overlay, writes into
 * the overlay. (HDF5 Virtual File Layer; the class differs from release to
 * release, so it is given by field name.) */
#include "sound.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#if H5_VERSION_GE(1, 13, 0)
#include <H5FDdevelop.h>
#endif

/* An address is a signed offset for the operating system. */
#define MAX_ADDRESS ((haddr_t)INT64_MAX)

/* HDF5's number range for drivers that are not registered with it. */
#define DRIVER_VALUE 437

typedef struct driver_file {
    H5FD_t head; /* HDF5's; must be first */
    collio_disk *disk;
    int own; /* the disk belongs to this driver file alone */
} driver_file;

/* What a property list carries. */
typedef struct driver_info {
    collio_disk *disk;
} driver_info;

static collio_error last_error = COLLIO_ERROR_INIT;

int collio_driver_error(collio_error *err)
{
    int code = last_error.code;

    if (code != COLLIO_OK) {
        collio_error_set(err, code, "%s", last_error.text);
        err->sys_error = last_error.sys_error;
        collio_error_clear(&last_error);
    }
    return code;
}

void collio_driver_forget(void)
{
    collio_error_clear(&last_error);
}

/* ---------------------------------------------------------- open and close */

/* A disk for a file that another one refers to (external links, sources of
 * virtual datasets): to be read only. */
static collio_disk *open_other(const char *name)
{
    collio_error ignored = COLLIO_ERROR_INIT;
    collio_disk *disk = calloc(1, sizeof *disk);

    if (disk == NULL)
        return NULL;
    disk->fd = -1;
    disk->dead = 1;
    disk->path = strdup(name);
    if (disk->path == NULL || collio_posix_open(name, O_RDONLY, &disk->fd, &ignored) ||
        collio_posix_size(disk->fd, &disk->eof, name, &ignored)) {
        collio_disk_close(disk, &ignored);
        free(disk);
        return NULL;
    }
    return disk;
}

static H5FD_t *driver_open(const char *name, unsigned flags, hid_t access, haddr_t max_address)
{
    const driver_info *info = H5Pget_driver_info(access);
    driver_file *file = calloc(1, sizeof *file);

    (void)flags;
    (void)max_address;
    if (file == NULL)
        return NULL;
    if (info != NULL && info->disk != NULL && !info->disk->bound &&
        strcmp(name, info->disk->path) == 0) {
        file->disk = info->disk;
    } else {
        file->disk = open_other(name);
        file->own = 1;
    }
    if (file->disk == NULL) {
        free(file);
        return NULL;
    }
    file->disk->bound = 1;
    return &file->head;
}

static herr_t driver_close(H5FD_t *head)
{
    driver_file *file = (driver_file *)head;
    collio_error ignored = COLLIO_ERROR_INIT;

    file->disk->bound = 0;
    if (file->own) {
        collio_disk_close(file->disk, &ignored);
        free(file->disk);
    }
    free(file);
    return 0;
}

/* ------------------------------------------------------------------- facts */

/* No gathering of metadata writes and no sieve: both would keep, and write back,
 * copies of bytes that other ranks change on disk. */
static herr_t driver_query(const H5FD_t *head, unsigned long *features)
{
    int kind = head != NULL ? ((const driver_file *)head)->disk->members.kind : 0;

    *features = H5FD_FEAT_DEFAULT_VFD_COMPATIBLE;
    /* It would give out space without saying of which member. */
    if (kind != COLLIO_ARRANGED_SPLIT)
        *features |= H5FD_FEAT_AGGREGATE_METADATA;
    return 0;
}

static haddr_t driver_get_eoa(const H5FD_t *head, H5FD_mem_t type)
{
    return collio_members_end(((const driver_file *)head)->disk, type);
}

static herr_t driver_set_eoa(H5FD_t *head, H5FD_mem_t type, haddr_t address)
{
    collio_members_set_end(((driver_file *)head)->disk, type, address);
    return 0;
}

static haddr_t driver_get_eof(const H5FD_t *head, H5FD_mem_t type)
{
    return collio_members_size(((const driver_file *)head)->disk, type);
}

/* ---------------------------------------------------------- in the superblock */

static hsize_t driver_record(H5FD_t *head)
{
    return collio_members_record(&((const driver_file *)head)->disk->members);
}

static herr_t driver_encode(H5FD_t *head, char *name, unsigned char *bytes)
{
    collio_members_encode(&((const driver_file *)head)->disk->members, name, bytes);
    return 0;
}

static herr_t driver_decode(H5FD_t *head, const char *name, const unsigned char *bytes)
{
    collio_members *members = &((driver_file *)head)->disk->members;

    return collio_members_decode(members, name, bytes, &last_error) ? -1 : 0;
}

/* ---------------------------------------------------------- read and write */

/* Whether a transfer is one of elements that collio makes itself; then HDF5's call
 * only tells where they are. */
static int note(collio_disk *disk, H5FD_mem_t type, int64_t offset, size_t size)
{
    if (!disk->aside || type != H5FD_MEM_DRAW)
        return 0;
    disk->noted = offset;
    disk->noted_size = (int64_t)size;
    return 1;
}

static herr_t driver_read(H5FD_t *head, H5FD_mem_t type, hid_t transfer, haddr_t address,
                          size_t size, void *bytes)
{
    collio_disk *disk = ((driver_file *)head)->disk;
    int64_t offset = collio_disk_offset(disk, address);

    (void)transfer;
    if (note(disk, type, offset, size))
        return 0;
    if (collio_disk_check(disk, &last_error) ||
        collio_disk_read(disk, bytes, (int64_t)size, offset, &last_error))
        return -1;
    collio_overlay_read(&disk->overlay, offset, (int64_t)size, bytes);
    if (type == H5FD_MEM_SUPER && collio_members_check(&disk->members, bytes, size, &last_error))
        return -1;
    return collio_sound_check(disk, type, offset, (int64_t)size, bytes, &last_error) ? -1 : 0;
}

static herr_t write_elements(collio_disk *disk, int64_t address, size_t size, const void *bytes)
{
    if (disk->elements == COLLIO_ELEMENTS_WRITTEN &&
        collio_posix_write(disk->fd, bytes, size, address, disk->path, &last_error))
        return -1;
    if (disk->eof < address + (int64_t)size)
        disk->eof = address + (int64_t)size;
    return 0;
}

static herr_t driver_write(H5FD_t *head, H5FD_mem_t type, hid_t transfer, haddr_t address,
                           size_t size, const void *bytes)
{
    collio_disk *disk = ((driver_file *)head)->disk;
    int64_t offset = collio_disk_offset(disk, address);

    (void)transfer;
    if (disk->dead || disk->lost || note(disk, type, offset, size))
        return 0;
    if (type == H5FD_MEM_DRAW && disk->elements != COLLIO_ELEMENTS_KEPT)
        return write_elements(disk, offset, size, bytes);
    disk->lost = collio_overlay_write(&disk->overlay, offset, (int64_t)size, bytes) != 0;
    if (disk->eof < offset + (int64_t)size)
        disk->eof = offset + (int64_t)size;
    return 0;
}

static herr_t driver_truncate(H5FD_t *head, hid_t transfer, hbool_t closing)
{
    collio_disk *disk = ((driver_file *)head)->disk;

    (void)transfer;
    (void)closing;
    disk->eof = disk->eoa;
    return 0;
}

/* ---------------------------------------------------------- registration */

/* Elements never share free space with structure, so that a place which the file
 * on disk still uses as structure is not given to elements. */
static const H5FD_class_t driver_class = {
#ifdef H5FD_CLASS_VERSION
    .version = H5FD_CLASS_VERSION,
#endif
#if H5_VERSION_GE(1, 13, 0)
    .value = (H5FD_class_value_t)DRIVER_VALUE,
#endif
    .name = "collio",
    .maxaddr = MAX_ADDRESS,
    .fc_degree = H5F_CLOSE_STRONG,
    .fapl_size = sizeof(driver_info),
    .sb_size = driver_record,
    .sb_encode = driver_encode,
    .sb_decode = driver_decode,
    .open = driver_open,
    .close = driver_close,
    .query = driver_query,
    .get_eoa = driver_get_eoa,
    .set_eoa = driver_set_eoa,
    .get_eof = driver_get_eof,
    .read = driver_read,
    .write = driver_write,
    .truncate = driver_truncate,
    .fl_map = {H5FD_MEM_SUPER, H5FD_MEM_SUPER, H5FD_MEM_SUPER, H5FD_MEM_DRAW, H5FD_MEM_SUPER,
               H5FD_MEM_SUPER, H5FD_MEM_SUPER},
};

/* By the names that HDF5 wants of those that open such files; of split ones the heaps are where the
 * elements are. */
static hid_t register_class(int kind)
{
    static const char *const names[] = {"collio", "family", "multi"};
    H5FD_class_t made = driver_class;

    made.name = names[kind];
    if (kind == COLLIO_ARRANGED_SPLIT) {
        made.maxaddr = HADDR_MAX;
        made.fl_map[H5FD_MEM_GHEAP] = H5FD_MEM_GHEAP;
    }
    return H5FDregister(&made);
}

int collio_driver_use(hid_t access, collio_disk *disk, collio_error *err)
{
    static hid_t drivers[] = {H5I_INVALID_HID, H5I_INVALID_HID, H5I_INVALID_HID};
    hid_t *driver = &drivers[disk->members.kind];
    driver_info info = {disk};

    if (*driver < 0 || H5Iis_valid(*driver) <= 0) {
        *driver = register_class(disk->members.kind);
        collio_lzf_register();
        collio_bits_register();
    }
    if (collio_hdf5(*driver < 0, "H5FDregister", err))
        return err->code;
    return collio_hdf5(H5Pset_driver(access, *driver, &info) < 0, "H5Pset_driver", err);
}
