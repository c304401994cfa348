/*
 * collio files: open, flush, close, and how a file is made. Part of io.h, which has the manual.
 */
#ifndef COLLIO_FILE_H
#define COLLIO_FILE_H

#include <collio/core.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct collio_file collio_file;
typedef struct collio_object collio_object;

/* Versions of HDF5 (major, minor, release): the library in use, and the one that collio was built
 * with. Not collective.
 *   used, built  out */
COLLIO_API void collio_file_versions(unsigned used[3], unsigned built[3]);

typedef enum collio_format {
    COLLIO_FORMAT_EARLIEST, /* every HDF5 since 1.0 reads it; the default */
    COLLIO_FORMAT_V18,      /* HDF5 1.8 and later; faster with very many attributes or names */
    COLLIO_FORMAT_V110,
    COLLIO_FORMAT_V112, /* this one and the next two only where the HDF5 in use knows them */
    COLLIO_FORMAT_V114,
    COLLIO_FORMAT_V200,
    COLLIO_FORMAT_LATEST /* that of the HDF5 in use */
} collio_format;

/* "earliest", "v108", "v110", ...; NULL for one that this HDF5 does not know. That of LATEST is
 * the newest of the others. Not collective. */
COLLIO_API const char *collio_format_name(collio_format format);

typedef enum collio_locking {
    COLLIO_LOCKING_DEFAULT, /* where the file system can */
    COLLIO_LOCKING_NEVER,
    COLLIO_LOCKING_ALWAYS /* an error where it cannot */
} collio_locking;

typedef enum collio_transfer {
    COLLIO_TRANSFER_AUTO,     /* as the sizes of the pieces suggest */
    COLLIO_TRANSFER_DIRECT,   /* each rank writes its pieces itself, however short they are */
    COLLIO_TRANSFER_TWO_PHASE /* ranks first send each other the pieces that follow each other in
                                 the file, and write what they then have in large ones: for file
                                 systems where small or interleaved writes cost much */
} collio_transfer;

/* Of a file, or of the steps of a directory of checkpoints (collio/checkpoint.h). */
enum collio_layout {
    COLLIO_LAYOUT_SHARED,   /* one file, which all ranks write. The default */
    COLLIO_LAYOUT_PER_RANK, /* each rank writes its elements to a file of its own, for file systems
                               on which a shared one cannot be. Other readers see whole arrays, as
                               virtual datasets in one more file */
    COLLIO_LAYOUT_AUTO,     /* shared, unless a probe at open finds that the ranks cannot share a
                               file in the directory: then per-rank, and the log says why */
};

/* Where the attributes of an object are: in its header up to `most`, elsewhere from then on, and
 * there until they are fewer than `fewest`. In files of format V18 and later. */
typedef struct collio_attribute_room {
    int given; /* 0: as HDF5 has it, 8 and 6 */
    unsigned most, fewest;
} collio_attribute_room;

/* What keeps the order in which it comes: names and attributes (1), or one of them. */
enum { COLLIO_ORDER_BOTH = 1, COLLIO_ORDER_NAMES = 2, COLLIO_ORDER_ATTRIBUTES = 4 };

/* How HDF5 gives out space in a new file. */
enum collio_space {
    COLLIO_SPACE_DEFAULT, /* as FSM */
    COLLIO_SPACE_FSM,
    COLLIO_SPACE_PAGE, /* in pages of page_size bytes */
    COLLIO_SPACE_AGGREGATE,
    COLLIO_SPACE_NONE
};

/* HDF5's own drivers "family" and "split" keep one file in several. Such a file is opened here as
 * one, put together before and taken apart after by the caller; one process alone. */
enum collio_arrangement {
    COLLIO_ARRANGED_PLAIN,
    COLLIO_ARRANGED_FAMILY, /* one member behind the other, of member_bytes each */
    COLLIO_ARRANGED_SPLIT   /* the member of structure, and that of elements from byte
                               COLLIO_ELEMENTS_PLACE on; nothing between them */
};
#define COLLIO_ELEMENTS_PLACE ((int64_t)1 << 42)
#define COLLIO_MEMBER_NAME    256

/* Zeros are the defaults. Must match on all ranks. */
typedef struct collio_file_options {
    int64_t user_block;     /* bytes left free at the start: 0, 512, 1024, 2048, ... */
    collio_format format;   /* the oldest HDF5 that is to read the file */
    collio_format newest;   /* nothing newer than that is put into it; LATEST if 0 */
    int64_t alignment;      /* arrays of at least `threshold` bytes start at a multiple of this */
    int64_t threshold;      /* bytes */
    int64_t metadata_block; /* bytes that structure grows by; HDF5's 2048 if 0 */
    int track_order;        /* COLLIO_ORDER_...: what of a new root keeps its order */
    collio_locking locking;
    collio_transfer transfer;         /* how elements that are contiguous in the file are written */
    int layout;                       /* enum collio_layout: see collio_file_open() */
    collio_attribute_room attributes; /* of a new root */
    int space;                        /* enum collio_space, of a new file, like the next three */
    int persist;                      /* 1: the file remembers what is free in it */
    int64_t least_free;               /* bytes of free space worth remembering; 1 if 0 */
    int64_t page_size;                /* bytes, at least 512; HDF5's 4096 if 0 */
    int arrangement;                  /* enum collio_arrangement */
    int64_t member_bytes;             /* of a family */
    const char *member_names[2]; /* of a new split file, of structure and elements: "%s-m.h5" */
} collio_file_options;

/*
 * Open or create a file. Collective over `comm`.
 *   comm     in   duplicated; the file keeps its own
 *   path     in
 *   mode     in   "r"         read only; must exist
 *                 "r+"        read and write; must exist
 *                 "w"         create; an existing file is lost
 *                 "w-", "x"   create; must not exist
 *                 "a"         read and write; created if it does not exist
 *   options  in   NULL: defaults
 *   out      out  close with collio_file_close(); NULL on failure
 * A file that is open for writing on the same ranks is opened again with "r", "r+" and "a": its
 * structure is flushed, both handles lead to the one file as it is open (writable, with the options
 * it was opened with), and the last one that is closed closes it.
 * Errors: OS with errno (ENOENT, EEXIST, EACCES, ...; EAGAIN: another job has
 * it open for writing, or this one on other ranks, or it is open and to be emptied), VALUE (mode,
 * options), STATE (a process started together with this one writes it, and each is alone in its
 * MPI_COMM_WORLD: the doctor's E10), HDF5 (not an HDF5 file), DIVERGED, MEMORY, DAMAGED (mode "r":
 * a job died within a flush; opening for writing mends it). A file that could not be created whole
 * is removed. Rank 0 holds a lock (flock) while the file is open, shared for "r" and exclusive
 * otherwise; HDF5_USE_FILE_LOCKING=FALSE in its environment turns that off.
 *
 * With COLLIO_LAYOUT_PER_RANK no file is written by two ranks. "<path>.ranks" is a directory with a
 * file of each rank, which holds the elements that it has written, and an index; `path` itself has
 * the structure, and datasets that are virtual over the index. It has its name only once all has
 * been closed and is on disk: a job that dies before leaves nothing of that name, and what it
 * leaves in the directory the next one removes. A file that was there goes at the beginning, as
 * with any "w". Whoever reads `path` (HDF5, this library) gets whole arrays, from the files in the
 * directory, which has to stay beside it; it can be opened with "r+" to change structure, not
 * elements. The layout is for new files ("w", "w-", "x", or "a" where there is none: UNSUPPORTED
 * otherwise, while AUTO takes them as shared ones) and has no effect with "r". Until the file is
 * closed
 *   - a rank reads what it has written itself: UNSUPPORTED for elements that it has not;
 *   - where several ranks have written an element, that of the last call counts, and of the highest
 *     rank in one call; independent writes belong to the collective write before them;
 *   - elements are written by blocks, strides and lists: UNSUPPORTED for those by numbers, and for
 *     single fields of structs;
 *   - datasets keep their shape; none can be virtual or external; nothing is copied: UNSUPPORTED.
 * Elements of variable length and single elements are part of the structure. "collio merge" and
 * collio_checkpoint_merge() make one plain file of it.
 */
COLLIO_API int collio_file_open(MPI_Comm comm, const char *path, const char *mode,
                                const collio_file_options *options, collio_file **out,
                                collio_error *err);

/* Let others open the file for reading while it is written: give up the lock. What they read is as
 * it was last flushed; a flush that they meet halfway is an error of theirs. Not collective. */
COLLIO_API void collio_file_unlock(collio_file *file);

/*
 * Write the structure to disk. Collective. Returns when it is in the hands of
 * the operating system; nothing to do for files opened with "r".
 * Errors: OS (the disk is full, ...), HDF5, DIVERGED. Failing halfway poisons
 * the file.
 */
COLLIO_API int collio_file_flush(collio_file *file, collio_error *err);

/*
 * Flush and close, and set *file to NULL. Collective; on a poisoned file local.
 * Objects of the file that are still open stay valid handles: calls on them
 * return STATE, and they still need their collio_object_close().
 *   file  in/out  may point to NULL
 * If ranks disagree about closing, or one brings an error, the file stays open
 * and *file stays: close again, or abandon it. In every other case *file is NULL
 * afterwards, and an error says that the changes since the last flush are lost.
 */
COLLIO_API int collio_file_close(collio_file **file, collio_error *err);

/*
 * Close on a rank on which something has failed, and set *file to NULL.
 * Collective together with collio_file_close(); each rank calls whichever fits.
 * Where all ranks close, nothing is lost; the ranks on which nothing had failed
 * get the reason as error. Ranks that are in another call on the file get the
 * same error of disagreement as always, with the reason in it, and this rank
 * comes to close again, as they are expected to. If the others do not come
 * within 5 seconds, this rank leaves as by collio_file_abandon().
 *   file    in/out  may point to NULL
 *   reason  in      one line
 * Errors: EXCEPTION (another rank has failed), and those of collio_file_close().
 */
COLLIO_API int collio_file_close_after(collio_file **file, const char *reason, collio_error *err);

/*
 * Let go of the file without the others, and set *file to NULL: for a rank that
 * cannot go on. The disk is not touched, so changes of structure since the last
 * flush are lost; ranks waiting in a call on the file, now or later, get the
 * error "rank r left: <reason>". Not collective, never blocks.
 *   file    in/out  may point to NULL
 *   reason  in      one line, may be NULL
 */
COLLIO_API void collio_file_abandon(collio_file **file, const char *reason);

COLLIO_API const char *collio_file_path(const collio_file *file);   /* Not collective. */
COLLIO_API int collio_file_is_writable(const collio_file *file);    /* Not collective. */
COLLIO_API int collio_file_is_poisoned(const collio_file *file);    /* Not collective. */
COLLIO_API int64_t collio_file_user_block(const collio_file *file); /* Bytes. Not collective. */

/* The options that it was opened with. Not collective. */
COLLIO_API const collio_file_options *collio_file_given(const collio_file *file);

/*
 * Ask for MPI's atomic mode (MPI 3.1 section 13.6.1), or give it up. Collective. What a
 * collective write has returned from is seen by every rank in either mode, and this is all that
 * there is to it: the mode is kept for programs that ask.
 * Errors: DIVERGED, STATE.
 */
COLLIO_API int collio_file_set_atomic(collio_file *file, int atomic, collio_error *err);
COLLIO_API int collio_file_atomic(const collio_file *file); /* Not collective. */

/* The file's own communicator, still owned by it; NULL once the file is
 * poisoned. Not collective. */
COLLIO_API collio_comm *collio_file_comm(const collio_file *file);

/* The root group, owned by the file and gone with it: collio_object_close() on it
 * does nothing. For one of your own, open "/" in it. NULL if `file` is NULL. Not
 * collective. */
COLLIO_API collio_object *collio_file_root(collio_file *file);

/* What HDF5 knows of a file; the strategy is the number of H5F_fspace_strategy_t. */
typedef struct collio_file_record {
    int address_bytes, length_bytes; /* of numbers in the file */
    int strategy, persist;           /* of free space */
    int64_t threshold, page_size, unused;
    double hit_rate;                            /* looks at structure that found it in memory */
    int64_t cache_most, cache_clean, cache_now; /* bytes of structure in memory */
    int cache_pieces;
} collio_file_record;

/* Look at a file in this way. Not collective.
 *   out  out  all 0 if it fails */
COLLIO_API int collio_file_look(collio_file *file, collio_file_record *out, collio_error *err);

#ifdef __cplusplus
}
#endif
#endif
