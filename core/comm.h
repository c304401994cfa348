/*
 * Private to core: what a communicator of collio's own holds.
 */
#ifndef COLLIO_CORE_COMM_H
#define COLLIO_CORE_COMM_H

#include "internal.h"
#include "shared.h"

/* The words of one agreement: each is sent beside its complement, so that one
 * MAX gives the largest and the smallest of all ranks. */
enum word { WORD_TICKET, WORD_ARRIVAL, WORD_ERROR, WORD_VOTE, WORDS = WORD_VOTE + COLLIO_VOTES };

/* One round of the all-reduce of an agreement. Part of the communicator and not on the stack: what
 * is given up may still be under way. */
struct round {
    int distance; /* between the ranks that talk to each other */
    MPI_Request receiving, sending;
    uint64_t in[2 * WORDS], out[2 * WORDS];
};

/* Where ranks of one machine put their words; without memory they send messages. */
struct board {
    collio_shared memory;
    uint64_t meeting; /* the number of this one: the same on all ranks */
    int seen;         /* the ranks below this one have come */
    int looks;        /* at a place, before other processes have their turn */
};

struct roll;

struct collio_comm {
    MPI_Comm mpi;
    int rank;
    int size;
    double limit;              /* seconds until this rank leaves a wait; 0: the timeout of all */
    const char *reason;        /* with which it leaves */
    uint64_t waits;            /* guarded waits begun; the same on all ranks that keep step */
    collio_error poison;       /* holds an error once the communicator is poisoned */
    struct roll *roll;         /* notes sent and received; NULL until the first one */
    uint64_t words[2 * WORDS]; /* of an agreement: this rank's, then the largest of all */
    struct round round;
    struct board board;
    collio_comm *next; /* of the poisoned ones, which are never freed */
};

/* ---- roll.c: notes between ranks, outside the collective calls */

enum note_kind { NOTE_NONE, NOTE_WAITING, NOTE_GAVE_UP, NOTE_LEFT, NOTE_VERDICT };

/* Send every other rank a note; `why` goes along with LEFT and VERDICT. Never blocks. */
void collio_roll_tell(collio_comm *comm, enum note_kind kind, const collio_error *why);

/* Receive what has come. */
void collio_roll_read(collio_comm *comm);

/* A rank that will not come to the wait this rank is in: -1 if none is known. */
int collio_roll_gone(const collio_comm *comm);

/* What kind of note `rank` sent last; with LEFT its error. */
enum note_kind collio_roll_kind(const collio_comm *comm, int rank);
void collio_roll_why(const collio_comm *comm, int rank, collio_error *err);

/* 1 if a rank that gave up has said who was missing: in `err`. */
int collio_roll_verdict(const collio_comm *comm, collio_error *err);

/* How many waits `rank` had begun when it sent its last note. */
uint64_t collio_roll_waits(const collio_comm *comm, int rank);

/* 1 if `rank` is known to be in this wait, or to have given up one close by (or is this rank). */
int collio_roll_present(const collio_comm *comm, int rank);

/* 1 if another rank has asked who is there and this one has not told it yet. */
int collio_roll_asked(const collio_comm *comm);

/* Receive every note still on its way. Collective. */
int collio_roll_drain(collio_comm *comm, collio_error *err);
void collio_roll_free(struct roll *roll);

/* ---- wait.c */

/* Bring an operation of several steps on, without waiting; *done when it is complete. A failure has
 * poisoned the communicator. */
typedef int collio_advance(collio_comm *comm, void *context, int *done, collio_error *err);

/* As collio_wait(), for such an operation. */
int collio_wait_for(collio_comm *comm, collio_advance *advance, void *context,
                    const char *operation, collio_error *err);

/* ---- reduce.c */

/* Take the largest of all ranks for each of the communicator's words. Guarded, as collio_wait(). */
int collio_reduce_words(collio_comm *comm, const char *operation, collio_error *err);

/* Let go of what such a call has left under way. */
void collio_reduce_abandon(collio_comm *comm);

/* ---- board.c */

/* Have a board, if all ranks are on one machine. Collective; fails only as an agreement does. */
int collio_board_have(collio_comm *comm, collio_error *err);

/* As collio_reduce_words(), on the board. */
int collio_board_reduce(collio_comm *comm, const char *operation, collio_error *err);

/* ---- root.c */

/*
 * The hidden duplicate of a user's communicator, made if need be. Collective. *out may be set
 * although this rank has failed: then it brings its error to the others.
 */
int collio_root_find(MPI_Comm user, collio_comm **out, collio_error *err);

/* ---- comm.c */

/* Begin to duplicate, and make ready what came of it. Not collective but for MPI. */
int collio_comm_duplicate(MPI_Comm from, collio_comm *comm, MPI_Request *request,
                          collio_error *err);
int collio_comm_adorn(collio_comm *comm, collio_error *err);

/* Release what a communicator holds; its MPI handle is freed by the caller. Or keep it for good, as
 * operations that were given up may still write into it. */
void collio_comm_dispose(collio_comm *comm);
void collio_comm_keep(collio_comm *comm);

/* Make every later call fail with `err`, and count it as agreed. */
int collio_comm_poison(collio_comm *comm, collio_error *err);

/* This rank cannot go on with a collective operation: tell the others, poison. */
int collio_comm_fail(collio_comm *comm, collio_error *err);

/* ---- diagnose.c */

/* All ranks know that something is wrong: find out what, the same on each. */
int collio_diagnose(collio_comm *comm, const collio_ticket *ticket, uint64_t digest,
                    collio_error *err);

/* Write "rank 2", "ranks 0, 3-5" or "no rank": those of `size` ranks that are
 * chosen. */
typedef int collio_chosen_function(const void *context, int rank);
void collio_name_ranks(collio_chosen_function *chosen, const void *context, int size, char *text,
                       size_t text_size);

#endif
