/* Texts that libraries and programs print about themselves, taken apart. */
#define _GNU_SOURCE
#include "exam.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* What gives a family away; the first row that fits is it. */
typedef struct sign {
    const char *text;
    collio_family family;
} sign;

static collio_family first_sign(const sign *signs, const char *text)
{
    for (; signs->text != NULL; signs++)
        if (strcasestr(text, signs->text) != NULL)
            return signs->family;
    return COLLIO_FAMILY_UNKNOWN;
}

const char *collio_family_name(collio_family family)
{
    static const char *const names[] = {"unknown MPI", "Open MPI", "MPICH",           "Intel MPI",
                                        "Cray MPICH",  "MVAPICH",  "standard-ABI MPI"};
    return (size_t)family < sizeof names / sizeof *names ? names[family] : names[0];
}

static int is_like_mpich(collio_family f)
{
    return f == COLLIO_FAMILY_MPICH || f == COLLIO_FAMILY_INTEL || f == COLLIO_FAMILY_CRAY ||
           f == COLLIO_FAMILY_MVAPICH;
}

int collio_family_matches(collio_family a, collio_family b)
{
    return a == b || a == COLLIO_FAMILY_UNKNOWN || b == COLLIO_FAMILY_UNKNOWN ||
           (is_like_mpich(a) && is_like_mpich(b));
}

collio_family collio_text_library(const char *text)
{
    static const sign signs[] = {
        {"Open MPI", COLLIO_FAMILY_OPENMPI}, {"Intel(R) MPI", COLLIO_FAMILY_INTEL},
        {"CRAY MPICH", COLLIO_FAMILY_CRAY},  {"MVAPICH", COLLIO_FAMILY_MVAPICH},
        {"MPICH", COLLIO_FAMILY_MPICH},      {NULL, COLLIO_FAMILY_UNKNOWN},
    };
    return first_sign(signs, text);
}

collio_family collio_text_launcher(const char *text)
{
    static const sign signs[] = {
        {"Intel(R) MPI", COLLIO_FAMILY_INTEL}, {"Open MPI", COLLIO_FAMILY_OPENMPI},
        {"OpenRTE", COLLIO_FAMILY_OPENMPI},    {"open-mpi.org", COLLIO_FAMILY_OPENMPI},
        {"PRRTE", COLLIO_FAMILY_OPENMPI},      {"MVAPICH", COLLIO_FAMILY_MVAPICH},
        {"HYDRA", COLLIO_FAMILY_MPICH},        {NULL, COLLIO_FAMILY_UNKNOWN},
    };
    return first_sign(signs, text);
}

collio_family collio_text_compiler(const char *text)
{
    static const sign signs[] = {
        {"openmpi", COLLIO_FAMILY_OPENMPI}, {"open-mpi", COLLIO_FAMILY_OPENMPI},
        {"ompi", COLLIO_FAMILY_OPENMPI},    {"mpiicc", COLLIO_FAMILY_INTEL},
        {"mpiicx", COLLIO_FAMILY_INTEL},    {"mvapich", COLLIO_FAMILY_MVAPICH},
        {"mpich", COLLIO_FAMILY_MPICH},     {NULL, COLLIO_FAMILY_UNKNOWN},
    };
    return first_sign(signs, text);
}

int collio_text_version(const char *text, int version[3])
{
    const char *p = text;

    memset(version, 0, 3 * sizeof *version);
    for (; *p != 0; p++) {
        char *end;
        int inside = p > text && (isalnum((unsigned char)p[-1]) || p[-1] == '.');
        if (p > text && p[-1] == 'v')
            inside = p > text + 1 && isalnum((unsigned char)p[-2]);
        if (!isdigit((unsigned char)*p) || inside)
            continue;
        version[0] = (int)strtol(p, &end, 10);
        for (int i = 1; i < 3 && *end == '.' && isdigit((unsigned char)end[1]); i++)
            version[i] = (int)strtol(end + 1, &end, 10);
        if (memchr(p, '.', (size_t)(end - p)) != NULL)
            return 1;
        p = end - 1;
    }
    memset(version, 0, 3 * sizeof *version);
    return 0;
}

static void copy_trimmed(const char *from, size_t size, char *out, size_t room)
{
    while (size > 0 && isspace((unsigned char)*from)) {
        from++;
        size--;
    }
    while (size > 0 && isspace((unsigned char)from[size - 1]))
        size--;
    if (size >= room)
        size = room - 1;
    memcpy(out, from, size);
    out[size] = 0;
}

int collio_text_setting(const char *text, size_t size, const char *key, char *out, size_t room)
{
    const char *end = text + strnlen(text, size), *line = text;
    size_t length = strlen(key);

    while (line < end) {
        const char *next = memchr(line, '\n', (size_t)(end - line)), *p = line;
        if (next == NULL)
            next = end;
        while (p < next && isspace((unsigned char)*p))
            p++;
        if ((size_t)(next - p) > length && memcmp(p, key, length) == 0 && p[length] == ':') {
            p += length + 1;
            copy_trimmed(p, (size_t)(next - p), out, room);
            return 1;
        }
        line = next + 1;
    }
    *out = 0;
    return 0;
}

int collio_text_flag(const char *value)
{
    static const char *const yes[] = {"yes", "on", "true", "1", "enabled"};
    static const char *const no[] = {"no", "off", "false", "0", "disabled"};
    size_t length = strcspn(value, " \t,;(");

    for (size_t i = 0; i < sizeof yes / sizeof *yes; i++) {
        if (length == strlen(yes[i]) && strncasecmp(value, yes[i], length) == 0)
            return 1;
        if (length == strlen(no[i]) && strncasecmp(value, no[i], length) == 0)
            return 0;
    }
    return -1;
}

void collio_text_line(const char *text, char *out, size_t room)
{
    size_t n = 0;

    while (isspace((unsigned char)*text))
        text++;
    for (; *text != 0 && *text != '\n' && n + 1 < room; text++) {
        if (!isspace((unsigned char)*text))
            out[n++] = *text;
        else if (n > 0 && out[n - 1] != ' ')
            out[n++] = ' ';
    }
    out[n] = 0;
}
