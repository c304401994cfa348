/*
 * What the checks of the doctor share. Each check is a function that looks at an
 * exam and fills in one finding; each file doctor_*.c ends with the table of its
 * checks. Functions here are not collective unless said.
 */
#ifndef COLLIO_IO_EXAM_H
#define COLLIO_IO_EXAM_H

#include "collio/doctor.h"
#include "sharedlib.h"
#include "internal.h"

/* --------------------------------------------------- doctor_text.c: parsers */

/* Those from MPICH to ABI can stand for MPICH where its binary interface is meant. */
typedef enum collio_family {
    COLLIO_FAMILY_UNKNOWN,
    COLLIO_FAMILY_OPENMPI,
    COLLIO_FAMILY_MPICH,
    COLLIO_FAMILY_INTEL,
    COLLIO_FAMILY_CRAY,
    COLLIO_FAMILY_MVAPICH,
    COLLIO_FAMILY_ABI /* the standard ABI of MPI 5 */
} collio_family;

const char *collio_family_name(collio_family family);

/* 1 if programs of one can run with the other's library or launcher; unknown is no difference. */
int collio_family_matches(collio_family a, collio_family b);

/* The family by the text of MPI_Get_library_version, `mpiexec --version`, a compiler's name. */
collio_family collio_text_library(const char *text);
collio_family collio_text_launcher(const char *text);
collio_family collio_text_compiler(const char *text);

/* The first "a.b" or "a.b.c" in a text, as numbers (0 where there is none); 0 if there is none. */
int collio_text_version(const char *text, int version[3]);

/* The value of the line "  key: value" in the settings of an HDF5 library (autotools, CMake,
 * Debian, conda); "" and 0 if there is none. `text` need not end with 0. */
int collio_text_setting(const char *text, size_t size, const char *key, char *out, size_t room);

/* yes, ON, TRUE, 1: 1; no, OFF, FALSE, 0: 0; others -1. */
int collio_text_flag(const char *value);

/* The first line, cut to the room. */
void collio_text_line(const char *text, char *out, size_t room);

/* --------------------------------------------------- loaded.c: loaded objects */

#define COLLIO_LOADED_MAX 64 /* objects that have to do with MPI or HDF5 */

enum collio_mark {
    COLLIO_IS_MPI = 1,      /* defines MPI_Get_library_version */
    COLLIO_IS_HDF5 = 2,     /* defines H5open */
    COLLIO_IS_PARALLEL = 4, /* defines H5Pset_fapl_mpio */
    COLLIO_USES_MPI = 8,    /* calls MPI_... of another object */
    COLLIO_USES_HDF5 = 16,
    COLLIO_IS_OURS = 32,   /* holds this very code */
    COLLIO_IS_WRAPPER = 64 /* stands before an MPI (a profiler): PMPI_... is another's */
};

typedef struct collio_loaded {
    char path[512];
    collio_elf elf;
    uintptr_t low, high;       /* where it lies in memory */
    unsigned marks;            /* enum collio_mark */
    int mpi, hdf5;             /* the object that its MPI_..., H5... are bound to; -1 */
    int named_mpi, named_hdf5; /* the one that it was linked with, among those loaded; -1 */
    collio_family family;
} collio_loaded;

typedef struct collio_objects {
    collio_loaded at[COLLIO_LOADED_MAX];
    int count;
    int mpi, hdf5; /* those that collio itself calls; -1 */
} collio_objects;

void collio_objects_read(collio_objects *objects);

/* How many with all of these marks; the i-th of them, NULL out of range. */
int collio_objects_count(const collio_objects *objects, unsigned marks);
const collio_loaded *collio_objects_get(const collio_objects *objects, unsigned marks, int i);

/* MPI_Get_library_version of that very library, on one line, cut to the room. */
void collio_loaded_version(const collio_loaded *mpi, char *out, size_t room);

/* The settings text inside a library, NULL if it has none; *size its length. */
const char *collio_elf_settings(const collio_elf *elf, size_t *size);

/* The soname, or the file's name. */
const char *collio_loaded_name(const collio_loaded *object);

/* ----------------------------------------------- launcher.c: how it was started */

typedef struct collio_launch {
    const char *launcher; /* words for it; NULL: no launcher's variables */
    char variable[64];    /* the variable that tells, with its value */
    collio_family family; /* of the launcher, if that is known */
    int rank, size;       /* what it claims; -1, 0: not told */
    int local_rank;       /* rank among those on this machine; -1 */
} collio_launch;

void collio_launch_read(collio_launch *launch);

/* A variable as it was when the process started (an Open MPI singleton writes launcher's
 * variables into its own environment later); NULL if there was none. */
const char *collio_environment(const char *name, char *out, size_t room);

/*
 * A launcher among the ancestors of this process.
 *   name      out  its program; "" if there is none
 *   siblings  out  processes of the same command line with the same parent, if the launcher is
 *                  the parent, this one included; else 1
 */
void collio_launch_ancestor(char *name, size_t room, int *siblings);

/* ------------------------------------------------------------ spawn.c: programs */

/*
 * Run a program of PATH with its standard input empty, for at most five seconds.
 *   argv    in   ends with NULL
 *   out     out  what it printed, cut to the room, always ended
 *   status  out  exit status, -1 if it had to be ended; may be NULL
 * Returns 0 if it could not be started.
 */
int collio_spawn(const char *const *argv, char *out, size_t room, int *status);

/* The file that a program of PATH is; 0 and "" if there is none. */
int collio_which(const char *program, char *out, size_t room);

/* ----------------------------------------------------------------- the exam */

typedef struct collio_exam {
    collio_doctor_options options;
    const char *directory;
    collio_objects objects;
    collio_launch launch;
    char library[160]; /* MPI_Get_library_version of our MPI, one line */
    int at_a_glance;   /* no evidence that takes long to find */
    int may_spawn;     /* not offline, and one process a machine only */
    int first_here;    /* the one process of this machine that examines it */
    int foreign; /* the MPI that is called is not what collio was built for: pass it no handles */
    int running, world; /* MPI is initialised (and not finalised), and its world's size */
    int ended;          /* by MPI_Init, of which there is no more to be seen */
    collio_comm *comm;  /* stage two */
    int rank, size;     /* in comm */
    collio_error *err;  /* stage two: the communication's */
} collio_exam;

typedef void collio_check_function(collio_exam *exam, collio_finding *finding);

enum collio_when {
    COLLIO_GLANCE = 1, /* also at program start: quick, and able to fail */
    COLLIO_AGAIN = 2   /* once more in stage two: MPI tells more then */
};

typedef struct collio_check {
    const char *id, *subject;
    collio_check_function *run;
    const char *why;
    int stage; /* 1, or 2: collective over exam->comm */
    int when;  /* enum collio_when */
} collio_check;

/* A list of checks; each ends with a NULL id. In the order in which they are shown. */
extern const collio_check collio_checks_mpi[], collio_checks_launch[], collio_checks_hdf5[],
    collio_checks_offered[], collio_checks_python[], collio_checks_machine[], collio_checks_fs[],
    collio_checks_ranks[], collio_checks_cpus[];

/* A fact from the caller; NULL if it is not given. */
const char *collio_fact_get(const collio_exam *exam, const char *name);

/* Write level and text of a finding; add a line to its evidence; say how to mend it. */
void collio_say(collio_finding *f, collio_level level, const char *format, ...) COLLIO_PRINTF(3, 4);
void collio_mend(collio_finding *f, const char *format, ...) COLLIO_PRINTF(2, 3);
void collio_evidence(collio_finding *f, const char *format, ...) COLLIO_PRINTF(2, 3);

/* Stage two, collective: gather `size` bytes of every rank, to be freed; NULL if the ranks do not
 * answer (the finding says so). */
void *collio_exam_gather(collio_exam *exam, collio_finding *f, const void *mine, size_t size,
                         const char *what);

/* A number for this machine, by its name. */
uint64_t collio_exam_host(void);

/* The MPI that collio was compiled for. */
collio_family collio_built_family(void);
void collio_built_version(int version[3]);

#endif
