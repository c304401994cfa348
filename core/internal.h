/*
 * Shared by the rooms of the library, never installed.
 */
#ifndef COLLIO_CORE_INTERNAL_H
#define COLLIO_CORE_INTERNAL_H

#include "collio/core.h"

/*
 * The only judge of MPI results: pass every one through here.
 *   result  in  what the MPI function returned
 *   call    in  its name
 * Returns COLLIO_OK, or stores the error (class and MPI's text).
 */
int collio_mpi(int result, const char *call, collio_error *err);

/* The same for a call that collio_fault_before() has let pass: it cannot fail by injection any
 * more, because what it started is under way. */
int collio_mpi_made(int result, const char *call, collio_error *err);

/* MPI's text for an error code, which gets room for MPI_MAX_ERROR_STRING bytes; MPI's result. */
int collio_mpi_text(int code, char *text);

/*
 * The only judge of system calls: `failed` is the condition under which the
 * call failed (errno is read then), `path` may be NULL.
 */
int collio_sys(int failed, const char *call, const char *path, collio_error *err);

/*
 * Fault injection: COLLIO_FAULT=n@rank (rank of MPI_COMM_WORLD) lets the n-th
 * judged result on that rank fail, counted over MPI, HDF5 and system calls.
 * 1 if the result being judged now is the one. A call that tells other ranks
 * something is guarded by collio_fault_before() and then not made, so that a
 * fault means what it means in life: nothing was sent.
 */
int collio_fault_due(void);
extern int collio_fault_armed; /* 0: no result is made to fail, so one that is fine needs no judge */
int collio_fault_before(const char *call, collio_error *err);

/* Set the point at which to fail (0: never) and restart the count; read how
 * many results have been judged since. For tests. */
void collio_fault_set(long nth);
long collio_fault_count(void);

/* Seconds on a clock that all processes of one machine share. */
double collio_now(void);

/*
 * Number a type that is none of COLLIO_TYPES. It stays for the life of the process.
 *   digest  in  of what it is: the same on all ranks, where the number need not be
 * COLLIO_TYPE_COUNT without memory.
 */
collio_type collio_type_add(size_t size, const char *name, uint64_t digest);

/* For digests of arguments: the same on all ranks. */
uint64_t collio_type_digest(collio_type type);

/* Copy a text into `size` bytes, cut if need be, always ended. */
void collio_copy_text(char *to, size_t size, const char *from);

/* A notice to the log that collio_set_log() named. */
void collio_log(const char *format, ...) COLLIO_PRINTF(1, 2);

/*
 * Guarded collective operations for small things (what the library tells itself), sizes in bytes.
 * Collective; all arguments but the buffers' contents must match. On failure the others are told
 * and the communicator is poisoned: nobody waits.
 *   err   must hold no error on entry: agree first
 *   all   out  of collio_allgather: comm_size * size bytes
 *   what  in   for the error text
 */
int collio_allreduce(collio_comm *comm, const void *mine, void *all, int count, MPI_Datatype type,
                     size_t type_size, MPI_Op op, const char *what, collio_error *err);
int collio_allgather(collio_comm *comm, const void *mine, void *all, size_t size, const char *what,
                     collio_error *err);
int collio_bcast(collio_comm *comm, void *bytes, size_t size, int root, const char *what,
                 collio_error *err);

/*
 * As collio_agree(), but where the others do not come within `seconds`, this
 * rank leaves (collio_comm_leave()) with `reason`: for a rank on which something
 * has failed already, and whose news must not wait for long.
 */
int collio_agree_within(collio_comm *comm, collio_ticket *ticket, double seconds,
                        const char *reason, collio_error *err);

/*
 * An agreement without votes or arguments: "this step went well on all
 * ranks". `step` is what the ticket compares.
 */
int collio_agree_step(collio_comm *comm, const char *step, collio_error *err);

#endif
