/*
 * Damage found before HDF5 meets it. HDF5 trusts much of what a file says of sizes and places, and
 * older releases crash on structure that is damaged and has no checksum: object headers of the
 * first version, nodes of groups and chunks, and heaps. Our driver sees every read of structure, so
 * it can look at the bytes first and fail that read, which HDF5 takes well. Never installed.
 */
#ifndef COLLIO_IO_SOUND_H
#define COLLIO_IO_SOUND_H

#include "driver.h"

/* Bytes that are taken one after the other; `bad` once there were too few. */
typedef struct collio_cursor {
    const unsigned char *at;
    int64_t left;
    int bad;
} collio_cursor;

/* One look at a file. Addresses are HDF5's own, from the superblock on. */
typedef struct collio_look {
    collio_disk *disk;
    collio_error *err;
    unsigned char *heap; /* the collection that was read last, owned */
    int64_t heap_address, heap_size;
    unsigned char **kept; /* pieces of headers, owned */
    int pieces, depth;
} collio_look;

/* A part of an element that refers to a global heap. */
typedef struct collio_place {
    int64_t offset;     /* in the element */
    int64_t item;       /* bytes of an item of what it refers to; 0: a region */
    collio_cursor base; /* the type of an item */
} collio_place;

#define COLLIO_PLACES 64

/* What a datatype message says. */
typedef struct collio_shape_of_type {
    int64_t size;
    int unknown; /* written by a later HDF5, or not to be found: not judged */
    int places;  /* beyond COLLIO_PLACES they are not kept */
    collio_place place[COLLIO_PLACES];
} collio_shape_of_type;

/* What a dataspace message says. */
typedef struct collio_shape_of_space {
    int rank, unknown;
    int64_t points;
} collio_shape_of_space;

/* ------------------------------------------------------------------ sound.c */

/*
 * Look at structure that HDF5 has read, of memory type `type` at `address` of the file. Not
 * collective. Errors: HDF5, if it is damaged.
 */
int collio_sound_check(collio_disk *disk, H5FD_mem_t type, int64_t address, int64_t size,
                       const void *bytes, collio_error *err);

/*
 * While a dataset is read whose elements refer to heaps, look at them too. Not collective.
 *   address  in  that of its header, as HDF5 tells it; -1: no more
 */
void collio_sound_watch(collio_disk *disk, int64_t address);

/* Bytes of an element of a dataset in the file, where HDF5 tells those in memory if it is of
 * variable length. `address` as above. 0 if that cannot be told. */
int64_t collio_sound_element_size(collio_disk *disk, int64_t address);

/* Look at elements that were filtered in the file. `address` as above. HDF5 if they are damaged. */
int collio_sound_decoded(collio_disk *disk, int64_t address, const void *elements, int64_t size,
                         collio_error *err);

/* Look at what a region reference refers to, before HDF5 does. HDF5 if that is damaged. */
int collio_sound_region(collio_disk *disk, const void *reference, collio_error *err);

/* Forget what is known of the file. */
void collio_sound_drop(collio_sound *sound);

/* Store that the file is damaged: what, and where. Returns the error's code. */
int collio_look_damage(const collio_look *look, int64_t address, const char *what);

/* Read structure as HDF5 would. Errors: HDF5 if it is not within the file. */
int collio_look_read(const collio_look *look, int64_t address, int64_t size, void *bytes);

/* A place that is said to be in the file: -1, or HDF5, unless it is undefined. */
int collio_look_place(const collio_look *look, int64_t address, int64_t size);

/* Remember what an address is said to hold. */
void collio_sound_expect(collio_sound *sound, collio_expected expected);

/* Little-endian; all ones of a width mean "undefined", which is -1. */
int64_t collio_take(collio_cursor *cursor, int bytes);
int64_t collio_take_address(collio_cursor *cursor, const collio_look *look);
int64_t collio_take_length(collio_cursor *cursor, const collio_look *look);
const unsigned char *collio_take_bytes(collio_cursor *cursor, int64_t count);

/* ----------------------------------------------------------- sound_header.c */

/* Check all pieces of the header at an address; `bytes` are its first ones. */
int collio_sound_header(collio_look *look, int64_t address, const unsigned char *bytes,
                        int64_t size);

/* Find the datatype that is kept as an object of its own. */
int collio_look_named_type(collio_look *look, int64_t address, collio_shape_of_type *out);

/* ------------------------------------------------------------- sound_type.c */

/* Read a datatype, or a dataspace; 0 if it makes no sense. `offset` is that in the element. */
int collio_sound_type(collio_cursor *cursor, const collio_look *look, int64_t offset,
                      collio_shape_of_type *out, int depth);
int collio_sound_space(collio_cursor *cursor, const collio_look *look, collio_shape_of_space *out);

/* ------------------------------------------------------------- sound_heap.c */

/* Check the heaps and nodes by which a group or a dataset finds its parts. */
int collio_sound_group(const collio_look *look, int64_t tree, int64_t heap);
int collio_sound_tree(const collio_look *look, int64_t address, const collio_expected *expected);
int collio_sound_names(const collio_look *look, int64_t address, const collio_expected *expected);

/* Check that elements refer to what is there, with as many items as they say. */
int collio_sound_elements(collio_look *look, const collio_shape_of_type *type,
                          const unsigned char *elements, int64_t count, int depth);

/* Check that the objects of a global heap fit into it. */
int collio_sound_heap(collio_look *look, int64_t address);

/* Check that a global heap has an object; its bytes are the look's.
 *   size  out  its bytes */
int collio_sound_object(collio_look *look, int64_t address, int64_t index,
                        const unsigned char **bytes, int64_t *size);

/* ----------------------------------------------------------- sound_region.c */

/* Check what a region reference refers to: the address of a dataset, and a selection. */
int collio_sound_selection(const collio_look *look, int64_t heap, const unsigned char *bytes,
                           int64_t size);

/* ---------------------------------------------------------- sound_message.c */

/* What the messages of one header say together. */
typedef struct collio_header_facts {
    collio_shape_of_type type;
    collio_shape_of_space space;
    int has_type, has_space;
    int64_t fill; /* bytes of the fill value; 0: none */
    const unsigned char *compact_at;
    int64_t compact; /* bytes of compact elements; -1: stored otherwise */
    int chunk_rank;  /* 0: not chunked */
    int64_t chunk_element;
} collio_header_facts;

/* Check a message of an object header, of HDF5's number `kind`. */
int collio_sound_message(collio_look *look, int kind, int shared, const unsigned char *bytes,
                         int64_t size, collio_header_facts *facts);

/* A message that only tells where the datatype is. */
int collio_sound_shared(collio_cursor *cursor, collio_look *look, collio_shape_of_type *type);

/* Check that they fit. */
int collio_sound_together(collio_look *look, int64_t address, const collio_header_facts *facts);

#endif
