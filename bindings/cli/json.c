/* Texts as JSON has them. */
#include "json.h"

void json_text(FILE *to, const char *text)
{
    fputc('"', to);
    for (; *text != 0; text++) {
        unsigned char c = (unsigned char)*text;

        if (c == '"' || c == '\\')
            fprintf(to, "\\%c", c);
        else if (c < 0x20)
            fprintf(to, "\\u%04x", c);
        else
            fputc(c, to);
    }
    fputc('"', to);
}

void json_name(FILE *to, const char *name, int first)
{
    if (!first)
        fputs(", ", to);
    json_text(to, name);
    fputs(": ", to);
}
