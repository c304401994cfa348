/* How far a command is. */
#define _POSIX_C_SOURCE 200809L
#include "steps.h"

#include <collio/doctor.h>

#include <stdio.h>
#include <time.h>
#include <unistd.h>

/* Seconds between two lines. */
static const double often = 0.2, seldom = 5;

static double now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* Some launchers give ranks a terminal of their own, whatever they do with its output. */
void progress_begin(progress *p, const char *command, int speaks, int64_t total)
{
    int terminal = isatty(STDERR_FILENO) && collio_doctor_launcher(NULL, NULL) == NULL;

    *p = (progress){.command = command, .speaks = speaks, .terminal = terminal, .total = total};
    p->begun = p->told = now();
}

static void tell(progress *p, double seconds)
{
    char done[STEPS_TEXT], total[STEPS_TEXT], rate[STEPS_TEXT], line[256];
    double speed = (double)p->done / seconds, left = (double)(p->total - p->done) / speed;
    int length = snprintf(line, sizeof line, "collio %s: %s of %s, %s/s, %.0f s left", p->command,
                          steps_bytes((double)p->done, done), steps_bytes((double)p->total, total),
                          steps_bytes(speed, rate), left > 0 ? left : 0);

    if (!p->terminal) {
        fprintf(stderr, "%s\n", line);
        return;
    }
    fprintf(stderr, "\r%-*s", p->width, line);
    fflush(stderr);
    p->width = length > p->width ? length : p->width;
}

void progress_add(progress *p, int64_t bytes)
{
    double time = now();

    p->done += bytes;
    if (!p->speaks || p->done == 0 || time - p->told < (p->terminal ? often : seldom))
        return;
    p->told = time;
    tell(p, time - p->begun);
}

void progress_clear(progress *p)
{
    if (p->width > 0)
        fprintf(stderr, "\r%*s\r", p->width, "");
    p->width = 0;
}
