/* What the commands on checkpoints share: a job of one or more ranks, the directory they look at,
 * and a line that tells how far they are. */
#ifndef COLLIO_CLI_STEPS_H
#define COLLIO_CLI_STEPS_H

#include <collio/checkpoint.h>

#include <stdint.h>

#define STATUS_DAMAGED 1
#define STATUS_FAILED  2

/* Start MPI, with a launcher or without. Returns the rank. */
int job_start(void);

/* End MPI. Of several ranks only the first gives its status: launchers end a job at the first that
 * is not 0. An error is printed, once where all ranks have the same. Returns the exit status. */
int job_end(const char *command, int status, const collio_error *err);

/* Open the directory on all ranks, to look at (read_only) or to write. */
int steps_open(const char *directory, int read_only, collio_checkpoint **out, collio_error *err);

/* Read a whole number of at least `least` and nothing else. Whether that is there. */
int steps_number(const char *text, int64_t least, int64_t *number);

/* "whole", "damaged", ...: what a step's seal says. */
const char *steps_status(const collio_checkpoint_entry *entry);

/* "12.3 MiB" */
#define STEPS_TEXT 32
char *steps_bytes(double bytes, char *text);

/* ------------------------------------------------------------------ progress */

/* How far a command is, in bytes: on a terminal a line on standard error with rate and time left,
 * written again and again; elsewhere a plain line every few seconds. Silent if not `speaks`. */
typedef struct progress {
    const char *command;
    int speaks, terminal;
    int64_t total, done;
    double begun, told;
    int width; /* of what stands on the terminal */
} progress;

void progress_begin(progress *p, const char *command, int speaks, int64_t total);
void progress_add(progress *p, int64_t bytes);

/* Take the line away, so that something else can be printed. */
void progress_clear(progress *p);

#endif
