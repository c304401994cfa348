/*
 * Chunks that plain HDF5 has filtered, in any order of filters, with edges, holes and masks: read
 * in blocks, steps, lists and one by one, also through links to other files. Chunks that are
 * damaged give one error to all ranks. ranks: 1 2 3 4
 */
#include "tap.h"
#include "collio/collio.h"
#include "io/internal.h"

#include <hdf5.h>
#include <stdlib.h>
#include <string.h>

#define PATH "filtered.h5"

enum { ROWS = 23, COLUMNS = 37, CHUNK_ROWS = 5, CHUNK_COLUMNS = 8, FILL = 77 };
enum { GZIP = 1, SHUFFLE, SUM, BITS };

typedef struct order {
    const char *name;
    int filter[4]; /* up to 0 */
} order;

static const order orders[] = {{"gzip", {GZIP}},
                               {"shuffle gzip", {SHUFFLE, GZIP}},
                               {"gzip sum", {GZIP, SUM}},
                               {"shuffle gzip sum", {SHUFFLE, GZIP, SUM}},
                               {"sum gzip", {SUM, GZIP}},
                               {"sum shuffle gzip", {SUM, SHUFFLE, GZIP}},
                               {"gzip shuffle", {GZIP, SHUFFLE}},
                               {"shuffle", {SHUFFLE}},
                               {"sum", {SUM}},
                               {"gzip gzip", {GZIP, GZIP}},
                               {"bits gzip", {BITS, GZIP}}};
enum { ORDERS = sizeof orders / sizeof *orders };

/* ------------------------------------------------------- made by plain HDF5 */

static void add_filter(hid_t list, int filter)
{
    if (filter == GZIP)
        H5Pset_deflate(list, 4);
    else if (filter == SHUFFLE)
        H5Pset_shuffle(list);
    else if (filter == SUM)
        H5Pset_fletcher32(list);
    else
        H5Pset_scaleoffset(list, H5Z_SO_INT, 0);
}

static int value_at(int row, int column)
{
    /* Nothing was written to one chunk. */
    if (row / CHUNK_ROWS == 1 && column / CHUNK_COLUMNS == 2)
        return FILL;
    return (row * COLUMNS + column) % 120;
}

/* All but that one and the one that is written as it is. */
static void select_chunks(hid_t space)
{
    hsize_t hole[] = {CHUNK_ROWS, 2 * CHUNK_COLUMNS}, bare[] = {2 * CHUNK_ROWS, 0};
    hsize_t count[] = {CHUNK_ROWS, CHUNK_COLUMNS};

    H5Sselect_all(space);
    H5Sselect_hyperslab(space, H5S_SELECT_NOTB, hole, NULL, count, NULL);
    H5Sselect_hyperslab(space, H5S_SELECT_NOTB, bare, NULL, count, NULL);
}

static hid_t make_list(const order *o)
{
    hsize_t chunks[] = {CHUNK_ROWS, CHUNK_COLUMNS};
    hid_t list = H5Pcreate(H5P_DATASET_CREATE);
    int fill = FILL;

    H5Pset_chunk(list, 2, chunks);
    H5Pset_fill_value(list, H5T_NATIVE_INT, &fill);
    for (int i = 0; o->filter[i] != 0; i++)
        add_filter(list, o->filter[i]);
    return list;
}

/* One chunk as it is, with all filters left out. */
static void write_bare(hid_t dataset, hid_t type)
{
    hsize_t start[] = {2 * CHUNK_ROWS, 0};
    int values[CHUNK_ROWS * CHUNK_COLUMNS * 2];

    for (int i = 0; i < CHUNK_ROWS * CHUNK_COLUMNS; i++)
        values[i] = value_at(2 * CHUNK_ROWS + i / CHUNK_COLUMNS, i % CHUNK_COLUMNS);
    H5Tconvert(H5T_NATIVE_INT, type, CHUNK_ROWS * CHUNK_COLUMNS, values, NULL, H5P_DEFAULT);
    H5Dwrite_chunk(dataset, H5P_DEFAULT, 15, start, CHUNK_ROWS * CHUNK_COLUMNS * H5Tget_size(type),
                   values);
}

static void make_one(hid_t file, const order *o, const char *kind, hid_t type)
{
    hsize_t extents[] = {ROWS, COLUMNS};
    hid_t space = H5Screate_simple(2, extents, NULL), list = make_list(o), dataset;
    int values[ROWS * COLUMNS];
    char name[64];

    for (int i = 0; i < ROWS * COLUMNS; i++)
        values[i] = value_at(i / COLUMNS, i % COLUMNS);
    snprintf(name, sizeof name, "%s %s", kind, o->name);
    dataset = H5Dcreate2(file, name, type, space, H5P_DEFAULT, list, H5P_DEFAULT);
    select_chunks(space);
    H5Dwrite(dataset, H5T_NATIVE_INT, space, space, H5P_DEFAULT, values);
    write_bare(dataset, type);
    H5Dclose(dataset);
    H5Pclose(list);
    H5Sclose(space);
}

static void make_file(void)
{
    if (tap_rank == 0) {
        hid_t file = H5Fcreate(PATH, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT), other;

        for (int i = 0; i < ORDERS; i++) {
            make_one(file, &orders[i], "i1", H5T_STD_I8LE);
            make_one(file, &orders[i], "i2", H5T_STD_I16LE);
            make_one(file, &orders[i], "i4", H5T_STD_I32LE);
            make_one(file, &orders[i], "big", H5T_STD_I32BE);
            if (orders[i].filter[0] != BITS)
                make_one(file, &orders[i], "f8", H5T_IEEE_F64LE);
        }
        H5Fclose(file);
        other = H5Fcreate("links.h5", H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
        H5Lcreate_external(PATH, "/i4 shuffle gzip", other, "link", H5P_DEFAULT, H5P_DEFAULT);
        H5Fclose(other);
    }
    MPI_Barrier(MPI_COMM_WORLD);
}

/* ------------------------------------------------------------ read by collio */

/* Where the elements of a selection are, in its order. */
typedef struct wanted {
    collio_selection selection;
    int row[ROWS * COLUMNS], column[ROWS * COLUMNS];
    int64_t count, shape[2];
    int ndim;
} wanted;

static void want(wanted *w, int row, int column)
{
    w->row[w->count] = row;
    w->column[w->count++] = column;
}

/* This rank's rows; of three ranks or more the second has none. */
static void my_rows(int64_t *start, int64_t *count)
{
    collio_error err = COLLIO_ERROR_INIT;

    collio_part_range(ROWS, tap_size, tap_rank, start, count, &err);
    if (tap_size > 2 && tap_rank == 1)
        *count = 0;
}

static void want_block(wanted *w)
{
    int64_t start[] = {0, 1}, count[] = {0, COLUMNS - 2};

    my_rows(&start[0], &count[0]);
    collio_selection_block(&w->selection, 2, start, count);
    for (int64_t i = 0; i < count[0] * count[1]; i++)
        want(w, (int)(start[0] + i / count[1]), (int)(1 + i % count[1]));
    memcpy(w->shape, count, sizeof count);
    w->ndim = 2;
}

/* Every third row from the rank on, columns of a list. */
static void want_list(wanted *w)
{
    static const int64_t list[] = {0, 1, 2, 7, 8, 16, 23, 24, 35, 36};
    int64_t start[] = {tap_rank, 0}, count[] = {(ROWS - tap_rank + 2) / 3, 1};

    collio_selection_block(&w->selection, 2, start, count);
    w->selection.stride[0] = 3;
    collio_selection_list(&w->selection, 1, 10, list);
    for (int64_t i = 0; i < count[0] * 10; i++)
        want(w, (int)(tap_rank + i / 10 * 3), (int)list[i % 10]);
    w->shape[0] = count[0];
    w->shape[1] = 10;
    w->ndim = 2;
}

/* Blocks of two rows and three columns. */
static void want_blocks(wanted *w)
{
    int64_t start[] = {1, tap_rank}, count[] = {4, 3};

    collio_selection_block(&w->selection, 2, start, count);
    for (int d = 0; d < 2; d++) {
        w->selection.stride[d] = d == 0 ? 5 : 11;
        w->selection.block[d] = 2 + d;
        w->shape[d] = count[d] * w->selection.block[d];
    }
    for (int i = 0; i < 8; i++)
        for (int j = 0; j < 9; j++)
            want(w, 1 + i / 2 * 5 + i % 2, tap_rank + j / 3 * 11 + j % 3);
    w->ndim = 2;
}

static void want_some(wanted *w)
{
    static int64_t list[ROWS * COLUMNS];
    int64_t n = 0;

    for (int i = tap_rank; i < ROWS * COLUMNS; i += 1 + i % 11) {
        list[n++] = i;
        want(w, i / COLUMNS, i % COLUMNS);
    }
    collio_selection_flat(&w->selection, n, list);
    w->shape[0] = n;
    w->ndim = 1;
}

/* Into memory with gaps. */
static int read_as_wanted(collio_object *dataset, const wanted *w, collio_type type,
                          collio_error *err)
{
    double values[2 * ROWS * COLUMNS + 2];
    int numbers[2 * ROWS * COLUMNS + 2], right = 1;
    int is_double = type == COLLIO_FLOAT64;
    collio_array memory;

    collio_array_fill(&memory, is_double ? (void *)values : (void *)numbers, type, w->ndim,
                      w->shape);
    for (int d = 0; d < w->ndim; d++)
        memory.strides[d] *= 2;
    if (collio_dataset_read(dataset, &w->selection, &memory, err))
        return 0;
    for (int64_t i = 0; i < w->count; i++)
        right = right &&
                (is_double ? values[2 * i] : numbers[2 * i]) == value_at(w->row[i], w->column[i]);
    return right;
}

static void test_read(collio_object *root, const char *name)
{
    static void (*const ways[])(wanted *) = {want_block, want_list, want_blocks, want_some};
    collio_object *dataset = NULL;

    for (int way = 0; way < 8; way++) {
        collio_error err = COLLIO_ERROR_INIT;
        wanted w = {.count = 0};
        int right;

        ways[way % 4](&w);
        if (dataset == NULL)
            collio_object_open(root, name, &dataset, &err);
        right = read_as_wanted(dataset, &w, way / 4 ? COLLIO_FLOAT64 : COLLIO_INT32, &err);
        tap_ok(right && err.code == COLLIO_OK, "'%s' is read, way %d %s", name, way, err.text);
    }
    collio_object_close(&dataset);
}

static void test_all(const char *mode)
{
    static const char *const kinds[] = {"i1", "i2", "i4", "big", "f8"};
    collio_error err = COLLIO_ERROR_INIT;
    collio_file *file = NULL;
    char name[64];

    collio_file_open(MPI_COMM_WORLD, PATH, mode, NULL, &file, &err);
    for (int i = 0; i < ORDERS; i++)
        for (int k = 0; k < 5; k++) {
            snprintf(name, sizeof name, "%s %s", kinds[k], orders[i].name);
            if (orders[i].filter[0] != BITS || k < 4)
                test_read(collio_file_root(file), name);
        }
    collio_file_close(&file, &err);
    collio_file_open(MPI_COMM_WORLD, "links.h5", "r", NULL, &file, &err);
    test_read(collio_file_root(file), "link");
    collio_file_close(&file, &err);
    tap_ok(err.code == COLLIO_OK, "opened with %s and closed %s", mode, err.text);
}

/* What was read in part is not what is read after a write. */
static void test_changed(void)
{
    collio_error err = COLLIO_ERROR_INIT;
    collio_file *file = NULL;
    collio_object *dataset = NULL;
    int64_t start[] = {0, 0}, row[] = {1, COLUMNS}, all[] = {ROWS, COLUMNS};
    int values[COLUMNS], sums[3] = {0};
    static int zeros[ROWS * COLUMNS];
    collio_selection one;
    collio_array memory, whole;

    collio_selection_block(&one, 2, start, row);
    collio_array_fill(&memory, values, COLLIO_INT32, 2, row);
    collio_array_fill(&whole, zeros, COLLIO_INT32, 2, all);
    collio_file_open(MPI_COMM_WORLD, PATH, "r+", NULL, &file, &err);
    collio_object_open(collio_file_root(file), "i4 gzip", &dataset, &err);
    for (int i = 0; i < 3; i++) {
        if (i == 2)
            collio_dataset_write(dataset, NULL, &whole, &err);
        collio_dataset_read(dataset, &one, &memory, &err);
        for (int j = 0; j < COLUMNS; j++)
            sums[i] += values[j];
    }
    tap_ok(err.code == COLLIO_OK && sums[0] == COLUMNS * (COLUMNS - 1) / 2 && sums[1] == sums[0] &&
               sums[2] == 0,
           "a row before and after a write: %d, %d, %d %s", sums[0], sums[1], sums[2], err.text);
    collio_object_close(&dataset);
    collio_file_close(&file, &err);
}

/* ------------------------------------------------------------------- damage */

enum {
    PIECE = 32,
    PIECES = 8,
    HURT = 5
}; /* elements of a chunk, chunks, the one that is damaged */

typedef struct damage {
    const char *name;
    int elements; /* of the stream */
    int extra;    /* bytes behind it; fewer than 0: it is cut */
    int changed;  /* a byte of it, from its end */
    int sum;
    int readable;
} damage;

static const damage damages[] = {
    {"too few elements", PIECE - 1, 0, 0, 0, 0},  {"hardly any", 1, 0, 0, 0, 0},
    {"too many", 3 * PIECE, 0, 0, 0, 1},          {"more behind them", PIECE, 9, 0, 0, 1},
    {"a stream that is cut", PIECE, -7, 0, 0, 0}, {"another byte", PIECE, 0, 8, 0, 0},
    {"a wrong sum", PIECE, 0, 1, 1, 0},           {"no room for a sum", 0, 2, 0, 1, 0}};

/* A chunk as the damage has it; how many bytes there are. */
static size_t make_chunk(const damage *d, const double *values, unsigned char *out, size_t room)
{
    collio_zstream z = {.level = 6};
    size_t size = 0;

    if (d->elements > 0)
        size = collio_zstream_pack(&z, values, (size_t)d->elements * sizeof *values, out, room);
    collio_zstream_close(&z);
    memset(out + size, 1, room - size);
    if (d->sum && size > 0)
        size += 4;
    size = (size_t)((int)size + d->extra);
    if (d->changed > 0)
        out[size - (size_t)d->changed] ^= 0x55;
    return size;
}

static void make_damaged(const damage *d, const double *values)
{
    hsize_t extent = PIECES * PIECE, piece = PIECE, start = HURT * PIECE;
    hid_t file = H5Fcreate(PATH, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT), dataset;
    hid_t space = H5Screate_simple(1, &extent, NULL), list = H5Pcreate(H5P_DATASET_CREATE);
    unsigned char bytes[4096];
    size_t size = make_chunk(d, values + start, bytes, sizeof bytes);

    H5Pset_chunk(list, 1, &piece);
    H5Pset_deflate(list, 6);
    if (d->sum)
        H5Pset_fletcher32(list);
    dataset = H5Dcreate2(file, "d", H5T_NATIVE_DOUBLE, space, H5P_DEFAULT, list, H5P_DEFAULT);
    H5Dwrite(dataset, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, values);
    H5Dwrite_chunk(dataset, H5P_DEFAULT, 0, &start, size, bytes);
    H5Dclose(dataset);
    H5Pclose(list);
    H5Sclose(space);
    H5Fclose(file);
}

/* Each rank reads its chunks. */
static int read_part(collio_object *dataset, int64_t start, int64_t count, const double *values,
                     collio_error *err)
{
    double read[PIECES * PIECE];
    collio_selection part;
    collio_array memory;

    collio_selection_block(&part, 1, &start, &count);
    collio_array_fill(&memory, read, COLLIO_FLOAT64, 1, &count);
    return collio_dataset_read(dataset, &part, &memory, err) == COLLIO_OK &&
           memcmp(read, values + start, (size_t)count * sizeof *read) == 0;
}

static void test_damage(const damage *d)
{
    collio_error err = COLLIO_ERROR_INIT, later = COLLIO_ERROR_INIT;
    collio_file *file = NULL;
    collio_object *dataset = NULL;
    double values[PIECES * PIECE * 2];
    int64_t start, count;
    int right, reader = -1;

    for (int i = 0; i < PIECES * PIECE * 2; i++)
        values[i] = i * i % 1000;
    if (tap_rank == 0)
        make_damaged(d, values);
    MPI_Barrier(MPI_COMM_WORLD);
    for (int r = 0; r < tap_size && reader < 0; r++) {
        collio_part_range(PIECES, tap_size, r, &start, &count, &err);
        reader = start <= HURT && HURT < start + count ? r : -1;
    }
    collio_part_range(PIECES, tap_size, tap_rank, &start, &count, &err);
    collio_file_open(MPI_COMM_WORLD, PATH, "r", NULL, &file, &err);
    collio_object_open(collio_file_root(file), "d", &dataset, &err);
    right = read_part(dataset, start * PIECE, count * PIECE, values, &err);
    if (d->readable)
        tap_ok(right, "%s: read %s", d->name, err.text);
    else
        tap_ok(err.code == COLLIO_ERR_HDF5 && err.agreed &&
                   err.rank == (tap_size > 1 ? reader : -1) && strstr(err.text, "damaged") != NULL,
               "%s: '%s' on all ranks, of rank %d", d->name, err.text, err.rank);
    right = read_part(dataset, tap_rank * PIECE / 2, HURT * PIECE - tap_rank * PIECE / 2, values,
                      &later);
    tap_ok(right, "%s: the others are read %s", d->name, later.text);
    collio_object_close(&dataset);
    collio_error_clear(&err);
    collio_file_close(&file, &err);
}

/* Elements of variable length go through HDF5, which is not to see what is too short. 0 if it does
 * not write such. */
static int make_texts(int filtered)
{
    hsize_t extent = 40, piece = 10, start = 20;
    hid_t file = H5Fcreate(PATH, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT), dataset;
    hid_t space = H5Screate_simple(1, &extent, NULL), list = H5Pcreate(H5P_DATASET_CREATE);
    hid_t type = H5Tcopy(H5T_C_S1);
    const char *texts[40];
    unsigned char bytes[4096];
    const double zeros[4] = {0};
    const damage few = {"", 4, 0, 0, 0, 0};
    size_t size = filtered ? make_chunk(&few, zeros, bytes, sizeof bytes) : sizeof zeros;
    int made;

    for (int i = 0; i < 40; i++)
        texts[i] = "text";
    H5Tset_size(type, H5T_VARIABLE);
    H5Pset_chunk(list, 1, &piece);
    if (filtered)
        H5Pset_deflate(list, 6);
    dataset = H5Dcreate2(file, "d", type, space, H5P_DEFAULT, list, H5P_DEFAULT);
    H5Dwrite(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, texts);
    made = H5Dwrite_chunk(dataset, H5P_DEFAULT, 0, &start, size,
                          filtered ? (const void *)bytes : (const void *)zeros) >= 0;
    H5Dclose(dataset);
    H5Tclose(type);
    H5Pclose(list);
    H5Sclose(space);
    H5Fclose(file);
    return made;
}

static void test_texts(int filtered)
{
    collio_error err = COLLIO_ERROR_INIT;
    collio_file *file = NULL;
    collio_object *dataset = NULL;
    collio_array memory = {.data = NULL};
    int64_t count = 40;
    char *texts[40] = {NULL};
    int made = tap_rank == 0 ? make_texts(filtered) : 0;
    collio_type type;

    MPI_Bcast(&made, 1, MPI_INT, 0, MPI_COMM_WORLD);
    if (!made) {
        tap_skip("texts in a chunk that is too short", "HDF5 does not write it");
        return;
    }
    collio_file_open(MPI_COMM_WORLD, PATH, "r", NULL, &file, &err);
    collio_object_open(collio_file_root(file), "d", &dataset, &err);
    if (collio_dataset_stored_type(dataset, &type, &err) == COLLIO_OK) {
        collio_array_fill(&memory, texts, type, 1, &count);
        collio_dataset_read(dataset, NULL, &memory, &err);
    }
    tap_ok(err.code == COLLIO_ERR_HDF5 && err.agreed && strstr(err.text, "damaged") != NULL,
           "texts in a chunk that is too short, %sfiltered: '%s'", filtered ? "" : "not ",
           err.text);
    collio_object_close(&dataset);
    collio_error_clear(&err);
    collio_file_close(&file, &err);
}

int main(int argc, char **argv)
{
    MPI_Init(&argc, &argv);
    tap_begin();
    make_file();
    test_all("r");
    test_all("r+");
    test_changed();
    if (collio_zstream_offered()) {
        for (size_t i = 0; i < sizeof damages / sizeof *damages; i++)
            test_damage(&damages[i]);
        test_texts(1);
    }
    if (!H5_VERSION_GE(2, 0, 0)) /* which ends a program that writes such a chunk */
        test_texts(0);
    MPI_Finalize();
    return tap_end();
}
