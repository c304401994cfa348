/* Links of all kinds, moved and removed; copies; orders of creation; one rank erring. ranks: 1 2 3
 */
#include "core/internal.h"
#include "collio/io.h"
#include "tap.h"

#include <hdf5.h>
#include <string.h>

static collio_file *file;
static collio_object *root;

/* What a name is, and where it leads. */
static int is_link(const char *name, collio_link_kind kind, const char *other, const char *path)
{
    collio_error err = COLLIO_ERROR_INIT;
    collio_link link;
    int good;

    collio_link_info(root, name, &link, &err);
    good = err.code == COLLIO_OK && link.kind == kind;
    good = good && (path == NULL ? link.path == NULL : strcmp(link.path, path) == 0);
    good = good && (other == NULL ? link.file == NULL : strcmp(link.file, other) == 0);
    collio_link_free(&link);
    return good;
}

static void test_kinds(void)
{
    collio_error err = COLLIO_ERROR_INIT;
    collio_object *group = NULL, *again = NULL;

    collio_group_create(root, "g/below", &group, &err);
    collio_link_hard(root, "hard/name", group, &err);
    collio_link_soft(root, "soft", "/g/below", &err);
    collio_link_soft(root, "nowhere", "missing", &err);
    collio_link_external(root, "outside", "other.h5", "/data", &err);
    tap_ok(err.code == COLLIO_OK, "links are made %s", err.text);
    tap_ok(is_link("hard/name", COLLIO_LINK_HARD, NULL, NULL), "a hard one");
    tap_ok(is_link("soft", COLLIO_LINK_SOFT, NULL, "/g/below"), "a soft one");
    tap_ok(is_link("nowhere", COLLIO_LINK_SOFT, NULL, "missing"), "one that leads nowhere");
    tap_ok(is_link("outside", COLLIO_LINK_EXTERNAL, "other.h5", "/data"), "one to another file");
    tap_ok(is_link("never", COLLIO_LINK_NONE, NULL, NULL), "no such name");
    tap_ok(is_link("nowhere/x", COLLIO_LINK_NONE, NULL, NULL), "nothing behind nowhere");
    collio_object_open(root, "soft", &again, &err);
    tap_ok(again != NULL && collio_object_id(again) == collio_object_id(group),
           "soft ones lead on");
    collio_object_close(&again);
    collio_object_close(&group);
}

static void test_move(void)
{
    collio_error err = COLLIO_ERROR_INIT;
    collio_object *group = NULL;

    collio_object_open(root, "g", &group, &err);
    collio_link_move(root, "g", "new/home", &err);
    tap_ok(err.code == COLLIO_OK && strcmp(collio_object_name(group), "/new/home") == 0,
           "an open object knows its new name %s", err.text);
    collio_link_move(root, "nowhere", "nowhere2", &err);
    collio_link_move(root, "nowhere2", "nowhere2", &err);
    tap_ok(err.code == COLLIO_OK && is_link("nowhere2", COLLIO_LINK_SOFT, NULL, "missing"),
           "a link is moved as it is %s", err.text);
    collio_link_delete(root, "new", &err);
    tap_ok(err.code == COLLIO_OK && strcmp(collio_object_name(group), "") == 0,
           "and that it has none %s", err.text);
    collio_link_move(root, "never", "x", &err);
    tap_ok(err.code == COLLIO_ERR_KEY && err.agreed, "a name that is not there: %s", err.text);
    collio_error_clear(&err);
    collio_link_move(root, "soft", "outside", &err);
    tap_ok(err.code == COLLIO_ERR_VALUE && err.agreed, "a name that is taken: %s", err.text);
    collio_object_close(&group);
}

static void test_anonymous(void)
{
    collio_error err = COLLIO_ERROR_INIT;
    collio_object *group = NULL;

    collio_group_create_with(root, NULL, NULL, &group, &err);
    tap_ok(err.code == COLLIO_OK && strcmp(collio_object_name(group), "") == 0,
           "a group without a name %s", err.text);
    collio_link_hard(root, "named", group, &err);
    tap_ok(err.code == COLLIO_OK && strcmp(collio_object_name(group), "/named") == 0, "gets one %s",
           err.text);
    collio_object_close(&group);
}

static int join(const char *name, void *context)
{
    strcat(strcat(context, name), " ");
    return 0;
}

static void test_order(void)
{
    collio_error err = COLLIO_ERROR_INIT;
    collio_group_options options = {.track_order = 1};
    collio_object *group = NULL;
    char names[100] = "", attributes[100] = "";
    int32_t one = 1;
    int ordered = 0;

    collio_group_create_with(root, "ordered", &options, &group, &err);
    collio_group_create(group, "z", NULL, &err);
    collio_group_create(group, "a", NULL, &err);
    collio_attribute_write(group, "y", COLLIO_INT32, 0, NULL, &one, &err);
    collio_attribute_write(group, "b", COLLIO_INT32, 0, NULL, &one, &err);
    collio_group_names(group, join, names, &err);
    collio_attribute_names(group, join, attributes, &err);
    collio_group_is_ordered(group, &ordered, &err);
    tap_ok(err.code == COLLIO_OK && ordered && strcmp(names, "z a ") == 0, "in order: %s %s", names,
           err.text);
    tap_ok(strcmp(attributes, "y b ") == 0, "attributes too: %s", attributes);
    collio_object_close(&group);
}

static void make_source(void)
{
    collio_error err = COLLIO_ERROR_INIT;
    int64_t shape[2] = {3, 4};
    int32_t values[12], step = 7;
    collio_object *dataset = NULL;
    collio_array memory;

    for (int i = 0; i < 12; i++)
        values[i] = i;
    collio_dataset_create(root, "from/data", COLLIO_INT32, 2, shape, NULL, &dataset, &err);
    collio_array_fill(&memory, values, COLLIO_INT32, 2, shape);
    collio_dataset_write(dataset, NULL, &memory, &err);
    collio_attribute_write(dataset, "step", COLLIO_INT32, 0, NULL, &step, &err);
    collio_object_close(&dataset);
    tap_ok(err.code == COLLIO_OK, "something to copy %s", err.text);
}

/* The copy has the elements, now and after it is written to. */
static void check_copy(collio_object *parent, const char *name)
{
    collio_error err = COLLIO_ERROR_INIT;
    collio_object *dataset = NULL;
    int64_t shape[2] = {3, 4};
    int32_t values[12], more = 100;
    collio_array memory;
    collio_selection first;
    int good;

    collio_array_fill(&memory, values, COLLIO_INT32, 2, shape);
    collio_object_open(parent, name, &dataset, &err);
    collio_dataset_read(dataset, NULL, &memory, &err);
    good = values[0] == 0 && values[11] == 11;
    collio_selection_block(&first, 2, (int64_t[]){0, 0}, (int64_t[]){1, 1});
    collio_array_fill(&memory, &more, COLLIO_INT32, 0, NULL);
    collio_dataset_write(dataset, &first, &memory, &err);
    collio_file_flush(collio_object_file(parent), &err);
    collio_array_fill(&memory, values, COLLIO_INT32, 2, shape);
    collio_dataset_read(dataset, NULL, &memory, &err);
    tap_ok(err.code == COLLIO_OK && good && values[0] == 100 && values[11] == 11,
           "the copy '%s' has the elements %s", name, err.text);
    collio_object_close(&dataset);
}

static void test_copy(void)
{
    collio_error err = COLLIO_ERROR_INIT;
    collio_file *other = NULL;
    collio_object *group = NULL;
    int64_t count = -1;

    make_source();
    collio_object_copy(root, "from", root, "to", 0, &err);
    tap_ok(err.code == COLLIO_OK, "a group is copied %s", err.text);
    check_copy(root, "to/data");
    collio_file_open(MPI_COMM_WORLD, "copy.h5", "w", NULL, &other, &err);
    collio_object_open(root, "from", &group, &err);
    collio_object_copy(group, NULL, collio_file_root(other), "deep/there", 0, &err);
    tap_ok(err.code == COLLIO_OK, "into another file %s", err.text);
    check_copy(collio_file_root(other), "deep/there/data");
    collio_object_copy(root, "from/data", collio_file_root(other), "bare",
                       COLLIO_COPY_WITHOUT_ATTRIBUTES, &err);
    collio_object_close(&group);
    collio_object_open(collio_file_root(other), "bare", &group, &err);
    collio_attribute_count(group, &count, &err);
    tap_ok(err.code == COLLIO_OK && count == 0, "without attributes %s", err.text);
    collio_object_close(&group);
    collio_object_copy(root, "never", root, "x", 0, &err);
    tap_ok(err.code == COLLIO_ERR_KEY && err.agreed, "what is not there: %s", err.text);
    collio_error_clear(&err);
    collio_object_copy(root, "from", root, "to", 0, &err);
    tap_ok(err.code == COLLIO_ERR_VALUE && err.agreed, "where something is: %s", err.text);
    collio_error_clear(&err);
    collio_file_close(&other, &err);
    tap_ok(err.code == COLLIO_OK, "the other file is closed %s", err.text);
}

/* An external link leads to objects that can be read but not changed. */
static void test_foreign(void)
{
    collio_error err = COLLIO_ERROR_INIT;
    collio_object *dataset = NULL, *group = NULL;
    int32_t values[12] = {0}, one = 1;
    int64_t shape[2] = {3, 4};
    collio_array memory;

    collio_link_external(root, "away", "copy.h5", "/deep/there", &err);
    collio_object_open(root, "away/data", &dataset, &err);
    collio_array_fill(&memory, values, COLLIO_INT32, 2, shape);
    collio_dataset_read(dataset, NULL, &memory, &err);
    tap_ok(err.code == COLLIO_OK && values[11] == 11, "elements of another file %s", err.text);
    collio_dataset_write(dataset, NULL, &memory, &err);
    tap_ok(err.code == COLLIO_ERR_VALUE, "which cannot be written: %s", err.text);
    collio_error_clear(&err);
    collio_attribute_write(dataset, "x", COLLIO_INT32, 0, NULL, &one, &err);
    tap_ok(err.code == COLLIO_ERR_VALUE, "nor get an attribute: %s", err.text);
    collio_error_clear(&err);
    collio_object_open(root, "away", &group, &err);
    collio_group_create(group, "x", NULL, &err);
    tap_ok(err.code == COLLIO_ERR_VALUE, "nor a group: %s", err.text);
    collio_error_clear(&err);
    collio_link_hard(root, "mine", dataset, &err);
    tap_ok(err.code == COLLIO_ERR_VALUE, "nor a name here: %s", err.text);
    collio_error_clear(&err);
    collio_group_create(root, "away/x", NULL, &err);
    tap_ok(err.code != COLLIO_OK, "nor by a name from here: %s", err.text);
    collio_object_close(&dataset);
    collio_object_close(&group);
}

static void test_one_errs(void)
{
    collio_error err = COLLIO_ERROR_INIT;
    int odd = tap_rank == tap_size - 1;

    if (tap_size == 1)
        return;
    collio_link_soft(root, "s1", odd ? "here" : "there", COLLIO_AT(&err));
    tap_ok(err.code == COLLIO_ERR_DIVERGED && strstr(err.text, "there") != NULL, "paths differ: %s",
           err.text);
    collio_error_clear(&err);
    collio_link_external(root, "s1", odd ? "" : "f", "/", &err);
    tap_ok(err.code == COLLIO_ERR_VALUE && err.rank == tap_size - 1, "one has no file: %s", err.text);
    collio_error_clear(&err);
    collio_object_copy(root, "from", root, "c", odd ? COLLIO_COPY_SHALLOW : 0, &err);
    tap_ok(err.code == COLLIO_ERR_DIVERGED, "flags differ: %s", err.text);
    collio_error_clear(&err);
    collio_object_copy(odd ? NULL : root, "from", root, "c", 0, &err);
    tap_ok(err.code == COLLIO_ERR_VALUE, "no source: %s", err.text);
    collio_error_clear(&err);
    if (odd)
        collio_link_move(root, "from", "c", &err);
    else
        collio_link_delete(root, "from", &err);
    tap_ok(err.code == COLLIO_ERR_DIVERGED, "move and delete: %s", err.text);
    collio_error_clear(&err);
    collio_group_create_with(root, odd ? NULL : "c", NULL, NULL, &err);
    tap_ok(err.code == COLLIO_ERR_DIVERGED, "with a name and without: %s", err.text);
    tap_ok(is_link("c", COLLIO_LINK_NONE, NULL, NULL) &&
               is_link("s1", COLLIO_LINK_NONE, NULL, NULL),
           "nothing was done");
}

int main(int argc, char **argv)
{
    collio_error err = COLLIO_ERROR_INIT;

    MPI_Init(&argc, &argv);
    tap_begin();
    H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
    collio_file_open(MPI_COMM_WORLD, "link.h5", "w", NULL, &file, &err);
    root = collio_file_root(file);
    tap_ok(root != NULL, "a file %s", err.text);
    test_kinds();
    test_move();
    test_anonymous();
    test_order();
    test_copy();
    test_foreign();
    test_one_errs();
    collio_file_close(&file, &err);
    tap_ok(err.code == COLLIO_OK, "closed %s", err.text);
    MPI_Finalize();
    return tap_end();
}
