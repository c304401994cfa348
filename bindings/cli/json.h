/* What the commands that print JSON share. */
#ifndef COLLIO_CLI_JSON_H
#define COLLIO_CLI_JSON_H

#include <stdio.h>

/* Print a text as a JSON string. */
void json_text(FILE *to, const char *text);

/* Print `, "name": ` or, for the first member, `"name": `. */
void json_name(FILE *to, const char *name, int first);

#endif
