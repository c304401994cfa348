/* Attributes: every type, texts, replacing, listing, one rank erring. ranks: 1 2 3 */
#include "core/internal.h"
#include "collio/io.h"
#include "tap.h"

#include <hdf5.h>
#include <stdlib.h>
#include <string.h>

static collio_file *file;
static collio_object *root;

static int text_is(const char *name, const char *wanted)
{
    collio_error err = COLLIO_ERROR_INIT;
    char *text = NULL;
    int same;

    collio_attribute_read_text(root, name, &text, &err);
    same = text != NULL && strcmp(text, wanted) == 0;
    collio_text_free(&text);
    return same && text == NULL;
}

static void test_types(void)
{
    int64_t shape[2] = {2, 3};
    int right = 1;

    for (int t = 0; t < COLLIO_TYPE_COUNT; t++) {
        collio_error err = COLLIO_ERROR_INIT;
        collio_type type = (collio_type)t;
        const char *name = collio_type_name(type);
        unsigned char out[6 * 16], in[6 * 16] = {0};
        collio_attribute_facts facts;

        for (int i = 0; i < 6 * 16; i++)
            out[i] = type == COLLIO_BOOL ? i % 2 : (unsigned char)(i * 7 % 120);
        collio_attribute_write(root, name, type, 2, shape, out, &err);
        collio_attribute_read(root, name, type, in, &err);
        collio_attribute_info(root, name, &facts, &err);
        right = right && err.code == COLLIO_OK && facts.kind == COLLIO_ATTRIBUTE_NUMBERS &&
                facts.type == type && !facts.swapped && facts.ndim == 2 && facts.shape[1] == 3 &&
                memcmp(in, out, 6 * collio_type_size(type)) == 0;
    }
    tap_ok(right, "arrays of every type");
}

static void test_values(void)
{
    collio_error err = COLLIO_ERROR_INIT;
    collio_attribute_facts facts;
    int64_t step = 12, none = 0;
    double as_double = 0.0;
    float pi = 3.5f, two[2] = {1, 2};

    collio_attribute_write(root, "step", COLLIO_INT64, 0, NULL, &step, &err);
    collio_attribute_read(root, "step", COLLIO_FLOAT64, &as_double, &err);
    tap_ok(err.code == COLLIO_OK && as_double == 12.0, "a number, converted %s", err.text);
    step = 13;
    collio_attribute_write(root, "step", COLLIO_INT64, 0, NULL, &step, &err);
    collio_attribute_read(root, "step", COLLIO_FLOAT64, &as_double, &err);
    tap_ok(as_double == 13.0, "replaced by one of its kind");
    collio_attribute_write(root, "step", COLLIO_FLOAT32, 0, NULL, &pi, &err);
    collio_attribute_info(root, "step", &facts, &err);
    collio_attribute_read(root, "step", COLLIO_FLOAT64, &as_double, &err);
    tap_ok(as_double == 3.5 && facts.type == COLLIO_FLOAT32 && facts.ndim == 0,
           "replaced by another");
    step = 2;
    collio_attribute_write(root, "step", COLLIO_FLOAT32, 1, &step, two, &err);
    collio_attribute_info(root, "step", &facts, &err);
    tap_ok(facts.ndim == 1 && facts.shape[0] == 2, "and by an array");
    collio_attribute_write(root, "nothing", COLLIO_FLOAT32, 1, &none, NULL, &err);
    collio_attribute_info(root, "nothing", &facts, &err);
    collio_attribute_read(root, "nothing", COLLIO_FLOAT32, NULL, &err);
    tap_ok(err.code == COLLIO_OK && facts.ndim == 1 && facts.shape[0] == 0, "no elements %s",
           err.text);
}

static void test_texts(void)
{
    collio_error err = COLLIO_ERROR_INIT;
    collio_attribute_facts facts;
    char *text = NULL, *large = malloc(200001);
    int64_t number = 1;

    collio_attribute_write_text(root, "text",
                                "Gr\xc3\xbc\xc3\x9f"
                                "e",
                                &err);
    collio_attribute_info(root, "text", &facts, &err);
    tap_ok(text_is("text", "Gr\xc3\xbc\xc3\x9f"
                           "e") &&
               facts.kind == COLLIO_ATTRIBUTE_TEXT,
           "a text %s", err.text);
    collio_attribute_write_text(root, "text", "", &err);
    tap_ok(text_is("text", ""), "replaced by an empty one %s", err.text);
    memset(large, 'x', 200000);
    large[200000] = '\0';
    collio_attribute_write_text(root, "text", large, &err);
    tap_ok(text_is("text", large), "and by a large one %s", err.text);
    free(large);
    collio_attribute_write(root, "number", COLLIO_INT64, 0, NULL, &number, &err);
    tap_ok(collio_attribute_read_text(root, "number", &text, &err) == COLLIO_ERR_TYPE &&
               text == NULL,
           "a number is no text: %s", err.text);
    collio_error_clear(&err);
    tap_ok(collio_attribute_read(root, "text", COLLIO_INT64, &number, &err) == COLLIO_ERR_TYPE,
           "and the other way round: %s", err.text);
}

static int count_name(const char *name, void *context)
{
    *(int *)context += name[0] != '\0';
    return 0;
}

static void test_names(void)
{
    collio_error err = COLLIO_ERROR_INIT;
    collio_object *group = NULL;
    int64_t count = -1;
    int32_t value = 1;
    int exists = 1, seen = 0;

    collio_group_create(root, "g", &group, &err);
    collio_attribute_write(group, "a", COLLIO_INT32, 0, NULL, &value, &err);
    collio_attribute_write(group, "b", COLLIO_INT32, 0, NULL, &value, &err);
    collio_attribute_count(group, &count, &err);
    collio_attribute_names(group, count_name, &seen, &err);
    tap_ok(err.code == COLLIO_OK && count == 2 && seen == 2, "names %s", err.text);
    collio_attribute_delete(group, "a", &err);
    collio_attribute_exists(group, "a", &exists, &err);
    tap_ok(err.code == COLLIO_OK && !exists, "delete %s", err.text);
    tap_ok(collio_attribute_delete(group, "a", &err) == COLLIO_ERR_KEY && err.agreed, "again: %s",
           err.text);
    collio_error_clear(&err);
    tap_ok(collio_attribute_read(group, "a", COLLIO_INT32, &value, &err) == COLLIO_ERR_KEY,
           "read what is not there: %s", err.text);
    collio_object_close(&group);
}

static void test_errors(void)
{
    collio_error err = COLLIO_ERROR_INIT;
    int last = tap_rank == tap_size - 1;
    static char large[70000];
    int64_t value = tap_rank, size = sizeof large, negative = -1;

    collio_attribute_write(root, "v", COLLIO_INT64, 0, NULL, &value, &err);
    tap_ok(tap_size == 1 || (err.code == COLLIO_ERR_DIVERGED && err.agreed), "other values: %s",
           err.text);
    collio_error_clear(&err);
    if (tap_size > 1) {
        collio_attribute_write_text(root, "t", last ? "a" : "b", &err);
        tap_ok(err.code == COLLIO_ERR_DIVERGED, "other texts: %s", err.text);
        collio_error_clear(&err);
    }
    tap_ok(collio_attribute_write(root, last ? "" : "w", COLLIO_INT64, 0, NULL, &size, &err) ==
                   COLLIO_ERR_VALUE ||
               err.code == COLLIO_ERR_DIVERGED,
           "one rank without a name: %s", err.text);
    collio_error_clear(&err);
    tap_ok(collio_attribute_write(root, "w", COLLIO_INT8, 1, &negative, large, &err) ==
               COLLIO_ERR_VALUE,
           "a negative extent: %s", err.text);
    collio_error_clear(&err);
    tap_ok(collio_attribute_write(root, "w", COLLIO_INT8, 1, &size, large, &err) ==
                   COLLIO_ERR_HDF5 &&
               !collio_file_is_poisoned(file),
           "too large for this format: %s", err.text);
    collio_error_clear(&err);
    value = 5;
    tap_ok(collio_attribute_write(root, "v", COLLIO_INT64, 0, NULL, &value, &err) == COLLIO_OK,
           "the file is usable after all that");
}

static void test_again(void)
{
    collio_error err = COLLIO_ERROR_INIT;
    int64_t value = 0;

    collio_file_open(MPI_COMM_WORLD, "attribute.h5", "r", NULL, &file, &err);
    root = collio_file_root(file);
    collio_attribute_read(root, "v", COLLIO_INT64, &value, &err);
    tap_ok(err.code == COLLIO_OK && value == 5, "after closing, a number %s", err.text);
    tap_ok(collio_attribute_write(root, "v", COLLIO_INT64, 0, NULL, &value, &err) ==
               COLLIO_ERR_VALUE,
           "read only: %s", err.text);
    collio_error_clear(&err);
    collio_file_close(&file, &err);
}

/* Newer formats keep large and many attributes in a heap. */
static void test_new_format(collio_format format)
{
    collio_error err = COLLIO_ERROR_INIT;
    collio_file_options options = {.format = format};
    static unsigned char large[70000], in[70000];
    int64_t size = sizeof large;

    memset(large, 7, sizeof large);
    collio_file_open(MPI_COMM_WORLD, "attribute18.h5", "w", &options, &file, &err);
    root = collio_file_root(file);
    collio_attribute_write(root, "large", COLLIO_UINT8, 1, &size, large, &err);
    collio_file_close(&file, &err);
    collio_file_open(MPI_COMM_WORLD, "attribute18.h5", "r", NULL, &file, &err);
    collio_attribute_read(collio_file_root(file), "large", COLLIO_UINT8, in, &err);
    tap_ok(err.code == COLLIO_OK && memcmp(large, in, sizeof in) == 0, "format %d: a large one %s",
           (int)format, err.text);
    collio_file_close(&file, &err);
}

int main(int argc, char **argv)
{
    collio_error err = COLLIO_ERROR_INIT;

    MPI_Init(&argc, &argv);
    tap_begin();
    H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
    collio_file_open(MPI_COMM_WORLD, "attribute.h5", "w", NULL, &file, &err);
    root = collio_file_root(file);
    test_types();
    test_values();
    test_texts();
    test_names();
    test_errors();
    tap_ok(collio_file_close(&file, &err) == COLLIO_OK, "close %s", err.text);
    test_again();
    test_new_format(COLLIO_FORMAT_V18);
    test_new_format(COLLIO_FORMAT_LATEST);
    MPI_Finalize();
    return tap_end();
}
