/* Much structure, and random changes of it: the ranks stay in step although each looks things up
 * on its own. ranks: 1 2 3 */
#include "core/internal.h"
#include "collio/io.h"
#include "tap.h"

#include <hdf5.h>
#include <stdlib.h>
#include <string.h>

static collio_file *open_file(const char *path, const char *mode)
{
    collio_error err = COLLIO_ERROR_INIT;
    collio_file *file = NULL;

    if (collio_file_open(MPI_COMM_WORLD, path, mode, NULL, &file, &err))
        fprintf(stderr, "# open: %s\n", err.text);
    return file;
}

/* -------------------------------------------------------------- much of it */

#define DATASETS   2000
#define ATTRIBUTES 1000
#define LENGTH     16

static void write_dataset(collio_object *root, int i, collio_error *err)
{
    int64_t shape = LENGTH;
    int32_t values[LENGTH];
    collio_object *dataset = NULL;
    collio_array memory;
    char name[32];

    for (int j = 0; j < LENGTH; j++)
        values[j] = i + j;
    snprintf(name, sizeof name, "g%d/d%d", i % 7, i);
    collio_dataset_create(root, name, COLLIO_INT32, 1, &shape, NULL, &dataset, err);
    collio_array_fill(&memory, values, COLLIO_INT32, 1, &shape);
    if (dataset != NULL)
        collio_dataset_write(dataset, NULL, &memory, err);
    collio_object_close(&dataset);
}

/* What one rank alone looks at while all of them change things. */
static void look(collio_object *root, int i)
{
    collio_error err = COLLIO_ERROR_INIT;
    collio_object *dataset = NULL;
    int32_t values[LENGTH];
    int64_t shape = LENGTH;
    collio_array memory;
    char name[32];

    if (i == 0 || i % tap_size != tap_rank)
        return;
    i = rand() % i;
    snprintf(name, sizeof name, "/g%d/d%d", i % 7, i);
    collio_object_open(root, name, &dataset, &err);
    collio_array_fill(&memory, values, COLLIO_INT32, 1, &shape);
    if (dataset != NULL)
        collio_dataset_read_independent(dataset, NULL, &memory, &err);
    if (err.code != COLLIO_OK || values[3] != i + 3)
        fprintf(stderr, "# %s: %s\n", name, err.text);
    collio_object_close(&dataset);
}

static int check_dataset(hid_t file, int i)
{
    int32_t values[LENGTH] = {0};
    char name[32];
    hid_t id;
    int right;

    snprintf(name, sizeof name, "g%d/d%d", i % 7, i);
    id = H5Dopen2(file, name, H5P_DEFAULT);
    right = id >= 0 && H5Dread(id, H5T_NATIVE_INT32, H5S_ALL, H5S_ALL, H5P_DEFAULT, values) >= 0 &&
            values[0] == i && values[LENGTH - 1] == i + LENGTH - 1;
    if (id >= 0)
        H5Dclose(id);
    return right;
}

static int check_attributes(hid_t file)
{
    int right = 1;

    for (int i = 0; i < ATTRIBUTES && right; i++) {
        double value = -1.0;
        char name[32];
        hid_t id;

        snprintf(name, sizeof name, "a%d", i);
        id = H5Aopen(file, name, H5P_DEFAULT);
        right = id >= 0 && H5Aread(id, H5T_NATIVE_DOUBLE, &value) >= 0 && value == i;
        if (id >= 0)
            H5Aclose(id);
    }
    return right;
}

static void test_much(void)
{
    collio_error err = COLLIO_ERROR_INIT;
    collio_file *file = open_file("structure.h5", "w");
    collio_object *root = collio_file_root(file);
    int right = 1;

    for (int i = 0; i < DATASETS && err.code == COLLIO_OK; i++) {
        write_dataset(root, i, &err);
        look(root, i);
        if (i % 700 == 699)
            collio_file_flush(file, &err);
    }
    tap_ok(err.code == COLLIO_OK, "%d datasets %s", DATASETS, err.text);
    for (int i = 0; i < ATTRIBUTES && err.code == COLLIO_OK; i++) {
        double value = i;
        char name[32];

        snprintf(name, sizeof name, "a%d", i);
        collio_attribute_write(root, name, COLLIO_FLOAT64, 0, NULL, &value, &err);
    }
    tap_ok(err.code == COLLIO_OK, "%d attributes %s", ATTRIBUTES, err.text);
    tap_ok(collio_file_close(&file, &err) == COLLIO_OK, "close %s", err.text);
    if (tap_rank == 0) {
        hid_t plain = H5Fopen("structure.h5", H5F_ACC_RDONLY, H5P_DEFAULT);

        for (int i = 0; i < DATASETS && right; i++)
            right = check_dataset(plain, i);
        right = right && check_attributes(plain);
        H5Fclose(plain);
    }
    tap_ok(right, "plain HDF5 reads all of it");
}

/* ------------------------------------------------------------ at random */

#define NAMES   40
#define CHANGES 2500

/* What the file should hold: the length and first element of each dataset, and an
 * attribute. 0: not there. */
typedef struct model {
    int64_t length[NAMES];
    int64_t seed[NAMES];
    int attribute[NAMES]; /* elements */
} model;

static void put(collio_object *root, model *m, int n, collio_error *err)
{
    int64_t shape = 1 + rand() % (rand() % 5 ? 60 : 6000);
    int64_t *values = malloc((size_t)shape * sizeof *values);
    collio_object *dataset = NULL;
    collio_array memory;
    char name[16];

    m->length[n] = shape;
    m->seed[n] = rand();
    m->attribute[n] = 0;
    for (int64_t i = 0; i < shape; i++)
        values[i] = m->seed[n] + i;
    snprintf(name, sizeof name, "n%d", n);
    collio_dataset_create(root, name, COLLIO_INT64, 1, &shape, NULL, &dataset, err);
    collio_array_fill(&memory, values, COLLIO_INT64, 1, &shape);
    if (dataset != NULL)
        collio_dataset_write(dataset, NULL, &memory, err);
    collio_object_close(&dataset);
    free(values);
}

static void put_attribute(collio_object *root, model *m, int n, collio_error *err)
{
    int64_t shape = 1 + rand() % 30, values[30];
    collio_object *dataset = NULL;
    char name[16];

    for (int i = 0; i < 30; i++)
        values[i] = m->seed[n] + i;
    snprintf(name, sizeof name, "n%d", n);
    collio_object_open(root, name, &dataset, err);
    if (dataset == NULL)
        return;
    if (rand() % 3 == 0)
        collio_attribute_write_text(dataset, "text", "some words of no importance", err);
    m->attribute[n] = (int)shape;
    collio_attribute_write(dataset, "a", COLLIO_INT64, 1, &shape, values, err);
    collio_object_close(&dataset);
}

/* Whether dataset n is as the model has it. */
static int check(collio_object *root, const model *m, int n)
{
    collio_error err = COLLIO_ERROR_INIT;
    collio_object *dataset = NULL;
    int64_t values[6000], shape = m->length[n], attribute[30];
    collio_array memory;
    char name[16];
    int right = 1;

    snprintf(name, sizeof name, "n%d", n);
    collio_object_open(root, name, &dataset, &err);
    if (shape == 0 || dataset == NULL)
        return (shape == 0) == (err.code == COLLIO_ERR_KEY);
    collio_array_fill(&memory, values, COLLIO_INT64, 1, &shape);
    collio_dataset_read_independent(dataset, NULL, &memory, &err);
    for (int64_t i = 0; i < shape && err.code == COLLIO_OK; i++)
        right = right && values[i] == m->seed[n] + i;
    if (m->attribute[n] > 0) {
        collio_attribute_read(dataset, "a", COLLIO_INT64, attribute, &err);
        right = right && attribute[m->attribute[n] - 1] == m->seed[n] + m->attribute[n] - 1;
    }
    collio_object_close(&dataset);
    return right && err.code == COLLIO_OK;
}

static void change(collio_file *file, model *m, collio_error *err)
{
    collio_object *root = collio_file_root(file);
    int n = rand() % NAMES;
    char name[16];

    snprintf(name, sizeof name, "n%d", n);
    if (m->length[n] == 0) {
        put(root, m, n, err);
    } else if (rand() % 2 == 0) {
        put_attribute(root, m, n, err);
    } else {
        m->length[n] = 0;
        collio_link_delete(root, name, err);
    }
    if (rand() % 60 == 0)
        collio_file_flush(file, err);
}

static void test_random(void)
{
    collio_error err = COLLIO_ERROR_INIT;
    collio_file *file = open_file("random.h5", "w");
    unsigned own = 77 + (unsigned)tap_rank; /* each rank looks elsewhere */
    model m;
    int right = 1;

    memset(&m, 0, sizeof m);
    srand(5);
    for (int i = 0; i < CHANGES && err.code == COLLIO_OK; i++) {
        change(file, &m, &err);
        if (rand_r(&own) % 3 == 0)
            right = check(collio_file_root(file), &m, (int)(rand_r(&own) % NAMES)) && right;
        if (i % 500 == 499) {
            collio_file_close(&file, &err);
            file = open_file("random.h5", "r+");
        }
    }
    tap_ok(err.code == COLLIO_OK, "%d random changes %s", CHANGES, err.text);
    tap_ok(right, "what one looks at is right meanwhile");
    for (int n = 0; n < NAMES; n++)
        right = check(collio_file_root(file), &m, n) && right;
    tap_ok(right && collio_file_close(&file, &err) == COLLIO_OK, "and at the end %s", err.text);
}

int main(int argc, char **argv)
{
    MPI_Init(&argc, &argv);
    tap_begin();
    test_much();
    test_random();
    MPI_Finalize();
    return tap_end();
}
