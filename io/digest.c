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

/* Expanded into each function that calls it, where sizes are constants. */
#define EXPANDED __attribute__((always_inline)) static inline

EXPANDED uint64_t mix(uint64_t key, uint64_t bits)
{
    uint64_t x = (bits ^ key) * 0xbf58476d1ce4e5b9u;

    x = (x ^ (x >> 32)) * 0x94d049bb133111ebu;
    return x ^ (x >> 29);
}

/* The bits of one element; memory may have any alignment. */
EXPANDED uint64_t load(const unsigned char *at, size_t size)
{
    uint64_t bits = 0;

    memcpy(&bits, at, size);
    return bits;
}

EXPANDED uint64_t digest_of_size(size_t size, uint64_t first, const unsigned char *at, size_t count)
{
    uint64_t sum = 0, key = (first + 1) * STRIDE; /* no element has the key 0 */

    for (; count >= TURN; count -= TURN, at += TURN * size, key += TURN * STRIDE)
        for (uint64_t i = 0; i < TURN; i++)
            sum += mix(key + i * STRIDE, load(at + i * size, size));
    for (uint64_t i = 0; i < count; i++)
        sum += mix(key + i * STRIDE, load(at + i * size, size));
    return sum;
}

EXPANDED uint64_t digest_any(size_t size, uint64_t first, const unsigned char *at, size_t count)
{
    switch (size) {
    case 1:
        return digest_of_size(1, first, at, count);
    case 2:
        return digest_of_size(2, first, at, count);
    case 4:
        return digest_of_size(4, first, at, count);
    default:
        return digest_of_size(8, first * (size / 8), at, count * (size / 8));
    }
}

static uint64_t digest_plain(size_t size, uint64_t first, const unsigned char *at, size_t count)
{
    return digest_any(size, first, at, count);
}

/* Where the processor multiplies eight 64-bit words at once: twice as fast. The choice is made by
 * hand, because compilers' own means for it break the address sanitizer. */
#if defined(__x86_64__) && defined(__GNUC__)
__attribute__((target("avx512f,avx512dq"))) static uint64_t
digest_wide(size_t size, uint64_t first, const unsigned char *at, size_t count)
{
    return digest_any(size, first, at, count);
}

static int is_wide(void)
{
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq");
}
#else
#define digest_wide digest_plain

static int is_wide(void)
{
    return 0;
}
#endif

uint64_t collio_digest(size_t element_size, int64_t first, const void *elements, int64_t count)
{
    if (count <= 0)
        return 0;
    if (is_wide())
        return digest_wide(element_size, (uint64_t)first, elements, (size_t)count);
    return digest_plain(element_size, (uint64_t)first, elements, (size_t)count);
}
