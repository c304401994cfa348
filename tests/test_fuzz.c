/*
 * Damaged files: cut off anywhere, or with any byte changed. Reading gives an error or values, and
 * the file can be opened again after that. ranks: 1
 *
 * The campaign tests/campaign/fuzz.py damages at random, and finds crashes within HDF5 itself,
 * which depend on its version; here is what every version has to stand.
 */
#include "fuzz_tools.h"
#include "tap.h"

#include <hdf5.h>

static void fill(collio_object *parent, collio_error *err)
{
    int64_t shape[2] = {6, 8};
    double values[48];
    collio_object *u = NULL;
    collio_array memory;

    for (int i = 0; i < 48; i++)
        values[i] = i;
    collio_dataset_create(parent, "u", COLLIO_FLOAT64, 2, shape, NULL, &u, err);
    collio_array_fill(&memory, values, COLLIO_FLOAT64, 2, shape);
    collio_dataset_write(u, NULL, &memory, err);
    collio_attribute_write(u, "range", COLLIO_FLOAT64, 1, shape, values, err);
    collio_attribute_write_text(u, "units", "metre", err);
    collio_object_close(&u);
}

/* Make a file and have its bytes. */
static unsigned char *make(const char *path, collio_format format, size_t *size)
{
    collio_file_options options = {.format = format};
    collio_error err = COLLIO_ERROR_INIT;
    collio_file *file = NULL;
    collio_object *group = NULL;
    unsigned char *bytes = NULL;
    FILE *in;

    collio_file_open(MPI_COMM_SELF, path, "w", &options, &file, &err);
    collio_group_create(collio_file_root(file), "a/b", &group, &err);
    fill(group, &err);
    fill(collio_file_root(file), &err);
    collio_link_soft(group, "up", "/u", &err);
    collio_object_close(&group);
    collio_file_close(&file, &err);
    tap_ok(err.code == COLLIO_OK, "%s is made %s", path, err.text);
    *size = 0;
    in = fopen(path, "rb");
    bytes = malloc(1 << 20);
    if (in != NULL && bytes != NULL)
        *size = fread(bytes, 1, 1 << 20, in);
    if (in != NULL)
        fclose(in);
    return bytes;
}

static long read_damaged(const char *path, const unsigned char *bytes, size_t size)
{
    FILE *out = fopen(path, "wb");

    if (out == NULL)
        return -2;
    fwrite(bytes, 1, size, out);
    fclose(out);
    return fuzz_read(path);
}

static void test_cut(const char *name, const unsigned char *bytes, size_t size, long all)
{
    int refused = 0, read = 0, wrong = 0;

    for (size_t length = 0; length < size; length += length < 256 ? 16 : 97) {
        long values = read_damaged("damaged.h5", bytes, length);
        refused += values == -1;
        read += values >= 0;
        wrong += values > all || values == -2;
    }
    tap_ok(wrong == 0 && refused > 0, "%s cut off: %d refused, %d read in part", name, refused,
           read);
}

static void test_changed(const char *name, unsigned char *bytes, size_t size, long all)
{
    static const unsigned char masks[] = {0x01, 0x80, 0xff};
    int refused = 0, read = 0, wrong = 0;

    for (size_t at = 0; at < 96; at++)
        for (size_t m = 0; m < sizeof masks; m++) {
            long values;
            bytes[at] ^= masks[m];
            values = read_damaged("damaged.h5", bytes, size);
            bytes[at] ^= masks[m];
            refused += values == -1;
            read += values >= 0;
            wrong += values > all || values == -2;
        }
    tap_ok(wrong == 0 && refused > 0, "%s with a byte changed: %d refused, %d read", name, refused,
           read);
    tap_ok(read_damaged("damaged.h5", bytes, size) == all, "%s unharmed is read in whole", name);
}

/* Every second byte of the file, each in one of several ways. More values than there are may be
 * found: names may lead in circles. */
static void test_anywhere(const char *name, unsigned char *bytes, size_t size)
{
    static const unsigned char masks[] = {0x02, 0xff, 0x40, 0x01, 0x80};
    int refused = 0, read = 0, wrong = 0;

    for (size_t at = 0; at < size; at += 2) {
        unsigned char mask = masks[at % sizeof masks];
        long values;
        bytes[at] ^= mask;
        values = read_damaged("damaged.h5", bytes, size);
        bytes[at] ^= mask;
        refused += values == -1;
        read += values >= 0;
        wrong += values == -2;
    }
    tap_ok(wrong == 0 && read > 0, "%s with any byte changed: %d refused, %d read", name, refused,
           read);
}

/* What is wrong is said by name. */
static void test_words(unsigned char *bytes, size_t size)
{
    collio_error err = COLLIO_ERROR_INIT;
    collio_file *file = NULL;
    collio_object *u = NULL;
    FILE *out = fopen("damaged.h5", "wb");
    int said = 0;

    /* The version of the first attribute message that follows its name's sizes. */
    for (size_t at = 8; at + 16 < size && !said; at++)
        if (memcmp(bytes + at, "range\0\0", 8) == 0) {
            bytes[at - 8] = 9;
            said = 1;
        }
    if (out != NULL) {
        fwrite(bytes, 1, size, out);
        fclose(out);
    }
    collio_file_open(MPI_COMM_SELF, "damaged.h5", "r", NULL, &file, &err);
    if (file != NULL)
        collio_object_open(collio_file_root(file), "a/b/u", &u, &err);
    tap_ok(said && err.code == COLLIO_ERR_HDF5 &&
               strstr(err.text, "damaged.h5' is damaged") != NULL,
           "a damaged header is called so: %s", err.text);
    collio_object_close(&u);
    collio_error_clear(&err);
    collio_file_close(&file, &err);
}

int main(int argc, char **argv)
{
    MPI_Init(&argc, &argv);
    tap_begin();
    H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
    for (int format = COLLIO_FORMAT_EARLIEST; format <= COLLIO_FORMAT_V18; format++) {
        const char *name = format == COLLIO_FORMAT_EARLIEST ? "old.h5" : "new.h5";
        size_t size;
        unsigned char *bytes = make(name, (collio_format)format, &size);
        long all = fuzz_read(name);

        tap_ok(all == 9, "%ld values in %s", all, name);
        test_cut(name, bytes, size, all);
        test_changed(name, bytes, size, all);
        test_anywhere(name, bytes, size);
        if (format == COLLIO_FORMAT_EARLIEST)
            test_words(bytes, size);
        free(bytes);
    }
    MPI_Finalize();
    return tap_end();
}
