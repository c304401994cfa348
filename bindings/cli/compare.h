/* How collio diff compares datasets and attributes of the same name in two files. */
#ifndef COLLIO_CLI_COMPARE_H
#define COLLIO_CLI_COMPARE_H

#include "tree.h"

typedef struct comparison {
    double relative, absolute; /* tolerances */
    int quiet;                 /* print nothing */
    int attributes;
} comparison;

/* Both return the number of differences, and print a line for each; what cannot be read counts as
 * one. */
int compare_datasets(const comparison *c, const hid_t file[2], const char *path);
int compare_attributes(const comparison *c, const hid_t file[2], const char *path);

#endif
