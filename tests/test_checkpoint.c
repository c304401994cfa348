/* Checkpoints: what is saved on some ranks comes back on any. ranks: 1 2 3 4 */
#include "io/step.h"

#include "tap.h"

#include <hdf5.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char directory[] = "ckpt";

/* What element `index` of an array of `type` is: bytes that are valid in every type. */
static void put_element(char *to, collio_type type, int64_t index)
{
    size_t size = collio_type_size(type);

    for (size_t i = 0; i < size; i++)
        to[i] = (char)((index * 7 + (int64_t)i * 3) % (type == COLLIO_BOOL ? 2 : 113));
}

/* Walk a block in memory with strides: fill it, or compare it; returns 1 if it is right. */
static int each_element(const collio_array *a, const int64_t *shape, const int64_t *start, int fill)
{
    int64_t at[COLLIO_MAX_DIMS] = {0}, total = collio_array_size(a);
    int right = 1;

    for (int64_t n = 0; n < total; n++) {
        char *place = a->data, wanted[16];
        int64_t index = 0;
        for (int d = 0; d < a->ndim; d++) {
            index = index * shape[d] + start[d] + at[d];
            place += at[d] * a->strides[d];
        }
        put_element(wanted, a->type, index);
        if (fill)
            memcpy(place, wanted, collio_type_size(a->type));
        right &= memcmp(place, wanted, collio_type_size(a->type)) == 0;
        for (int d = a->ndim - 1; d >= 0 && ++at[d] == a->shape[d]; d--)
            at[d] = 0;
    }
    return right;
}

/* This rank's block of an array cut over `parts` ranks, in memory with gaps if `apart` > 1;
 * a rank beyond the parts has nothing. Negative parts: rows are not cut. */
static collio_array own_block(collio_type type, int ndim, const int64_t *shape, int parts, int rank,
                              int apart, int64_t *start)
{
    collio_error err = COLLIO_ERROR_INIT;
    collio_array a = {.type = type, .ndim = ndim};
    int dims[COLLIO_MAX_DIMS] = {0};
    int64_t step = (int64_t)collio_type_size(type) * apart;
    collio_box box = {.ndim = ndim};

    if (parts < 0) {
        parts = -parts;
        dims[0] = 1;
    }
    collio_part_dims(parts, ndim, shape, dims, &err);
    if (rank < parts)
        collio_part_box(ndim, shape, dims, rank, 0, &box, NULL, &err);
    for (int d = ndim - 1; d >= 0; d--) {
        a.shape[d] = box.count[d];
        a.strides[d] = step;
        start[d] = box.start[d];
        step *= box.count[d] + (apart > 1);
    }
    a.data = calloc((size_t)(step > 0 ? step : 1), 1);
    return a;
}

static collio_checkpoint *open_directory(int keep)
{
    collio_checkpoint_options options = {.keep = keep};
    collio_checkpoint *c = NULL;
    collio_error err = COLLIO_ERROR_INIT;

    collio_checkpoint_open(MPI_COMM_WORLD, directory, &options, &c, COLLIO_AT(&err));
    if (err.code != COLLIO_OK)
        fprintf(stderr, "# %s\n", err.text);
    return c;
}

static int all_well(const collio_error *err)
{
    if (err->code != COLLIO_OK)
        fprintf(stderr, "# rank %d: %s\n", tap_rank, err->text);
    return err->code == COLLIO_OK;
}

/* The digest of the array that was saved last by round_trip(): the same whoever has written it. */
static uint64_t digest;

static uint64_t sum_digests(const collio_checkpoint_state *state)
{
    const collio_record *record = &state->table.record[0];
    uint64_t sum = 0;

    for (int64_t i = 0; i < record->blocks; i++)
        sum += record->digest[i];
    return sum;
}

/* Save from `writers` of the ranks, restore on `readers` of them. */
static int round_trip(collio_checkpoint *c, int64_t step, collio_type type, int ndim,
                      const int64_t *shape, int writers, int readers, int apart)
{
    collio_error err = COLLIO_ERROR_INIT;
    int64_t start[COLLIO_MAX_DIMS];
    collio_array mine = own_block(type, ndim, shape, writers, tap_rank, apart, start), back;
    collio_checkpoint_state *state = NULL;
    collio_item item;
    int right;

    each_element(&mine, shape, start, 1);
    item = collio_item_part("u", &mine, shape, start);
    collio_checkpoint_save(c, step, 1, &item, COLLIO_AT(&err));
    back = own_block(type, ndim, shape, readers, tap_rank, apart, start);
    collio_checkpoint_restore(c, COLLIO_NEWEST, &state, COLLIO_AT(&err));
    if (state != NULL)
        collio_checkpoint_read(state, "u", start, &back, COLLIO_AT(&err));
    right = all_well(&err) && state != NULL && collio_checkpoint_state_step(state) == step &&
            each_element(&back, shape, start, 0);
    digest = state != NULL ? sum_digests(state) : 0;
    collio_checkpoint_state_close(&state);
    free(mine.data);
    free(back.data);
    return right;
}

static void test_decompositions(void)
{
    static const int64_t shapes[][4] = {{37},         {3},     {13, 11},   {5, 7, 6},
                                        {3, 4, 2, 5}, {70000}, {100, 900}, {150, 97, 3}};
    static const int ndims[] = {1, 1, 2, 3, 4, 1, 2, 3};
    collio_checkpoint *c = open_directory(2);
    collio_error err = COLLIO_ERROR_INIT;
    uint64_t first = 0;
    int64_t step = 0;

    for (int k = 0; k < 8; k++)
        for (int writers = 1; writers <= tap_size; writers++)
            for (int readers = 1; readers <= tap_size; readers++, step++) {
                int right = round_trip(c, step, COLLIO_FLOAT64, ndims[k], shapes[k], writers,
                                       readers, 1 + k % 2);
                first = writers == 1 && readers == 1 ? digest : first;
                tap_ok(right && digest == first, "shape %d: %d to %d ranks", k, writers, readers);
            }
    for (int type = 0; type < COLLIO_TYPE_COUNT; type++, step++)
        tap_ok(round_trip(c, step, (collio_type)type, 2, shapes[2], tap_size, 1, 1 + type % 2),
               "type %s", collio_type_name((collio_type)type));
    collio_checkpoint_close(&c, &err);
    tap_ok(c == NULL && err.code == COLLIO_OK, "close");
}

/* Compressed, by h5py's measure: HDF5 itself undoes the filters. */
static int hdf5_reads(int64_t step, collio_type type, int ndim, const int64_t *shape)
{
    char path[64], wanted[16], *bytes;
    int64_t total = 1;
    size_t size = collio_type_size(type);
    hid_t file, dataset, stored;
    int right = tap_rank > 0;

    for (int d = 0; d < ndim; d++)
        total *= shape[d];
    snprintf(path, sizeof path, "%s/step-%012d.h5", directory, (int)step);
    file = right ? -1 : H5Fopen(path, H5F_ACC_RDONLY, H5P_DEFAULT);
    if (file < 0)
        return right;
    bytes = malloc((size_t)total * size);
    dataset = H5Dopen2(file, "u", H5P_DEFAULT);
    stored = H5Dget_type(dataset);
    right = H5Dread(dataset, stored, H5S_ALL, H5S_ALL, H5P_DEFAULT, bytes) >= 0;
    for (int64_t i = 0; i < total && right; i++) {
        put_element(wanted, type, i);
        right = memcmp(bytes + (size_t)i * size, wanted, size) == 0;
    }
    H5Tclose(stored);
    H5Dclose(dataset);
    H5Fclose(file);
    free(bytes);
    return right;
}

static void test_compressed(void)
{
    static const int64_t shapes[][4] = {{37},       {70000},       {100, 900},     {150, 97, 3},
                                        {3, 90000}, {2, 3, 70000}, {5, 7, 60, 11}, {600000}};
    static const int ndims[] = {1, 1, 2, 3, 2, 3, 4, 1};
    collio_checkpoint_options options = {.keep = 2, .deflate = 4};
    collio_checkpoint *c = NULL;
    collio_error err = COLLIO_ERROR_INIT;
    int64_t step = 1000;

    collio_checkpoint_open(MPI_COMM_WORLD, directory, &options, &c, COLLIO_AT(&err));
    if (err.code == COLLIO_ERR_UNSUPPORTED) {
        tap_skip("compression", err.text);
        return;
    }
    for (int k = 0; k < 8; k++, step++)
        tap_ok(round_trip(c, step, COLLIO_FLOAT64, ndims[k], shapes[k], tap_size, 1 + k % tap_size,
                          1 + k % 2) &&
                   hdf5_reads(step, COLLIO_FLOAT64, ndims[k], shapes[k]),
               "compressed, shape %d", k);
    for (int type = 0; type < COLLIO_TYPE_COUNT; type++, step++)
        tap_ok(round_trip(c, step, (collio_type)type, 2, shapes[2], tap_size, tap_size, 1) &&
                   hdf5_reads(step, (collio_type)type, 2, shapes[2]),
               "compressed, type %s", collio_type_name((collio_type)type));
    collio_checkpoint_close(&c, &err);
}

/* Runs so short that ranks exchange elements, in several rounds; from a transposed array too. */
static void test_short_runs(void)
{
    static const int64_t shape[2] = {1100, 1300}, small[2] = {90, 500};
    static const collio_type types[] = {COLLIO_FLOAT64, COLLIO_UINT8, COLLIO_COMPLEX128};
    collio_checkpoint *c = open_directory(1);
    collio_error err = COLLIO_ERROR_INIT;

    for (int i = 0; i < 3; i++)
        tap_ok(round_trip(c, 500 + i, types[i], 2, i < 1 ? shape : small, -tap_size, tap_size,
                          1 + i % 2),
               "columns of type %s", collio_type_name(types[i]));
    collio_checkpoint_close(&c, &err);
}

/* ------------------------------------------------------- states, values */

static int read_whole(collio_checkpoint_state *state, const char *name, int part,
                      const char *wanted)
{
    collio_error err = COLLIO_ERROR_INIT;
    char bytes[64] = "";
    size_t size = 0;

    collio_checkpoint_state_size(state, name, part, &size, &err);
    if (size < sizeof bytes)
        collio_checkpoint_read_state(state, name, part, bytes, &err);
    return all_well(&err) && size == strlen(wanted) && memcmp(bytes, wanted, size) == 0;
}

static void check_values(collio_checkpoint_state *state)
{
    collio_error err = COLLIO_ERROR_INIT;
    int64_t three = 3, zero = 0;
    int32_t v[3] = {0};
    double t = 0.0;
    collio_array scalar, vector;
    collio_item_info info;

    collio_array_fill(&scalar, &t, COLLIO_FLOAT64, 0, NULL);
    collio_array_fill(&vector, v, COLLIO_INT32, 1, &three);
    tap_ok(collio_checkpoint_read(state, "clock/t", NULL, &scalar, &err) == COLLIO_OK && t == 1.5,
           "scalar in a group");
    tap_ok(collio_checkpoint_read(state, "v", &zero, &vector, &err) == COLLIO_OK && v[0] == 4 &&
               v[2] == 6,
           "common array");
    tap_ok(collio_checkpoint_state_find(state, "rng", &info, &err) == COLLIO_OK &&
               info.kind == COLLIO_ITEM_RANK_STATE && info.parts == tap_size &&
               strcmp(info.format, "pickle") == 0,
           "information on a rank state");
    tap_ok(collio_checkpoint_state_count(state) == 5, "number of items");
}

static void test_states(void)
{
    collio_checkpoint *c = open_directory(2);
    collio_error err = COLLIO_ERROR_INIT;
    collio_checkpoint_state *state = NULL;
    int64_t three = 3;
    int32_t v[3] = {4, 5, 6};
    double t = 1.5;
    char mine[40];
    collio_array vector;
    collio_item items[5];

    memset(mine, 'a' + tap_rank, sizeof mine);
    mine[7 * tap_rank] = '\0'; /* rank 0 has nothing */
    collio_array_fill(&vector, v, COLLIO_INT32, 1, &three);
    items[0] = collio_item_scalar("clock/t", COLLIO_FLOAT64, &t);
    items[1] = collio_item_common("v", &vector);
    items[2] = collio_item_state("config", "json", tap_rank == 0 ? "{\"a\": 1}" : "?",
                                 tap_rank == 0 ? 8 : 1);
    items[3] = collio_item_rank_state("rng", "pickle", mine, strlen(mine));
    items[4] = collio_item_state("empty", "raw", NULL, 0);
    collio_checkpoint_save(c, 1000, 5, items, COLLIO_AT(&err));
    tap_ok(all_well(&err), "save values and states");
    collio_checkpoint_restore(c, 1000, &state, COLLIO_AT(&err));
    if (tap_ok(all_well(&err) && state != NULL, "restore them")) {
        check_values(state);
        tap_ok(read_whole(state, "config", 0, "{\"a\": 1}"), "common state is that of rank 0");
        tap_ok(read_whole(state, "rng", tap_rank, mine), "rank state comes back");
        tap_ok(read_whole(state, "rng", 0, ""), "rank state of another rank");
        tap_ok(read_whole(state, "empty", 0, ""), "empty state");
    }
    collio_checkpoint_state_close(&state);
    collio_checkpoint_close(&c, &err);
}

int main(int argc, char **argv)
{
    MPI_Init(&argc, &argv);
    tap_begin();
    test_decompositions();
    test_short_runs();
    test_compressed();
    test_states();
    MPI_Finalize();
    return tap_end();
}
