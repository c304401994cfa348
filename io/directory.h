/*
 * The directory of checkpoints: names in it, the processes that made them, and the
 * right to write there. Never installed.
 */
#ifndef COLLIO_IO_DIRECTORY_H
#define COLLIO_IO_DIRECTORY_H

#include "internal.h"

#include <pthread.h>

/* ------------------------------------------------------------ names.c */

/* A path in the directory, to be freed by the caller; NULL without memory. */
char *collio_name_step(const char *directory, int64_t step, collio_error *err);
char *collio_name_part(const char *directory, const unsigned char *uuid, int64_t step,
                       collio_error *err);
char *collio_name_old(const char *directory, const unsigned char *uuid, int64_t step,
                      collio_error *err);
char *collio_name_damaged(const char *directory, const unsigned char *uuid, int64_t step,
                          collio_error *err);

char *collio_name_pin(const char *directory, int64_t step, collio_error *err);

/* Remove the parts, and pruned steps, of processes of this host that are gone, best
 * effort. */
void collio_names_clean(const char *directory);

/* The steps in a directory, ascending.
 *   steps  out  to be freed by the caller */
int collio_names_list(const char *directory, int64_t **steps, int *count, collio_error *err);

/* ---------------------------------------------------------- process.c */

/* An identity that tells which process on which host made it, and is new. */
void collio_uuid_make(unsigned char *uuid);
void collio_uuid_text(const unsigned char *uuid, char *text); /* 37 bytes */
int collio_uuid_parse(const char *text, unsigned char *uuid); /* 0: no uuid */

/* Whether the process that made an identity still runs: ours is this one;
 * elsewhere: on another host, so nobody here knows. */
typedef enum collio_process {
    COLLIO_PROCESS_OURS,
    COLLIO_PROCESS_RUNS,
    COLLIO_PROCESS_GONE,
    COLLIO_PROCESS_ELSEWHERE
} collio_process;

/*   began  in  collio_process_began() of that process, which tells it from a
 *              later one with the same number; 0: not known */
collio_process collio_process_is(const unsigned char *uuid, int64_t began);
int64_t collio_process_began(void);

/* ----------------------------------------------------------- thread.c */

/* pthread_create() for a thread that takes no signals; 0, or an errno. */
int collio_thread_start(pthread_t *thread, void *(*function)(void *), void *argument);

/* ------------------------------------------------------------ lease.c */

/* The right of this process to write to a directory. */
typedef struct collio_lease collio_lease;

/*
 * Take the lease, or join the one that this process has already. By one rank.
 *   out  out  free with collio_lease_return()
 * Errors: STATE (another job has it), OS, MEMORY.
 */
int collio_lease_take(const char *directory, collio_lease **out, collio_error *err);

/* Whether it is still ours: another host takes over what is not touched for
 * long, as while this process was stopped. Errors: STATE. */
int collio_lease_check(const collio_lease *lease, collio_error *err);

/* Give it back and set *lease to NULL, which it may be already. */
void collio_lease_return(collio_lease **lease);

#endif
