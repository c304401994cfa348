/* Checks of how the ranks were started. */
#define _GNU_SOURCE
#include "exam.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The launcher that belongs to an MPI library: beside it, ../bin/mpiexec or Debian's
 * mpiexec.<flavour>. */
static void matching_launcher(const collio_exam *exam, char *out, size_t room)
{
    const char *flavour = collio_built_family() == COLLIO_FAMILY_OPENMPI ? "openmpi" : "mpich";
    char directory[512] = "", name[64], *slash;

    snprintf(name, sizeof name, "mpiexec.%s", flavour);
    if (collio_which(name, out, room))
        return;
    if (exam->objects.mpi >= 0)
        collio_copy_text(directory, sizeof directory, exam->objects.at[exam->objects.mpi].path);
    for (int up = 0; up < 2 && (slash = strrchr(directory, '/')) != NULL; up++)
        *slash = 0;
    snprintf(out, room, "%s/bin/mpiexec", directory);
    if (directory[0] == 0 || access(out, X_OK) != 0)
        snprintf(out, room, "the mpiexec of %s", collio_family_name(collio_built_family()));
}

/* ---------------------------------------------------------------------- E10 */

static collio_family family_in_use(const collio_exam *exam)
{
    return exam->objects.mpi >= 0 ? exam->objects.at[exam->objects.mpi].family
                                  : collio_built_family();
}

/* What comes of it that the launcher is another MPI's. */
static void say_stranger(collio_exam *exam, collio_finding *f, int processes, const char *by,
                         const char *result)
{
    int v[3];
    char launcher[512];

    collio_text_version(exam->library, v);
    matching_launcher(exam, launcher, sizeof launcher);
    collio_say(f, COLLIO_LEVEL_FAILURE,
               "%d processes, %s: started by %s, but this program uses %s %d.%d.%d", processes,
               result, by, collio_family_name(family_in_use(exam)), v[0], v[1], v[2]);
    collio_mend(f, "%s -n %d ...", launcher, processes);
    collio_mend(f, "or rebuild collio, mpi4py and h5py with the mpicc of the launcher's MPI");
}

static void say_alone(collio_exam *exam, collio_finding *f, int processes, const char *by)
{
    char result[64];

    snprintf(result, sizeof result, "%d worlds of size 1", processes);
    say_stranger(exam, f, processes, by, result);
}

/* MPI is not initialised. */
static void check_launch(collio_exam *exam, collio_finding *f)
{
    const collio_launch *launch = &exam->launch;

    if (launch->launcher == NULL)
        collio_say(f, COLLIO_LEVEL_FINE, "not under a launcher");
    else if (exam->ended && !collio_family_matches(launch->family, family_in_use(exam)))
        say_stranger(exam, f, launch->size, launch->launcher, "MPI_Init ended the process");
    else
        collio_say(f, COLLIO_LEVEL_SKIPPED,
                   "MPI is not initialised, its world not known; %s started %d", launch->launcher,
                   launch->size);
}

static void check_world(collio_exam *exam, collio_finding *f)
{
    const collio_launch *launch = &exam->launch;
    char ancestor[64];
    int siblings = 1;

    if (launch->launcher != NULL)
        collio_evidence(f, "%s", launch->variable);
    if (!exam->running) {
        check_launch(exam, f);
        return;
    }
    collio_evidence(f, "MPI_COMM_WORLD has %d ranks", exam->world);
    if (exam->world == 1 && launch->size == 0)
        collio_launch_ancestor(ancestor, sizeof ancestor, &siblings);
    if (exam->world == 1 && launch->size > 1)
        say_alone(exam, f, launch->size, launch->launcher);
    else if (siblings > 1) {
        collio_evidence(f, "%d processes with the same command and parent (%s)", siblings,
                        ancestor);
        say_alone(exam, f, siblings, ancestor);
    } else
        collio_say(f, COLLIO_LEVEL_FINE, "%d, as the launcher says", exam->world);
    if (launch->launcher == NULL && siblings == 1)
        collio_say(f, COLLIO_LEVEL_FINE, "%d; no launcher says otherwise", exam->world);
}

/* ---------------------------------------------------------------------- E11 */

static void check_offered(collio_exam *exam, collio_finding *f)
{
    static const char *const ask[] = {"mpiexec", "--version", NULL};
    char text[2048], path[512], line[160], better[512];
    collio_family family;

    if (!exam->may_spawn || exam->objects.mpi < 0) {
        collio_say(f, COLLIO_LEVEL_SKIPPED, "not asked here");
        return;
    }
    if (!collio_which("mpiexec", path, sizeof path)) {
        matching_launcher(exam, better, sizeof better);
        collio_say(f, COLLIO_LEVEL_NOTE, "none on PATH; use %s", better);
        return;
    }
    collio_spawn(ask, text, sizeof text, NULL);
    collio_text_line(text, line, sizeof line);
    collio_evidence(f, "%s --version: %s", path, line);
    family = collio_text_launcher(text);
    if (family == COLLIO_FAMILY_UNKNOWN) {
        collio_say(f, COLLIO_LEVEL_SKIPPED, "%s does not say whose it is", path);
    } else if (collio_family_matches(family, exam->objects.at[exam->objects.mpi].family)) {
        collio_say(f, COLLIO_LEVEL_FINE, "%s is of %s", path, collio_family_name(family));
    } else {
        matching_launcher(exam, better, sizeof better);
        collio_say(f, COLLIO_LEVEL_WARNING, "%s is of %s, collio uses %s", path,
                   collio_family_name(family),
                   collio_family_name(exam->objects.at[exam->objects.mpi].family));
        collio_mend(f, "%s -n 4 ...", better);
    }
}

/* ---------------------------------------------------------------------- E12 */

static void check_slurm(collio_exam *exam, collio_finding *f)
{
    char step[16] = "", tasks[16] = "", value[64];

    collio_environment("SLURM_STEP_ID", step, sizeof step);
    collio_environment("SLURM_STEP_NUM_TASKS", tasks, sizeof tasks);
    if (step[0] < '0' || step[0] > '9' || atoi(tasks) < 2) {
        collio_say(f, COLLIO_LEVEL_FINE, "not in a step of several tasks");
        return;
    }
    collio_evidence(f, "SLURM_STEP_NUM_TASKS=%s, SLURM_MPI_TYPE=%s", tasks,
                    collio_environment("SLURM_MPI_TYPE", value, sizeof value) ? value
                                                                              : "(not set)");
    if (collio_environment("PMI_RANK", value, sizeof value) ||
        collio_environment("PMIX_RANK", value, sizeof value) ||
        collio_environment("PMI_FD", value, sizeof value)) {
        collio_say(f, COLLIO_LEVEL_FINE, "srun speaks a PMI");
        return;
    }
    collio_say(f, exam->running && exam->world == 1 ? COLLIO_LEVEL_FAILURE : COLLIO_LEVEL_WARNING,
               "srun started %s tasks without a PMI: each may think it is alone", tasks);
    collio_mend(f, "srun --mpi=%s ...   (srun --mpi=list shows what there is)",
                collio_built_family() == COLLIO_FAMILY_OPENMPI ? "pmix" : "pmi2");
}

/* ---------------------------------------------------------------------- E13 */

static void check_cleaned(collio_exam *exam, collio_finding *f)
{
    char ancestor[64];
    int siblings;

    collio_launch_ancestor(ancestor, sizeof ancestor, &siblings);
    if (ancestor[0] == 0 || exam->launch.launcher != NULL) {
        collio_say(f, COLLIO_LEVEL_FINE,
                   exam->launch.launcher != NULL ? "launcher's variables are there"
                                                 : "no launcher above");
        return;
    }
    collio_evidence(f, "an ancestor of this process is %s", ancestor);
    if (getenv("SUDO_USER") != NULL)
        collio_evidence(f, "SUDO_USER is set");
    collio_say(f, COLLIO_LEVEL_WARNING, "started below %s, but its variables did not arrive",
               ancestor);
    collio_mend(f,
                "leave out what cleans the environment (sudo, env -i, su -, ssh), or let it pass "
                "on PMI_*, PMIX_*, OMPI_*");
}

/* ------------------------------------------------------------------ E14, E15 */

/* The container that this process is in; NULL: none. */
static const char *container_name(void)
{
    const char *name = getenv("APPTAINER_NAME");

    if (name == NULL)
        name = getenv("SINGULARITY_NAME");
    if (name == NULL && access("/.dockerenv", F_OK) == 0)
        name = "Docker";
    if (name == NULL && access("/run/.containerenv", F_OK) == 0)
        name = "Podman";
    return name;
}

/* A launcher outside tells its family by its variables, the MPI inside by itself. One inside shows
 * among the ancestors, and is E10's business. */
static void check_container(collio_exam *exam, collio_finding *f)
{
    const char *name = container_name();
    char ancestor[64];
    int siblings;
    collio_family inside =
        exam->objects.mpi >= 0 ? exam->objects.at[exam->objects.mpi].family : collio_built_family();

    if (name == NULL) {
        collio_say(f, COLLIO_LEVEL_FINE, "none");
        return;
    }
    collio_evidence(f, "container: %s; MPI inside: %s", name, exam->library);
    if (exam->launch.launcher == NULL) {
        collio_say(f, COLLIO_LEVEL_NOTE, "inside a container (%s)", name);
        return;
    }
    collio_evidence(f, "launcher: %s, %s", exam->launch.launcher, exam->launch.variable);
    collio_launch_ancestor(ancestor, sizeof ancestor, &siblings);
    if (ancestor[0] != 0)
        collio_evidence(f, "it runs in the container, too: %s", ancestor);
    if (ancestor[0] != 0 || collio_family_matches(exam->launch.family, inside)) {
        collio_say(f, COLLIO_LEVEL_NOTE, "inside a container (%s), started by %s", name,
                   exam->launch.launcher);
        return;
    }
    collio_say(f, COLLIO_LEVEL_WARNING, "%s started this, but inside the container (%s) is %s",
               exam->launch.launcher, name, collio_family_name(inside));
    collio_mend(f,
                "start with the mpiexec inside the container, or put the MPI of the machine into "
                "the container (a bind mount, the image's base): an MPI of the family of %s",
                collio_family_name(exam->launch.family));
}

static void check_singleton(collio_exam *exam, collio_finding *f)
{
    if (exam->launch.launcher != NULL)
        collio_say(f, COLLIO_LEVEL_FINE, "%s, %s", exam->launch.launcher, exam->launch.variable);
    else
        collio_say(f, COLLIO_LEVEL_NOTE, "none: a single process");
}

const collio_check collio_checks_launch[] = {
    {"E10", "size of the world", check_world,
     "Every process is rank 0 of 1: they do the same work and overwrite one another's files.", 1,
     COLLIO_GLANCE | COLLIO_AGAIN},
    {"E11", "mpiexec on PATH", check_offered,
     "Started by another MPI's mpiexec, every process is rank 0 of 1.", 1, 0},
    {"E12", "Slurm's srun", check_slurm,
     "Without a PMI the tasks cannot find each other: every one is rank 0 of 1.", 1, COLLIO_AGAIN},
    {"E13", "launcher's variables", check_cleaned,
     "MPI finds the other ranks by variables that the launcher sets; without them it is alone.", 1,
     0},
    {"E14", "container", check_container,
     "MPI inside and launcher outside of a container must be of one family.", 1, 0},
    {"E15", "launcher", check_singleton,
     "Some machines (Cray) need the launcher even for one process.", 1, 0},
    {0},
};
