/*
 * Checks of Python: this interpreter, by the facts that the extension gives, and the packages that
 * python3 would import, by looking at their files.
 *
 * Facts: python.executable, python.version and python.built ("3.11.2"), numpy.version,
 * numpy.built (version, as at compile time), numpy.abi, numpy.abi_built, numpy.api, numpy.api_built
 * (numbers of NumPy's binary interface), mpi4py.comm_size (bytes), mpi4py.library,
 * mpi.thread_level; <module>.file for collio, mpi4py, h5py, numpy; python.prefix,
 * python.user_site. Each may be missing.
 */
#define _GNU_SOURCE
#include "exam.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* ------------------------------------------------------------------ E30, E31 */

static int same_minor(const char *a, const char *b)
{
    int va[3], vb[3];
    return collio_text_version(a, va) && collio_text_version(b, vb) && va[0] == vb[0] &&
           va[1] == vb[1];
}

static void check_interpreter(collio_exam *exam, collio_finding *f)
{
    const char *now = collio_fact_get(exam, "python.version");
    const char *built = collio_fact_get(exam, "python.built");

    if (now == NULL || built == NULL) {
        collio_say(f, COLLIO_LEVEL_SKIPPED, "not inside Python");
    } else if (same_minor(now, built)) {
        collio_say(f, COLLIO_LEVEL_FINE, "Python %s, built for %s", now, built);
    } else {
        collio_say(f, COLLIO_LEVEL_FAILURE, "collio was built for Python %s, this is %s", built,
                   now);
        collio_mend(f, "rebuild collio: configure PYTHON=%s",
                    collio_fact_get(exam, "python.executable") != NULL
                        ? collio_fact_get(exam, "python.executable")
                        : "python3");
    }
}

/* A number of the facts, as "0x1000009"; -1: not given. */
static long long fact_number(const collio_exam *exam, const char *name)
{
    const char *text = collio_fact_get(exam, name);
    return text != NULL ? strtoll(text, NULL, 0) : -1;
}

/*
 * NumPy numbers the layout of its structures (ABI) and its functions (API). What was built for a
 * newer layout goes with an older one too (NumPy 2 for 1), not the other way round; functions must
 * be there. Without those numbers the first part of the versions stands for the layout.
 */
static int numpy_fits(const collio_exam *exam, const int now[3], const int built[3])
{
    long long abi = fact_number(exam, "numpy.abi"), api = fact_number(exam, "numpy.api");

    if (abi < 0 || api < 0)
        return built[0] >= now[0];
    return fact_number(exam, "numpy.abi_built") >= abi &&
           fact_number(exam, "numpy.api_built") <= api;
}

static void check_numpy(collio_exam *exam, collio_finding *f)
{
    const char *now = collio_fact_get(exam, "numpy.version");
    const char *built = collio_fact_get(exam, "numpy.built");
    int vn[3], vb[3];

    if (now == NULL || built == NULL || !collio_text_version(now, vn) ||
        !collio_text_version(built, vb)) {
        collio_say(f, COLLIO_LEVEL_SKIPPED, "NumPy is not loaded");
        return;
    }
    collio_evidence(f, "NumPy %s; built with the headers of %s", now, built);
    if (collio_fact_get(exam, "numpy.abi") != NULL)
        collio_evidence(
            f, "layout (ABI) %#llx, built for %#llx; functions (API) %#llx, built for %#llx",
            fact_number(exam, "numpy.abi"), fact_number(exam, "numpy.abi_built"),
            fact_number(exam, "numpy.api"), fact_number(exam, "numpy.api_built"));
    if (!numpy_fits(exam, vn, vb)) {
        collio_say(f, COLLIO_LEVEL_FAILURE, "collio was built with NumPy %s, this is %s", built,
                   now);
        collio_mend(f, "rebuild collio with the NumPy that is used");
    } else {
        collio_say(f, COLLIO_LEVEL_FINE, "NumPy %s, built with %s", now, built);
    }
}

/* ---------------------------------------------------------------------- E32 */

static int is_below(const char *file, const char *directory)
{
    size_t length = directory != NULL ? strlen(directory) : 0;
    return length > 0 && strncmp(file, directory, length) == 0 &&
           (file[length] == '/' || directory[length - 1] == '/');
}

/* Whether an environment has packages of its own, so that others come as a surprise. */
static int is_closed(const char *prefix, const char *base)
{
    const char *conda = getenv("CONDA_PREFIX");
    return strcmp(prefix, base) != 0 || (conda != NULL && strcmp(prefix, conda) == 0);
}

/* collio itself may come from anywhere: from where it was built, for one. */
static void check_shadows(collio_exam *exam, collio_finding *f)
{
    static const char *const modules[] = {"mpi4py.file", "h5py.file", "numpy.file"};
    const char *prefix = collio_fact_get(exam, "python.prefix");
    const char *base = collio_fact_get(exam, "python.base_prefix"), *stranger = NULL;

    if (prefix == NULL || base == NULL) {
        collio_say(f, COLLIO_LEVEL_SKIPPED, "not inside Python");
        return;
    }
    for (size_t i = 0; i < sizeof modules / sizeof *modules; i++) {
        const char *file = collio_fact_get(exam, modules[i]);
        if (file == NULL)
            continue;
        collio_evidence(f, "%s", file);
        if (is_closed(prefix, base) && !is_below(file, prefix) && !is_below(file, base))
            stranger = file;
    }
    collio_evidence(f, "sys.prefix: %s", prefix);
    if (getenv("PYTHONPATH") != NULL)
        collio_evidence(f, "PYTHONPATH=%s", getenv("PYTHONPATH"));
    if (stranger != NULL) {
        collio_say(f, COLLIO_LEVEL_WARNING, "%s is used instead of a package of the environment %s",
                   stranger, prefix);
        collio_mend(f, "export PYTHONNOUSERSITE=1; unset PYTHONPATH; or pip uninstall it there");
    } else {
        collio_say(f, COLLIO_LEVEL_FINE, "of this interpreter (prefix %s)", prefix);
    }
}

/* ----------------------------------------------------------------- E01, E35 */

/* Asked of python3: where mpi4py's and h5py's own shared objects are. Nothing is imported. */
static const char question[] =
    "import glob, importlib.util, os\n"
    "for name, pattern in (('mpi4py', 'MPI*.so'), ('h5py', '**/defs*.so')):\n"
    "    spec = importlib.util.find_spec(name)\n"
    "    for place in (spec and spec.submodule_search_locations) or ():\n"
    "        for path in glob.glob(os.path.join(place, pattern), recursive=True):\n"
    "            print(name, path)\n";

/* What a shared object that `ldd` found is. */
static unsigned look_at_file(const char *path, collio_family *family)
{
    struct stat st;
    unsigned marks = 0;
    collio_elf elf;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    void *bytes = MAP_FAILED;

    if (fd >= 0 && fstat(fd, &st) == 0 && st.st_size > 0)
        bytes = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (bytes != MAP_FAILED && collio_elf_file(&elf, bytes, (size_t)st.st_size)) {
        marks |= collio_elf_symbol(&elf, "MPI_Get_library_version") ? COLLIO_IS_MPI : 0;
        marks |= collio_elf_symbol(&elf, "H5open") ? COLLIO_IS_HDF5 : 0;
        marks |= collio_elf_symbol(&elf, "H5Pset_fapl_mpio") ? COLLIO_IS_PARALLEL : 0;
        *family = collio_elf_symbol(&elf, "ompi_mpi_comm_world") ? COLLIO_FAMILY_OPENMPI
                                                                 : COLLIO_FAMILY_MPICH;
    }
    if (bytes != MAP_FAILED)
        munmap(bytes, (size_t)st.st_size);
    if (fd >= 0)
        close(fd);
    return marks;
}

/* What the libraries of one shared object come to. */
typedef struct package {
    char missing[128];    /* a library that the loader does not find */
    collio_family family; /* of the MPI it loads */
    int serial;           /* it loads an HDF5 that is not parallel */
    char mpi[256];
} package;

static void read_ldd_line(package *p, const char *line)
{
    char name[128], path[256];
    collio_family family = COLLIO_FAMILY_UNKNOWN;
    unsigned marks;

    if (sscanf(line, " %127s => %255s", name, path) != 2)
        return;
    if (strcmp(path, "not") == 0) {
        collio_copy_text(p->missing, sizeof p->missing, name);
        return;
    }
    if (strstr(name, "mpi") == NULL && strstr(name, "hdf5") == NULL)
        return;
    marks = look_at_file(path, &family);
    if (marks & COLLIO_IS_MPI) {
        p->family = family;
        collio_copy_text(p->mpi, sizeof p->mpi, path);
    }
    if ((marks & COLLIO_IS_HDF5) && !(marks & COLLIO_IS_PARALLEL))
        p->serial = 1;
}

static void look_at_package(package *p, const char *path)
{
    const char *ask[] = {"ldd", path, NULL};
    char text[16384], *state = NULL;

    memset(p, 0, sizeof *p);
    if (!collio_spawn(ask, text, sizeof text, NULL))
        return;
    for (char *line = strtok_r(text, "\n", &state); line != NULL;
         line = strtok_r(NULL, "\n", &state))
        read_ldd_line(p, line);
}

/* Look at all packages; each shared object that `judge` refuses makes the finding a warning. */
static void look_at_packages(collio_exam *exam, collio_finding *f,
                             int judge(collio_exam *, collio_finding *, const char *,
                                       const package *))
{
    const char *python = collio_fact_get(exam, "python.executable");
    const char *ask[] = {python != NULL ? python : "python3", "-c", question, NULL};
    char text[8192], name[32], path[512], *state = NULL;
    int seen = 0, bad = 0;
    package p;

    if (!exam->may_spawn || !collio_spawn(ask, text, sizeof text, NULL)) {
        collio_say(f, COLLIO_LEVEL_SKIPPED,
                   exam->may_spawn ? "no python3 on PATH" : "not asked here");
        return;
    }
    for (char *line = strtok_r(text, "\n", &state); line != NULL;
         line = strtok_r(NULL, "\n", &state)) {
        if (sscanf(line, "%31s %511[^\n]", name, path) != 2 || path[0] != '/')
            continue;
        look_at_package(&p, path);
        seen++;
        bad += judge(exam, f, path, &p);
    }
    if (seen == 0)
        collio_say(f, COLLIO_LEVEL_SKIPPED, "%s has neither mpi4py nor h5py", ask[0]);
    else if (bad == 0)
        collio_say(f, COLLIO_LEVEL_FINE, "nothing wrong with those of %s", ask[0]);
}

static int judge_missing(collio_exam *exam, collio_finding *f, const char *path, const package *p)
{
    (void)exam;
    if (p->missing[0] == 0) {
        collio_evidence(f, "%s: finds its libraries", path);
        return 0;
    }
    collio_evidence(f, "%s: %s not found", path, p->missing);
    collio_say(f, COLLIO_LEVEL_WARNING, "%s was not found, which %s needs", p->missing, path);
    if (f->mend[0] == 0)
        collio_mend(f,
                    "load the module of that MPI or HDF5 (module load ...), or set LD_LIBRARY_PATH "
                    "(now: %s)",
                    getenv("LD_LIBRARY_PATH") != NULL ? getenv("LD_LIBRARY_PATH") : "not set");
    return 1;
}

static int judge_family(collio_exam *exam, collio_finding *f, const char *path, const package *p)
{
    collio_family ours = collio_built_family();

    (void)exam;
    collio_evidence(f, "%s: %s%s%s", path,
                    p->mpi[0] != 0 ? collio_family_name(p->family) : "no MPI",
                    p->mpi[0] != 0 ? ", " : "", p->mpi[0] != 0 ? p->mpi : "");
    if (p->serial)
        collio_evidence(f, "%s: serial HDF5", path);
    if (p->mpi[0] == 0 || collio_family_matches(p->family, ours))
        return 0;
    collio_say(f, COLLIO_LEVEL_WARNING, "%s uses %s, collio %s: do not import both in one program",
               path, collio_family_name(p->family), collio_family_name(ours));
    if (f->mend[0] == 0)
        collio_mend(
            f,
            "rebuild it with collio's mpicc (pip install --no-binary=:all: --no-cache-dir ...), "
            "or configure collio with CC=mpicc of %s",
            collio_family_name(p->family));
    return 1;
}

static void check_missing(collio_exam *exam, collio_finding *f)
{
    look_at_packages(exam, f, judge_missing);
}

static void check_packages(collio_exam *exam, collio_finding *f)
{
    look_at_packages(exam, f, judge_family);
}

const collio_check collio_checks_python[] = {
    {"E01", "libraries of mpi4py and h5py", check_missing,
     "A package whose libraries are not found cannot be imported.", 1, 0},
    {"E30", "Python as built and as running", check_interpreter,
     "Extensions work with the Python they were built for.", 1, 0},
    {"E31", "NumPy as built and as loaded", check_numpy,
     "An extension knows the layout and the functions of the NumPy that it was built with.", 1, 0},
    {"E32", "where packages come from", check_shadows,
     "A package from elsewhere may be of another version, and built with another MPI.", 1, 0},
    {"E35", "MPI of mpi4py and h5py", check_packages,
     "Two MPI libraries in one process do not know each other's ranks and handles.", 1, 0},
    {0},
};
