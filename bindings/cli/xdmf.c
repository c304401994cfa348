/* collio xdmf: describe the arrays of an HDF5 file for ParaView and others (XDMF 3). */
#include "cli.h"
#include "tree.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char help[] =
    "usage: collio xdmf [-o OUT] [--spacing X,Y,Z] [--origin X,Y,Z] FILE\n\n"
    "Write XDMF that describes the arrays of 1 to 3 dimensions of an HDF5 file as values at the\n"
    "nodes of a regular grid, one grid for each shape, so that ParaView and VisIt show them. The\n"
    "last dimension of an array is x. The XDMF goes to the standard output, or to OUT, and names\n"
    "FILE as given: keep both where that name holds. Arrays that XDMF cannot describe are named "
    "on\n"
    "the standard error. Exit status 0, 1 if no array is left, 2 if the file cannot be read.\n";

typedef struct options {
    const char *file, *out;
    double spacing[3], origin[3]; /* x, y, z */
} options;

/* An array that can be shown. */
typedef struct array {
    const char *path;
    int ndim;
    hsize_t extents[3];
    const char *number; /* XDMF's word */
    size_t size;
    int used;
} array;

/* The same array shapes share a grid. */
static int same_shape(const array *a, const array *b)
{
    return a->ndim == b->ndim &&
           memcmp(a->extents, b->extents, (size_t)a->ndim * sizeof *a->extents) == 0;
}

static const char *number_of(hid_t type)
{
    size_t size = H5Tget_size(type);

    switch (H5Tget_class(type)) {
    case H5T_FLOAT:
        return size == 4 || size == 8 ? "Float" : NULL;
    case H5T_ENUM:
        return size == 1 ? "Char" : NULL;
    case H5T_INTEGER:
        if (size == 1)
            return H5Tget_sign(type) == H5T_SGN_NONE ? "UChar" : "Char";
        return H5Tget_sign(type) == H5T_SGN_NONE ? "UInt" : "Int";
    default:
        return NULL;
    }
}

/* Why an array cannot be shown; NULL if it can. */
static const char *look_at(hid_t file, array *a)
{
    hid_t dataset = H5Dopen2(file, a->path, H5P_DEFAULT), type, space;
    const char *why = NULL;

    if (dataset < 0)
        return "cannot be opened";
    type = H5Dget_type(dataset);
    space = H5Dget_space(dataset);
    a->ndim = H5Sget_simple_extent_ndims(space);
    a->number = number_of(type);
    a->size = H5Tget_size(type);
    if (a->ndim < 1 || a->ndim > 3 || H5Sget_simple_extent_npoints(space) < 1)
        why = "has no elements, or not 1 to 3 dimensions";
    else if (a->number == NULL)
        why = "is of a type that XDMF does not have";
    else
        H5Sget_simple_extent_dims(space, a->extents, NULL);
    H5Sclose(space);
    H5Tclose(type);
    H5Dclose(dataset);
    return why;
}

/* ----------------------------------------------------------------------- output */

static void put_text(FILE *to, const char *text)
{
    static const struct {
        char c;
        const char *entity;
    } special[] = {{'&', "&amp;"}, {'<', "&lt;"}, {'>', "&gt;"}, {'"', "&quot;"}};

    for (; *text != '\0'; text++) {
        size_t i = 0;
        while (i < 4 && special[i].c != *text)
            i++;
        if (i < 4)
            fputs(special[i].entity, to);
        else
            fputc(*text, to);
    }
}

static void put_extents(FILE *to, const array *a)
{
    for (int d = 0; d < a->ndim; d++)
        fprintf(to, "%s%llu", d > 0 ? " " : "", (unsigned long long)a->extents[d]);
}

/* Three numbers, z first as the data are. */
static void put_point(FILE *to, const char *name, const double *xyz)
{
    fprintf(to,
            "        <DataItem Name=\"%s\" Dimensions=\"3\" NumberType=\"Float\" Precision=\"8\" "
            "Format=\"XML\">%.17g %.17g %.17g</DataItem>\n",
            name, xyz[2], xyz[1], xyz[0]);
}

static void put_grid_start(FILE *to, const array *a, const options *o)
{
    fprintf(to, "    <Grid Name=\"");
    put_extents(to, a);
    fprintf(
        to,
        "\" GridType=\"Uniform\">\n      <Topology TopologyType=\"3DCoRectMesh\" Dimensions=\"");
    for (int d = a->ndim; d < 3; d++)
        fprintf(to, "1 ");
    put_extents(to, a);
    fprintf(to, "\"/>\n      <Geometry GeometryType=\"ORIGIN_DXDYDZ\">\n");
    put_point(to, "Origin", o->origin);
    put_point(to, "Spacing", o->spacing);
    fprintf(to, "      </Geometry>\n");
}

static void put_array(FILE *to, const array *a, const options *o)
{
    fprintf(to, "      <Attribute Name=\"");
    put_text(to, a->path + 1);
    fprintf(to, "\" AttributeType=\"Scalar\" Center=\"Node\">\n        <DataItem Dimensions=\"");
    for (int d = a->ndim; d < 3; d++)
        fprintf(to, "1 ");
    put_extents(to, a);
    fprintf(to, "\" NumberType=\"%s\" Precision=\"%zu\" Format=\"HDF\">", a->number, a->size);
    put_text(to, o->file);
    fputc(':', to);
    put_text(to, a->path);
    fprintf(to, "</DataItem>\n      </Attribute>\n");
}

static void put_all(FILE *to, array *arrays, size_t count, const options *o)
{
    fprintf(to, "<?xml version=\"1.0\" ?>\n<Xdmf Version=\"3.0\">\n  <Domain>\n");
    for (size_t i = 0; i < count; i++) {
        if (arrays[i].used)
            continue;
        put_grid_start(to, &arrays[i], o);
        for (size_t j = i; j < count; j++) {
            if (arrays[j].used || !same_shape(&arrays[i], &arrays[j]))
                continue;
            put_array(to, &arrays[j], o);
            arrays[j].used = 1;
        }
        fprintf(to, "    </Grid>\n");
    }
    fprintf(to, "  </Domain>\n</Xdmf>\n");
}

static int write_out(array *arrays, size_t count, const options *o)
{
    FILE *to = o->out != NULL ? fopen(o->out, "w") : stdout;
    int failed;

    if (to == NULL) {
        perror(o->out);
        return 2;
    }
    put_all(to, arrays, count, o);
    failed = ferror(to);
    failed = (o->out != NULL ? fclose(to) : fflush(to)) != 0 || failed;
    if (failed)
        perror("collio xdmf");
    return failed ? 2 : count == 0;
}

static int describe(hid_t file, const tree *t, const options *o)
{
    array *arrays = calloc(t->count + 1, sizeof *arrays);
    size_t count = 0;
    int result;

    if (arrays == NULL) {
        fprintf(stderr, "collio xdmf: out of memory\n");
        return 2;
    }
    for (size_t i = 0; i < t->count; i++) {
        const char *why;
        if (t->entry[i].kind != TREE_DATASET)
            continue;
        arrays[count] = (array){.path = t->entry[i].path};
        why = look_at(file, &arrays[count]);
        if (why != NULL)
            fprintf(stderr, "collio xdmf: left out: %s %s\n", t->entry[i].path, why);
        else
            count++;
    }
    result = write_out(arrays, count, o);
    free(arrays);
    return result;
}

static int parse_point(const char *text, double *xyz)
{
    return text != NULL && sscanf(text, "%lf,%lf,%lf", &xyz[0], &xyz[1], &xyz[2]) == 3 ? 0 : -1;
}

static int parse(int argc, char **argv, options *o)
{
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "-o") == 0 && i + 1 < argc)
            o->out = argv[++i];
        else if (strcmp(argv[i], "--spacing") == 0) {
            if (parse_point(argv[++i], o->spacing) < 0)
                return -1;
        } else if (strcmp(argv[i], "--origin") == 0) {
            if (parse_point(argv[++i], o->origin) < 0)
                return -1;
        } else if (argv[i][0] == '-' || o->file != NULL)
            return -1;
        else
            o->file = argv[i];
    }
    return o->file != NULL ? 0 : -1;
}

int command_xdmf(int argc, char **argv)
{
    options o = {NULL, NULL, {1, 1, 1}, {0, 0, 0}};
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
    file = tree_open("collio xdmf", o.file);
    if (file < 0)
        return 2;
    if (tree_read(file, "/", "collio xdmf", &t) == 0)
        result = describe(file, &t, &o);
    tree_free(&t);
    H5Fclose(file);
    return result;
}
