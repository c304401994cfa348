/* collio inspect: what is in an HDF5 file, a line a name, or as JSON. */
#include "cli.h"
#include "json.h"
#include "tree.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char help[] =
    "usage: collio inspect [--json] [--no-attributes] FILE [NAME]\n\n"
    "Show the groups, datasets, links and attributes of an HDF5 file, from NAME on: shapes, "
    "types,\n"
    "where elements are, chunks, filters. Types are as in NumPy: f8, >i4, {x: f8, n: i4}, ...\n"
    "Reads with HDF5 alone: does not start MPI. Exit status 0, or 2 if the file cannot be read.\n";

typedef struct options {
    const char *file, *name;
    int json, attributes;
} options;

/* ------------------------------------------------------------------- datasets */

/* What is known of one. */
typedef struct facts {
    char shape[TREE_TEXT], maximum[TREE_TEXT], type[TREE_TEXT], chunks[TREE_TEXT];
    const char *layout;
    char filters[TREE_TEXT]; /* "gzip 4, shuffle" */
    unsigned long long stored;
    long long offset; /* -1: none */
} facts;

static const char *const filter_names[] = {
    [H5Z_FILTER_DEFLATE] = "gzip",
    [H5Z_FILTER_SHUFFLE] = "shuffle",
    [H5Z_FILTER_FLETCHER32] = "fletcher32",
    [H5Z_FILTER_SZIP] = "szip",
    [H5Z_FILTER_NBIT] = "nbit",
    [H5Z_FILTER_SCALEOFFSET] = "scaleoffset",
};

static void add_filter(facts *f, hid_t list, unsigned n)
{
    unsigned values[8] = {0}, flags, config;
    size_t count = 8, used = strlen(f->filters);
    char name[64] = "", *to = f->filters + used;
    H5Z_filter_t id = H5Pget_filter2(list, n, &flags, &count, values, sizeof name, name, &config);

    if (id > 0 && id < (int)(sizeof filter_names / sizeof *filter_names) &&
        filter_names[id] != NULL)
        snprintf(name, sizeof name, "%s", filter_names[id]);
    if (id == H5Z_FILTER_DEFLATE)
        snprintf(to, TREE_TEXT - used, "%s%s %u", used > 0 ? ", " : "", name, values[0]);
    else
        snprintf(to, TREE_TEXT - used, "%s%s", used > 0 ? ", " : "",
                 name[0] ? name : "unknown filter");
}

static void find_layout(hid_t dataset, facts *f)
{
    hid_t list = H5Dget_create_plist(dataset);
    hsize_t chunk[H5S_MAX_RANK];
    haddr_t address;
    int filters = list >= 0 ? H5Pget_nfilters(list) : 0;

    f->layout = "unknown";
    if (list < 0)
        return;
    switch (H5Pget_layout(list)) {
    case H5D_CONTIGUOUS:
        f->layout = H5Pget_external_count(list) > 0 ? "external" : "contiguous";
        address = H5Dget_offset(dataset);
        f->offset = address != HADDR_UNDEF ? (long long)address : -1;
        break;
    case H5D_CHUNKED:
        f->layout = "chunked";
        tree_extents_text(H5Pget_chunk(list, H5S_MAX_RANK, chunk), chunk, f->chunks);
        break;
    case H5D_COMPACT:
        f->layout = "compact";
        break;
    case H5D_VIRTUAL:
        f->layout = "virtual";
        break;
    default:
        break;
    }
    for (int i = 0; i < filters; i++)
        add_filter(f, list, (unsigned)i);
    H5Pclose(list);
}

/* 0, or -1 if it cannot be opened. */
static int find_facts(hid_t file, const char *path, facts *f)
{
    hid_t dataset = H5Dopen2(file, path, H5P_DEFAULT), type, space;

    memset(f, 0, sizeof *f);
    f->offset = -1;
    if (dataset < 0)
        return -1;
    type = H5Dget_type(dataset);
    space = H5Dget_space(dataset);
    tree_type_text(type, f->type);
    tree_shape_text(space, 0, f->shape);
    tree_shape_text(space, 1, f->maximum);
    find_layout(dataset, f);
    f->stored = H5Dget_storage_size(dataset);
    if (space >= 0)
        H5Sclose(space);
    if (type >= 0)
        H5Tclose(type);
    H5Dclose(dataset);
    return 0;
}

/* ------------------------------------------------------------------ attributes */

typedef struct listing {
    const options *options;
    int count;
} listing;

static herr_t show_attribute(hid_t object, const char *name, const H5A_info_t *info, void *context)
{
    listing *l = context;
    hid_t id = H5Aopen(object, name, H5P_DEFAULT), type = H5I_INVALID_HID, space = H5I_INVALID_HID;
    char type_text[TREE_TEXT] = "?", shape[TREE_TEXT] = "?", value[TREE_TEXT] = "";

    (void)info;
    if (id >= 0) {
        type = H5Aget_type(id);
        space = H5Aget_space(id);
        tree_type_text(type, type_text);
        tree_shape_text(space, 0, shape);
        tree_value_text(id, value, sizeof value);
        H5Tclose(type);
        H5Sclose(space);
        H5Aclose(id);
    }
    if (!l->options->json) {
        printf("    @%s = %s  %s%s%s\n", name, value, type_text, strcmp(shape, "()") ? " " : "",
               strcmp(shape, "()") ? shape : "");
        return 0;
    }
    printf("%s", l->count++ > 0 ? ", {" : "{");
    json_name(stdout, "name", 1);
    json_text(stdout, name);
    json_name(stdout, "type", 0);
    json_text(stdout, type_text);
    json_name(stdout, "shape", 0);
    json_text(stdout, shape);
    json_name(stdout, "value", 0);
    json_text(stdout, value);
    printf("}");
    return 0;
}

static void show_attributes(hid_t file, const tree_entry *entry, const options *o)
{
    listing l = {o, 0};
    hsize_t at = 0;
    hid_t object = o->attributes && entry->kind <= TREE_TYPE
                       ? H5Oopen(file, entry->path, H5P_DEFAULT)
                       : H5I_INVALID_HID;

    if (object < 0)
        return;
    if (o->json)
        printf(", \"attributes\": [");
    H5Aiterate2(object, H5_INDEX_NAME, H5_ITER_INC, &at, show_attribute, &l);
    if (o->json)
        printf("]");
    H5Oclose(object);
}

/* --------------------------------------------------------------------- as text */

static void print_dataset(const facts *f)
{
    printf("%s %s", f->type, f->shape);
    if (strcmp(f->shape, f->maximum) != 0)
        printf(" of %s", f->maximum);
    printf(", %s", f->layout);
    if (f->chunks[0] != '\0')
        printf(" %s", f->chunks);
    if (f->offset >= 0)
        printf(" at %lld", f->offset);
    if (f->filters[0] != '\0')
        printf(", %s", f->filters);
    printf(", %llu bytes", f->stored);
}

static void print_entry(hid_t file, const tree_entry *e)
{
    facts f;

    printf("%-20s  ", e->path);
    if (e->kind == TREE_DATASET && find_facts(file, e->path, &f) == 0)
        print_dataset(&f);
    else if (e->kind == TREE_SOFT)
        printf("-> %s", e->target != NULL ? e->target : "?");
    else if (e->kind == TREE_EXTERNAL)
        printf("-> %s in file %s", e->target != NULL ? e->target : "?",
               e->file != NULL ? e->file : "?");
    else if (e->kind == TREE_AGAIN)
        printf("= %s", e->target != NULL ? e->target : "?");
    else
        printf("%s", tree_kind_name(e->kind));
    printf("\n");
}

/* --------------------------------------------------------------------- as JSON */

static void member(const char *name, const char *text)
{
    json_name(stdout, name, 0);
    json_text(stdout, text);
}

static void json_dataset(const facts *f)
{
    member("type", f->type);
    member("shape", f->shape);
    member("maxshape", f->maximum);
    member("layout", f->layout);
    if (f->chunks[0] != '\0')
        member("chunks", f->chunks);
    if (f->filters[0] != '\0')
        member("filters", f->filters);
    printf(", \"bytes\": %llu", f->stored);
    if (f->offset >= 0)
        printf(", \"offset\": %lld", f->offset);
}

static void json_entry(hid_t file, const tree_entry *e)
{
    facts f;

    printf("  {");
    json_name(stdout, "name", 1);
    json_text(stdout, e->path);
    member("kind", tree_kind_name(e->kind));
    if (e->target != NULL)
        member("target", e->target);
    if (e->file != NULL)
        member("file", e->file);
    if (e->kind == TREE_DATASET && find_facts(file, e->path, &f) == 0)
        json_dataset(&f);
}

static void print_all(hid_t file, const tree *t, const options *o)
{
    if (o->json) {
        printf("{\"file\": ");
        json_text(stdout, o->file);
        printf(", \"objects\": [\n");
    }
    for (size_t i = 0; i < t->count; i++) {
        if (o->json)
            json_entry(file, &t->entry[i]);
        else
            print_entry(file, &t->entry[i]);
        show_attributes(file, &t->entry[i], o);
        if (o->json)
            printf("}%s\n", i + 1 < t->count ? "," : "");
    }
    if (o->json)
        printf("]}\n");
}

static int parse(int argc, char **argv, options *o)
{
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--json") == 0)
            o->json = 1;
        else if (strcmp(argv[i], "--no-attributes") == 0)
            o->attributes = 0;
        else if (argv[i][0] == '-' && argv[i][1] != '\0')
            return -1;
        else if (o->file == NULL)
            o->file = argv[i];
        else if (o->name == NULL)
            o->name = argv[i];
        else
            return -1;
    }
    return o->file != NULL ? 0 : -1;
}

int command_inspect(int argc, char **argv)
{
    options o = {NULL, NULL, 0, 1};
    tree t = {NULL, 0, 0};
    int result = 2;
    hid_t file;

    if (argc == 2 && strcmp(argv[1], "--help") == 0) {
        fputs(help, stdout);
        return 0;
    }
    if (parse(argc, argv, &o) < 0) {
        fputs(help, stderr);
        return STATUS_USAGE;
    }
    file = tree_open("collio inspect", o.file);
    if (file < 0)
        return 2;
    if (tree_read(file, o.name != NULL ? o.name : "/", "collio inspect", &t) == 0) {
        print_all(file, &t, &o);
        result = 0;
    }
    tree_free(&t);
    H5Fclose(file);
    return result;
}
