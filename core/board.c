/*
 * The all-reduce of an agreement where all ranks are on one machine: each puts its words on a board
 * in memory that all address, with the number of the meeting, and reads what the others have put
 * there. Half of what messages take on 2 ranks, a quarter on 3 to 8 (measured), and no rank waits
 * for one that waits for a third.
 *
 * There are two sides, used in turn: a rank that puts up something new has seen all others at the
 * meeting before, so that they have read what it overwrites. One that gives up a meeting stays away
 * from all later ones, as the communicator is poisoned then.
 */
#include "comm.h"

#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

/* A rank reads what all have put up: with more of them messages are as fast. */
enum { MOST_RANKS = 64 };

/* Looking at memory takes less than giving way to other processes does, so that comes later; but
 * not where ranks share a core. */
enum { LOOKS = 50 };

/* Of one rank on one side; no cache line has two. */
struct place {
    _Atomic uint64_t meeting;
    uint64_t words[2 * WORDS];
    char padding[128 - (2 * WORDS + 1) % 16 * 8];
};

static struct place *place_of(const collio_comm *comm, int rank)
{
    const struct board *b = &comm->board;

    return (struct place *)b->memory.bytes + (b->meeting & 1) * (uint64_t)comm->size + rank;
}

int collio_board_have(collio_comm *comm, collio_error *err)
{
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    size_t size = 2 * (size_t)comm->size * sizeof(struct place);

    comm->board.looks = comm->size <= cores ? LOOKS : 1;
    if (comm->size > 1 && comm->size <= MOST_RANKS)
        collio_shared_have(comm, &comm->board.memory, size, err);
    return err->code;
}

static void put_up(collio_comm *comm)
{
    struct place *mine;

    comm->board.meeting++;
    comm->board.seen = 0;
    mine = place_of(comm, comm->rank);
    memcpy(mine->words, comm->words, sizeof mine->words);
    atomic_store_explicit(&mine->meeting, comm->board.meeting, memory_order_release);
}

static void pause_briefly(void)
{
#if defined __x86_64__ || defined __i386__
    __builtin_ia32_pause();
#endif
}

/* Whether a rank has come to this meeting. */
static int has_come(const collio_comm *comm, struct place *p)
{
    for (int i = 0; i < comm->board.looks; i++) {
        if (atomic_load_explicit(&p->meeting, memory_order_acquire) == comm->board.meeting)
            return 1;
        pause_briefly();
    }
    return 0;
}

static int advance(collio_comm *comm, void *context, int *done, collio_error *err)
{
    (void)context;
    for (; comm->board.seen < comm->size; comm->board.seen++) {
        struct place *p = place_of(comm, comm->board.seen);

        if (!has_come(comm, p))
            return err->code;
        for (int i = 0; i < 2 * WORDS; i++)
            if (p->words[i] > comm->words[i])
                comm->words[i] = p->words[i];
    }
    *done = 1;
    return err->code;
}

int collio_board_reduce(collio_comm *comm, const char *operation, collio_error *err)
{
    collio_error local = COLLIO_ERROR_INIT;

    if (collio_fault_before("agreement", &local)) {
        *err = local;
        return collio_comm_fail(comm, err);
    }
    put_up(comm);
    return collio_wait_for(comm, advance, NULL, operation, err);
}
