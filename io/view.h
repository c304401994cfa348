/*
 * What a view is made of. Never installed.
 *
 * A view moves its bytes itself, with positioned reads and writes, and not through MPI-IO. Measured
 * with one rank's write failing: MPICH 4.0's strided independent write returns with its file lock
 * held, and the other ranks wait for it for ever; its collective write reports success on every
 * rank; Open MPI 4.1's collective write hangs, and its independent one reports success. Nothing can
 * be promised on top of that. Nothing below waits for another rank but the exchange, which is
 * guarded as agreements are.
 */
#ifndef COLLIO_IO_VIEW_H
#define COLLIO_IO_VIEW_H

#include "internal.h"
#include "collio/view.h"

#include <pthread.h>

/* ------------------------------------------------------------ view_map.c */

/* `count` runs of `length` bytes each, one every `stride` bytes. */
typedef struct collio_piece {
    int64_t offset, length, stride, count;
} collio_piece;

typedef struct collio_segment {
    collio_piece piece;
    int64_t before; /* data bytes of the tile before this piece */
} collio_segment;

/*
 * Where data lie, in a file or in memory: a tile of pieces in the order of the data, repeated
 * every `extent` bytes from `start` on. An MPI_Datatype or a selection of an array becomes one.
 */
typedef struct collio_map {
    collio_segment *segments;
    int64_t used, room;
    int64_t start;  /* bytes */
    int64_t size;   /* data bytes of a tile */
    int64_t extent; /* bytes from tile to tile */
} collio_map;

void collio_map_free(collio_map *map); /* leaves an empty map */

/* Append a piece to the tile, joined with the one before it where they go together. Offsets
 * count from the tile's start. Errors: MEMORY. */
int collio_map_add(collio_map *map, const collio_piece *piece, collio_error *err);

/* Append everything of an N-d array of items of `item` bytes, with these strides in bytes. */
int collio_map_add_array(collio_map *map, int64_t offset, int64_t item, int ndim,
                         const int64_t *shape, const int64_t *strides, collio_error *err);

/* Append a selection of an array that lies at the tile's start in row-major order. */
int collio_map_add_selection(collio_map *map, int64_t item, const int64_t *shape,
                             const collio_selection *selection, collio_error *err);

/* Check that offsets never go back (VALUE), as in a file they must not. */
int collio_map_check_forward(const collio_map *map, collio_error *err);

/* Data bytes that lie below `offset`, which counts from the file's start. */
int64_t collio_map_below(const collio_map *map, int64_t offset);

/* A place in the data. */
typedef struct collio_place {
    const collio_map *map;
    int64_t tile, segment, run, inside;
} collio_place;

/* Go to a place, counted in data bytes. */
void collio_place_at(collio_place *place, const collio_map *map, int64_t position);

/* Where the next data byte is, from the file's start. */
int64_t collio_place_offset(const collio_place *place);

/*
 * Take the next piece of at most `most` bytes, all of it below `limit`, and go on behind it.
 *   limit  in   COLLIO_NO_LIMIT: none
 *   out    out  offset from the file's start; its length is 0 if the next byte is not below `limit`
 */
#define COLLIO_NO_LIMIT (INT64_MAX / 2) /* offsets in memory may be negative */
void collio_place_take(collio_place *place, int64_t most, int64_t limit, collio_piece *out);

/* Copy data between the pieces of memory and a buffer without gaps. */
void collio_piece_copy(const collio_piece *piece, char *memory, char *buffer,
                       collio_direction direction);

/* ----------------------------------------------------------- view_type.c */

/* Append the data of an MPI datatype at `offset`. Errors: UNSUPPORTED (a constructor this library
 * does not know), MEMORY, MPI. */
int collio_map_add_type(collio_map *map, int64_t offset, MPI_Datatype type, collio_error *err);

/*
 * The same type made anew, if MPI's own file views would get it wrong (MPICH: large counts, indexed
 * types over others); for callers that use those.
 *   unit  in   its etype, without gaps
 *   out   out  committed, to be freed; MPI_DATATYPE_NULL if the type can be used as it is
 */
int collio_type_mend(MPI_Datatype type, MPI_Datatype unit, MPI_Datatype *out, collio_error *err);

/* ---------------------------------------------------------------- view.c */

typedef enum collio_exchange {
    COLLIO_EXCHANGE_AUTO,
    COLLIO_EXCHANGE_ALWAYS,
    COLLIO_EXCHANGE_NEVER
} collio_exchange;

/* Whether independent writes of short runs may read what lies between and write it back. */
typedef enum collio_sieving {
    COLLIO_SIEVING_AUTO,
    COLLIO_SIEVING_ALWAYS,
    COLLIO_SIEVING_NEVER
} collio_sieving;

struct collio_view {
    collio_comm *comm; /* NULL once closed or poisoned */
    int rank, size;
    char *path;
    int fd;
    int readable, writable;
    int atomic;
    MPI_Info info; /* the user's hints; MPI_INFO_NULL: none */
    collio_exchange exchange;
    collio_sieving wish; /* the hint */
    int sieving;         /* some rank may; so all claim what they write. The same on all ranks */
    pthread_mutex_t writer;
    collio_view_facts facts;
    MPI_Datatype etype, filetype; /* null unless the view was set by datatypes */
    collio_map map;
    int64_t position;  /* individual pointer, elements */
    int shared_fd;     /* -1 until the shared pointer is used here */
    char *shared_path; /* beside the file, the same on all ranks */
    int pending;       /* requests not waited for */
    collio_error poison;
};

/* Store why a view cannot be used, if it cannot: VALUE, its poison, STATE. */
int collio_view_check(const collio_view *view, collio_error *err);

/* Check that it may be written to, or read: VALUE. That no request is pending, for what changes the
 * view as a whole: VALUE. */
int collio_view_check_writable(const collio_view *view, collio_error *err);
int collio_view_check_readable(const collio_view *view, collio_error *err);
int collio_view_check_idle(const collio_view *view, collio_error *err);

/* Agree before a call, or after it on how it went. A rank that did not come poisons the view. */
int collio_view_agree(collio_view *view, collio_ticket *ticket, collio_error *err);
int collio_view_agree_step(collio_view *view, const char *operation, collio_error *err);

/* A collective call that one rank does for all: agree on it with its argument, let rank 0 do it,
 * agree on how it went. */
typedef int collio_view_action(collio_view *view, int64_t argument, collio_error *err);
int collio_view_by_one(collio_view *view, const char *operation, int64_t argument,
                       collio_view_action *action, collio_error *err);

/* ----------------------------------------------------------- view_open.c */

/* As collio_view_open(), with flags of open(2) in place of a mode: one of O_RDONLY, O_WRONLY,
 * O_RDWR, with O_CREAT, O_EXCL; `name` are words for them, the same on all ranks. */
int collio_view_open_flags(MPI_Comm comm, const char *path, const char *name, int flags,
                           MPI_Info info, collio_view **out, collio_error *err);

/* What the hints ask for, and all of them with what is in use. */
collio_exchange collio_view_read_exchange(MPI_Info info, collio_error *err);
collio_sieving collio_view_read_sieving(MPI_Info info);

/* Free the struct and what it holds, but not the communicator. */
void collio_view_free(collio_view *view);

/* ------------------------------------------------------------ view_set.c */

/* See the file as bytes. */
int collio_view_set_bytes(collio_view *view, collio_error *err);

/* -------------------------------------------------------- view_pointer.c */

/* Let go of the shared pointer; the file behind it goes if `remove`. */
void collio_view_drop_shared(collio_view *view, int remove);

/* Add to the shared pointer; *old is what it was. Not collective. Errors: OS, TIMEOUT. */
int collio_view_fetch_shared(collio_view *view, int64_t add, int64_t *old, collio_error *err);

/* Set it. Not collective: one rank does it. */
int collio_view_store_shared(collio_view *view, int64_t value, collio_error *err);

/* Lock bytes of a file (fcntl type F_RDLCK, F_WRLCK) or unlock them (F_UNLCK). Waits, but not for
 * ever: TIMEOUT. */
int collio_view_lock(int fd, int type, int64_t start, int64_t size, const char *path,
                     collio_error *err);

/* ---------------------------------------------------------- view_access.c */

/* Memory in the terms of MPI's own calls. */
typedef struct collio_typed {
    void *data;
    int64_t count;
    MPI_Datatype type; /* need not be committed */
} collio_typed;

/* collio_view_write() and collio_view_read() with memory of datatypes, in views that were set by
 * datatypes.
 *   moved  out  bytes */
int collio_view_transfer(collio_view *view, collio_direction direction, collio_access access,
                         int64_t position, const collio_typed *memory, int64_t *moved,
                         collio_error *err);

/* ------------------------------------------- view_move.c, view_memory.c */

/* One access: which data of the file go where in memory. Holds no MPI handle, and moving needs no
 * MPI, so that another thread may do it. */
typedef struct collio_job {
    int fd;
    const char *path;
    collio_direction direction;
    int atomic;
    int sieving;             /* as the view's */
    int held;                /* all that it reaches is claimed */
    pthread_mutex_t *writer; /* as the view's */
    const collio_map *map;
    int64_t position; /* bytes of the map's data */
    int64_t bytes;
    collio_map memory; /* owned; offsets are addresses relative to data */
    char *data;
    int64_t moved; /* out: bytes, short where the file ends */
} collio_job;

/* Lay out the memory of a job: `typed`, or else `memory` (NULL: none, as after an error that err
 * has). Errors: VALUE, TYPE, MEMORY, MPI. */
int collio_view_plan_memory(const collio_view *view, const collio_typed *typed,
                            const collio_array *memory, collio_job *job, collio_error *err);

/* Do it, on this rank alone. */
int collio_job_move(collio_job *job, collio_error *err);

/* ---------------------------------------------------------- view_sieve.c */

/* Runs that come at least so often, in bytes, are read as one stretch, gaps and all. */
#define COLLIO_SIEVE_STRIDE ((int64_t)1 << 12)
#define COLLIO_SIEVE_BYTES  ((int64_t)1 << 20)
#define COLLIO_SIEVE_PIECES 1024

/* A stretch of the file, and a rank's pieces in it, in their order. */
typedef struct collio_sieve_window {
    int64_t begin, end; /* offsets in the file */
    int64_t bytes, runs;
    int used;
    collio_piece pieces[COLLIO_SIEVE_PIECES];
    char stretch[COLLIO_SIEVE_BYTES];
} collio_sieve_window;

/* Take the pieces of at most `most` bytes that lie in the next window, and go on behind them. The
 * first one must be shorter than COLLIO_SIEVE_STRIDE. */
void collio_sieve_fill(collio_sieve_window *window, collio_place *file, int64_t most);

/* Whether moving the window whole is faster than its runs one by one. */
int collio_sieve_is_fine(const collio_sieve_window *window, collio_direction direction);

/* Move the window's pieces between the file and data without gaps.
 *   got  out  bytes; less than the window's only where the file ends while reading */
int collio_sieve_move(collio_sieve_window *window, const collio_job *job, char *data, int64_t *got,
                      collio_error *err);

/*
 * Claim bytes that are about to be written, and yield them. With F_WRLCK, as always in atomic mode,
 * nobody else writes there meanwhile: they may be read, changed and written back; with F_RDLCK
 * nobody else does that. Does nothing in views where nobody sieves, and where the whole access is
 * claimed already.
 */
int collio_job_claim(const collio_job *job, int type, int64_t start, int64_t size,
                     collio_error *err);
void collio_job_yield(const collio_job *job, int64_t start, int64_t size, collio_error *err);

/* Claim all that an access in atomic mode reaches. */
int collio_job_claim_all(collio_job *job, int64_t start, int64_t size, collio_error *err);
void collio_job_yield_all(collio_job *job, int64_t start, int64_t size, collio_error *err);

/* Whether this rank would sieve its writes with this map, and whether it can claim bytes of the
 * file at all (not every file system can; other errors are in `err`). */
int collio_view_would_sieve(const collio_view *view, const collio_map *map);
int collio_view_can_claim(const collio_view *view, collio_error *err);

/* ------------------------------------------------------- view_exchange.c */

/* Put into the votes of a ticket what all ranks need to know of a job, and tell from the extremes
 * whether its bytes are better exchanged between the ranks before they are written. */
void collio_job_vote(const collio_job *job, int ranks, collio_ticket *ticket);
int collio_job_is_shared_out(const collio_ticket *ticket, int ranks);

/* Write what all ranks bring together: each rank gathers stretches of the file from all and
 * writes them whole. Collective. */
int collio_job_exchange(collio_comm *comm, collio_job *job, const collio_ticket *ticket,
                        collio_error *err);

#endif
