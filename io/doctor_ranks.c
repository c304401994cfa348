/*
 * Stage two: checks of how the ranks fit together. Every function here is collective over
 * exam->comm. Between two agreements no rank leaves: what a rank cannot do it tells in what it
 * sends, and goes on.
 */
#define _GNU_SOURCE
#include "exam.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

void *collio_exam_gather(collio_exam *exam, collio_finding *f, const void *mine, size_t size,
                         const char *what)
{
    void *all = malloc(size * (size_t)exam->size);

    if (all == NULL)
        collio_error_set(exam->err, COLLIO_ERR_MEMORY, "no memory to compare %d ranks", exam->size);
    if (collio_agree_step(exam->comm, what, exam->err) == COLLIO_OK)
        collio_allgather(exam->comm, mine, all, size, what, exam->err);
    if (exam->err->code == COLLIO_OK)
        return all;
    collio_say(f, COLLIO_LEVEL_FAILURE, "the ranks do not come together: %.400s", exam->err->text);
    free(all);
    return NULL;
}

uint64_t collio_exam_host(void)
{
    char host[256] = "";

    gethostname(host, sizeof host - 1);
    return collio_hash_text(0, host);
}

/* --------------------------------------------------------------- E34: the same software */

typedef struct software {
    uint64_t libraries, facts, host;
    char name[64];
} software;

/* Where a library lies, and its build id: two machines may have different files of one name. */
static uint64_t hash_object(uint64_t seed, const collio_loaded *object)
{
    for (size_t i = 0; i < object->elf.segment_count; i++) {
        const ElfW(Phdr) *s = &object->elf.segments[i];
        const void *note =
            s->p_type == PT_NOTE ? collio_elf_at(&object->elf, s->p_vaddr, s->p_filesz) : NULL;
        if (note != NULL)
            seed = collio_hash(seed, note, s->p_filesz);
    }
    return collio_hash_text(seed, object->path);
}

static void describe_software(const collio_exam *exam, software *mine)
{
    memset(mine, 0, sizeof *mine);
    mine->libraries = collio_hash_text(0, exam->library);
    for (int i = 0; i < exam->objects.count; i++)
        if (exam->objects.at[i].marks & (COLLIO_IS_MPI | COLLIO_IS_HDF5 | COLLIO_IS_OURS))
            mine->libraries = hash_object(mine->libraries, &exam->objects.at[i]);
    for (const collio_fact *fact = exam->options.facts; fact->name != NULL; fact++) {
        mine->facts = collio_hash_text(mine->facts, fact->name);
        mine->facts = collio_hash_text(mine->facts, fact->value);
    }
    mine->facts = collio_hash_text(mine->facts, collio_version());
    mine->host = collio_exam_host();
    gethostname(mine->name, sizeof mine->name - 1);
}

static void check_same(collio_exam *exam, collio_finding *f)
{
    software mine, *all;
    int odd = 0;

    describe_software(exam, &mine);
    all = collio_exam_gather(exam, f, &mine, sizeof mine, "doctor: software");
    if (all == NULL)
        return;
    for (int r = 1; r < exam->size; r++) {
        if (all[r].libraries == all[0].libraries && all[r].facts == all[0].facts)
            continue;
        if (odd++ == 0)
            collio_say(f, COLLIO_LEVEL_WARNING,
                       "rank %d on %.64s has other %s than rank 0 on %.64s", r, all[r].name,
                       all[r].libraries != all[0].libraries ? "libraries" : "Python packages",
                       all[0].name);
        collio_evidence(f, "differs from rank 0: rank %d on %.64s", r, all[r].name);
    }
    if (odd == 0)
        collio_say(f, COLLIO_LEVEL_FINE, "the same on %d ranks", exam->size);
    else
        collio_mend(f, "install in one place that all machines see, or the same on each of them");
    free(all);
}

/* ---------------------------------------------------------- E45: one file system for all */

/* Wait until a file with that content is seen; network file systems may take their time. */
static int sees(const char *path, const char *nonce)
{
    double end = collio_now() + 30;
    char text[64] = "";

    do {
        int fd = open(path, O_RDONLY | O_CLOEXEC);
        ssize_t got = fd >= 0 ? read(fd, text, sizeof text - 1) : -1;
        if (fd >= 0)
            close(fd);
        text[got > 0 ? got : 0] = 0;
        if (strcmp(text, nonce) == 0)
            return 1;
        usleep(50000);
    } while (collio_now() < end);
    return 0;
}

struct nonce {
    char path[PATH_MAX], text[64];
    int error; /* errno of the rank that writes it */
};

static void write_nonce(const collio_exam *exam, struct nonce *n)
{
    struct timespec now;
    int fd;

    clock_gettime(CLOCK_REALTIME, &now);
    snprintf(n->text, sizeof n->text, "%lld.%09ld.%d", (long long)now.tv_sec, now.tv_nsec,
             (int)getpid());
    snprintf(n->path, sizeof n->path, "%.3900s/.collio-doctor-%s", exam->directory, n->text);
    fd = open(n->path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    if (fd < 0 || write(fd, n->text, strlen(n->text)) < 0)
        n->error = errno;
    if (fd >= 0)
        close(fd);
}

static void judge_seen(collio_exam *exam, collio_finding *f, const int *seen)
{
    int blind = 0;

    for (int r = 0; r < exam->size; r++)
        if (!seen[r] && blind++ < 20)
            collio_evidence(f, "rank %d does not see what rank 0 wrote", r);
    if (blind == 0) {
        collio_say(f, COLLIO_LEVEL_FINE, "all %d ranks see the same '%s'", exam->size,
                   exam->directory);
        return;
    }
    collio_say(f, COLLIO_LEVEL_FAILURE, "'%s' is not the same directory for %d of %d ranks",
               exam->directory, blind, exam->size);
    collio_mend(f, "write to a file system that all machines mount; --dir to try one");
}

static void check_directory(collio_exam *exam, collio_finding *f)
{
    struct nonce nonce;
    int mine, *seen;

    memset(&nonce, 0, sizeof nonce);
    if (exam->rank == 0)
        write_nonce(exam, &nonce);
    if (collio_agree_step(exam->comm, "doctor: directory", exam->err) == COLLIO_OK)
        collio_bcast(exam->comm, &nonce, sizeof nonce, 0, "doctor: directory", exam->err);
    mine = exam->err->code == COLLIO_OK && nonce.error == 0 && sees(nonce.path, nonce.text);
    seen = collio_exam_gather(exam, f, &mine, sizeof mine, "doctor: directory seen");
    if (exam->rank == 0 && nonce.error == 0)
        unlink(nonce.path);
    if (seen == NULL)
        return;
    if (nonce.error != 0)
        collio_say(f, COLLIO_LEVEL_SKIPPED, "rank 0 cannot write to '%s': %s", exam->directory,
                   strerror(nonce.error));
    else
        judge_seen(exam, f, seen);
    free(seen);
}

/* --------------------------------------------------------------------- E49: clocks */

static void check_clocks(collio_exam *exam, collio_finding *f)
{
    struct timespec now;
    double mine, low, high, *all;

    collio_agree_step(exam->comm, "doctor: clocks", exam->err);
    clock_gettime(CLOCK_REALTIME, &now);
    mine = (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
    all = collio_exam_gather(exam, f, &mine, sizeof mine, "doctor: times");
    if (all == NULL)
        return;
    low = high = all[0];
    for (int r = 1; r < exam->size; r++) {
        low = all[r] < low ? all[r] : low;
        high = all[r] > high ? all[r] : high;
    }
    if (high - low > 2) {
        collio_say(f, COLLIO_LEVEL_WARNING, "the clocks of the ranks' machines differ by %.1f s",
                   high - low);
        collio_mend(f, "let the machines keep time (chronyd, ntpd)");
    } else {
        collio_say(f, COLLIO_LEVEL_FINE, "within %.3f s of each other", high - low);
    }
    free(all);
}

/* ------------------------------------------------------------------ E51: a collective */

static void check_collective(collio_exam *exam, collio_finding *f)
{
    int mine = exam->rank, *all = collio_exam_gather(exam, f, &mine, sizeof mine, "doctor: ranks");
    int64_t one = exam->rank + 1, sum = 0, n = exam->size;

    if (all == NULL)
        return;
    free(all);
    if (collio_allreduce(exam->comm, &one, &sum, 1, MPI_INT64_T, sizeof one, MPI_SUM, "doctor: sum",
                         exam->err) != COLLIO_OK)
        collio_say(f, COLLIO_LEVEL_FAILURE, "MPI_Allreduce fails: %.400s", exam->err->text);
    else if (sum != n * (n + 1) / 2)
        collio_say(f, COLLIO_LEVEL_FAILURE, "MPI_Allreduce over %d ranks gives %lld, not %lld",
                   exam->size, (long long)sum, (long long)(n * (n + 1) / 2));
    else
        collio_say(f, COLLIO_LEVEL_FINE, "right on %d ranks", exam->size);
}

/* ---------------------------------------------------------------- E52: a shared file */

#define SHARED_VALUES 131072 /* 1 MiB of float64 */

static double value_at(int64_t i)
{
    return (double)i * 0.5 + 1;
}

/* Write one part of the dataset, read another rank's back; the number of wrong elements. */
static int64_t write_and_read(collio_exam *exam, collio_file *file, double *values,
                              collio_error *err)
{
    collio_object *dataset = NULL;
    collio_selection part;
    collio_array memory;
    int64_t shape = SHARED_VALUES, start = 0, count = 0, wrong = 0;

    collio_dataset_create(collio_file_root(file), "values", COLLIO_FLOAT64, 1, &shape, NULL,
                          &dataset, err);
    collio_part_range(shape, exam->size, exam->rank, &start, &count, err);
    for (int64_t i = 0; values != NULL && i < count; i++)
        values[i] = value_at(start + i);
    collio_selection_block(&part, 1, &start, &count);
    collio_array_fill(&memory, values, COLLIO_FLOAT64, 1, &count);
    collio_dataset_write(dataset, &part, &memory, err);
    collio_file_flush(file, err);
    collio_part_range(shape, exam->size, (exam->rank + 1) % exam->size, &start, &count, err);
    collio_selection_block(&part, 1, &start, &count);
    collio_array_fill(&memory, values, COLLIO_FLOAT64, 1, &count);
    collio_dataset_read(dataset, &part, &memory, err);
    for (int64_t i = 0; err->code == COLLIO_OK && i < count; i++)
        wrong += values[i] != value_at(start + i);
    collio_object_close(&dataset);
    return wrong;
}

static void check_file(collio_exam *exam, collio_finding *f)
{
    collio_error err = COLLIO_ERROR_INIT;
    collio_file *file = NULL;
    double *values = malloc((size_t)(SHARED_VALUES / exam->size + 1) * sizeof *values);
    char path[PATH_MAX];
    int64_t wrong = 0;

    snprintf(path, sizeof path, "%.3900s/.collio-doctor-%d.h5", exam->directory, (int)getpid());
    if (collio_agree_step(exam->comm, "doctor: file", exam->err) == COLLIO_OK)
        collio_bcast(exam->comm, path, sizeof path, 0, "doctor: file", exam->err);
    if (exam->err->code != COLLIO_OK) {
        collio_say(f, COLLIO_LEVEL_FAILURE, "the ranks do not come together: %.400s",
                   exam->err->text);
        goto done;
    }
    if (values == NULL)
        collio_error_set(&err, COLLIO_ERR_MEMORY, "no memory for the values of a 1 MiB file");
    if (collio_file_open(collio_comm_handle(exam->comm), path, "w-", NULL, &file, &err) ==
        COLLIO_OK)
        wrong = write_and_read(exam, file, values, &err);
    collio_file_close(&file, &err);
    if (exam->rank == 0)
        unlink(path);
    if (err.code != COLLIO_OK)
        collio_say(f, COLLIO_LEVEL_FAILURE, "a shared file of 1 MiB fails in '%.100s': %.300s",
                   exam->directory, err.text);
    else if (wrong > 0)
        collio_say(f, COLLIO_LEVEL_FAILURE, "%lld of the values another rank wrote came back wrong",
                   (long long)wrong);
    else
        collio_say(f, COLLIO_LEVEL_FINE, "1 MiB written and read by %d ranks", exam->size);
    if (f->level == COLLIO_LEVEL_FAILURE)
        collio_mend(f, "write to another file system; --dir to try one");
done:
    free(values);
}

const collio_check collio_checks_ranks[] = {
    {"E34", "software of the ranks", check_same,
     "Ranks with different libraries or packages disagree, or compute different things.", 2, 0},
    {"E45", "one directory for all ranks", check_directory,
     "A shared file must be the same file on every machine.", 2, 0},
    {"E49", "clocks", check_clocks, "Files are ordered, and leases expire, by the clock.", 2, 0},
    {"E51", "a collective call", check_collective, "Everything else builds on it.", 2, 0},
    {"E52", "a shared file", check_file, "What collio is for, tried out small.", 2, 0},
    {0},
};
