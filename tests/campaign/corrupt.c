/* Damage: bits, pages, lengths, blocks moved and blocks of the step before. By one process. */
#include "campaign.h"

#include <fcntl.h>
#include <glob.h>
#include <unistd.h>

typedef struct image {
    unsigned char *bytes;
    size_t size;
} image;

static int load(const char *path, image *out)
{
    FILE *file = fopen(path, "rb");

    out->bytes = malloc(1 << 20);
    out->size = file != NULL ? fread(out->bytes, 1, 1 << 20, file) : 0;
    if (file != NULL)
        fclose(file);
    return out->size > 0;
}

static void store(const char *path, const image *from)
{
    FILE *file = fopen(path, "wb");

    fwrite(from->bytes, 1, from->size, file);
    fclose(file);
}

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Damage a copy in one of these ways; what came out may be the same. */
static const char *damage(image *to, const image *before, uint64_t *random)
{
    size_t at = campaign_random(random, to->size), page = at / 4096 * 4096;
    size_t length = 512u << campaign_random(random, 5), other = campaign_random(random, to->size);
    unsigned char kept[8192];

    switch (campaign_random(random, 7)) {
    case 0:
        to->bytes[at] ^= (unsigned char)(1 << campaign_random(random, 8));
        return "a flipped bit";
    case 1:
        for (int i = 0; i < 6; i++)
            to->bytes[campaign_random(random, to->size)] ^=
                (unsigned char)(1 << campaign_random(random, 8));
        return "six flipped bits";
    case 2:
        memset(to->bytes + page, 0, least(4096, to->size - page));
        return "a page of zeros";
    case 3:
        to->size = at;
        return "a cut";
    case 4:
        length = least(length, to->size - (at > other ? at : other));
        memcpy(kept, to->bytes + at, length);
        memmove(to->bytes + at, to->bytes + other, length);
        memcpy(to->bytes + other, kept, length);
        return "blocks exchanged";
    case 5:
        length = least(at < before->size ? before->size - at : 0, least(length, to->size - at));
        memcpy(to->bytes + at, before->bytes + at, length);
        return "a block of the step before";
    default:
        at = campaign_random(random, least(4096, to->size)); /* seal and table */
        to->bytes[at] ^= (unsigned char)(1 << campaign_random(random, 8));
        return "a flipped bit in the user block";
    }
}

/* ---------------------------------------------------------- aimed damages */

/* What the bytes of a file belong to: seal and table, HDF5, or the elements of a record. */
enum { SEALED, METADATA, FIRST_RECORD };

/* Bits of each kind that are flipped. */
enum { AIMED = 12 };

static unsigned char *classify(const collio_table *table, size_t size)
{
    unsigned char *kinds = malloc(size);

    memset(kinds, METADATA, size);
    memset(kinds, SEALED, least((size_t)table->user_block, size));
    for (int i = 0; i < table->count; i++)
        for (int64_t k = 0; k < collio_record_pieces(&table->record[i]); k++) {
            int64_t offset, bytes;
            collio_record_piece(&table->record[i], k, &offset, &bytes);
            if (bytes > 0 && (size_t)(offset + bytes) <= size)
                memset(kinds + offset, FIRST_RECORD + i, (size_t)bytes);
        }
    return kinds;
}

/* Take as many bytes of one kind, from the first to the last. */
static int aim_at(const unsigned char *kinds, size_t size, int kind, size_t *aims)
{
    size_t count = 0, seen = 0;
    int n = 0;

    for (size_t at = 0; at < size; at++)
        count += kinds[at] == kind;
    for (size_t at = 0; at < size && n < AIMED; at++)
        if (kinds[at] == kind && seen++ >= (size_t)n * (count - 1) / (AIMED - 1))
            aims[n++] = at;
    return n;
}

/* Where bits are to be flipped so that each part of the file is met, whatever the chance; to be
 * freed. Nothing of a file without a seal. */
static size_t *aims_of(const char *path, size_t size, int *count)
{
    collio_table table = {.count = 0};
    collio_error err = COLLIO_ERROR_INIT;
    unsigned char *kinds;
    size_t *aims = NULL;
    int fd = -1;

    *count = 0;
    if (collio_posix_open(path, O_RDONLY, &fd, &err) == COLLIO_OK &&
        collio_seal_read(fd, path, &table, &err) == COLLIO_OK) {
        kinds = classify(&table, size);
        aims = malloc(((size_t)table.count + FIRST_RECORD) * AIMED * sizeof *aims);
        for (int kind = 0; kind < table.count + FIRST_RECORD; kind++)
            *count += aim_at(kinds, size, kind, aims + *count);
        free(kinds);
    }
    collio_table_free(&table);
    collio_posix_close(&fd, path, &err);
    return aims;
}

/* ------------------------------------------------------- the files of a step */

enum { MOST_PATHS = 8 };

/* Those of the ranks, too; how many. */
static int files_of(int64_t step, char (*paths)[256])
{
    char pattern[128];
    glob_t found;
    int count = 1;

    snprintf(paths[0], sizeof *paths, "%s/step-%012d.h5", campaign_directory, (int)step);
    snprintf(pattern, sizeof pattern, "%s/step-%012d.ranks-*/*", campaign_directory, (int)step);
    if (glob(pattern, 0, NULL, &found) == 0) {
        for (size_t i = 0; i < found.gl_pathc && count < MOST_PATHS; i++)
            snprintf(paths[count++], sizeof *paths, "%.255s", found.gl_pathv[i]);
        globfree(&found);
    }
    return count;
}

/* Read the step: 1 if it is refused as damaged, 0 if all in it is right, -1 otherwise. */
static int look(collio_checkpoint *c)
{
    collio_checkpoint_state *state = NULL;
    collio_error err = COLLIO_ERROR_INIT;
    int right = 0;

    if (collio_checkpoint_restore(c, 2, &state, &err) == COLLIO_OK)
        little_read(state, &right, &err);
    collio_checkpoint_state_close(&state);
    if (err.code == COLLIO_ERR_DAMAGED || err.code == COLLIO_ERR_UNSUPPORTED ||
        err.code == COLLIO_ERR_NONE)
        return 1;
    return err.code == COLLIO_OK && right ? 0 : -1;
}

static long damage_file(collio_checkpoint *all, collio_checkpoint *quick, const variant *v,
                        const char *path, const char *older, int damages, uint64_t seed)
{
    image good = {NULL, 0}, before = {NULL, 0}, broken = {malloc(1 << 20), 0};
    long violations = 0;
    size_t *aims;
    int aimed;

    load(older, &before);
    violations += !load(path, &good);
    aims = aims_of(path, good.size, &aimed);
    for (int i = 0; i < aimed + damages && violations < 10; i++) {
        const char *what = "an aimed bit";
        memcpy(broken.bytes, good.bytes, good.size);
        broken.size = good.size;
        if (i < aimed)
            broken.bytes[aims[i]] ^= (unsigned char)(1 << i % 8);
        else
            what = damage(&broken, &before, &seed);
        if (broken.size == good.size && memcmp(broken.bytes, good.bytes, good.size) == 0)
            continue;
        store(path, &broken);
        /* In a compressed block, bits that do not matter to what comes out may be changed. */
        if (look(quick) < 0 || (v->deflate ? look(all) < 0 : look(all) != 1)) {
            fprintf(stderr, "# %s: damage %d, %s, is not refused\n", v->name, i, what);
            violations++;
        }
    }
    unlink(path);
    if (look(quick) < 0 || look(all) < 0) {
        fprintf(stderr, "# %s: without '%s' the step is not refused\n", v->name, path);
        violations++;
    }
    store(path, &good);
    free(aims);
    free(good.bytes);
    free(before.bytes);
    free(broken.bytes);
    return violations;
}

/* Each file of the step in turn. */
static long damage_often(collio_checkpoint *all, collio_checkpoint *quick, const variant *v,
                         int damages, uint64_t seed)
{
    char older[MOST_PATHS][256], paths[MOST_PATHS][256];
    int count = files_of(2, paths);
    long violations = files_of(1, older) != count;

    for (int i = 0; i < count && violations == 0; i++)
        violations += damage_file(all, quick, v, paths[i], older[i], (damages + count - 1) / count,
                                  seed + (uint64_t)i);
    return violations;
}

static collio_checkpoint *open_alone(int verify)
{
    collio_checkpoint_options options = {.verify = verify, .read_only = 1};
    collio_checkpoint *c = NULL;
    collio_error err = COLLIO_ERROR_INIT;

    collio_checkpoint_open(MPI_COMM_SELF, campaign_directory, &options, &c, &err);
    return c;
}

long campaign_corrupt(const variant *v, int damages, uint64_t seed)
{
    collio_checkpoint *c, *all, *quick;
    collio_error err = COLLIO_ERROR_INIT;
    int ranks = tap_size;
    long violations = 0;

    if (tap_rank == 0 && system("rm -rf campaign") != 0)
        return 1;
    MPI_Barrier(MPI_COMM_WORLD);
    c = campaign_open(v);
    campaign_save(c, v, 1, &err);
    campaign_save(c, v, 2, &err);
    collio_checkpoint_close(&c, &err);
    violations = err.code != COLLIO_OK;
    if (tap_rank == 0) {
        all = open_alone(COLLIO_VERIFY_ALL);
        quick = open_alone(COLLIO_VERIFY_READ);
        tap_size = 1; /* the state is read whole, by this rank */
        violations += damage_often(all, quick, v, damages, seed);
        tap_size = ranks;
        collio_checkpoint_close(&all, &err);
        collio_checkpoint_close(&quick, &err);
    }
    MPI_Bcast(&violations, 1, MPI_LONG, 0, MPI_COMM_WORLD);
    return violations;
}
