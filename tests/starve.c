/*
 * Memory that runs out: linked into a test of faults with the linker's --wrap, every allocation of
 * the library counts as one more result that may be made to fail.
 */
#define _GNU_SOURCE
#include "core/internal.h"

#include <stdarg.h>
#include <stdio.h>

void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *old, size_t size);
char *__real_strdup(const char *text);
char *__real_strndup(const char *text, size_t size);

void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *old, size_t size);
char *__wrap_strdup(const char *text);
char *__wrap_strndup(const char *text, size_t size);
int __wrap_asprintf(char **text, const char *format, ...);

void *__wrap_malloc(size_t size)
{
    return collio_fault_due() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t n, size_t size)
{
    return collio_fault_due() ? NULL : __real_calloc(n, size);
}

void *__wrap_realloc(void *old, size_t size)
{
    return collio_fault_due() ? NULL : __real_realloc(old, size);
}

char *__wrap_strdup(const char *text)
{
    return collio_fault_due() ? NULL : __real_strdup(text);
}

char *__wrap_strndup(const char *text, size_t size)
{
    return collio_fault_due() ? NULL : __real_strndup(text, size);
}

int __wrap_asprintf(char **text, const char *format, ...)
{
    va_list arguments;
    int size = -1;

    *text = NULL;
    if (!collio_fault_due()) {
        va_start(arguments, format);
        size = vasprintf(text, format, arguments);
        va_end(arguments);
    }
    return size;
}
