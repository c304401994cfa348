/*
 * What the file of a step says of itself: its table of arrays with their digests,
 * sealed into the user block, and the HDF5 file around them. Never installed.
 */
#ifndef COLLIO_IO_TABLE_H
#define COLLIO_IO_TABLE_H

#include "internal.h"
#include "collio/checkpoint.h"

/* ------------------------------------------------------------ table.c */

/* One array of a step, as its sealed table describes it. */
typedef struct collio_record {
    char *name;
    char *format; /* of states; "" otherwise */
    collio_item_kind kind;
    collio_type type;
    int ndim;
    int64_t shape[COLLIO_MAX_DIMS];
    int64_t size;       /* elements */
    int64_t offset;     /* bytes from the start of the file; 0 if compressed */
    int64_t block;      /* elements under one digest */
    int64_t span;       /* after so many elements a block ends, whether full or not */
    int64_t blocks;     /* how many digests */
    uint64_t *digest;   /* of each block */
    int64_t parts;      /* RANK_STATE: ranks that saved; otherwise 1 */
    int64_t *part_size; /* bytes of each part; NULL unless RANK_STATE */
    int deflate;        /* level, 1 .. 9: each block is compressed by itself; 0: none is */
    int64_t *place;     /* compressed: where each block lies, */
    int64_t *stored;    /* and its bytes there: as many as it has elements for: not compressed */
    int apart;          /* 1: the elements lie in files of the ranks: rankset.h */
} collio_record;

/* The files of the ranks, of a step that has some: rankset.h. */
typedef struct collio_rankset collio_rankset;

/* What the user block of a step holds: seal and table. */
typedef struct collio_table {
    unsigned char uuid[16];
    int64_t step;
    int64_t time; /* seconds since 1970 */
    int64_t writers;
    int64_t file_size;
    int64_t user_block; /* bytes */
    uint64_t metadata;  /* digest of what is neither user block nor elements */
    uint64_t seal;      /* the seal's own digest: tells two steps apart */
    int count;
    collio_record *record;
    collio_rankset *ranks; /* NULL: all arrays lie in this file */
} collio_table;

/* A table of `count` empty records, or release all that one holds. */
int collio_table_make(collio_table *table, int count, collio_error *err);
void collio_table_free(collio_table *table);

/*
 * Give a record its name, extents and room for digests, choosing the block.
 *   deflate  in  level of compression, for parts that are not tiny; 0: none
 * Errors: MEMORY, VALUE (more bytes than a file can have).
 */
int collio_record_fill(collio_record *record, const char *name, const char *format,
                       collio_item_kind kind, collio_type type, int ndim, const int64_t *shape,
                       int64_t parts, int deflate, collio_error *err);

/* Bytes of an element, of all elements. */
int64_t collio_record_element(const collio_record *record);
int64_t collio_record_bytes(const collio_record *record);

/* Blocks: the first element of one (of the one past the last: the size), how
 * many it has, and which one an element is in. */
int64_t collio_block_first(const collio_record *record, int64_t block);
int64_t collio_block_count(const collio_record *record, int64_t block);
int64_t collio_block_of(const collio_record *record, int64_t index);

/* The chunk of a compressed record, in each dimension: a block is one chunk. */
void collio_record_chunk(const collio_record *record, int64_t *chunk);

/* Where blocks, or all elements, are in the file: piece i of `pieces`. */
int64_t collio_record_pieces(const collio_record *record);
void collio_record_piece(const collio_record *record, int64_t i, int64_t *offset, int64_t *bytes);

/* The record of a name, or -1. */
int collio_table_find(const collio_table *table, const char *name);

/* Words that the records take when encoded; the records to and from words. */
size_t collio_table_words(const collio_table *table);
void collio_table_encode(const collio_table *table, uint64_t *words);
int collio_table_decode(collio_table *table, const uint64_t *words, size_t count, const char *path,
                        collio_error *err);

/* ---------------------------------------------------------- deflate.c */

/*
 * Compress a block.
 *   elements  in   collio_block_count() of them
 *   out       out  room for a full block
 *   size      out  bytes stored; those of a full block: as they are
 */
int collio_deflate(const collio_record *record, int64_t block, const char *elements, char *out,
                   int64_t *size, collio_error *err);

/* The opposite, of record->stored[block] bytes; *whole is 0 if they are not
 * what collio_deflate() makes. */
int collio_inflate(const collio_record *record, int64_t block, const char *stored, char *elements,
                   int *whole, collio_error *err);

/* Whether there is compression: UNSUPPORTED. */
int collio_deflate_check(collio_error *err);

/* ------------------------------------------------------------- seal.c */

/* The size the user block needs: a power of two; at least a page, which is
 * also what HDF5 demands if arrays are to begin on pages. */
#define COLLIO_SEAL_LEAST 4096
int64_t collio_seal_room(const collio_table *table);

/* Write the user block, table->user_block bytes: seal, table, zeros. */
void collio_seal_encode(collio_table *table, void *user_block);

/* Write it to the file, and force it to the disk. */
int collio_seal_write(int fd, collio_table *table, const char *path, collio_error *err);

/* The opposite, checking everything in it. Errors: DAMAGED, UNSUPPORTED,
 * MEMORY. */
int collio_seal_decode(collio_table *table, const void *user_block, size_t size, const char *path,
                       collio_error *err);

/* Digest what is neither user block nor elements. */
int collio_seal_metadata(int fd, const collio_table *table, const char *path, uint64_t *digest,
                         collio_error *err);

/*
 * Read and check the seal of an open file: user block, length, metadata.
 *   table  out  free with collio_table_free() in any case
 * Errors: DAMAGED, UNSUPPORTED, OS, MEMORY.
 */
int collio_seal_read(int fd, const char *path, collio_table *table, collio_error *err);

/* ------------------------------------------------------------ cover.c */

/*
 * Check that the blocks of all ranks cover an array exactly once.
 *   ranks   in
 *   blocks  in  of rank r at blocks + r * stride: ndim starts, then ndim counts
 * Errors: VALUE with the place and the ranks; MEMORY.
 */
int collio_cover_check(const char *name, int ndim, const int64_t *shape, int ranks,
                       const int64_t *blocks, size_t stride, collio_error *err);

/* --------------------------------------------------------- skeleton.c */

/*
 * Create the HDF5 file of a step around its raw data, which is not written:
 * fills in the offsets, the user block's size, the file's length and the digest
 * of the metadata. By one rank.
 *   reserve  in  1: have all of the space on disk; 0: the caller does so later, as this can take as
 *                long as it takes to copy the data
 */
int collio_skeleton_create(const char *path, collio_table *table, int reserve, collio_error *err);

#endif
