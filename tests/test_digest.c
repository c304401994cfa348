/* The digest: the same for every partition, another for every change. ranks: 1 */
#include "io/internal.h"

#include "tap.h"

#include <stdlib.h>
#include <string.h>

enum { BYTES = 4096 };

static uint64_t chance;

static uint64_t draw(uint64_t below)
{
    chance = collio_hash_number(chance, 1);
    return chance % below;
}

static void fill(unsigned char *bytes)
{
    for (int i = 0; i < BYTES; i++)
        bytes[i] = (unsigned char)draw(256);
}

/* Sum over pieces of random length, in random order of the two halves, from memory at odd
 * addresses. */
static uint64_t digest_in_pieces(size_t size, int64_t first, const unsigned char *bytes, int64_t n)
{
    unsigned char moved[BYTES + 1];
    uint64_t sum = 0;

    for (int64_t at = 0, piece; at < n; at += piece) {
        piece = 1 + (int64_t)draw(70);
        piece = piece < n - at ? piece : n - at;
        memcpy(moved + 1, bytes + (size_t)at * size, (size_t)piece * size);
        sum += collio_digest(size, first + at, moved + 1, piece);
    }
    return sum;
}

static int is_additive(size_t size)
{
    unsigned char bytes[BYTES];
    int same = 1;

    for (int round = 0; round < 50; round++) {
        int64_t n = (int64_t)draw(BYTES / size + 1), first = (int64_t)draw(1u << 30);
        fill(bytes);
        same &= collio_digest(size, first, bytes, n) == digest_in_pieces(size, first, bytes, n);
    }
    return same;
}

static int notices_each_bit(size_t size)
{
    unsigned char bytes[BYTES];
    int64_t n = 64 / (int64_t)size;
    uint64_t right;
    int noticed = 1;

    fill(bytes);
    right = collio_digest(size, 5, bytes, n);
    for (int bit = 0; bit < 512; bit++) {
        bytes[bit / 8] ^= (unsigned char)(1 << bit % 8);
        noticed &= collio_digest(size, 5, bytes, n) != right;
        bytes[bit / 8] ^= (unsigned char)(1 << bit % 8);
    }
    return noticed && collio_digest(size, 5, bytes, n) == right;
}

/* Exchange two different elements; turn the signs of two; move all by one. */
static int notices_pairs(size_t size)
{
    unsigned char bytes[BYTES], other[16];
    int64_t n = BYTES / (int64_t)size;
    int noticed = 1;

    for (int round = 0; round < 200; round++) {
        size_t a = (size_t)draw((uint64_t)n) * size, b = (size_t)draw((uint64_t)n) * size;
        uint64_t right;
        fill(bytes);
        if (a == b || memcmp(bytes + a, bytes + b, size) == 0)
            continue;
        right = collio_digest(size, 0, bytes, n);
        memcpy(other, bytes + a, size);
        memcpy(bytes + a, bytes + b, size);
        memcpy(bytes + b, other, size);
        noticed &= collio_digest(size, 0, bytes, n) != right;
        right = collio_digest(size, 0, bytes, n);
        bytes[a + size - 1] ^= 0x80;
        bytes[b + size - 1] ^= 0x80;
        noticed &= collio_digest(size, 0, bytes, n) != right;
        noticed &= collio_digest(size, 1, bytes, n) != collio_digest(size, 0, bytes, n);
    }
    return noticed;
}

/* Zeros and equal elements are no blind spot: digests of different lengths differ. */
static int notices_zeros(size_t size)
{
    static const unsigned char zeros[BYTES];
    int noticed = 1;

    for (int64_t n = 1; n < 100; n++)
        noticed &= collio_digest(size, 0, zeros, n) != collio_digest(size, 0, zeros, n - 1);
    return noticed;
}

int main(int argc, char **argv)
{
    static const size_t sizes[] = {1, 2, 4, 8, 16};

    MPI_Init(&argc, &argv);
    tap_begin();
    for (int i = 0; i < 5; i++) {
        int size = (int)sizes[i];
        tap_ok(is_additive(sizes[i]), "elements of %d bytes: parts add up", size);
        tap_ok(notices_each_bit(sizes[i]), "elements of %d bytes: each bit counts", size);
        tap_ok(notices_pairs(sizes[i]), "elements of %d bytes: pairs do not cancel", size);
        tap_ok(notices_zeros(sizes[i]), "elements of %d bytes: zeros count", size);
    }
    MPI_Finalize();
    return tap_end();
}
