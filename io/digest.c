/*
 * The digest that does not depend on the decomposition: the sum, modulo 2^64, over the elements of
 * an array of a mix of (index, bits).
 *
 * The mix is a bijection of the bits for each index, so a change of one element never goes
 * unnoticed; it is no linear function, so that changes of several elements, moved and swapped
 * blocks cancel only by chance (1 in 2^64). A sum, so that any partition of the elements over
 * ranks, blocks and calls gives the same digest. An element is 1, 2, 4 or 8 bytes; one of 16
 * counts as two of 8.
 */
#include "internal.h"

#include <string.h>

/* 2^64 / golden ratio: multiples of it lie far apart. */
#define STRIDE 0x9e3779b97f4a7c15u

/* Elements a turn: a constant count lets the compiler unroll. */
#define TURN 32

static inline uint64_t mix(uint64_t key, uint64_t bits)
{
    uint64_t x = (bits ^ key) * 0xbf58476d1ce4e5b9u;

    x = (x ^ (x >> 32)) * 0x94d049bb133111ebu;
    return x ^ (x >> 29);
}

/* The bits of one element; `size` is a constant wherever this is expanded. Memory may have any
 * alignment. */
static inline uint64_t load(const unsigned char *at, size_t size)
{
    uint64_t bits = 0;

    memcpy(&bits, at, size);
    return bits;
}

static inline uint64_t digest_of_size(size_t size, uint64_t first, const unsigned char *at,
                                      size_t count)
{
    uint64_t sum = 0, key = (first + 1) * STRIDE; /* no element has the key 0 */

    for (; count >= TURN; count -= TURN, at += TURN * size, key += TURN * STRIDE)
        for (uint64_t i = 0; i < TURN; i++)
            sum += mix(key + i * STRIDE, load(at + i * size, size));
    for (uint64_t i = 0; i < count; i++)
        sum += mix(key + i * STRIDE, load(at + i * size, size));
    return sum;
}

uint64_t collio_digest(size_t element_size, int64_t first, const void *elements, int64_t count)
{
    uint64_t index = (uint64_t)first;

    if (count <= 0)
        return 0;
    switch (element_size) {
    case 1:
        return digest_of_size(1, index, elements, (size_t)count);
    case 2:
        return digest_of_size(2, index, elements, (size_t)count);
    case 4:
        return digest_of_size(4, index, elements, (size_t)count);
    default:
        index *= element_size / 8;
        return digest_of_size(8, index, elements, (size_t)count * (element_size / 8));
    }
}
