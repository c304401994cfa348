/* The doctor's findings as text and as JSON. */
#ifndef COLLIO_CLI_REPORT_H
#define COLLIO_CLI_REPORT_H

#include <collio/doctor.h>

#include <stdio.h>

typedef struct report_style {
    int json;
    const char *check; /* only this one, with all its evidence; NULL: all */
} report_style;

/* Print; in colour if `to` is a terminal. Returns 0 if there is no such check. */
int report_print(FILE *to, const collio_doctor *doctor, const report_style *style);

#endif
