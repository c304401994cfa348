/* Chunks without their filters, kept for the next read of a part of them, as HDF5 does: a chunk
 * read row by row is inflated once. */
#include "chunk.h"

#include <stdlib.h>
#include <string.h>

/* So much is kept of a dataset, as by HDF5 if it is not told otherwise; but one chunk is, unless it
 * is very large. Bytes. */
static const size_t most_bytes = 1 << 20, largest = 32 << 20;

enum { MOST_CHUNKS = 64 };

struct collio_kept {
    uint64_t changes; /* of files when the first was kept */
    int count, next;  /* next: the one to be replaced once there are enough */
    struct {
        int64_t chunk;
        char *bytes;
    } place[MOST_CHUNKS];
};

collio_kept *collio_kept_make(void)
{
    return calloc(1, sizeof(collio_kept));
}

static void drop(collio_kept *k)
{
    for (int i = 0; i < k->count; i++)
        free(k->place[i].bytes);
    k->count = k->next = 0;
    k->changes = collio_changes();
}

void collio_kept_free(collio_kept *k)
{
    if (k != NULL)
        drop(k);
    free(k);
}

const char *collio_kept_find(collio_kept *k, int64_t chunk)
{
    if (k == NULL)
        return NULL;
    if (k->changes != collio_changes())
        drop(k);
    for (int i = 0; i < k->count; i++)
        if (k->place[i].chunk == chunk)
            return k->place[i].bytes;
    return NULL;
}

/* The chunks of a dataset have one size. What there is no memory for is not kept. */
void collio_kept_add(collio_kept *k, int64_t chunk, const char *bytes, size_t size)
{
    size_t most = size > 0 ? most_bytes / size : 0;
    int i;

    most = most > MOST_CHUNKS ? MOST_CHUNKS : most < 1 ? 1 : most;
    if (k == NULL || size > largest)
        return;
    i = (size_t)k->count < most ? k->count : k->next;
    if (i == k->count && (k->place[i].bytes = malloc(size)) == NULL)
        return;
    k->count += i == k->count;
    k->next = (i + 1) % (int)most;
    k->place[i].chunk = chunk;
    memcpy(k->place[i].bytes, bytes, size);
}
