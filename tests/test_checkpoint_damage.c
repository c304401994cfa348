/* Damage of every kind: never returned, located, and the step before it is restored.
 * ranks: 1 2 3 limit: 240 */
#include "checkpoint_tools.h"

#include <unistd.h>

static const char directory[] = "damage";
static const char newest[] = "damage/step-000000000003.h5";
static const char before[] = "damage/step-000000000002.h5";

/* The bytes of a file, as rank 0 read them. */
typedef struct image {
    unsigned char bytes[1 << 17];
    size_t size;
} image;

static void load_image(const char *path, image *out)
{
    FILE *file = fopen(path, "rb");

    out->size = file != NULL ? fread(out->bytes, 1, sizeof out->bytes, file) : 0;
    if (file != NULL)
        fclose(file);
}

/* Let the file hold these bytes. By rank 0; the others wait. */
static void store_image(const char *path, const image *from)
{
    FILE *file = tap_rank == 0 ? fopen(path, "wb") : NULL;

    if (file != NULL) {
        fwrite(from->bytes, 1, from->size, file);
        fclose(file);
    }
    MPI_Barrier(MPI_COMM_WORLD);
}

/* After damage to step 3: the newest valid one is 2, and verify says so. */
static int is_found_out(collio_checkpoint *all)
{
    collio_checkpoint_report report;
    collio_checkpoint_state *state = NULL;
    collio_error err = COLLIO_ERROR_INIT;
    int right = 0, values = 0;

    collio_checkpoint_verify(all, 3, &report, &err);
    right = err.code == COLLIO_OK && !report.valid && strstr(report.text, "0003.h5") != NULL;
    collio_checkpoint_restore(all, COLLIO_NEWEST, &state, &err);
    if (state != NULL) {
        right &= collio_checkpoint_state_step(state) == 2 &&
                 strstr(collio_checkpoint_state_refused(state), "step 3: ") != NULL;
        little_read(state, &values, &err);
    }
    collio_checkpoint_state_close(&state);
    if (!right || !values)
        fprintf(stderr, "# rank %d: %s %s\n", tap_rank, report.text, err.text);
    return right && values;
}

/* Opened without a look at the data: an error, or the right data, never others. */
static int is_not_returned(collio_checkpoint *quick)
{
    collio_checkpoint_state *state = NULL;
    collio_error err = COLLIO_ERROR_INIT;
    int values = 0;

    if (collio_checkpoint_restore(quick, 3, &state, &err) == COLLIO_OK)
        little_read(state, &values, &err);
    collio_checkpoint_state_close(&state);
    return same_everywhere(&err) &&
           (values || err.code == COLLIO_ERR_DAMAGED || err.code == COLLIO_ERR_UNSUPPORTED);
}

static int survives(collio_checkpoint *all, collio_checkpoint *quick, const image *broken)
{
    int right;

    store_image(newest, broken);
    right = is_found_out(all) & is_not_returned(quick);
    MPI_Barrier(MPI_COMM_WORLD);
    return right;
}

static void test_flips(collio_checkpoint *all, collio_checkpoint *quick, const image *good)
{
    static image broken;
    int every = tap_size == 1 ? 53 : 397, found = 0, tried = 0;

    for (size_t at = 0; at < good->size; at += at < 256 ? 7 : (size_t)every) {
        broken = *good;
        broken.bytes[at] ^= (unsigned char)(1 << at % 8);
        tried++;
        if (survives(all, quick, &broken))
            found++;
        else
            fprintf(stderr, "# a bit flipped at byte %zu of %zu\n", at, good->size);
    }
    tap_ok(found == tried && tried > 50, "%d flipped bits are found out", tried);
}

static void test_pages(collio_checkpoint *all, collio_checkpoint *quick, const image *good,
                       const image *older)
{
    static image broken;
    int found = 0, tried = 0;

    for (size_t at = 0; at < good->size; at += 4096) {
        size_t size = good->size - at < 4096 ? good->size - at : 4096;
        for (int k = 0; k < 2; k++) {
            broken = *good;
            if (k == 0)
                memset(broken.bytes + at, 0, size);
            else
                memcpy(broken.bytes + at, older->bytes + at, size);
            if (memcmp(broken.bytes, good->bytes, good->size) == 0)
                continue;
            tried++;
            found += survives(all, quick, &broken);
        }
    }
    tap_ok(found == tried && tried > 20, "%d pages of zeros and of the step before", tried);
}

static void test_lengths(collio_checkpoint *all, collio_checkpoint *quick, const image *good)
{
    static const int64_t cuts[] = {0, 1, 100, 4096, 10000, -4096, -1};
    static image broken;

    for (int i = 0; i < 7; i++) {
        broken = *good;
        broken.size = (size_t)(cuts[i] >= 0 ? cuts[i] : (int64_t)good->size + cuts[i]);
        tap_ok(survives(all, quick, &broken), "cut to %zu bytes", broken.size);
    }
    broken = *good;
    broken.size += 5;
    tap_ok(survives(all, quick, &broken), "longer than it was");
}

/* Two pages of the same array exchanged; the file of another step under this name. */
static void test_exchanges(collio_checkpoint *all, collio_checkpoint *quick, const image *good,
                           const image *older)
{
    static image broken;

    broken = *good;
    memcpy(broken.bytes + good->size / 2, good->bytes + good->size / 2 + 8192, 4096);
    memcpy(broken.bytes + good->size / 2 + 8192, good->bytes + good->size / 2, 4096);
    tap_ok(survives(all, quick, &broken), "two pages exchanged");
    tap_ok(survives(all, quick, older), "another step under this name");
}

/* A flipped bit in an array is reported with the array's name and the place. */
static void test_location(collio_checkpoint *all, const image *good)
{
    static image broken;
    collio_checkpoint_report report;
    collio_error err = COLLIO_ERROR_INIT;
    double value = u_value(3, 5 * COLUMNS);
    size_t at = 0;

    broken = *good;
    while (at + sizeof value <= good->size && memcmp(good->bytes + at, &value, sizeof value) != 0)
        at++;
    broken.bytes[at] ^= 1;
    store_image(newest, &broken);
    collio_checkpoint_verify(all, 3, &report, &err);
    tap_ok(!report.valid && report.damaged == 1 && report.blocks == 4 &&
               strstr(report.text, "'u': elements 0 to 9099") != NULL &&
               strstr(report.text, "rows 0 to 12") != NULL,
           "damage is located: %s", report.text);
    store_image(newest, good);
    collio_checkpoint_verify(all, 3, &report, &err);
    tap_ok(report.valid && report.blocks == 4 && report.text[0] == '\0', "the whole file is valid");
    tap_ok(little_is_newest(all, 3), "and restored");
}

/* All damaged is another error than none there; a damaged step makes way for a new one. */
static void test_all_damaged(collio_checkpoint *all, const image *good)
{
    static image broken;
    collio_checkpoint_state *state = NULL;
    collio_error err = COLLIO_ERROR_INIT;
    int64_t step = 0;

    broken = *good;
    broken.bytes[40] ^= 1;
    collio_checkpoint_delete(all, 1, &err);
    store_image(newest, &broken);
    store_image(before, &broken);
    collio_checkpoint_restore(all, COLLIO_NEWEST, &state, &err);
    tap_ok(state == NULL && err.code == COLLIO_ERR_DAMAGED && same_everywhere(&err) &&
               strstr(err.text, "step 3: ") != NULL && strstr(err.text, "step 2: ") != NULL,
           "all are damaged, and each is listed");
    collio_error_clear(&err);
    collio_checkpoint_latest(all, &step, &err);
    tap_ok(step == -1 && err.code == COLLIO_ERR_DAMAGED && same_everywhere(&err), "no latest");
    collio_error_clear(&err);
    little_save(all, 3, &err);
    tap_ok(err.code == COLLIO_OK && little_is_newest(all, 3), "a damaged step makes way: %s",
           err.text);
}

int main(int argc, char **argv)
{
    static image good, older;
    collio_error err = COLLIO_ERROR_INIT;
    collio_checkpoint *all, *quick;

    MPI_Init(&argc, &argv);
    tap_begin();
    all = open_checkpoint(directory, 0, COLLIO_VERIFY_ALL);
    quick = open_checkpoint(directory, 0, COLLIO_VERIFY_READ);
    for (int64_t step = 1; step <= 3; step++)
        little_save(all, step, &err);
    tap_ok(err.code == COLLIO_OK && little_is_newest(quick, 3), "three steps are saved");
    load_image(newest, &good);
    load_image(before, &older);
    MPI_Barrier(MPI_COMM_WORLD);
    test_flips(all, quick, &good);
    test_pages(all, quick, &good, &older);
    test_lengths(all, quick, &good);
    test_exchanges(all, quick, &good, &older);
    test_location(all, &good);
    test_all_damaged(all, &good);
    collio_checkpoint_close(&quick, &err);
    collio_checkpoint_close(&all, &err);
    MPI_Finalize();
    return tap_end();
}
