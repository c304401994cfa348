/*
 * The campaign against the promises of checkpoints (tests/campaign): a small part of it by default;
 * all of it, with other seeds, from the command line:
 *   mpiexec -n 3 tests/test_campaign every=1 states=2000 damages=7000 sizes=170 seed=5
 *   mpiexec -n 3 tests/test_campaign mutants          (or first=4 last=9: those of these numbers)
 * It works in the current directory. ranks: 1 2 3 limit: 400
 */
#include "campaign/campaign.h"

typedef struct figures {
    int every, states, damages, sizes, disk, seed, mutants, first, last;
} figures;

/* X(name, in `make check`) */
#define FIGURES                                                                                    \
    X(every, 7)                                                                                    \
    X(states, 50)                                                                                  \
    X(damages, 60)                                                                                 \
    X(sizes, 10)                                                                                   \
    X(disk, 0)                                                                                     \
    X(seed, 1)                                                                                     \
    X(mutants, 0)                                                                                  \
    X(first, 0)                                                                                    \
    X(last, MUTANT_COUNT - 1)

static void parse(int argc, char **argv, figures *f)
{
    for (int i = 1; i < argc; i++) {
        f->mutants |= strcmp(argv[i], "mutants") == 0;
#define X(name, number)                                                                            \
    if (strncmp(argv[i], #name "=", sizeof #name) == 0)                                            \
        f->name = atoi(argv[i] + sizeof #name);
        FIGURES
#undef X
    }
}

static void attack(const variant *v, const figures *f)
{
    uint64_t seed = (uint64_t)f->seed * 1000003u;
    long points = 0, violations;

    if (f->every > 0) {
        violations = campaign_sweep(v, f->every, &points);
        tap_ok(violations == 0 && points > 0, "%s: %ld system calls failed, %ld violations",
               v->name, points, violations);
    }
    if (f->sizes > 0)
        tap_ok(campaign_full(v, f->sizes) == 0, "%s: disks full at %d sizes", v->name, f->sizes);
    if (f->states > 0)
        tap_ok(campaign_power(v, f->states, seed) == 0, "%s: %d states after power loss", v->name,
               f->states);
    if (f->damages > 0 && !v->background)
        tap_ok(campaign_corrupt(v, f->damages, seed) == 0, "%s: %d damages", v->name, f->damages);
}

static int larger(int a, int b)
{
    return a > b ? a : b;
}

/* Each mutant must be found out by one of the attacks. */
static void hunt(const figures *f)
{
    static const char *const words[] = {
#define X(name, text) text,
        MUTANTS
#undef X
    };
    uint64_t seed = (uint64_t)f->seed;
    long points;

    for (mutant = f->first; mutant < MUTANT_SPLIT && mutant <= f->last; mutant++) {
        const variant *v = &campaign_variants[mutant < MUTANT_RANKS ? 0 : APART];
        int found = 0;
        if (mutant > MUTANT_NONE && tap_size == 1 &&
            (mutant == MUTANT_NO_DATA_SYNC || mutant == MUTANT_DIGESTS_NOT_ADDED))
            continue; /* as it should be, for one rank */
        if (campaign_sweep(v, 1, &points) != 0)
            found |= 1;
        if ((found == 0 || mutant == MUTANT_NONE) && campaign_power(v, 400, seed) != 0)
            found |= 2;
        if ((found == 0 || mutant == MUTANT_NONE) && campaign_corrupt(v, 300, seed) != 0)
            found |= 4;
        tap_ok((found != 0) == (mutant != MUTANT_NONE), "mutant %d: %s: %s", mutant, words[mutant],
               found == 0  ? "nothing is found"
               : found & 1 ? "found by failing calls"
               : found & 2 ? "found by power loss"
                           : "found by damage");
    }
    for (mutant = larger(MUTANT_SPLIT, f->first); mutant <= f->last; mutant++)
        tap_ok(campaign_power_files(200, seed) != 0, "mutant %d: %s: found by power loss", mutant,
               words[mutant]);
    mutant = MUTANT_NONE;
}

int main(int argc, char **argv)
{
    figures f = {
#define X(name, number) .name = number,
        FIGURES
#undef X
    };

    MPI_Init(&argc, &argv);
    tap_begin();
    parse(argc, argv, &f);
    collio_set_timeout(60.0);
    if (tap_rank == 0)
        printf("# seed %d\n", f.seed);
    if (f.mutants)
        hunt(&f);
    for (int i = 0; i < VARIANTS && !f.mutants; i++)
        attack(&campaign_variants[i], &f);
    if (f.states > 0 && !f.mutants)
        tap_ok(campaign_power_files(f.states, (uint64_t)f.seed) == 0,
               "files of parts: %d states after power loss", f.states);
    if (f.disk > 0) {
        long violations = campaign_full_disk(f.disk);
        if (violations < 0)
            tap_skip("a disk that is full", "no right to make a file system");
        else
            tap_ok(violations == 0, "a disk of %d sizes: %ld violations", f.disk, violations);
    }
    MPI_Finalize();
    return tap_end();
}
