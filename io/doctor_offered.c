/* Checks of the HDF5 that is offered to builds: h5pcc and what it says. */
#define _GNU_SOURCE
#include "exam.h"

#include <hdf5.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SETTINGS_ROOM ((size_t)64 << 10)

static const char *flavour(void)
{
    return collio_built_family() == COLLIO_FAMILY_OPENMPI ? "openmpi" : "mpich";
}

/* The plain wrapper first: it is the one that builds find. */
static int find_wrapper(char *out, size_t room)
{
    char name[32];

    if (collio_which("h5pcc", out, room))
        return 1;
    snprintf(name, sizeof name, "h5pcc.%s", flavour());
    return collio_which(name, out, room);
}

static void check_present(collio_exam *exam, collio_finding *f)
{
    char path[512];
    (void)exam;

    if (find_wrapper(path, sizeof path)) {
        collio_say(f, COLLIO_LEVEL_FINE, "%s", path);
        return;
    }
    collio_say(f, COLLIO_LEVEL_WARNING, "h5pcc is not on PATH: h5py built here will be serial");
    collio_mend(f,
                "Debian: apt install libhdf5-%s-dev; modules: module load hdf5-parallel; conda: "
                "conda install 'hdf5=*=mpi_%s*'",
                flavour(), flavour());
}

/* What differs between the wrapper's settings and the library in use; the count. */
static int compare(collio_exam *exam, collio_finding *f, const char *text, const char *path)
{
    char version[32], parallel[32], compiler[256], used[32];
    collio_family family;
    unsigned v[3];
    int differences = 0;

    collio_text_setting(text, strlen(text), "HDF5 Version", version, sizeof version);
    collio_text_setting(text, strlen(text), "Parallel HDF5", parallel, sizeof parallel);
    collio_text_setting(text, strlen(text), "C Compiler", compiler, sizeof compiler);
    compiler[strcspn(compiler, "(")] = 0;
    family = collio_text_compiler(compiler);
    H5get_libversion(&v[0], &v[1], &v[2]);
    snprintf(used, sizeof used, "%u.%u.%u", v[0], v[1], v[2]);
    collio_evidence(f, "%s: HDF5 %s, parallel %s, compiler %s", path, version, parallel, compiler);
    if (strncmp(version, used, strlen(used)) != 0) {
        collio_say(f, COLLIO_LEVEL_WARNING, "%s is of HDF5 %s, collio uses %s", path, version,
                   used);
        differences++;
    }
    if (exam->objects.mpi >= 0 &&
        !collio_family_matches(family, exam->objects.at[exam->objects.mpi].family)) {
        collio_say(f, COLLIO_LEVEL_WARNING, "%s builds for %s, collio uses %s", path,
                   collio_family_name(family),
                   collio_family_name(exam->objects.at[exam->objects.mpi].family));
        differences++;
    }
    if (collio_text_flag(parallel) == 0) {
        collio_say(f, COLLIO_LEVEL_WARNING, "%s is of a serial HDF5", path);
        differences++;
    }
    return differences;
}

static void check_wrapper(collio_exam *exam, collio_finding *f)
{
    char path[512], *text = malloc(SETTINGS_ROOM), version[32];
    const char *ask[] = {path, "-showconfig", NULL};
    int status = -1;

    if (!exam->may_spawn || text == NULL || !find_wrapper(path, sizeof path)) {
        collio_say(f, COLLIO_LEVEL_SKIPPED, exam->may_spawn ? "no h5pcc" : "not asked here");
        goto done;
    }
    collio_spawn(ask, text, SETTINGS_ROOM, &status);
    if (!collio_text_setting(text, strlen(text), "HDF5 Version", version, sizeof version)) {
        collio_say(f, COLLIO_LEVEL_SKIPPED, "%s -showconfig tells nothing (status %d)", path,
                   status);
        goto done;
    }
    if (compare(exam, f, text, path) == 0)
        collio_say(f, COLLIO_LEVEL_FINE, "%s is of the HDF5 in use", path);
    else
        collio_mend(f,
                    "for builds that go with collio: CC=\"h5pcc.%s -shlib\", or HDF5_DIR and CC of "
                    "the HDF5 and MPI that collio uses",
                    flavour());
done:
    free(text);
}

const collio_check collio_checks_offered[] = {
    {"E24", "h5pcc", check_present,
     "pip and other builds find the parallel HDF5 by h5pcc; without it they take a serial one.", 1,
     0},
    {"E25", "what h5pcc builds for", check_wrapper,
     "What is built with it will not fit together with collio in one program.", 1, 0},
    {0},
};
