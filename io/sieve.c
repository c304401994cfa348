/* Reading many small pieces: the stretch of file around them is read at once and
 * they are picked out of it. (Data sieving, as in ROMIO; for reading only, because
 * what lies between one's own pieces belongs to other ranks.) */
#include "driver.h"

#include <stdlib.h>
#include <string.h>

#define SMALL                                                                                      \
    ((int64_t)4                                                                                    \
     << 10) /* larger pieces are read by themselves: a call costs less than their neighbours */
#define LEAST   ((int64_t)4 << 10) /* one page costs as much as one element */
#define LARGEST ((int64_t)1 << 20)

/* Read a stretch from `offset` on: longer each time as long as pieces come close
 * after one another, short again when one is far away. */
static int fill(collio_sieve *s, int64_t offset, int64_t size, collio_error *err)
{
    int64_t gap = offset - (s->start + s->filled);
    int64_t length = gap >= 0 && gap <= s->filled ? 2 * s->filled : LEAST;

    if (s->bytes == NULL && (s->bytes = malloc((size_t)LARGEST)) == NULL)
        return collio_error_set(err, COLLIO_ERR_MEMORY, "no memory to read small pieces");
    if (length > LARGEST)
        length = LARGEST;
    if (length < size)
        length = size;
    if (length > s->end - offset)
        length = s->end - offset;
    s->start = offset;
    s->filled = 0;
    if (collio_disk_read(s->disk, s->bytes, length, offset, err) == COLLIO_OK)
        s->filled = length;
    return err->code;
}

int collio_sieve_read(collio_sieve *s, void *bytes, int64_t size, int64_t offset, collio_error *err)
{
    if (size > SMALL)
        return collio_disk_read(s->disk, bytes, size, offset, err);
    if ((offset < s->start || offset + size > s->start + s->filled) && fill(s, offset, size, err))
        return err->code;
    memcpy(bytes, s->bytes + (offset - s->start), (size_t)size);
    return COLLIO_OK;
}

int collio_sieve_turns(collio_sieve *s, char *bytes, int64_t size, int64_t step, int64_t times,
                       int64_t offset, collio_error *err)
{
    for (int64_t n; times > 0; offset += n * step, bytes += n * size, times -= n) {
        n = 1;
        if (collio_sieve_read(s, bytes, size, offset, err))
            return err->code;
        if (size > SMALL)
            continue;
        n += (s->start + s->filled - offset - size) / step;
        n = n < times ? n : times;
        collio_copy_elements(bytes, size, s->bytes + (offset - s->start), step, n, (size_t)size);
    }
    return COLLIO_OK;
}
