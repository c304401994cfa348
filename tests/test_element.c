/*
 * Element types beyond numbers, selections by list, and what ranks write in step:
 * seen by plain HDF5, too; with one rank that errs, and with every judged result of
 * such a write failing once.
 * ranks: 1 2
 */
#include "core/internal.h"
#include "collio/io.h"
#include "tap.h"

#include <hdf5.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PATH "element.h5"
#define N    12

typedef struct point {
    double x;
    int32_t id;
    char name[4];
} point;

static collio_type point_type(collio_error *err)
{
    static const char *const names[3] = {"x", "id", "name"};
    const int64_t offsets[3] = {offsetof(point, x), offsetof(point, id), offsetof(point, name)};
    const collio_type types[3] = {COLLIO_FLOAT64, COLLIO_INT32, collio_type_string(4, 0, err)};

    return collio_type_compound(sizeof(point), 3, names, offsets, types, err);
}

/* ------------------------------------------------------------------ types */

static void test_numbering(void)
{
    collio_error err = COLLIO_ERROR_INIT;
    const char *names[2] = {"NO", "YES"};
    const int64_t values[2] = {-1, 300}, shape[2] = {2, 3};
    collio_type small = collio_type_enum(COLLIO_INT16, 2, names, values, &err);
    collio_type array = collio_type_array(COLLIO_FLOAT32, 2, shape, &err), member;
    collio_type_facts f;
    int64_t value = 0;
    char *name = NULL;

    tap_ok(point_type(&err) == point_type(&err), "equal types have one number");
    tap_ok(collio_type_number('f', 8, 0, &err) == COLLIO_FLOAT64 &&
               collio_type_number('b', 1, 0, &err) == COLLIO_BOOL &&
               collio_type_number('c', 16, 0, &err) == COLLIO_COMPLEX128,
           "those of this machine are the constants");
    tap_ok(collio_type_size(collio_type_number('f', sizeof(long double), 0, &err)) ==
               sizeof(long double),
           "long double");
    collio_type_info(collio_type_number('i', 4, 1, &err), &f, &err);
    tap_ok(f.form == COLLIO_FORM_NUMBER && f.letter == 'i' && f.size == 4 && f.swapped,
           "the other byte order");
    collio_type_info(small, &f, &err);
    collio_type_member(small, 1, &name, &value, NULL, &err);
    tap_ok(f.form == COLLIO_FORM_ENUM && f.base == COLLIO_INT16 && f.count == 2 &&
               strcmp(name, "YES") == 0 && value == 300,
           "an enumeration");
    collio_text_free(&name);
    collio_type_info(array, &f, &err);
    tap_ok(f.form == COLLIO_FORM_ARRAY && f.size == 24 && f.ndim == 2 && f.shape[1] == 3,
           "an array as element");
    collio_type_member(point_type(&err), 2, &name, &value, &member, &err);
    tap_ok(strcmp(name, "name") == 0 && value == offsetof(point, name) &&
               collio_type_size(member) == 4,
           "a member of a compound");
    collio_text_free(&name);
    collio_type_info(collio_type_string(0, 1, &err), &f, &err);
    tap_ok(f.form == COLLIO_FORM_STRING && f.variable && f.utf8 &&
               !collio_type_variable(collio_type_string(5, 1, &err)),
           "strings");
    tap_ok(err.code == COLLIO_OK, "no error: %s", err.text);
}

static void test_refused(void)
{
    collio_error err = COLLIO_ERROR_INIT;

    tap_ok(collio_type_number('f', 3, 0, &err) == COLLIO_TYPE_COUNT && err.code == COLLIO_ERR_VALUE,
           "no such number: %s", err.text);
    collio_error_clear(&err);
    tap_ok(collio_type_array(COLLIO_INT8, 0, NULL, &err) == COLLIO_TYPE_COUNT &&
               err.code == COLLIO_ERR_VALUE,
           "an array without dimensions: %s", err.text);
    collio_error_clear(&err);
    tap_ok(collio_type_enum(COLLIO_FLOAT32, 0, NULL, NULL, &err) == COLLIO_TYPE_COUNT &&
               err.code == COLLIO_ERR_TYPE,
           "an enumeration of floats: %s", err.text);
    collio_error_clear(&err);
    tap_ok(collio_type_sequence(COLLIO_TYPE_COUNT, &err) == COLLIO_TYPE_COUNT &&
               err.code == COLLIO_ERR_TYPE,
           "a sequence of nothing: %s", err.text);
}

/* ---------------------------------------------------------------- structs */

/* Ranks deal out points one by one, as lists. */
static void test_points(collio_object *root)
{
    collio_error err = COLLIO_ERROR_INIT;
    collio_object *dataset = NULL;
    const int64_t n = N;
    int64_t mine[N], count = 0;
    point points[N], all[N];
    collio_selection part;
    collio_array memory;
    int right = 1;

    memset(points, 0, sizeof points);
    for (int64_t i = tap_rank; i < N; i += tap_size) {
        points[count] = (point){(double)i / 2, (int32_t)-i, "abc"};
        mine[count++] = i;
    }
    collio_dataset_create(root, "points", point_type(&err), 1, &n, NULL, &dataset, &err);
    collio_selection_none(&part, 1);
    collio_selection_list(&part, 0, count, mine);
    collio_array_fill(&memory, points, point_type(&err), 1, &count);
    collio_dataset_write(dataset, &part, &memory, &err);
    collio_array_fill(&memory, all, point_type(&err), 1, &n);
    collio_dataset_read(dataset, NULL, &memory, &err);
    for (int i = 0; i < N; i++)
        right = right && all[i].x == i / 2.0 && all[i].id == -i && strcmp(all[i].name, "abc") == 0;
    tap_ok(right && err.code == COLLIO_OK, "points dealt out by lists: %s", err.text);
    collio_object_close(&dataset);
}

/* One member of a struct is written as another type; the others stay. */
static void test_member(collio_object *root)
{
    collio_error err = COLLIO_ERROR_INIT;
    collio_object *dataset = NULL;
    const int64_t n = N, offset = 0;
    const char *const name = "id";
    const collio_type number = COLLIO_FLOAT32;
    collio_type only = collio_type_compound(4, 1, &name, &offset, &number, &err);
    collio_selection part;
    collio_array memory;
    float ids[N];
    point all[N];
    int64_t start = 0, count = 0;
    int right = 1;

    collio_object_open(root, "points", &dataset, &err);
    collio_part_range(N, tap_size, tap_rank, &start, &count, &err);
    for (int64_t i = 0; i < count; i++)
        ids[i] = (float)(10 * (start + i));
    collio_selection_block(&part, 1, &start, &count);
    collio_array_fill(&memory, ids, only, 1, &count);
    collio_dataset_write(dataset, &part, &memory, &err);
    collio_array_fill(&memory, all, point_type(&err), 1, &n);
    collio_dataset_read(dataset, NULL, &memory, &err);
    for (int i = 0; i < N; i++)
        right = right && all[i].x == i / 2.0 && all[i].id == 10 * i;
    tap_ok(right && err.code == COLLIO_OK, "a member alone, converted: %s", err.text);
    collio_object_close(&dataset);
}

/* A list that one rank has in the wrong order. */
static void test_bad_list(collio_object *root)
{
    collio_error err = COLLIO_ERROR_INIT;
    collio_object *dataset = NULL;
    const int64_t good[2] = {0, 1}, bad[2] = {1, 1}, outside[2] = {0, N};
    const int64_t *lists[2] = {bad, outside};
    const int codes[2] = {COLLIO_ERR_VALUE, COLLIO_ERR_INDEX};
    collio_selection part;
    collio_array memory;
    int64_t two = 2;
    point points[2];

    collio_object_open(root, "points", &dataset, &err);
    collio_array_fill(&memory, points, point_type(&err), 1, &two);
    for (int i = 0; i < 2; i++) {
        collio_selection_none(&part, 1);
        collio_selection_list(&part, 0, 2, tap_rank == tap_size - 1 ? lists[i] : good);
        collio_dataset_read(dataset, &part, &memory, &err);
        tap_ok(err.code == codes[i] && (tap_size == 1 || err.rank == tap_size - 1),
               "a bad list on one rank: %s", err.text);
        collio_error_clear(&err);
    }
    collio_object_close(&dataset);
}

/* Elements by their numbers in a dataset of two dimensions. */
static void test_flat(collio_object *root)
{
    collio_error err = COLLIO_ERROR_INIT;
    collio_object *dataset = NULL;
    const int64_t shape[2] = {3, 4};
    int64_t mine[N], count = 0;
    int32_t values[N], all[N];
    collio_selection part;
    collio_array memory;
    int right = 1;

    for (int64_t i = tap_rank; i < N; i += tap_size) {
        values[count] = (int32_t)(i * i);
        mine[count++] = i;
    }
    collio_dataset_create(root, "flat", COLLIO_INT32, 2, shape, NULL, &dataset, &err);
    collio_selection_flat(&part, count, mine);
    collio_array_fill(&memory, values, COLLIO_INT32, 1, &count);
    collio_dataset_write(dataset, &part, &memory, &err);
    collio_array_fill(&memory, all, COLLIO_INT32, 2, shape);
    collio_dataset_read(dataset, NULL, &memory, &err);
    for (int i = 0; i < N; i++)
        right = right && all[i] == i * i;
    tap_ok(right && err.code == COLLIO_OK, "elements by their numbers: %s", err.text);
    collio_object_close(&dataset);
}

/* ------------------------------------------------------------------ texts */

/* Each rank writes its texts; a rank may have none. */
static void write_texts(collio_object *root, collio_error *err)
{
    collio_type text = collio_type_string(0, 1, err);
    collio_object *dataset = NULL;
    const int64_t n = N;
    int64_t start = 0, count = 0;
    char words[N][16], *texts[N];
    collio_selection part;
    collio_array memory;

    collio_dataset_create(root, "texts", text, 1, &n, NULL, &dataset, err);
    if (dataset == NULL)
        return;
    if (tap_size > 1 && tap_rank < tap_size - 1) /* the last rank has nothing to write */
        collio_part_range(N, tap_size - 1, tap_rank, &start, &count, err);
    else if (tap_size == 1)
        count = N;
    for (int64_t i = 0; i < count; i++) {
        snprintf(words[i], sizeof words[i], "text %d", (int)(start + i));
        texts[i] = words[i];
    }
    collio_selection_block(&part, 1, &start, &count);
    collio_array_fill(&memory, texts, text, 1, &count);
    collio_dataset_write(dataset, &part, &memory, err);
    collio_object_close(&dataset);
}

static int texts_are_right(collio_object *root, collio_error *err)
{
    collio_object *dataset = NULL;
    collio_type text = COLLIO_TYPE_COUNT;
    const int64_t n = N;
    char *texts[N] = {NULL}, wanted[16];
    collio_array memory;
    int right = 1;

    collio_object_open(root, "texts", &dataset, err);
    collio_dataset_stored_type(dataset, &text, err);
    collio_array_fill(&memory, texts, text, 1, &n);
    collio_dataset_read(dataset, NULL, &memory, err);
    for (int i = 0; i < N; i++) {
        snprintf(wanted, sizeof wanted, "text %d", i);
        right = right && texts[i] != NULL && strcmp(texts[i], wanted) == 0;
    }
    if (err->code == COLLIO_OK)
        collio_type_reclaim(text, texts, N, err);
    collio_object_close(&dataset);
    return right;
}

static void test_texts(collio_object *root)
{
    collio_error err = COLLIO_ERROR_INIT;

    write_texts(root, &err);
    tap_ok(texts_are_right(root, &err) && err.code == COLLIO_OK, "texts of all ranks: %s",
           err.text);
}

/* ----------------------------------------------------------------- faults */

/* A file with texts, on one communicator. Its first error is in err. */
static void live(MPI_Comm comm, collio_error *err)
{
    collio_error closing = COLLIO_ERROR_INIT;
    collio_file *file = NULL;

    collio_file_open(comm, PATH ".fault", "w", NULL, &file, err);
    if (file == NULL)
        return;
    write_texts(collio_file_root(file), err);
    collio_file_close(&file, &closing);
    if (err->code == COLLIO_OK)
        collio_error_set(err, closing.code, "%s", closing.text);
    collio_file_abandon(&file, "test");
}

/* One life with the n-th result on a rank failing; 1 if that many were reached. */
static int try(int rank, long nth, int *bad)
{
    collio_error err = COLLIO_ERROR_INIT;
    collio_comm *first = NULL;
    int reached, both[2], most[2];
    MPI_Comm comm;

    MPI_Comm_dup(MPI_COMM_WORLD, &comm);
    collio_comm_create(comm, &first, &err);
    collio_comm_free(&first, &err);
    collio_fault_set(tap_rank == rank ? nth : 0);
    live(comm, &err);
    reached = collio_fault_count() >= nth;
    collio_fault_set(0);
    MPI_Bcast(&reached, 1, MPI_INT, rank, MPI_COMM_WORLD);
    both[0] = err.code;
    both[1] = -err.code;
    MPI_Allreduce(both, most, 2, MPI_INT, MPI_MAX, MPI_COMM_WORLD);
    if (most[0] != -most[1]) {
        fprintf(stderr, "# fault %ld@%d: rank %d: code %d: %s\n", nth, rank, tap_rank, err.code,
                err.text);
        *bad = 1;
    }
    MPI_Comm_free(&comm);
    return reached;
}

static void test_faults(void)
{
    for (int rank = 0; rank < tap_size; rank++) {
        long nth = tap_size > 1 ? 3 : 1; /* see test_io_fault.c */
        int bad = 0;

        while (try(rank, nth, &bad))
            nth++;
        tap_ok(!bad, "%ld faults on rank %d while texts are written", nth - 1, rank);
    }
}

/* ------------------------------------------------------------- plain HDF5 */

static int plain_is_right(void)
{
    hid_t file = H5Fopen(PATH, H5F_ACC_RDONLY, H5P_DEFAULT), text = H5Tcopy(H5T_C_S1);
    hid_t dataset = H5Dopen2(file, "texts", H5P_DEFAULT);
    char *texts[N] = {NULL};
    int right;

    H5Tset_size(text, H5T_VARIABLE);
    H5Tset_cset(text, H5T_CSET_UTF8);
    right = H5Dread(dataset, text, H5S_ALL, H5S_ALL, H5P_DEFAULT, texts) >= 0 &&
            strcmp(texts[N - 1], "text 11") == 0;
    H5Dclose(dataset);
    H5Tclose(text);
    H5Fclose(file);
    return right;
}

int main(int argc, char **argv)
{
    collio_error err = COLLIO_ERROR_INIT;
    collio_file *file = NULL;
    collio_object *root;

    MPI_Init(&argc, &argv);
    tap_begin();
    collio_set_timeout(20.0);
    test_numbering();
    test_refused();
    collio_file_open(MPI_COMM_WORLD, PATH, "w", NULL, &file, &err);
    root = collio_file_root(file);
    test_points(root);
    test_member(root);
    test_bad_list(root);
    test_flat(root);
    test_texts(root);
    collio_file_close(&file, &err);
    tap_ok(err.code == COLLIO_OK && (tap_rank > 0 || plain_is_right()), "plain HDF5 reads them: %s",
           err.text);
    collio_file_open(MPI_COMM_WORLD, PATH, "r", NULL, &file, &err);
    tap_ok(texts_are_right(collio_file_root(file), &err), "so does another file handle");
    collio_file_close(&file, &err);
    test_faults();
    MPI_Finalize();
    return tap_end();
}
