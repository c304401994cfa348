/* Stage two: ranks and threads on the processors of each machine. Every check is collective over
 * exam->comm, as in doctor_ranks.c. */
#define _GNU_SOURCE
#include "exam.h"

#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct place {
    uint64_t host;
    cpu_set_t cpus;
    int quota;   /* processors that the control group allows; INT_MAX */
    int threads; /* of a library that is loaded, else of OMP_NUM_THREADS and the like; 0: neither */
    char library[256]; /* that one; "" */
} place;

/* cpu.max: "max 100000", or microseconds in so many microseconds. */
static int read_quota(void)
{
    FILE *file = fopen("/sys/fs/cgroup/cpu.max", "re");
    long quota = 0, period = 0;
    int result = INT_MAX;

    if (file != NULL && fscanf(file, "%ld %ld", &quota, &period) == 2 && quota > 0 && period > 0)
        result = (int)((quota + period - 1) / period);
    if (file != NULL)
        fclose(file);
    return result;
}

/* What variables ask for; 0: nothing. */
static int wanted_threads(void)
{
    static const char *const names[] = {"OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS",
                                        "MKL_NUM_THREADS"};
    int most = 0;

    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const char *value = getenv(names[i]);
        if (value != NULL && atoi(value) > most)
            most = atoi(value);
    }
    return most;
}

struct thread_search {
    int most;
    char library[256];
};

/* Ask a linear algebra library that is loaded how many threads it will use. */
static int ask_library(struct dl_phdr_info *info, size_t size, void *data)
{
    static const char *const questions[] = {"openblas_get_num_threads",
                                            "openblas_get_num_threads64_",
                                            "scipy_openblas_get_num_threads",
                                            "scipy_openblas_get_num_threads64_",
                                            "MKL_Get_Max_Threads",
                                            "bli_thread_get_num_threads",
                                            "omp_get_max_threads"};
    struct thread_search *search = data;
    int (*ask)(void) = NULL;
    collio_elf elf;
    (void)size;

    if (!collio_elf_mapped(&elf, info))
        return 0;
    for (size_t i = 0; i < sizeof questions / sizeof *questions; i++) {
        uint64_t address = collio_elf_symbol(&elf, questions[i]);
        int threads;
        if (address == 0)
            continue;
        address += elf.base;
        memcpy(&ask, &address, sizeof ask);
        threads = ask();
        if (threads <= search->most)
            continue;
        search->most = threads;
        collio_copy_text(search->library, sizeof search->library, info->dlpi_name);
    }
    return 0;
}

static place *gather_places(collio_exam *exam, collio_finding *f)
{
    struct thread_search search = {0, ""};
    place mine;

    memset(&mine, 0, sizeof mine);
    mine.host = collio_exam_host();
    if (sched_getaffinity(0, sizeof mine.cpus, &mine.cpus) != 0)
        CPU_ZERO(&mine.cpus);
    mine.quota = read_quota();
    dl_iterate_phdr(ask_library, &search);
    mine.threads = search.most > 0 ? search.most : wanted_threads();
    collio_copy_text(mine.library, sizeof mine.library, search.library);
    return collio_exam_gather(exam, f, &mine, sizeof mine, "doctor: processors");
}

/* Ranks and processors of one machine. */
static void count_machine(const collio_exam *exam, const place *all, uint64_t host, int *ranks,
                          int *cpus)
{
    cpu_set_t together;
    int quota = INT_MAX;

    CPU_ZERO(&together);
    *ranks = 0;
    for (int r = 0; r < exam->size; r++) {
        if (all[r].host != host)
            continue;
        CPU_OR(&together, &together, &all[r].cpus);
        quota = all[r].quota < quota ? all[r].quota : quota;
        ++*ranks;
    }
    *cpus = CPU_COUNT(&together) < quota ? CPU_COUNT(&together) : quota;
}

static void check_processors(collio_exam *exam, collio_finding *f)
{
    place *all = gather_places(exam, f);
    int ranks, cpus;

    if (all == NULL)
        return;
    count_machine(exam, all, all[exam->rank].host, &ranks, &cpus);
    collio_evidence(f, "on this machine: %d ranks, %d processors", ranks, cpus);
    if (ranks > cpus) {
        collio_say(f, COLLIO_LEVEL_WARNING, "%d ranks share %d processors of one machine", ranks,
                   cpus);
        collio_mend(f, "mpiexec -n %d ..., or more machines", cpus);
    } else {
        collio_say(f, COLLIO_LEVEL_FINE, "%d ranks, %d processors", ranks, cpus);
    }
    free(all);
}

static void check_pinning(collio_exam *exam, collio_finding *f)
{
    place *all = gather_places(exam, f);
    int together = 0;

    if (all == NULL)
        return;
    for (int r = 0; r < exam->size; r++)
        together += all[r].host == all[exam->rank].host && CPU_COUNT(&all[r].cpus) == 1 &&
                    CPU_EQUAL(&all[r].cpus, &all[exam->rank].cpus);
    if (together > 1) {
        collio_say(f, COLLIO_LEVEL_WARNING, "%d ranks are bound to the same one processor",
                   together);
        collio_mend(
            f, "mpiexec --bind-to none ... (or --bind-to core); look for taskset, cpusets, and "
               "what an earlier job set");
    } else {
        collio_say(f, COLLIO_LEVEL_FINE, "no two ranks are bound to one processor");
    }
    free(all);
}

static void check_thread_count(collio_exam *exam, collio_finding *f)
{
    place *all = gather_places(exam, f);
    int ranks, cpus, threads;

    if (all == NULL)
        return;
    threads = all[exam->rank].threads;
    count_machine(exam, all, all[exam->rank].host, &ranks, &cpus);
    if (all[exam->rank].library[0] != 0)
        collio_evidence(f, "%s: %d threads", all[exam->rank].library, threads);
    if (threads > 1 && threads * ranks > cpus) {
        collio_say(f, COLLIO_LEVEL_WARNING, "%d ranks with %d threads each on %d processors", ranks,
                   threads, cpus);
        collio_mend(f, "export OMP_NUM_THREADS=%d", cpus / ranks > 0 ? cpus / ranks : 1);
    } else if (threads == 0) {
        collio_say(f, COLLIO_LEVEL_FINE, "%d ranks, no library with threads is loaded", ranks);
    } else {
        collio_say(f, COLLIO_LEVEL_FINE, "%d ranks with %d threads each on %d processors", ranks,
                   threads, cpus);
    }
    free(all);
}

const collio_check collio_checks_cpus[] = {
    {"E40", "processors", check_processors,
     "MPI waits by spinning: with more ranks than processors every step takes milliseconds.", 2, 0},
    {"E41", "binding", check_pinning, "Ranks bound to one processor run one after the other.", 2,
     0},
    {"E42", "threads of libraries", check_thread_count,
     "More threads than processors slow all of them down.", 2, 0},
    {0},
};
