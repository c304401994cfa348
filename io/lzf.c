/* The filter that h5py calls lzf, from liblzf, where there is one. Its values in files: version of
 * the filter, version of the library, bytes of a chunk. */
#include "config.h"

#include "hdf.h"

#ifdef HAVE_LIBLZF

#include <errno.h>
#include <stdlib.h>
#ifdef HAVE_LIBLZF_LZF_H
#include <liblzf/lzf.h>
#else
#include <lzf.h>
#endif

/* What h5py writes, which has not changed since its first release. */
static const unsigned filter_version = 4, library_version = 0x0105;

/* Note the bytes of a chunk when a dataset is made. */
static herr_t note_chunk(hid_t list, hid_t type, hid_t space)
{
    unsigned flags = 0, values[3] = {filter_version, library_version, 0};
    hsize_t chunk[H5S_MAX_RANK];
    size_t count = 0, bytes = H5Tget_size(type);
    int ndim = H5Pget_chunk(list, H5S_MAX_RANK, chunk);

    (void)space;
    if (ndim < 0 || bytes == 0 ||
        H5Pget_filter_by_id2(list, COLLIO_FILTER_LZF, &flags, &count, NULL, 0, NULL, NULL) < 0)
        return -1;
    for (int d = 0; d < ndim; d++)
        bytes *= (size_t)chunk[d];
    values[2] = (unsigned)bytes;
    return H5Pmodify_filter(list, COLLIO_FILTER_LZF, flags, 3, values);
}

/* Take the place of the bytes; 0 on failure, and where they do not become fewer. */
static size_t replace(void *made, size_t size, size_t room, size_t *buffer_size, void **buffer)
{
    if (size == 0) {
        free(made);
        return 0;
    }
    free(*buffer);
    *buffer = made;
    *buffer_size = room;
    return size;
}

static size_t compress_chunk(size_t bytes, size_t *buffer_size, void **buffer)
{
    void *made = malloc(bytes);
    size_t size = 0;

    if (made != NULL && bytes > 1 && bytes <= UINT32_MAX)
        size = lzf_compress(*buffer, (unsigned)bytes, made, (unsigned)bytes - 1);
    return replace(made, size, bytes, buffer_size, buffer);
}

/* Bytes that one may become: three name 264 at most. */
static const size_t most_from_one = 88;

/* A chunk says its size, but a filter before this one may have made it larger, and a writer may
 * have left that out: then it is found by trying. */
static size_t expand_chunk(size_t given, size_t bytes, size_t *buffer_size, void **buffer)
{
    size_t room = given > 0 ? given : 4 * bytes, size = 0;
    void *made = NULL;
    int again = bytes <= UINT32_MAX;

    while (again && room <= UINT32_MAX) {
        free(made);
        made = malloc(room);
        if (made == NULL)
            break;
        errno = 0;
        size = lzf_decompress(*buffer, (unsigned)bytes, made, (unsigned)room);
        again = size == 0 && errno == E2BIG && room / most_from_one <= bytes;
        room = again ? 2 * room : room;
    }
    return replace(made, size, room, buffer_size, buffer);
}

static size_t filter(unsigned flags, size_t count, const unsigned *values, size_t bytes,
                     size_t *buffer_size, void **buffer)
{
    if (flags & H5Z_FLAG_REVERSE)
        return expand_chunk(count >= 3 ? values[2] : 0, bytes, buffer_size, buffer);
    return compress_chunk(bytes, buffer_size, buffer);
}

void collio_lzf_register(void)
{
    static const H5Z_class2_t class = {
        .version = H5Z_CLASS_T_VERS,
        .id = COLLIO_FILTER_LZF,
        .encoder_present = 1,
        .decoder_present = 1,
        .name = "lzf",
        .set_local = note_chunk,
        .filter = filter,
    };

    H5Zregister(&class);
}

#else

void collio_lzf_register(void)
{
}

#endif
