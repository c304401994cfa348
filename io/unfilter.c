/* Filters undone without HDF5, so that what they make is known to be as long as a chunk: HDF5 1.10
 * reads beyond the end of what is too short. */
#include "chunk.h"

#include <stdlib.h>
#include <string.h>

/* -------------------------------------------------------------- the filters */

/* Note one; 0 if it is not known. */
static int take_filter(collio_unfilter *f, hid_t list, unsigned number, collio_error *err)
{
    unsigned values[1] = {0}, flags, how;
    size_t count = 1;
    H5Z_filter_t id = H5Pget_filter2(list, number, &flags, &count, values, 0, NULL, &how);

    if (collio_hdf5(id < 0, "H5Pget_filter2", err))
        return 0;
    f->filter[number].id = (int)id;
    f->filter[number].element = count > 0 ? values[0] : 0;
    if (id == H5Z_FILTER_SHUFFLE)
        return count == 1 && values[0] > 0;
    return id == H5Z_FILTER_FLETCHER32 || (id == H5Z_FILTER_DEFLATE && collio_zstream_offered());
}

int collio_unfilter_open(collio_unfilter *f, hid_t list, size_t size, collio_error *err)
{
    int count = H5Pget_nfilters(list), streams = 0;

    *f = (collio_unfilter){.size = size};
    if (collio_hdf5(count < 0, "H5Pget_nfilters", err) || count > COLLIO_MOST_FILTERS)
        return err->code;
    f->known = 1;
    f->count = count;
    for (int i = 0; i < count && f->known; i++) {
        f->known = take_filter(f, list, (unsigned)i, err);
        streams += f->filter[i].id == H5Z_FILTER_DEFLATE;
    }
    /* What the second stream was made of is not known before it is inflated. */
    f->known = f->known && streams <= 1;
    return err->code;
}

void collio_unfilter_close(collio_unfilter *f)
{
    collio_zstream_close(&f->stream);
    free(f->buffer[0]);
    free(f->buffer[1]);
    *f = (collio_unfilter){.known = 0};
}

/* What each filter was given, if those of the mask were left out. */
static void find_sizes(collio_unfilter *f, uint32_t mask)
{
    size_t size = f->size;

    for (int i = 0; i < f->count; i++) {
        f->filter[i].before = size;
        if (mask >> i & 1 || size == 0)
            continue;
        if (f->filter[i].id == H5Z_FILTER_DEFLATE)
            size = 0;
        else if (f->filter[i].id == H5Z_FILTER_FLETCHER32)
            size += COLLIO_SUM_BYTES;
    }
}

/* ---------------------------------------------------------------- checksums */

/* A number that is the same modulo 65535, and 0 only for 0. */
static uint64_t fold(uint64_t sum)
{
    return sum == 0 ? 0 : (sum - 1) % 65535 + 1;
}

/* Fletcher's sums of words of two bytes, the first one the higher; an odd byte is a higher one. */
static uint32_t fletcher(const unsigned char *bytes, size_t size)
{
    uint64_t first = 0, second = 0;
    const size_t most = (size_t)1 << 20; /* so many words do not overflow the sums */

    for (size_t left = size / 2, n; left > 0; left -= n) {
        n = left < most ? left : most;
        for (size_t i = 0; i < n; i++, bytes += 2) {
            first += (uint64_t)bytes[0] << 8 | bytes[1];
            second += first;
        }
        first = fold(first);
        second = fold(second);
    }
    if (size % 2 == 1) {
        first += (uint64_t)bytes[0] << 8;
        second += first;
    }
    return (uint32_t)(fold(second) << 16 | fold(first));
}

/* Sums that some releases of HDF5 before 1.6.3 wrote have the bytes of each word swapped. */
static int sum_fits(const unsigned char *bytes, size_t size)
{
    const unsigned char *sum = bytes + size;
    uint32_t stored =
        sum[0] | (uint32_t)sum[1] << 8 | (uint32_t)sum[2] << 16 | (uint32_t)sum[3] << 24;
    uint32_t swapped = (stored & 0x00ff00ff) << 8 | (stored >> 8 & 0x00ff00ff);
    uint32_t right = fletcher(bytes, size);

    return right == stored || right == swapped;
}

void collio_sum_put(char *bytes, size_t size)
{
    uint32_t sum = fletcher((const unsigned char *)bytes, size);

    for (int i = 0; i < COLLIO_SUM_BYTES; i++)
        bytes[size + (size_t)i] = (char)(unsigned char)(sum >> 8 * i);
}

/* --------------------------------------------------------------------- undo */

/* A chunk on its way. */
typedef struct state {
    const char *bytes;
    size_t size;
} state;

/* A buffer that the bytes are not in. */
static char *other_buffer(collio_unfilter *f, const state *s, size_t size, collio_error *err)
{
    int i = s->bytes == f->buffer[0] && f->buffer[0] != NULL;

    if (f->room[i] >= size && f->buffer[i] != NULL)
        return f->buffer[i];
    free(f->buffer[i]);
    f->buffer[i] = malloc(size + 1);
    f->room[i] = f->buffer[i] != NULL ? size : 0;
    if (f->buffer[i] == NULL)
        collio_error_set(err, COLLIO_ERR_MEMORY, "no memory for a chunk of %zu bytes", size);
    return f->buffer[i];
}

static int undo_sum(state *s, collio_error *err)
{
    if (s->size < COLLIO_SUM_BYTES)
        return collio_error_set(err, COLLIO_ERR_HDF5, "it is shorter than a checksum");
    s->size -= COLLIO_SUM_BYTES;
    if (!sum_fits((const unsigned char *)s->bytes, s->size))
        collio_error_set(err, COLLIO_ERR_HDF5, "its checksum is wrong");
    return err->code;
}

/* What does not fill an element stays behind the others. */
static int undo_shuffle(collio_unfilter *f, size_t element, state *s, collio_error *err)
{
    size_t count = s->size / element, whole = count * element;
    char *to;

    if (element == 1 || count <= 1)
        return COLLIO_OK;
    to = other_buffer(f, s, s->size, err);
    if (to == NULL)
        return err->code;
    collio_unshuffle(s->bytes, to, count, count, element);
    memcpy(to + whole, s->bytes + whole, s->size - whole);
    s->bytes = to;
    return COLLIO_OK;
}

/* A stream of more bytes than were filtered is read by HDF5, too, which takes the first of them. */
static int undo_deflate(collio_unfilter *f, size_t wanted, state *s, collio_error *err)
{
    const size_t most = s->size > SIZE_MAX / 1032 ? SIZE_MAX : s->size * 1032;
    collio_unpacked result = COLLIO_UNPACKED_IN_PART;
    size_t used, got = 0;
    char *to = NULL;

    for (size_t room = wanted; result == COLLIO_UNPACKED_IN_PART && room / 2 <= most; room *= 2) {
        to = other_buffer(f, s, room, err);
        if (to == NULL)
            return err->code;
        result = collio_zstream_take(&f->stream, s->bytes, s->size, to, room, &used, &got);
    }
    if (result == COLLIO_UNPACKED_NO_MEMORY)
        return collio_error_set(err, COLLIO_ERR_MEMORY, "no memory to inflate a chunk");
    if (result != COLLIO_UNPACKED)
        return collio_error_set(err, COLLIO_ERR_HDF5, "its %zu bytes cannot be inflated", s->size);
    if (got < wanted)
        return collio_error_set(err, COLLIO_ERR_HDF5,
                                "its %zu bytes inflate to %zu, which cannot be less than %zu",
                                s->size, got, wanted);
    s->bytes = to;
    s->size = wanted;
    return COLLIO_OK;
}

static int undo(collio_unfilter *f, int i, state *s, collio_error *err)
{
    switch (f->filter[i].id) {
    case H5Z_FILTER_SHUFFLE:
        return undo_shuffle(f, f->filter[i].element, s, err);
    case H5Z_FILTER_FLETCHER32:
        return undo_sum(s, err);
    default:
        return undo_deflate(f, f->filter[i].before, s, err);
    }
}

int collio_unfilter_undo(collio_unfilter *f, const char *bytes, size_t size, uint32_t mask,
                         const char **out, collio_error *err)
{
    state s = {bytes, size};

    find_sizes(f, mask);
    for (int i = f->count - 1; i >= 0 && err->code == COLLIO_OK; i--)
        if (!(mask >> i & 1))
            undo(f, i, &s, err);
    if (err->code == COLLIO_OK && s.size < f->size)
        collio_error_set(err, COLLIO_ERR_HDF5, "it has %zu bytes, which cannot be less than %zu",
                         s.size, f->size);
    *out = s.bytes;
    return err->code;
}
