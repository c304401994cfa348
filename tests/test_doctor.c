/* The doctor's calls: findings alone and agreed between ranks, at a glance, and with failing calls.
 * ranks: 1 2 3 */
#define _GNU_SOURCE
#include "collio/doctor.h"
#include "core/internal.h"
#include "tap.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const collio_finding *find(const collio_doctor *doctor, const char *id)
{
    for (int i = 0; i < collio_doctor_count(doctor); i++)
        if (strcmp(collio_doctor_finding(doctor, i)->id, id) == 0)
            return collio_doctor_finding(doctor, i);
    return NULL;
}

static collio_level level_of(const collio_doctor *doctor, const char *id)
{
    const collio_finding *f = find(doctor, id);
    return f != NULL ? f->level : COLLIO_LEVEL_SKIPPED;
}

static collio_doctor *examine(const char *directory, const collio_fact *facts, collio_error *err)
{
    collio_doctor_options options = {.directory = directory, .facts = facts, .offline = 1};
    collio_doctor *doctor = NULL;

    collio_doctor_create(&options, &doctor, err);
    return doctor;
}

static void test_alone(void)
{
    static const char *const healthy[] = {"E02", "E04", "E05", "E10", "E20", "E21", "E22",
                                          "E23", "E26", "E33", "E43", "E44", "E48"};
    collio_error err = COLLIO_ERROR_INIT;
    collio_doctor *doctor = examine(NULL, NULL, &err);
    int ordered = 1;

    tap_ok(err.code == COLLIO_OK && doctor != NULL, "stage one runs");
    for (size_t i = 0; i < sizeof healthy / sizeof *healthy; i++)
        tap_ok(find(doctor, healthy[i]) != NULL &&
                   level_of(doctor, healthy[i]) < COLLIO_LEVEL_WARNING,
               "%s has nothing to say against this program", healthy[i]);
    for (int i = 1; i < collio_doctor_count(doctor); i++)
        ordered &= strcmp(collio_doctor_finding(doctor, i - 1)->id,
                          collio_doctor_finding(doctor, i)->id) < 0;
    tap_ok(ordered, "findings come in the order of their ids, each once");
    tap_ok(level_of(doctor, "E52") == COLLIO_LEVEL_SKIPPED, "stage two waits for its call");
    tap_ok(collio_doctor_finding(doctor, -1) == NULL &&
               collio_doctor_finding(doctor, collio_doctor_count(doctor)) == NULL,
           "no finding out of range");
    collio_doctor_free(&doctor);
    tap_ok(doctor == NULL && collio_doctor_count(NULL) == 0, "freed");
}

/* What each rank holds, as a number. */
static uint64_t digest_of(const collio_doctor *doctor)
{
    uint64_t digest = 0;

    for (int i = 0; i < collio_doctor_count(doctor); i++) {
        const collio_finding *f = collio_doctor_finding(doctor, i);
        digest = collio_hash_text(digest, f->id);
        digest = collio_hash_number(digest, (uint64_t)f->level);
        digest = collio_hash_text(digest, f->what);
        digest = collio_hash_text(digest, f->evidence);
    }
    return digest;
}

static int same_everywhere(uint64_t mine)
{
    uint64_t pair[2] = {mine, ~mine}, all[2];

    MPI_Allreduce(pair, all, 2, MPI_UINT64_T, MPI_MAX, MPI_COMM_WORLD);
    return all[0] == ~all[1];
}

static void test_ranks(void)
{
    static const char *const healthy[] = {"E34", "E41", "E45", "E49", "E51", "E52"};
    collio_error err = COLLIO_ERROR_INIT;
    collio_doctor *doctor = examine(NULL, NULL, &err);

    tap_ok(collio_doctor_ranks(doctor, MPI_COMM_WORLD, &err) == COLLIO_OK, "stage two runs");
    for (size_t i = 0; i < sizeof healthy / sizeof *healthy; i++)
        tap_ok(level_of(doctor, healthy[i]) == COLLIO_LEVEL_FINE, "%s is fine", healthy[i]);
    tap_ok(same_everywhere(digest_of(doctor)), "all ranks hold the same findings");
    collio_doctor_free(&doctor);
}

static void test_odd_rank(void)
{
    collio_error err = COLLIO_ERROR_INIT;
    collio_fact facts[] = {{"numpy.version", tap_rank == tap_size - 1 ? "2.1.0" : "1.24.2"},
                           {"numpy.built", "1.24.2"},
                           {NULL, NULL}};
    collio_doctor *doctor = examine(NULL, facts, &err);
    const collio_finding *f;

    collio_doctor_ranks(doctor, MPI_COMM_WORLD, &err);
    f = find(doctor, "E31");
    tap_ok(f->level == COLLIO_LEVEL_FAILURE && (tap_size == 1 || f->rank == tap_size - 1),
           "what one rank alone finds all ranks know, with its rank");
    f = find(doctor, "E34");
    tap_ok(tap_size == 1 ? f->level == COLLIO_LEVEL_FINE : f->level == COLLIO_LEVEL_WARNING,
           "ranks with different packages are told apart");
    tap_ok(same_everywhere(digest_of(doctor)), "the same on all ranks");
    collio_doctor_free(&doctor);
}

static void test_facts(void)
{
    char size[16];
    collio_error err = COLLIO_ERROR_INIT;
    collio_fact facts[] = {{"mpi4py.comm_size", size},
                           {"mpi4py.library", "Some MPI 1.0"},
                           {"python.version", "3.12.1"},
                           {"python.built", "3.11.2"},
                           {"python.prefix", "/venv"},
                           {"python.base_prefix", "/usr"},
                           {"python.user_site", "/home/u/.local/lib"},
                           {"h5py.file", "/home/u/.local/lib/h5py/__init__.py"},
                           {NULL, NULL}};
    collio_doctor *doctor;

    snprintf(size, sizeof size, "%zu", sizeof(MPI_Comm));
    doctor = examine(NULL, facts, &err);
    tap_ok(level_of(doctor, "E03") == COLLIO_LEVEL_FAILURE, "E03 sees mpi4py with another MPI");
    tap_ok(level_of(doctor, "E30") == COLLIO_LEVEL_FAILURE, "E30 sees another Python");
    tap_ok(level_of(doctor, "E32") == COLLIO_LEVEL_WARNING, "E32 sees a package of the user's own");
    tap_ok(collio_doctor_level(doctor) == COLLIO_LEVEL_FAILURE, "the worst level is told");
    collio_doctor_free(&doctor);
}

static void test_directory(void)
{
    collio_error err = COLLIO_ERROR_INIT;
    collio_doctor *doctor = examine("no/such/directory", NULL, &err);

    tap_ok(collio_doctor_ranks(doctor, MPI_COMM_WORLD, &err) == COLLIO_OK &&
               level_of(doctor, "E44") == COLLIO_LEVEL_FAILURE &&
               level_of(doctor, "E52") == COLLIO_LEVEL_FAILURE,
           "and no shared file can be written there: all ranks know, none waits");
    collio_doctor_free(&doctor);
}

static void test_glance(void)
{
    enum { TIMES = 20 };
    collio_finding f;
    double start, best = 1;
    int found = 0;

    setenv("COLLIO_DOCTOR", "1", 1);
    for (int i = 0; i < TIMES; i++) {
        start = collio_now();
        found |= collio_doctor_glance(&f);
        best = collio_now() - start < best ? collio_now() - start : best;
    }
    tap_ok(!found, "at a glance: nothing (%s)", found ? f.what : "fine");
    if (tap_rank == 0)
        printf("# a glance: %.0f us\n", best * 1e6);
}

/* The n-th judged call fails on one rank, for every n: stage two ends everywhere, and the ranks
 * agree on how. */
static void test_faults(void)
{
    int points = 0, ended = 1;
    long nth = 1, fired = 1;

    /* A rank that fails before it can tell the others is missing to them: for a second. */
    collio_set_timeout(1);
    /* Until there are fewer calls than the one that was to fail. */
    for (; fired && nth < 1000; nth += 1 + nth / 2) {
        collio_error err = COLLIO_ERROR_INIT;
        collio_doctor *doctor = examine(NULL, NULL, &err);
        /* A new one each time, as a fault may poison it; and left, as operations may be under way.
         */
        MPI_Comm comm;
        MPI_Comm_dup(MPI_COMM_WORLD, &comm);
        collio_fault_set(tap_rank == tap_size - 1 ? nth : 0);
        collio_doctor_ranks(doctor, comm, &err);
        fired = collio_fault_count() >= nth;
        collio_fault_set(0);
        ended &= same_everywhere((uint64_t)(err.code == COLLIO_OK));
        MPI_Bcast(&fired, 1, MPI_LONG, tap_size - 1, MPI_COMM_WORLD);
        collio_doctor_free(&doctor);
        points++;
    }
    tap_ok(ended && points > 5, "one rank's failing calls end stage two on all ranks alike");
    if (tap_rank == 0)
        printf("# %d fault points, the last behind call %ld\n", points, nth);
}

int main(int argc, char **argv)
{
    int status;

    MPI_Init(&argc, &argv);
    tap_begin();
    collio_set_timeout(30);
    test_alone();
    test_ranks();
    test_odd_rank();
    test_facts();
    test_directory();
    test_glance();
    test_faults();
    status = tap_end();
    MPI_Finalize();
    return status;
}
