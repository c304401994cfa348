/*
 * The disk under a file, and our HDF5 file driver that reads and writes it.
 * Never installed.
 *
 * HDF5's parallel driver writes structure collectively and hangs when one rank
 * fails there. Ours is serial, one on each rank: all ranks make the same changes
 * of structure, what HDF5 writes stays in an overlay in memory, and rank 0 alone
 * puts its overlay on disk, in collio_disk_commit(). A failure there is an error
 * like any other.
 */
#ifndef COLLIO_IO_DRIVER_H
#define COLLIO_IO_DRIVER_H

#include "hdf.h"
#include "overlay.h"

#include "collio/file.h"

/* What structure that was read says of other places; see sound.h. */
typedef struct collio_expected {
    int64_t address;
    enum {
        COLLIO_EXPECT_NOTHING,
        COLLIO_EXPECT_REST, /* a further piece of an object header */
        COLLIO_EXPECT_GROUP_TREE,
        COLLIO_EXPECT_CHUNK_TREE,
        COLLIO_EXPECT_NAMES
    } kind;
    int8_t level;  /* of a node; -1: any */
    int64_t limit; /* of names: bytes of their heap; of chunks: the rank, with the element */
} collio_expected;

typedef struct collio_sound {
    int ready;
    int64_t base; /* where the superblock is */
    int address_bytes, length_bytes;
    int64_t watched; /* the header of the dataset whose elements are looked at, and one; 0: none */
    collio_expected *table; /* by address */
    size_t count, room;
} collio_sound;

/* How HDF5 knows a file that is made of several: members.c. */
typedef struct collio_members {
    int kind;      /* enum collio_arrangement */
    int64_t bytes; /* of a member of a family */
    char names[2][COLLIO_MEMBER_NAME];
    unsigned char map[6];                /* of HDF5's kinds of space to members */
    haddr_t elements_at;                 /* the address where HDF5 has elements */
    int64_t structure_end, elements_end; /* of the space given out, from where each begins */
} collio_members;

typedef struct collio_disk {
    int fd;
    char *path; /* owned */
    int bound;  /* HDF5 has it open */
    int dead;   /* what HDF5 still writes is ignored */
    int lost;   /* there was no memory for something that HDF5 wrote */
    int busy;   /* other ranks write to it at the same time */
    int sparse; /* the chunk that was looked for last is not there */
    int aside;  /* HDF5's reads and writes of elements are only noted: */
    enum {
        COLLIO_ELEMENTS_KEPT,    /* what HDF5 writes of elements goes into the overlay */
        COLLIO_ELEMENTS_WRITTEN, /* it goes to disk at once */
        COLLIO_ELEMENTS_DROPPED  /* another rank writes it */
    } elements;
    int64_t noted; /* where the last one was to be, in bytes */
    int64_t noted_size;
    collio_overlay overlay; /* what HDF5 wrote since the last commit */
    int64_t eoa;            /* end of the space that HDF5 has given out */
    int64_t eof;            /* size of the file as HDF5 sees it */
    int64_t committed;      /* where the space ends that the file on disk refers to */
    collio_sound sound;
    collio_members members;
} collio_disk;

/* Where HDF5's address is in the file: elements of a split one are closer here. */
static inline int64_t collio_disk_offset(const collio_disk *disk, haddr_t address)
{
    const collio_members *m = &disk->members;

    if (m->kind != COLLIO_ARRANGED_SPLIT || address < m->elements_at)
        return (int64_t)address;
    return COLLIO_ELEMENTS_PLACE + (int64_t)(address - m->elements_at);
}

/* ------------------------------------------------------------------ disk.c */

/* Lock it against other jobs if the file system can: OS, EAGAIN if taken. */
int collio_disk_lock(collio_disk *disk, int exclusive, collio_locking locking, collio_error *err);

/* Read the file as it is on disk; zeros beyond its end. */
int collio_disk_read(const collio_disk *disk, void *bytes, int64_t size, int64_t offset,
                     collio_error *err);

/* Write elements, all or as many as go. */
int collio_disk_write(const collio_disk *disk, const char *bytes, int64_t size, int64_t offset,
                      collio_error *err);

/* The same from some pieces of memory, together no more than a core's cache takes. */
int collio_disk_gather(const collio_disk *disk, struct iovec *pieces, int count, int64_t offset,
                       collio_error *err);

/* Write zeros. */
int collio_disk_clear(const collio_disk *disk, int64_t offset, int64_t size, collio_error *err);

/* MEMORY if the overlay lacks something. HDF5 must not hear of it when it writes: it crashes later,
 * where it closes the file or the process ends. */
int collio_disk_check(const collio_disk *disk, collio_error *err);

/*
 * Put the overlay on disk: space first, so that a full disk strikes before
 * anything is changed. Whether it fails or the process is killed, the file ends up
 * as it was or as it is to be (journal.h).
 *   superblock  in  where it is
 */
int collio_disk_commit(collio_disk *disk, int64_t superblock, collio_error *err);

/* Forget the overlay, after it was committed by rank 0 or given up. */
void collio_disk_settle(collio_disk *disk);

/* Close the descriptor and free what it holds. */
int collio_disk_close(collio_disk *disk, collio_error *err);

/* ----------------------------------------------------------------- sieve.c */

/* A place to read small pieces from; free `bytes` after use. */
typedef struct collio_sieve {
    const collio_disk *disk;
    int64_t end;           /* where the elements end in the file */
    int64_t start, filled; /* what `bytes` holds of the file */
    char *bytes;
} collio_sieve;

/* Pieces that are alike, `times` of them with `size` bytes, each `step` bytes after the last, to
 * memory without gaps. */
int collio_sieve_turns(collio_sieve *sieve, char *bytes, int64_t size, int64_t step, int64_t times,
                       int64_t offset, collio_error *err);

/* As collio_disk_read(), in few calls if the pieces are small and close. */
int collio_sieve_read(collio_sieve *sieve, void *bytes, int64_t size, int64_t offset,
                      collio_error *err);

/* --------------------------------------------------------------- members.c */

void collio_members_begin(collio_members *members, const collio_file_options *options);

/* Where the space given out ends, and where the file does, in HDF5's addresses. */
haddr_t collio_members_end(const collio_disk *disk, H5FD_mem_t type);
void collio_members_set_end(collio_disk *disk, H5FD_mem_t type, haddr_t address);
haddr_t collio_members_size(const collio_disk *disk, H5FD_mem_t type);

/* What is in the superblock: so many bytes, 0 for a plain file; the other two not for that. */
size_t collio_members_record(const collio_members *members);
void collio_members_encode(const collio_members *members, char *name, unsigned char *bytes);
int collio_members_decode(collio_members *members, const char *name, const unsigned char *bytes,
                          collio_error *err);

/* The bytes that decoding looks at in a record of a driver of that name of eight characters: HDF5
 * does not say how many there are. */
size_t collio_members_least(const char *name);

/* Whether so many are there, of what HDF5 reads first of a record. */
int collio_members_check(const collio_members *members, const unsigned char *bytes, size_t size,
                         collio_error *err);

/* ---------------------------------------------------------------- driver.c */

/* Let a file access property list use our driver on `disk`. */
int collio_driver_use(hid_t access, collio_disk *disk, collio_error *err);

/* Take the error that the driver met last, if any; HDF5 hands on only that there
 * was one. Returns its code. */
int collio_driver_error(collio_error *err);
void collio_driver_forget(void);

#endif
