/* Checks of the machine: limits and memory shared between processes, and the environment that the
 * dynamic loader goes by. */
#define _GNU_SOURCE
#include "exam.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/statvfs.h>
#include <unistd.h>

/* ---------------------------------------------------------------------- E50 */

static void check_limits(collio_exam *exam, collio_finding *f)
{
    struct rlimit files = {RLIM_INFINITY, RLIM_INFINITY};
    struct statvfs shm;
    double free_mib = -1;
    (void)exam;

    getrlimit(RLIMIT_NOFILE, &files);
    if (statvfs("/dev/shm", &shm) == 0)
        free_mib = (double)shm.f_bavail * (double)shm.f_frsize / (1 << 20);
    collio_evidence(f, "open files: at most %llu; /dev/shm: %.0f MiB free",
                    (unsigned long long)files.rlim_cur, free_mib);
    if (free_mib >= 0 && free_mib < 16) {
        collio_say(f, COLLIO_LEVEL_WARNING,
                   "/dev/shm has only %.0f MiB free: ranks of one machine "
                   "send messages through it",
                   free_mib);
        collio_mend(f, "remove what was left there, or start the container with --shm-size=1g");
    } else if (files.rlim_cur < 256) {
        collio_say(f, COLLIO_LEVEL_WARNING,
                   "a process may open only %llu files: too few to merge or "
                   "restart from per-rank files",
                   (unsigned long long)files.rlim_cur);
        collio_mend(f, "ulimit -n 4096");
    } else {
        collio_say(f, COLLIO_LEVEL_FINE, "enough open files and shared memory");
    }
}

/* ---------------------------------------------------------------------- E33 */

/* The first file of that name in the search path of an object ($ORIGIN: its own directory). */
static int first_in_path(const collio_loaded *object, const char *list, const char *name, char *out)
{
    char directory[PATH_MAX], path[3 * PATH_MAX], *slash;

    collio_copy_text(directory, sizeof directory, object->path);
    if ((slash = strrchr(directory, '/')) != NULL)
        *slash = 0;
    while (list != NULL && *list != 0) {
        int length = (int)strcspn(list, ":"), skip = 0;
        if (strncmp(list, "$ORIGIN", 7) == 0)
            skip = 7;
        else if (strncmp(list, "${ORIGIN}", 9) == 0)
            skip = 9;
        snprintf(path, sizeof path, "%s%.*s/%s", skip > 0 ? directory : "", length - skip,
                 list + skip, name);
        if (realpath(path, out) != NULL)
            return 1;
        list += length + (list[length] == ':');
    }
    return 0;
}

/* Whether an object got another MPI or HDF5 than the first one on its own search path. */
static int was_diverted(const collio_exam *exam, const collio_loaded *object, collio_finding *f)
{
    const collio_elf *elf = &object->elf;
    uint64_t offset = elf->runpath != 0 ? elf->runpath : elf->rpath;
    const char *list = offset != 0 ? collio_elf_string(elf, offset) : NULL;
    char wanted[PATH_MAX];
    int diverted = 0;

    for (size_t k = 0; list != NULL && k < elf->needed_count; k++) {
        const char *name = collio_elf_string(elf, elf->needed[k]);
        for (int i = 0; name != NULL && i < exam->objects.count; i++) {
            const collio_loaded *got = &exam->objects.at[i];
            if (!(got->marks & (COLLIO_IS_MPI | COLLIO_IS_HDF5)) ||
                strcmp(collio_loaded_name(got), name) != 0 ||
                !first_in_path(object, list, name, wanted) || strcmp(wanted, got->path) == 0)
                continue;
            collio_evidence(f, "%s asks for %s, and got %s", object->path, wanted, got->path);
            diverted = 1;
        }
    }
    return diverted;
}

/* Whether this process belongs to a conda environment: its program, or its Python, lies there. */
static int is_of_conda(const collio_exam *exam, const char *prefix)
{
    const char *python = collio_fact_get(exam, "python.prefix");
    char program[PATH_MAX], real[PATH_MAX];
    size_t length;

    if (prefix == NULL || realpath(prefix, real) == NULL)
        return 0;
    if (python != NULL && strcmp(python, prefix) == 0)
        return 1;
    length = strlen(real);
    return realpath("/proc/self/exe", program) != NULL && strncmp(program, real, length) == 0 &&
           program[length] == '/';
}

/* Whether an environment of conda has its own file for a library that came from elsewhere. (Its
 * objects name their places by DT_RPATH or not at all, so that those tell nothing.) */
static int left_conda(const collio_exam *exam, collio_finding *f)
{
    const char *prefix = getenv("CONDA_PREFIX");
    char path[PATH_MAX], wanted[PATH_MAX];
    int left = 0;

    for (int i = 0; is_of_conda(exam, prefix) && i < exam->objects.count; i++) {
        const collio_loaded *got = &exam->objects.at[i];
        if (!(got->marks & (COLLIO_IS_MPI | COLLIO_IS_HDF5)))
            continue;
        snprintf(path, sizeof path, "%.2000s/lib/%.500s", prefix, collio_loaded_name(got));
        if (realpath(path, wanted) == NULL || strcmp(wanted, got->path) == 0)
            continue;
        collio_evidence(f, "conda has %s, and %s is loaded", wanted, got->path);
        left = 1;
    }
    return left;
}

static void check_search_path(collio_exam *exam, collio_finding *f)
{
    const char *path = getenv("LD_LIBRARY_PATH"), *preload = getenv("LD_PRELOAD");
    int diverted = left_conda(exam, f);

    for (int i = 0; i < exam->objects.count; i++)
        diverted |= was_diverted(exam, &exam->objects.at[i], f);
    if (path != NULL)
        collio_evidence(f, "LD_LIBRARY_PATH=%s", path);
    if (preload != NULL)
        collio_evidence(f, "LD_PRELOAD=%s", preload);
    if (getenv("CONDA_PREFIX") != NULL)
        collio_evidence(f, "CONDA_PREFIX=%s", getenv("CONDA_PREFIX"));
    if (diverted) {
        collio_say(f, COLLIO_LEVEL_WARNING,
                   "MPI or HDF5 did not come from where the program that "
                   "uses them asks for");
        collio_mend(f,
                    "unset LD_LIBRARY_PATH%s; inside conda install MPI, HDF5 and what uses them "
                    "from conda alone",
                    preload != NULL ? " LD_PRELOAD" : "");
    } else if (preload != NULL && *preload != 0) {
        collio_say(f, COLLIO_LEVEL_NOTE, "LD_PRELOAD is set");
    } else {
        collio_say(f, COLLIO_LEVEL_FINE, "MPI and HDF5 are those that were asked for");
    }
}

const collio_check collio_checks_machine[] = {
    {"E33", "where libraries come from", check_search_path,
     "LD_LIBRARY_PATH goes before the places that were noted when a program was built: it may "
     "bring "
     "another MPI or HDF5.",
     1, 0},
    {"E50", "limits", check_limits,
     "MPI keeps messages between ranks of one machine in /dev/shm; every file needs a descriptor.",
     1, 0},
    {0},
};
