/* What contiguous datasets hold before they are written. */
#include "file.h"

#include <stdlib.h>
#include <string.h>

static int is_zero(const char *bytes, size_t size)
{
    while (size > 0 && bytes[size - 1] == 0)
        size--;
    return size == 0;
}

/* This rank's share gets the fill value. */
static int fill_part(const collio_object *dataset, const char *element, collio_error *err)
{
    const collio_file *file = dataset->file;
    int64_t size = (int64_t)collio_type_size(dataset->layout.stored);
    int64_t total = collio_layout_bytes(dataset) / size, room = (int64_t)COLLIO_PACK_BYTES / size;
    int64_t start = 0, count = 0;
    char *buffer;

    room = room > 0 ? room : 1;
    buffer = malloc((size_t)(room * size));
    if (buffer == NULL)
        return collio_error_set(err, COLLIO_ERR_MEMORY, "no memory for fill values");
    for (int64_t i = 0; i < room; i++)
        memcpy(buffer + i * size, element, (size_t)size);
    collio_part_range(total, collio_comm_size(file->comm), file->rank, &start, &count, err);
    for (int64_t n; count > 0 && err->code == COLLIO_OK; start += n, count -= n) {
        n = count < room ? count : room;
        collio_posix_write(file->disk.fd, buffer, (size_t)(n * size),
                           dataset->layout.offset + start * size, file->disk.path, err);
    }
    free(buffer);
    return err->code;
}

/* Elements of variable length are pointers in memory, and in the file something larger. */
static int64_t bytes_in_file(const collio_object *dataset)
{
    if (collio_type_variable(dataset->layout.stored))
        return (int64_t)H5Dget_storage_size(dataset->id);
    return collio_layout_bytes(dataset);
}

int collio_first_elements(const collio_object *dataset, const char *element, collio_error *err)
{
    int64_t start = dataset->layout.offset, size = bytes_in_file(dataset);
    int filled = element != NULL && !is_zero(element, collio_type_size(dataset->layout.stored));
    int reused = 0;

    if (start < 0 || collio_space_claim(dataset->file, start, size, &reused, err) ||
        (!filled && !reused))
        return err->code;
    if (filled)
        fill_part(dataset, element, err);
    else if (collio_file_keeps_structure(dataset->file))
        collio_disk_clear(&dataset->file->disk, start, size, err);
    return collio_finish(dataset->file, "first elements", 0, err);
}
