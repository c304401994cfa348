/* Checks of the HDF5 libraries that are loaded: parallel or not, of which MPI, how many, which
 * version. */
#define _GNU_SOURCE
#include "exam.h"

#include <hdf5.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/vfs.h>

#define NFS_MAGIC 0x6969

/* collio moves the data itself, so it can do with a serial HDF5 if it was built with one. */
#ifdef H5_HAVE_PARALLEL
#define BUILT_PARALLEL 1
#else
#define BUILT_PARALLEL 0
#endif

static const collio_loaded *our_hdf5(const collio_exam *exam)
{
    return exam->objects.hdf5 >= 0 ? &exam->objects.at[exam->objects.hdf5] : NULL;
}

/* One value of the settings inside a library; "not embedded" where it carries none. */
static void setting(const collio_loaded *hdf5, const char *key, char *out, size_t room)
{
    size_t size;
    const char *text = collio_elf_settings(&hdf5->elf, &size);

    if (text == NULL || !collio_text_setting(text, size, key, out, room))
        collio_copy_text(out, room, "not embedded");
}

static void describe(collio_finding *f, const collio_loaded *hdf5)
{
    char version[32], parallel[32], compiler[64];

    setting(hdf5, "HDF5 Version", version, sizeof version);
    setting(hdf5, "Parallel HDF5", parallel, sizeof parallel);
    setting(hdf5, "C Compiler", compiler, sizeof compiler);
    compiler[strcspn(compiler, "(")] = 0;
    collio_evidence(f, "%s: version %s, parallel %s (%s H5Pset_fapl_mpio), compiler %s", hdf5->path,
                    version, parallel, hdf5->marks & COLLIO_IS_PARALLEL ? "has" : "lacks",
                    compiler);
}

static void say_not_found(collio_finding *f)
{
    collio_say(f, COLLIO_LEVEL_SKIPPED, "the HDF5 library in use was not found");
}

/* ---------------------------------------------------------------------- E20 */

static void check_parallel(collio_exam *exam, collio_finding *f)
{
    const collio_loaded *ours = our_hdf5(exam), *hdf5, *serial = NULL;

    if (ours == NULL) {
        say_not_found(f);
        return;
    }
    for (int i = 0; (hdf5 = collio_objects_get(&exam->objects, COLLIO_IS_HDF5, i)) != NULL; i++) {
        if (!exam->at_a_glance)
            describe(f, hdf5);
        if (!(hdf5->marks & COLLIO_IS_PARALLEL))
            serial = hdf5;
    }
    if (!(ours->marks & COLLIO_IS_PARALLEL)) {
        collio_say(f, BUILT_PARALLEL ? COLLIO_LEVEL_FAILURE : COLLIO_LEVEL_NOTE, "%s is serial, %s",
                   ours->path,
                   BUILT_PARALLEL
                       ? "and collio was built with a parallel one"
                       : "as collio was built: it can do all with that, h5py's driver='mpio' "
                         "cannot be");
        collio_mend(f,
                    "Debian: apt install libhdf5-%s-dev; conda: conda install 'hdf5=*=mpi_%s*'; "
                    "then rebuild collio with --with-hdf5",
                    collio_built_family() == COLLIO_FAMILY_OPENMPI ? "openmpi" : "mpich",
                    collio_built_family() == COLLIO_FAMILY_OPENMPI ? "openmpi" : "mpich");
    } else if (serial != NULL) {
        collio_say(f, COLLIO_LEVEL_NOTE,
                   "collio's is parallel; another one here is serial (%s), so "
                   "h5py's driver='mpio' is missing",
                   serial->path);
        collio_mend(f, "HDF5_MPI=ON CC=mpicc pip install --force-reinstall --no-cache-dir "
                       "--no-binary=h5py h5py");
    } else {
        collio_say(f, COLLIO_LEVEL_FINE, "parallel (%s)", ours->path);
    }
}

/* ---------------------------------------------------------------------- E21 */

/* An MPI of a library that is not collio's: the one it calls, or the one it was made for, when
 * its calls went astray. NULL: none. */
static const collio_loaded *other_mpi(const collio_exam *exam, const collio_loaded *hdf5)
{
    const int candidates[] = {hdf5->mpi, hdf5->named_mpi};

    for (int i = 0; i < 2; i++)
        if (candidates[i] >= 0 && candidates[i] != exam->objects.mpi &&
            !(exam->objects.at[candidates[i]].marks & COLLIO_IS_WRAPPER))
            return &exam->objects.at[candidates[i]];
    return NULL;
}

static void check_same_mpi(collio_exam *exam, collio_finding *f)
{
    const collio_loaded *hdf5, *wrong = NULL, *wrong_mpi = NULL;

    if (our_hdf5(exam) == NULL || exam->objects.mpi < 0) {
        say_not_found(f);
        return;
    }
    for (int i = 0; (hdf5 = collio_objects_get(&exam->objects, COLLIO_IS_HDF5, i)) != NULL; i++) {
        if (hdf5->mpi >= 0)
            collio_evidence(f, "%s calls %s", hdf5->path, exam->objects.at[hdf5->mpi].path);
        if (hdf5->named_mpi >= 0 && hdf5->named_mpi != hdf5->mpi)
            collio_evidence(f, "%s was linked with %s", hdf5->path,
                            exam->objects.at[hdf5->named_mpi].path);
        if (other_mpi(exam, hdf5) != NULL) {
            wrong = hdf5;
            wrong_mpi = other_mpi(exam, hdf5);
        }
    }
    if (wrong == NULL) {
        collio_say(f, COLLIO_LEVEL_FINE, "the same as collio's");
        return;
    }
    collio_say(f, COLLIO_LEVEL_FAILURE, "%s is for %s (%s), collio uses %s", wrong->path,
               collio_family_name(wrong_mpi->family), wrong_mpi->path,
               exam->objects.at[exam->objects.mpi].path);
    collio_mend(
        f,
        "rebuild what brings that HDF5, for h5py:\n"
        "HDF5_MPI=ON CC=mpicc pip install --force-reinstall --no-cache-dir --no-binary=h5py h5py");
}

/* The settings may name another MPI than the one that is called: a library that was replaced. */
static void check_compiler(collio_exam *exam, collio_finding *f)
{
    const collio_loaded *ours = our_hdf5(exam);
    char compiler[256];
    collio_family family;

    if (ours == NULL || exam->objects.mpi < 0) {
        say_not_found(f);
        return;
    }
    setting(ours, "C Compiler", compiler, sizeof compiler);
    compiler[strcspn(compiler, "(")] = 0;
    family = collio_text_compiler(compiler);
    collio_evidence(f, "%s: C compiler %s", ours->path, compiler);
    if (family == COLLIO_FAMILY_UNKNOWN)
        collio_say(f, COLLIO_LEVEL_SKIPPED, "its compiler (%s) does not tell the MPI", compiler);
    else if (collio_family_matches(family, exam->objects.at[exam->objects.mpi].family))
        collio_say(f, COLLIO_LEVEL_FINE, "%s", compiler);
    else {
        collio_say(f, COLLIO_LEVEL_FAILURE, "libhdf5 was compiled with %s, collio uses %s",
                   compiler, exam->library);
        collio_mend(f, "take an HDF5 built with the same MPI: configure --with-hdf5=DIR");
    }
}

/* ---------------------------------------------------------------------- E22 */

/* 1 if what one object calls H5... may be taken from the other library by mistake. */
static int may_mix(const collio_loaded *a, const collio_loaded *b)
{
    const char *va = collio_elf_symbol_version(&a->elf, "H5open");
    const char *vb = collio_elf_symbol_version(&b->elf, "H5open");

    if (strcmp(collio_loaded_name(a), collio_loaded_name(b)) == 0)
        return 1;
    return va != NULL && vb != NULL && strcmp(va, vb) == 0;
}

static void check_one_hdf5(collio_exam *exam, collio_finding *f)
{
    const collio_loaded *ours = our_hdf5(exam), *hdf5, *other = NULL;
    collio_level level = COLLIO_LEVEL_FINE;

    if (ours == NULL) {
        say_not_found(f);
        return;
    }
    for (int i = 0; (hdf5 = collio_objects_get(&exam->objects, COLLIO_IS_HDF5, i)) != NULL; i++) {
        const char *version = collio_elf_symbol_version(&hdf5->elf, "H5open");
        collio_evidence(f, "%s: symbol version %s", hdf5->path, version != NULL ? version : "none");
        if (hdf5 == ours)
            continue;
        if (other == NULL || may_mix(ours, hdf5))
            other = hdf5;
        if (level != COLLIO_LEVEL_FAILURE)
            level = may_mix(ours, hdf5) ? COLLIO_LEVEL_FAILURE : COLLIO_LEVEL_WARNING;
    }
    if (other == NULL) {
        collio_say(f, level, "one (%s)", ours->path);
        return;
    }
    for (int i = 0; i < exam->objects.count; i++) {
        const collio_loaded *o = &exam->objects.at[i];
        if (o->hdf5 < 0)
            continue;
        collio_evidence(f, "%s calls %s", o->path, exam->objects.at[o->hdf5].path);
        if (o->named_hdf5 >= 0 && o->named_hdf5 != o->hdf5)
            level = COLLIO_LEVEL_FAILURE;
    }
    collio_say(f, level, "two HDF5 libraries in one process%s: collio uses %s, and there is %s",
               level == COLLIO_LEVEL_FAILURE ? ", whose symbols may be taken for each other's" : "",
               ours->path, other->path);
    collio_mend(
        f,
        "do not pass HDF5 ids from one to the other, nor keep a file open in both; or "
        "build h5py with collio's HDF5:\n"
        "HDF5_MPI=ON CC=mpicc pip install --force-reinstall --no-cache-dir --no-binary=h5py h5py");
}

/* ---------------------------------------------------------------------- E23 */

static void check_version(collio_exam *exam, collio_finding *f)
{
    unsigned major = 0, minor = 0, release = 0;
    (void)exam;

    H5get_libversion(&major, &minor, &release);
    collio_evidence(f, "headers: %s; library: %u.%u.%u", H5_VERS_INFO, major, minor, release);
    if (getenv("HDF5_DISABLE_VERSION_CHECK") != NULL)
        collio_evidence(f, "HDF5_DISABLE_VERSION_CHECK=%s: HDF5's own check is off",
                        getenv("HDF5_DISABLE_VERSION_CHECK"));
    if (major != H5_VERS_MAJOR || minor != H5_VERS_MINOR) {
        collio_say(f, COLLIO_LEVEL_FAILURE,
                   "collio was built for HDF5 %d.%d.%d, and %u.%u.%u is loaded", H5_VERS_MAJOR,
                   H5_VERS_MINOR, H5_VERS_RELEASE, major, minor, release);
        collio_mend(f, "rebuild collio, or take the other HDF5 out of LD_LIBRARY_PATH");
    } else if (release != H5_VERS_RELEASE) {
        collio_say(f, COLLIO_LEVEL_WARNING,
                   "collio was built for HDF5 %d.%d.%d, and %u.%u.%u is loaded", H5_VERS_MAJOR,
                   H5_VERS_MINOR, H5_VERS_RELEASE, major, minor, release);
        collio_mend(f, "rebuild collio");
    } else {
        collio_say(f, COLLIO_LEVEL_FINE, "%u.%u.%u, as in the headers collio was built with", major,
                   minor, release);
    }
}

/* ---------------------------------------------------------------------- E26 */

struct search {
    collio_finding *finding;
    int found;
};

/* A loaded object that carries HDF5's settings but does not offer HDF5's functions. */
static int look_for_static(struct dl_phdr_info *info, size_t size, void *data)
{
    struct search *search = data;
    collio_elf elf;
    size_t length;
    (void)size;

    if (!collio_elf_mapped(&elf, info) || collio_elf_symbol(&elf, "H5open") != 0 ||
        collio_elf_settings(&elf, &length) == NULL)
        return 0;
    collio_evidence(search->finding, "HDF5's settings text lies in %s",
                    info->dlpi_name[0] != 0 ? info->dlpi_name : "the program itself");
    search->found = 1;
    return 0;
}

static void check_static(collio_exam *exam, collio_finding *f)
{
    struct search search = {f, 0};
    (void)exam;

    dl_iterate_phdr(look_for_static, &search);
    if (!search.found) {
        collio_say(f, COLLIO_LEVEL_FINE, "none");
        return;
    }
    collio_say(f, COLLIO_LEVEL_WARNING, "HDF5 is linked into an object as a static library");
    collio_mend(f, "build that object with the shared library (h5pcc -shlib)");
}

/* ---------------------------------------------------------------------- E27 */

static int on_nfs(const char *directory)
{
    struct statfs fs;
    return statfs(directory, &fs) == 0 && fs.f_type == NFS_MAGIC;
}

static void check_known(collio_exam *exam, collio_finding *f)
{
    unsigned major = 0, minor = 0, release = 0;

    H5get_libversion(&major, &minor, &release);
    if (major == 1 &&
        ((minor == 10 && release >= 5 && release <= 8) || (minor == 12 && release <= 1)))
        collio_evidence(f, "H5Pset_all_coll_metadata_ops has no effect in this version");
    if (major == 1 && minor == 10 && release < 5)
        collio_evidence(f, "no H5Dget_chunk_info before 1.10.5: no parallel compression in collio");
    collio_evidence(f, "in every version a failing collective H5Dwrite may hang; collio writes "
                       "contiguous datasets itself and does not, h5py does");
    if ((major > 1 || minor >= 14) && on_nfs(exam->directory)) {
        collio_say(f, COLLIO_LEVEL_WARNING,
                   "HDF5 %u.%u.%u on NFS loses data of MPI-IO unless it "
                   "syncs after writes",
                   major, minor, release);
        collio_mend(f, "export HDF5_DO_MPI_FILE_SYNC=TRUE");
        return;
    }
    collio_say(f, COLLIO_LEVEL_NOTE, "known limits of HDF5 %u.%u.%u, none in collio's way", major,
               minor, release);
}

/* ---------------------------------------------------------------------- E28 */

static void check_features(collio_exam *exam, collio_finding *f)
{
    const char *plugins = getenv("HDF5_PLUGIN_PATH"), *locks = getenv("HDF5_USE_FILE_LOCKING");
    hbool_t safe = 0;
    (void)exam;

    H5is_library_threadsafe(&safe);
    collio_say(f, COLLIO_LEVEL_NOTE, "gzip %s, szip %s, thread-safe %s",
               H5Zfilter_avail(H5Z_FILTER_DEFLATE) > 0 ? "yes" : "no",
               H5Zfilter_avail(H5Z_FILTER_SZIP) > 0 ? "yes" : "no", safe ? "yes" : "no");
    collio_evidence(f, "HDF5_PLUGIN_PATH=%s", plugins != NULL ? plugins : "(not set)");
    collio_evidence(f, "HDF5_USE_FILE_LOCKING=%s", locks != NULL ? locks : "(not set)");
}

const collio_check collio_checks_hdf5[] = {
    {"E20", "parallel HDF5", check_parallel,
     "A serial HDF5 cannot write one file from several ranks. collio's own files do not need that, "
     "h5py's driver='mpio' and other programs do.",
     1, COLLIO_GLANCE},
    {"E21", "HDF5's MPI", check_same_mpi,
     "HDF5 gets its communicator from collio: it must come from the MPI that HDF5 calls.", 1,
     COLLIO_GLANCE},
    {"E21b", "HDF5's compiler", check_compiler,
     "HDF5 was compiled for one MPI's handles and constants.", 1, 0},
    {"E22", "HDF5 libraries in the process", check_one_hdf5,
     "Each HDF5 has its own ids, caches and open files. What one holds open the other may damage.",
     1, COLLIO_GLANCE},
    {"E23", "HDF5 as built and as loaded", check_version,
     "Structures and constants differ between HDF5's minor versions.", 1, COLLIO_GLANCE},
    {"E26", "HDF5 inside other objects", check_static,
     "A second HDF5 that nothing shows: ids and open files of one mean nothing to the other.", 1,
     0},
    {"E27", "known limits of this HDF5", check_known,
     "Some releases ignore settings, or hang on errors.", 1, 0},
    {"E28", "HDF5's features", check_features, "What files of others may need.", 1, 0},
    {0},
};
