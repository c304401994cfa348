/* Texts as JSON has them. */
#include "json.h"

#include <string.h>

void json_string(FILE *to, const char *text, size_t length)
{
    fputc('"', to);
    for (size_t i = 0; i < length; i++) {
        unsigned char c = (unsigned char)text[i];

        if (c == '"' || c == '\\')
            fprintf(to, "\\%c", c);
        else if (c < 0x20)
            fprintf(to, "\\u%04x", c);
        else
            fputc(c, to);
    }
    fputc('"', to);
}

void json_text(FILE *to, const char *text)
{
    json_string(to, text, strlen(text));
}

void json_name(FILE *to, const char *name, int first)
{
    if (!first)
        fputs(", ", to);
    json_text(to, name);
    fputs(": ", to);
}
