/*
 * collio doctor: does the environment hold together?
 *
 * HDF5, MPI, mpiexec, h5pcc, mpi4py, h5py, NumPy, Python and the file system
 * must match. When they do not, runs fail in silence: every process thinks it
 * is rank 0 of 1, two MPI libraries share a process, HDF5 turns out serial.
 * The doctor compares three things: what collio was built with, what is loaded
 * into this process (it reads the loaded objects themselves: symbols, resolved
 * bindings, the settings text inside libhdf5), and what is offered on PATH.
 *
 *   collio_error err = COLLIO_ERROR_INIT;
 *   collio_doctor *doctor = NULL;
 *
 *   collio_doctor_create(NULL, &doctor, &err);           stage one: without MPI_Init
 *   collio_doctor_ranks(doctor, MPI_COMM_WORLD, &err);   stage two: under mpiexec
 *   for (int i = 0; i < collio_doctor_count(doctor); i++)
 *       show(collio_doctor_finding(doctor, i));
 *   collio_doctor_free(&doctor);
 *
 * The command `collio doctor` does just that, and prints. There is one finding
 * for each check, whether it found something or not, in the order of their ids.
 */
#ifndef COLLIO_DOCTOR_H
#define COLLIO_DOCTOR_H

#include <collio/core.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef enum collio_level {
    COLLIO_LEVEL_SKIPPED, /* could not be told here; `what` says why */
    COLLIO_LEVEL_FINE,
    COLLIO_LEVEL_NOTE,    /* good to know */
    COLLIO_LEVEL_WARNING, /* works, but not as wanted, or not for long */
    COLLIO_LEVEL_FAILURE  /* programs will fail, or worse, not notice */
} collio_level;

/* What one check found. Texts without newline at the end. */
typedef struct collio_finding {
    const char *id;      /* "E10": stays the same in all versions */
    const char *subject; /* what was looked at */
    const char *why;     /* why it matters */
    collio_level level;
    int rank;            /* the rank this was found on; -1: stage one, or all ranks */
    char what[512];      /* what was found, one line */
    char mend[512];      /* how to mend it: a command, where there is one; may be empty */
    char evidence[1536]; /* lines; may be empty */
} collio_finding;

/* Something that only the caller can know, as "python.version", "3.11.2". */
typedef struct collio_fact {
    const char *name;
    const char *value;
} collio_fact;

/* Zeros are the defaults. */
typedef struct collio_doctor_options {
    const char *directory;    /* where files are to be written; NULL: "." */
    const collio_fact *facts; /* ends with a NULL name; NULL: none. See doctor_python.c */
    int offline;              /* 1: start no other program (h5pcc, mpiexec, python3) */
} collio_doctor_options;

typedef struct collio_doctor collio_doctor;

/*
 * Stage one: examine this process and what is around it. Not collective; MPI
 * need not be initialised and is not by this, so it is safe on a login node.
 * Writes a few small files to the directory and removes them.
 *   options  in   NULL: defaults
 *   out      out  free with collio_doctor_free()
 * Errors: MEMORY. What is wrong with the environment is no error here.
 */
COLLIO_API int collio_doctor_create(const collio_doctor_options *options, collio_doctor **out,
                                    collio_error *err);

/*
 * Stage two: examine how the ranks of a communicator fit together, and make the
 * findings of `doctor` the same on all ranks: where ranks differ, the worst one.
 * Collective; the options of the doctors should match. Writes one file of about
 * 1 MiB to the directory and removes it.
 * Errors: STATE (the loaded MPI is not the one collio was built for: found by
 * stage one), VALUE, MPI, MEMORY, TIMEOUT. A check that fails is no error.
 */
COLLIO_API int collio_doctor_ranks(collio_doctor *doctor, MPI_Comm comm, collio_error *err);

/* Number of findings, and one of them, owned by the doctor; NULL out of range.
 * Not collective. */
COLLIO_API int collio_doctor_count(const collio_doctor *doctor);
COLLIO_API const collio_finding *collio_doctor_finding(const collio_doctor *doctor, int i);

/* The worst level of all findings. Not collective. */
COLLIO_API collio_level collio_doctor_level(const collio_doctor *doctor);

/* Free it and set *doctor to NULL. Not collective.
 *   doctor  in/out  may point to NULL */
COLLIO_API void collio_doctor_free(collio_doctor **doctor);

/*
 * A glance, for program start: only the failures that can be seen in the loaded
 * objects and the launcher's variables, in about a tenth of a millisecond, with
 * nothing written and nothing started. Not collective.
 *   out   out  the first failure
 * Returns 1 if there is one, 0 if not or if the environment variable
 * COLLIO_DOCTOR is 0.
 */
COLLIO_API int collio_doctor_glance(collio_finding *out);

/*
 * Some MPI libraries end the process in MPI_Init when its launcher is another MPI's. A program that
 * says so may call the first of these from an exit handler: the findings of the doctor are then
 * those of a process that MPI_Init has ended. Or the second one, before MPI_Init. Not collective.
 *   out   out  what is to be said if MPI_Init does not return
 * The second one returns 1 if there is something, 0 if not or if COLLIO_DOCTOR is 0.
 */
COLLIO_API void collio_doctor_ended(collio_doctor *doctor);
COLLIO_API int collio_doctor_foresee(collio_finding *out);

/*
 * What the launcher says about this process, by the variables that it was
 * started with. Not collective; MPI need not be initialised.
 *   rank, size  out  -1 and 0 if no launcher says; may be NULL
 * Returns the launcher's name, NULL if there is none.
 */
COLLIO_API const char *collio_doctor_launcher(int *rank, int *size);

/* "fine", "warning", ... Not collective. */
COLLIO_API const char *collio_level_name(collio_level level);

#ifdef __cplusplus
}
#endif
#endif
