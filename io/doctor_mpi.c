/* Checks of the MPI library: how many there are, whether all mean the same one, what it can do. */
#define _GNU_SOURCE
#include "exam.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ------------------------------------------------------------------ as built */

collio_family collio_built_family(void)
{
#if defined(OPEN_MPI)
    return COLLIO_FAMILY_OPENMPI;
#elif defined(I_MPI_VERSION)
    return COLLIO_FAMILY_INTEL;
#elif defined(CRAY_MPICH_VERSION)
    return COLLIO_FAMILY_CRAY;
#elif defined(MVAPICH2_VERSION) || defined(MVAPICH_VERSION)
    return COLLIO_FAMILY_MVAPICH;
#elif defined(MPI_ABI_VERSION)
    return COLLIO_FAMILY_ABI;
#elif defined(MPICH_VERSION)
    return COLLIO_FAMILY_MPICH;
#else
    return COLLIO_FAMILY_UNKNOWN;
#endif
}

void collio_built_version(int version[3])
{
#if defined(OPEN_MPI)
    version[0] = OMPI_MAJOR_VERSION;
    version[1] = OMPI_MINOR_VERSION;
    version[2] = OMPI_RELEASE_VERSION;
#elif defined(I_MPI_VERSION)
    collio_text_version(I_MPI_VERSION, version);
#elif defined(MPICH_VERSION)
    collio_text_version(MPICH_VERSION, version);
#else
    version[0] = version[1] = version[2] = 0;
#endif
}

static const collio_loaded *our_mpi(const collio_exam *exam)
{
    return exam->objects.mpi >= 0 ? &exam->objects.at[exam->objects.mpi] : NULL;
}

/* ---------------------------------------------------------------------- E02 */

/* Several objects of one Cray product are one MPI; so is a profiler with the MPI behind it. */
static int is_another(const collio_loaded *mpi, const collio_loaded *ours)
{
    if (mpi == ours || (mpi->marks & COLLIO_IS_WRAPPER))
        return 0;
    return !(mpi->family == COLLIO_FAMILY_CRAY && ours->family == COLLIO_FAMILY_CRAY);
}

static void list_users(const collio_exam *exam, collio_finding *f)
{
    for (int i = 0; i < exam->objects.count; i++) {
        const collio_loaded *o = &exam->objects.at[i];
        if ((o->marks & COLLIO_USES_MPI) && o->mpi >= 0)
            collio_evidence(f, "%s calls %s", o->path, exam->objects.at[o->mpi].path);
    }
}

static void check_one_mpi(collio_exam *exam, collio_finding *f)
{
    const collio_loaded *ours = our_mpi(exam), *mpi, *other = NULL;
    char version[160];

    if (ours == NULL) {
        collio_say(f, COLLIO_LEVEL_SKIPPED, "the MPI library in use was not found");
        return;
    }
    for (int i = 0; (mpi = collio_objects_get(&exam->objects, COLLIO_IS_MPI, i)) != NULL; i++) {
        collio_loaded_version(mpi, version, sizeof version);
        collio_evidence(f, "%s: %s", mpi->path, version);
        if (is_another(mpi, ours))
            other = mpi;
    }
    list_users(exam, f);
    if (other == NULL) {
        collio_say(f, COLLIO_LEVEL_FINE, "one, %s (%s)", collio_family_name(ours->family),
                   ours->path);
        return;
    }
    collio_say(f, COLLIO_LEVEL_FAILURE,
               "two MPI libraries in one process: collio uses %s (%s), and "
               "there is %s (%s)",
               collio_family_name(ours->family), ours->path, collio_family_name(other->family),
               other->path);
    collio_mend(
        f, "rebuild what uses the other one (below: 'calls') with the compiler wrapper of "
           "collio's MPI, for mpi4py:\n"
           "MPICC=mpicc pip install --force-reinstall --no-cache-dir --no-binary=mpi4py mpi4py");
}

/* ---------------------------------------------------------------------- E03 */

static void check_mpi4py(collio_exam *exam, collio_finding *f)
{
    const char *size = collio_fact_get(exam, "mpi4py.comm_size");
    const char *library = collio_fact_get(exam, "mpi4py.library");
    char line[160];
    int same = 1;

    if (size == NULL) {
        collio_say(f, COLLIO_LEVEL_SKIPPED, "mpi4py is not loaded");
        return;
    }
    if (library != NULL) {
        collio_text_line(library, line, sizeof line);
        same = strcmp(line, exam->library) == 0;
        collio_evidence(f, "mpi4py's MPI: %s", line);
    }
    collio_evidence(f, "collio's MPI: %s", exam->library);
    collio_evidence(f, "bytes of a communicator handle: mpi4py %s, collio %zu", size,
                    sizeof(MPI_Comm));
    if (same && (size_t)atol(size) == sizeof(MPI_Comm)) {
        collio_say(f, COLLIO_LEVEL_FINE, "mpi4py and collio use the same one");
        return;
    }
    collio_say(f, COLLIO_LEVEL_FAILURE,
               "mpi4py uses another MPI than collio: its communicators "
               "cannot be used here");
    collio_mend(
        f, "MPICC=mpicc pip install --force-reinstall --no-cache-dir --no-binary=mpi4py mpi4py");
}

/* ---------------------------------------------------------------------- E04 */

static void check_built(collio_exam *exam, collio_finding *f)
{
    const collio_loaded *ours = our_mpi(exam);
    collio_family built = collio_built_family();
    int then[3], now[3], older;

    if (ours == NULL || !collio_text_version(exam->library, now)) {
        collio_say(f, COLLIO_LEVEL_SKIPPED, "the MPI library in use tells no version");
        return;
    }
    collio_built_version(then);
    collio_evidence(f, "built for %s %d.%d.%d", collio_family_name(built), then[0], then[1],
                    then[2]);
    collio_evidence(f, "loaded %s: %s", ours->path, exam->library);
    older = now[0] < then[0] || (now[0] == then[0] && now[1] < then[1]);
    if (!collio_family_matches(built, ours->family)) {
        collio_say(f, COLLIO_LEVEL_FAILURE, "collio was built for %s, and %s is loaded (%s)",
                   collio_family_name(built), collio_family_name(ours->family), ours->path);
        list_users(exam, f);
        collio_mend(f, "rebuild collio with the mpicc of the MPI that is used, or take the other "
                       "MPI out of LD_LIBRARY_PATH and LD_PRELOAD");
    } else if (built == ours->family && older) {
        collio_say(f, COLLIO_LEVEL_WARNING,
                   "an older %s is loaded (%d.%d.%d) than collio was built "
                   "for (%d.%d.%d)",
                   collio_family_name(built), now[0], now[1], now[2], then[0], then[1], then[2]);
        collio_mend(f, "load the newer MPI (module load ..., LD_LIBRARY_PATH), or rebuild collio");
    } else {
        collio_say(f, COLLIO_LEVEL_FINE, "%s %d.%d.%d, built for %d.%d.%d",
                   collio_family_name(ours->family), now[0], now[1], now[2], then[0], then[1],
                   then[2]);
    }
}

/* ---------------------------------------------------------------------- E05 */

static int needs(const collio_loaded *user, const collio_loaded *library)
{
    for (size_t i = 0; i < user->elf.needed_count; i++) {
        const char *name = collio_elf_string(&user->elf, user->elf.needed[i]);
        if (name != NULL && strcmp(name, collio_loaded_name(library)) == 0)
            return 1;
    }
    return 0;
}

static void check_linked(collio_exam *exam, collio_finding *f)
{
    const collio_loaded *code = collio_objects_get(&exam->objects, COLLIO_IS_OURS, 0);
    const collio_loaded *mpi = our_mpi(exam);

    if (code == NULL || mpi == NULL) {
        collio_say(f, COLLIO_LEVEL_SKIPPED, "collio's own object was not found");
    } else if (needs(code, mpi)) {
        collio_say(f, COLLIO_LEVEL_FINE, "collio names %s itself", collio_loaded_name(mpi));
    } else {
        collio_say(f, COLLIO_LEVEL_WARNING,
                   "%s does not name the MPI library: it took the one that "
                   "happened to be loaded (%s)",
                   code->path, mpi->path);
        collio_mend(f, "rebuild collio with CC=mpicc and without -Wl,--as-needed");
    }
}

/* ---------------------------------------------------------------------- E06 */

static void check_threads(collio_exam *exam, collio_finding *f)
{
    static const char *const names[] = {"single", "funneled", "serialized", "multiple"};
    const int levels[] = {MPI_THREAD_SINGLE, MPI_THREAD_FUNNELED, MPI_THREAD_SERIALIZED,
                          MPI_THREAD_MULTIPLE};
    const char *wanted = collio_fact_get(exam, "mpi.thread_level");
    int provided = MPI_THREAD_SINGLE, have = 0, want = 2;

    if (!exam->running) {
        collio_say(f, COLLIO_LEVEL_SKIPPED, "MPI is not initialised");
        return;
    }
    MPI_Query_thread(&provided);
    for (int i = 0; i < 4; i++) {
        if (levels[i] == provided)
            have = i;
        if (wanted != NULL && strcmp(names[i], wanted) == 0)
            want = i;
    }
    if (have >= want) {
        collio_say(f, COLLIO_LEVEL_FINE, "MPI_THREAD level %s", names[have]);
        return;
    }
    collio_say(f, COLLIO_LEVEL_WARNING, "MPI gives threads at level %s, less than %s", names[have],
               names[want]);
    collio_mend(f,
                "initialise MPI with MPI_Init_thread(..., MPI_THREAD_SERIALIZED or more), or use "
                "an MPI built with threads");
}

/* ---------------------------------------------------------------------- E07 */

static void check_large_counts(collio_exam *exam, collio_finding *f)
{
#if MPI_VERSION >= 4
    int version[3] = {0, 0, 0};

    collio_text_version(exam->library, version);
    if (collio_built_family() == COLLIO_FAMILY_MPICH &&
        (version[0] < 4 || (version[0] == 4 && version[1] < 2)))
        collio_say(f, COLLIO_LEVEL_NOTE,
                   "MPI-4 large counts, with known defects before MPICH 4.2.2: "
                   "collio does not rely on them");
    else
        collio_say(f, COLLIO_LEVEL_FINE, "MPI-4 large counts");
#else
    (void)exam;
    collio_say(f, COLLIO_LEVEL_NOTE,
               "an MPI before MPI-4: messages of more than %d elements have to "
               "be split; collio does so in files",
               INT_MAX);
#endif
}

/* ---------------------------------------------------------------------- E08 */

static void check_known_bad(collio_exam *exam, collio_finding *f)
{
    const collio_loaded *ours = our_mpi(exam);
    const char *io = getenv("OMPI_MCA_io");
    int version[3];

    if (ours == NULL || ours->family != COLLIO_FAMILY_OPENMPI ||
        !collio_text_version(exam->library, version)) {
        collio_say(f, COLLIO_LEVEL_FINE, "none known for this one");
        return;
    }
    collio_evidence(f, "Open MPI %d.%d.%d, OMPI_MCA_io=%s", version[0], version[1], version[2],
                    io != NULL ? io : "(not set: OMPIO)");
    if (version[0] == 4 && version[1] == 0 && version[2] <= 2 && io == NULL) {
        collio_say(f, COLLIO_LEVEL_WARNING,
                   "OMPIO of Open MPI 4.0.0-4.0.2 writes wrong data in "
                   "some collective writes");
        collio_mend(f, "export OMPI_MCA_io=romio321, or a newer Open MPI");
    } else if (version[0] == 4 && io != NULL && strstr(io, "romio") != NULL) {
        collio_say(f, COLLIO_LEVEL_NOTE,
                   "ROMIO inside Open MPI 4: h5py and HDF5 with chunked "
                   "datasets had defects there; collio's own files do not use it");
    } else {
        collio_say(f, COLLIO_LEVEL_FINE, "none known for Open MPI %d.%d.%d", version[0], version[1],
                   version[2]);
    }
}

const collio_check collio_checks_mpi[] = {
    /* First of all: after this failure nothing of MPI can be called. */
    {"E04", "MPI as built and as loaded", check_built,
     "Constants and handles are compiled in: with another MPI they mean something else.", 1,
     COLLIO_GLANCE},
    {"E02", "MPI libraries in the process", check_one_mpi,
     "Each MPI library has its own ranks and handles. Handles of one given to the other crash, or "
     "silently mean something else.",
     1, COLLIO_GLANCE},
    {"E03", "mpi4py's MPI", check_mpi4py,
     "A communicator of mpi4py is an address or a number that only its own MPI library can read.",
     1, COLLIO_GLANCE},
    {"E05", "collio's link to MPI", check_linked,
     "A library that does not name its MPI gets whichever another one has loaded.", 1, 0},
    {"E06", "threads", check_threads,
     "Checkpoints flushed in the background, and Python programs with threads, call MPI from more "
     "than one thread.",
     1, COLLIO_AGAIN},
    {"E07", "large counts", check_large_counts,
     "Counts are 32-bit integers before MPI-4: more elements at once overflow.", 1, 0},
    {"E08", "known defects of this MPI", check_known_bad,
     "Some releases write wrong data without an error.", 1, 0},
    {0},
};
