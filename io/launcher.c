/* How this process was started: by which launcher, as which rank of how many. */
#define _GNU_SOURCE
#include "exam.h"

#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Read a small file whole; its length, 0 if that fails. Always ended by 0. */
static size_t read_file(const char *path, char *out, size_t room)
{
    size_t total = 0;
    ssize_t got;
    int fd = open(path, O_RDONLY | O_CLOEXEC);

    while (fd >= 0 && total + 1 < room && (got = read(fd, out + total, room - 1 - total)) > 0)
        total += (size_t)got;
    if (fd >= 0)
        close(fd);
    out[total] = 0;
    return total;
}

/* ------------------------------------------------------- start environment */

/* The kernel keeps the environment as it was at the start: setenv() moves it elsewhere. */
static const char *start_environment(size_t *size)
{
    static char *block;
    static size_t length;
    size_t room = (size_t)4 << 20;

    if (block == NULL && (block = malloc(room)) != NULL) {
        length = read_file("/proc/self/environ", block, room);
        char *fitting = realloc(block, length + 1);
        block = fitting != NULL ? fitting : block;
    }
    *size = length;
    return block;
}

const char *collio_environment(const char *name, char *out, size_t room)
{
    size_t size, length = strlen(name);
    const char *p = start_environment(&size), *end = p + size, *value = NULL;

    if (size == 0)
        value = getenv(name);
    for (; size > 0 && p < end && value == NULL; p += strlen(p) + 1)
        if (strncmp(p, name, length) == 0 && p[length] == '=')
            value = p + length + 1;
    collio_copy_text(out, room, value != NULL ? value : "");
    return value != NULL ? out : NULL;
}

/* A variable as a number, -1 if it is none. */
static int number(const char *name)
{
    char text[32], *end;
    long value;

    if (name == NULL || collio_environment(name, text, sizeof text) == NULL || text[0] == 0)
        return -1;
    value = strtol(text, &end, 10);
    return *end == 0 && value >= 0 && value < 1 << 30 ? (int)value : -1;
}

/* ---------------------------------------------------------------- launchers */

/* Variables of a launcher: its size, its rank, the rank on the machine. Slurm sets its own also
 * outside of steps, so a second one must be there. */
typedef struct launcher {
    const char *words;
    collio_family family;
    const char *size, *rank, *local, *also;
} launcher;

static const launcher launchers[] = {
    {"Open MPI's mpiexec", COLLIO_FAMILY_OPENMPI, "OMPI_COMM_WORLD_SIZE", "OMPI_COMM_WORLD_RANK",
     "OMPI_COMM_WORLD_LOCAL_RANK", NULL},
    {"MVAPICH's launcher", COLLIO_FAMILY_MVAPICH, "MV2_COMM_WORLD_SIZE", "MV2_COMM_WORLD_RANK",
     "MV2_COMM_WORLD_LOCAL_RANK", NULL},
    {"Slurm's srun", COLLIO_FAMILY_UNKNOWN, "SLURM_STEP_NUM_TASKS", "SLURM_PROCID", "SLURM_LOCALID",
     "SLURM_STEP_ID"},
    {"Flux", COLLIO_FAMILY_UNKNOWN, "FLUX_JOB_SIZE", "FLUX_TASK_RANK", "FLUX_TASK_LOCAL_ID", NULL},
    {"IBM's jsrun", COLLIO_FAMILY_UNKNOWN, "JSM_NAMESPACE_SIZE", "JSM_NAMESPACE_RANK",
     "JSM_NAMESPACE_LOCAL_RANK", NULL},
    {"Cray's launcher (PALS)", COLLIO_FAMILY_CRAY, "PALS_SIZE", "PALS_RANKID", "PALS_LOCAL_RANKID",
     NULL},
    {"a launcher with PMI (MPICH's mpiexec, hydra)", COLLIO_FAMILY_MPICH, "PMI_SIZE", "PMI_RANK",
     "MPI_LOCALRANKID", NULL},
};

/* A launcher that started no more than this one: SLURM's step variables have the id of the batch
 * script in words. */
static int applies(const launcher *l)
{
    return number(l->size) > 0 && (l->also == NULL || number(l->also) >= 0);
}

void collio_launch_read(collio_launch *launch)
{
    *launch = (collio_launch){.rank = -1, .local_rank = -1};
    for (size_t i = 0; i < sizeof launchers / sizeof *launchers; i++) {
        const launcher *l = &launchers[i];
        if (!applies(l) || number(l->size) <= launch->size)
            continue;
        launch->launcher = l->words;
        launch->family = l->family;
        launch->size = number(l->size);
        launch->rank = number(l->rank);
        launch->local_rank = number(l->local);
        snprintf(launch->variable, sizeof launch->variable, "%s=%d", l->size, launch->size);
    }
    /* PMIx tells no size in a variable, Cray's ALPS neither. */
    if (launch->launcher == NULL && number("PMIX_RANK") >= 0) {
        launch->launcher = "a launcher with PMIx";
        launch->rank = number("PMIX_RANK");
        snprintf(launch->variable, sizeof launch->variable, "PMIX_RANK=%d", launch->rank);
    } else if (launch->launcher == NULL && number("ALPS_APP_PE") >= 0) {
        launch->launcher = "Cray's aprun";
        launch->rank = number("ALPS_APP_PE");
        snprintf(launch->variable, sizeof launch->variable, "ALPS_APP_PE=%d", launch->rank);
    }
}

/* ---------------------------------------------------------------- ancestors */

/* Program name and parent of a process from /proc/PID/stat; the name is in brackets and may hold
 * brackets itself. The parent's id, 0 if that fails. */
static int parent_of(int pid, char *name, size_t room)
{
    char path[64], text[512], *open_at, *close_at;
    int parent = 0;

    snprintf(path, sizeof path, "/proc/%d/stat", pid);
    if (read_file(path, text, sizeof text) == 0 || (open_at = strchr(text, '(')) == NULL ||
        (close_at = strrchr(text, ')')) == NULL)
        return 0;
    *close_at = 0;
    collio_copy_text(name, room, open_at + 1);
    return sscanf(close_at + 1, " %*c %d", &parent) == 1 ? parent : 0;
}

static int is_launcher(const char *name)
{
    /* As /proc shows them: cut to 15 letters. */
    static const char *const names[] = {
        "hydra_pmi_proxy", "hydra_bstrap_pr", "orted", "prted",      "prterun", "mpiexec", "mpirun",
        "orterun",         "slurmstepd",      "pals",  "flux-shell", "jsrun",   "apinit"};

    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strncmp(name, names[i], strlen(names[i])) == 0)
            return 1;
    return 0;
}

static int same_command(int pid, const char *command, size_t size)
{
    char path[64], other[4096];

    snprintf(path, sizeof path, "/proc/%d/cmdline", pid);
    return read_file(path, other, sizeof other) == size && memcmp(other, command, size) == 0;
}

static int count_siblings(int parent)
{
    char command[4096], name[64];
    size_t size = read_file("/proc/self/cmdline", command, sizeof command);
    DIR *directory = opendir("/proc");
    struct dirent *entry;
    int count = 0;

    while (directory != NULL && (entry = readdir(directory)) != NULL) {
        int pid = atoi(entry->d_name);
        if (pid > 0 && parent_of(pid, name, sizeof name) == parent &&
            same_command(pid, command, size))
            count++;
    }
    if (directory != NULL)
        closedir(directory);
    return count > 0 ? count : 1;
}

void collio_launch_ancestor(char *name, size_t room, int *siblings)
{
    char self[64];
    int pid = parent_of((int)getpid(), self, sizeof self);
    int parent = pid;

    *name = 0;
    *siblings = 1;
    for (int i = 0; i < 20 && pid > 1; i++) {
        int next = parent_of(pid, name, room);
        if (is_launcher(name)) {
            if (pid == parent)
                *siblings = count_siblings(parent);
            return;
        }
        pid = next;
    }
    *name = 0;
}
