/* Settings of the process: how long to wait, where notices go; the clock. */
#include "internal.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static double patience = -1.0; /* negative: not set yet */
static double timeout = -1.0;
static collio_log_function *log_function;
static void *log_data;

static double from_environment(const char *name, double otherwise)
{
    const char *text = getenv(name);
    char *end = NULL;
    double value = text != NULL ? strtod(text, &end) : otherwise;

    return end != text && value >= 0.0 ? value : otherwise;
}

double collio_get_patience(void)
{
    if (patience < 0.0)
        patience = from_environment("COLLIO_PATIENCE", 30.0);
    return patience;
}

double collio_get_timeout(void)
{
    if (timeout < 0.0)
        timeout = from_environment("COLLIO_TIMEOUT", 600.0);
    return timeout;
}

void collio_set_patience(double seconds)
{
    patience = seconds > 0.0 ? seconds : 0.0;
}

void collio_set_timeout(double seconds)
{
    timeout = seconds > 0.0 ? seconds : 0.0;
}

void collio_set_log(collio_log_function *function, void *data)
{
    log_function = function;
    log_data = data;
}

void collio_log(const char *format, ...)
{
    char text[1024];
    va_list args;

    if (log_function == NULL)
        return;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    log_function(text, log_data);
}

double collio_now(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}
