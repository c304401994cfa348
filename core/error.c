/* Make, record and name errors; the only judge of an MPI or system result. */
#include "internal.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

const char *collio_version(void)
{
#define TEXT(x)  #x
#define VALUE(x) TEXT(x)
    return VALUE(COLLIO_VERSION_MAJOR) "." VALUE(COLLIO_VERSION_MINOR) "." VALUE(
        COLLIO_VERSION_PATCH);
#undef VALUE
#undef TEXT
}

const char *collio_error_name(int code)
{
    static const char *const names[] = {
#define X(name, words) [COLLIO_##name] = words,
        COLLIO_ERROR_CODES
#undef X
    };
    int known = code >= 0 && code < (int)(sizeof names / sizeof *names);
    return known ? names[code] : "unknown error";
}

void collio_copy_text(char *to, size_t size, const char *from)
{
    size_t length = strnlen(from, size - 1);

    memcpy(to, from, length);
    to[length] = '\0';
}

collio_error *collio_error_at(collio_error *err, const char *file, int line)
{
    if (err != NULL) {
        err->file = file;
        err->line = line;
    }
    return err;
}

void collio_error_clear(collio_error *err)
{
    err->code = COLLIO_OK;
    err->agreed = 0;
    err->rank = -1;
    err->mpi_error = MPI_SUCCESS;
    err->sys_error = 0;
    err->text[0] = '\0';
}

int collio_error_set(collio_error *err, int code, const char *format, ...)
{
    va_list args;

    if (err->code != COLLIO_OK)
        return err->code;
    collio_error_clear(err);
    err->code = code;
    va_start(args, format);
    vsnprintf(err->text, sizeof err->text, format, args);
    va_end(args);
    return code;
}

/* MPICH 4.0 counts wrongly where the story behind an error is longer than MPI_MAX_ERROR_STRING,
 * and writes up to some kilobytes behind its end. */
enum { MARGIN = 32768 };

int collio_mpi_text(int code, char *text)
{
    char room[MPI_MAX_ERROR_STRING + MARGIN] = "";
    int length = 0, result = MPI_Error_string(code, room, &length);

    snprintf(text, MPI_MAX_ERROR_STRING, "%.*s", MPI_MAX_ERROR_STRING - 1, room);
    return result;
}

/* Apart from collio_mpi_made(), which is called all the time and needs no room for a text. */
static int describe(int result, const char *call, collio_error *err)
{
    char text[MPI_MAX_ERROR_STRING] = "";
    int class = MPI_ERR_OTHER;

    MPI_Error_class(result, &class);
    collio_mpi_text(result, text);
    collio_error_set(err, COLLIO_ERR_MPI, "%s: %s", call, text);
    err->mpi_error = class;
    return err->code;
}

int collio_mpi_made(int result, const char *call, collio_error *err)
{
    if (result == MPI_SUCCESS)
        return COLLIO_OK;
    return err->code != COLLIO_OK ? err->code : describe(result, call, err);
}

int collio_mpi(int result, const char *call, collio_error *err)
{
    return collio_fault_before(call, err) ? err->code : collio_mpi_made(result, call, err);
}

int collio_sys(int failed, const char *call, const char *path, collio_error *err)
{
    int number = errno;

    if (collio_fault_due())
        number = EIO;
    else if (!failed)
        return COLLIO_OK;
    if (err->code == COLLIO_OK) {
        collio_error_set(err, COLLIO_ERR_OS, "%s%s%s%s: %s", call, path ? " '" : "",
                         path ? path : "", path ? "'" : "", strerror(number));
        err->sys_error = number;
    }
    return err->code;
}
