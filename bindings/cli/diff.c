/* collio diff: how two HDF5 files differ, in structure and in values. */
#include "cli.h"
#include "compare.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char help[] =
    "usage: collio diff [--rtol R] [--atol A] [--no-attributes] [--quiet] A B\n\n"
    "Compare two HDF5 files: names, types, shapes, attributes, elements. Numbers a and b are "
    "equal\n"
    "if |a - b| <= A + R * |b| (both 0 unless given); NaN equals NaN. Chunks and filters do not\n"
    "matter. One line a difference. Exit status 0: equal, 1: not, 2: a file cannot be read.\n";

typedef struct options {
    comparison comparison;
    const char *file[2];
} options;

static int different(const options *o, const char *path, const char *format, const char *a,
                     const char *b)
{
    if (!o->comparison.quiet) {
        printf("%s: ", path);
        printf(format, a, b);
        printf("\n");
    }
    return 1;
}

/* What a name is in one file, for the eye and for comparing. */
static void describe(const tree_entry *e, char text[TREE_TEXT])
{
    snprintf(text, TREE_TEXT, "%s%s%s%s%s", tree_kind_name(e->kind),
             e->target != NULL ? " to " : "", e->target != NULL ? e->target : "",
             e->file != NULL ? " in " : "", e->file != NULL ? e->file : "");
}

static int compare_entry(const options *o, const hid_t file[2], const tree_entry *a,
                         const tree_entry *b)
{
    char text[2][TREE_TEXT];
    int differences = 0;

    describe(a, text[0]);
    describe(b, text[1]);
    if (strcmp(text[0], text[1]) != 0)
        return different(o, a->path, "%s and %s", text[0], text[1]);
    if (a->kind == TREE_DATASET)
        differences += compare_datasets(&o->comparison, file, a->path);
    if (a->kind <= TREE_TYPE && o->comparison.attributes)
        differences += compare_attributes(&o->comparison, file, a->path);
    return differences;
}

/* Both lists are in the same order: that of names, a group before what is in it. */
static int order(const char *a, const char *b)
{
    for (; *a != '\0' && *a == *b; a++)
        b++;
    if (*a == *b)
        return 0;
    if (*a == '\0' || *b == '\0')
        return *a == '\0' ? -1 : 1;
    if (*a == '/' || *b == '/')
        return *a == '/' ? -1 : 1;
    return (unsigned char)*a < (unsigned char)*b ? -1 : 1;
}

static int compare_trees(const options *o, const hid_t file[2], const tree t[2])
{
    size_t i = 0, j = 0;
    int differences = 0;

    while (i < t[0].count || j < t[1].count) {
        int which = i == t[0].count   ? 1
                    : j == t[1].count ? -1
                                      : order(t[0].entry[i].path, t[1].entry[j].path);
        if (which == 0)
            differences += compare_entry(o, file, &t[0].entry[i], &t[1].entry[j]);
        else
            differences += different(o, which < 0 ? t[0].entry[i].path : t[1].entry[j].path,
                                     "only in %s%s", o->file[which > 0], "");
        i += which <= 0;
        j += which >= 0;
    }
    return differences;
}

static int parse_number(const char *text, double *out)
{
    char *end = NULL;

    *out = text != NULL ? strtod(text, &end) : -1;
    return end != NULL && end != text && *end == '\0' && *out >= 0 ? 0 : -1;
}

static int parse(int argc, char **argv, options *o)
{
    int files = 0;

    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--quiet") == 0)
            o->comparison.quiet = 1;
        else if (strcmp(argv[i], "--no-attributes") == 0)
            o->comparison.attributes = 0;
        else if (strcmp(argv[i], "--rtol") == 0 || strcmp(argv[i], "--atol") == 0) {
            double *to = argv[i][2] == 'r' ? &o->comparison.relative : &o->comparison.absolute;
            if (parse_number(argv[++i], to) < 0)
                return -1;
        } else if (argv[i][0] == '-' || files == 2)
            return -1;
        else
            o->file[files++] = argv[i];
    }
    return files == 2 ? 0 : -1;
}

int command_diff(int argc, char **argv)
{
    options o = {{.attributes = 1}, {NULL, NULL}};
    tree t[2] = {{NULL, 0, 0}, {NULL, 0, 0}};
    hid_t file[2] = {H5I_INVALID_HID, H5I_INVALID_HID};
    int good = 1, differences = 0;

    if (argc == 2 && strcmp(argv[1], "--help") == 0) {
        fputs(help, stdout);
        return 0;
    }
    if (parse(argc, argv, &o) < 0) {
        fputs(help, stderr);
        return STATUS_USAGE;
    }
    for (int i = 0; i < 2 && good; i++) {
        file[i] = tree_open("collio diff", o.file[i]);
        good = file[i] >= 0 && tree_read(file[i], "/", "collio diff", &t[i]) == 0;
    }
    if (good)
        differences = compare_trees(&o, file, t);
    for (int i = 0; i < 2; i++) {
        tree_free(&t[i]);
        if (file[i] >= 0)
            H5Fclose(file[i]);
    }
    return !good ? 2 : differences > 0;
}
