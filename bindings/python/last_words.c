/* Some MPI libraries end the process in MPI_Init when its launcher is another MPI's. What that
 * means can only be said from an exit handler, and every process says it: the launcher ends all
 * others with the first. */
#include "bindings.h"

#include <collio/doctor.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static collio_finding last_words;
static int starting;

static void say(void)
{
    if (starting)
        fprintf(stderr, "collio: FAILURE %s  %s\n  what          : %s\n  mend          : %.*s\n",
                last_words.id, last_words.subject, last_words.what,
                (int)strcspn(last_words.mend, "\n"), last_words.mend);
}

void last_words_prepare(void)
{
    starting = collio_doctor_launcher(NULL, NULL) != NULL && collio_doctor_foresee(&last_words);
    if (starting)
        atexit(say);
}

void last_words_drop(void)
{
    starting = 0;
}
