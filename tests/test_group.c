/* Groups: create, find, list, delete; one rank erring. ranks: 1 2 3 */
#include "core/internal.h"
#include "collio/io.h"
#include "tap.h"

#include <hdf5.h>
#include <string.h>

static collio_file *file;
static collio_object *root;

static int join(const char *name, void *context)
{
    char *all = context;

    strcat(strcat(all, name), " ");
    return strcmp(name, "stop") == 0;
}

static int listed(collio_object *group, const char *wanted)
{
    collio_error err = COLLIO_ERROR_INIT;
    char all[1000] = "";

    return collio_group_names(group, join, all, &err) == COLLIO_OK && strcmp(all, wanted) == 0;
}

static int create(const char *name)
{
    collio_error err = COLLIO_ERROR_INIT;

    return collio_group_create(root, name, NULL, &err);
}

static collio_kind find(const char *name)
{
    collio_error err = COLLIO_ERROR_INIT;
    collio_kind kind = COLLIO_KIND_DATATYPE;

    collio_group_find(root, name, &kind, &err);
    return err.code == COLLIO_OK ? kind : COLLIO_KIND_DATATYPE;
}

static void test_create(void)
{
    collio_error err = COLLIO_ERROR_INIT;
    collio_object *group = NULL, *again = NULL, *dataset = NULL;
    int64_t shape = 2, count = -1;

    collio_group_create(root, "a/b/c", &group, &err);
    tap_ok(err.code == COLLIO_OK && strcmp(collio_object_name(group), "/a/b/c") == 0 &&
               collio_object_kind(group) == COLLIO_KIND_GROUP,
           "groups on the way are made %s", err.text);
    collio_object_open(group, "/a/b/c", &again, &err);
    tap_ok(again != NULL && collio_object_id(again) == collio_object_id(group) &&
               collio_object_id(again) != collio_object_id(root),
           "absolute names start at the root");
    collio_object_close(&again);
    collio_dataset_create(group, "/x/y", COLLIO_INT8, 1, &shape, NULL, &dataset, &err);
    tap_ok(dataset != NULL && strcmp(collio_object_name(dataset), "/x/y") == 0, "for datasets too");
    collio_object_close(&dataset);
    collio_object_close(&group);
    tap_ok(create("z") == COLLIO_OK && create("stop") == COLLIO_OK, "more of them");
    tap_ok(listed(root, "a stop ") && collio_group_count(root, &count, &err) == COLLIO_OK &&
               count == 4,
           "names come in order until the function ends it");
}

static void test_find(void)
{
    collio_error err = COLLIO_ERROR_INIT;
    collio_object *object = NULL;

    tap_ok(find("a") == COLLIO_KIND_GROUP && find("a/b/c") == COLLIO_KIND_GROUP &&
               find("/") == COLLIO_KIND_GROUP && find("./a/./b") == COLLIO_KIND_GROUP &&
               find("x/y") == COLLIO_KIND_DATASET,
           "what is there");
    tap_ok(find("nothing") == COLLIO_KIND_NONE && find("a/nothing/b") == COLLIO_KIND_NONE &&
               find("x/y/z") == COLLIO_KIND_NONE,
           "what is not");
    tap_ok(collio_object_open(root, "a/no", &object, &err) == COLLIO_ERR_KEY && object == NULL,
           "open: %s", err.text);
    collio_error_clear(&err);
    tap_ok(collio_object_open(root, "", &object, &err) == COLLIO_ERR_VALUE, "no name");
    collio_error_clear(&err);
    tap_ok(collio_object_open(NULL, "a", &object, &err) == COLLIO_ERR_VALUE, "no group");
    collio_error_clear(&err);
    collio_object_open(root, "x/y", &object, &err);
    tap_ok(listed(object, "") == 0, "a dataset has no names");
    collio_object_close(&object);
}

static void test_delete(void)
{
    collio_error err = COLLIO_ERROR_INIT;
    collio_object *group = NULL;

    collio_object_open(root, "a", &group, &err);
    tap_ok(collio_link_delete(root, "a", &err) == COLLIO_OK && find("a") == COLLIO_KIND_NONE,
           "delete");
    tap_ok(listed(group, "b "), "what is open stays usable");
    collio_object_close(&group);
    tap_ok(collio_link_delete(root, "a", &err) == COLLIO_ERR_KEY && err.agreed, "again: %s",
           err.text);
}

static void test_errors(void)
{
    collio_error err = COLLIO_ERROR_INIT;
    int last = tap_rank == tap_size - 1;

    tap_ok(create("z") == COLLIO_ERR_VALUE, "the name exists");
    tap_ok(create("x/y/z") == COLLIO_ERR_VALUE, "a dataset is on the way");
    tap_ok(create("/") == COLLIO_ERR_VALUE && create("") == COLLIO_ERR_VALUE, "no name");
    if (tap_size > 1) {
        tap_ok(create(last ? "p" : "q") == COLLIO_ERR_DIVERGED, "other names");
        if (last)
            collio_link_delete(root, "z", &err);
        else
            collio_group_create(root, "z", NULL, &err);
        tap_ok(err.code != COLLIO_OK && err.agreed, "other calls: %s", err.text);
        collio_error_clear(&err);
    }
    if (last)
        collio_error_set(&err, COLLIO_ERR_MEMORY, "no memory");
    tap_ok(collio_group_create(root, "p", NULL, &err) == COLLIO_ERR_MEMORY,
           "one rank brings an error");
    tap_ok(create("p") == COLLIO_OK, "the file is usable after all that");
}

/* Links as other programs make them. */
static void test_links(void)
{
    collio_error err = COLLIO_ERROR_INIT;
    collio_object *object = NULL;

    MPI_Barrier(MPI_COMM_WORLD);
    if (tap_rank == 0) {
        hid_t plain = H5Fcreate("links.h5", H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
        hid_t group = H5Gcreate2(plain, "g", H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);

        H5Lcreate_soft("/g", plain, "soft", H5P_DEFAULT, H5P_DEFAULT);
        H5Lcreate_soft("/nowhere", plain, "dangling", H5P_DEFAULT, H5P_DEFAULT);
        H5Lcreate_external("group.h5", "/p", plain, "external", H5P_DEFAULT, H5P_DEFAULT);
        H5Gclose(group);
        H5Fclose(plain);
    }
    MPI_Barrier(MPI_COMM_WORLD);
    collio_file_open(MPI_COMM_WORLD, "links.h5", "r+", NULL, &file, &err);
    root = collio_file_root(file);
    tap_ok(find("soft") == COLLIO_KIND_GROUP && find("dangling") == COLLIO_KIND_NONE,
           "soft links %s", err.text);
    tap_ok(find("external") == COLLIO_KIND_GROUP, "external links");
    tap_ok(create("dangling") == COLLIO_ERR_VALUE, "a link that leads nowhere keeps its name");
    tap_ok(collio_object_open(root, "dangling", &object, &err) == COLLIO_ERR_KEY, "%s", err.text);
    collio_error_clear(&err);
    tap_ok(collio_link_delete(root, "dangling", &err) == COLLIO_OK, "it can be deleted");
    tap_ok(collio_file_close(&file, &err) == COLLIO_OK, "close %s", err.text);
}

int main(int argc, char **argv)
{
    collio_error err = COLLIO_ERROR_INIT;

    MPI_Init(&argc, &argv);
    tap_begin();
    H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
    collio_file_open(MPI_COMM_WORLD, "group.h5", "w", NULL, &file, &err);
    root = collio_file_root(file);
    test_create();
    test_find();
    test_delete();
    test_errors();
    tap_ok(collio_file_close(&file, &err) == COLLIO_OK, "close %s", err.text);
    test_links();
    tap_ok(H5Fget_obj_count((hid_t)H5F_OBJ_ALL, H5F_OBJ_ALL) == 0, "nothing is left open");
    MPI_Finalize();
    return tap_end();
}
