/* What the commands that print JSON share. */
#ifndef COLLIO_CLI_JSON_H
#define COLLIO_CLI_JSON_H

#include <stddef.h>
#include <stdio.h>

/* Print so many bytes as a JSON string. */
void json_string(FILE *to, const char *text, size_t length);

/* Print a text as a JSON string. */
void json_text(FILE *to, const char *text);

/* Print `, "name": ` or, for the first member, `"name": `. */
void json_name(FILE *to, const char *name, int first);

#endif
