/* Digests that tell the arguments of two ranks apart. */
#include "internal.h"

#include <string.h>

uint64_t collio_hash_number(uint64_t seed, uint64_t number)
{
    /* The finaliser of splitmix64, a bijection, over a combination of both. */
    uint64_t z = seed * 0x9e3779b97f4a7c15u + number + 0x632be59bd9b4e019u;

    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

uint64_t collio_hash(uint64_t seed, const void *bytes, size_t size)
{
    const unsigned char *at = bytes;
    uint64_t word;

    seed = collio_hash_number(seed, size);
    for (; size >= sizeof word; size -= sizeof word, at += sizeof word) {
        memcpy(&word, at, sizeof word);
        seed = collio_hash_number(seed, word);
    }
    if (size > 0) {
        word = 0;
        memcpy(&word, at, size);
        seed = collio_hash_number(seed, word);
    }
    return seed;
}

uint64_t collio_hash_text(uint64_t seed, const char *text)
{
    return text != NULL ? collio_hash(seed, text, strlen(text)) : collio_hash_number(seed, 0);
}
