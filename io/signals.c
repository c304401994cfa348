/* Signals that ask for a checkpoint: counted, for whoever looks. A handler that was there before is
 * called, too; it comes back when nobody watches any more. */
#define _GNU_SOURCE
#include "step.h"

#include <errno.h>
#include <signal.h>
#include <string.h>

enum { MOST = 128 };

static struct watched {
    int users;
    unsigned seen; /* atomic */
    struct sigaction before;
} watched[MOST];

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static void count_signal(int number, siginfo_t *info, void *context)
{
    const struct sigaction *before = &watched[number].before;
    int old = errno;

    __atomic_add_fetch(&watched[number].seen, 1, __ATOMIC_RELAXED);
    if (before->sa_flags & SA_SIGINFO)
        before->sa_sigaction(number, info, context);
    else if (before->sa_handler != SIG_DFL && before->sa_handler != SIG_IGN)
        before->sa_handler(number);
    errno = old;
}

int collio_signal_check(int number, collio_error *err)
{
    if (number > 0 && number < NSIG && number < MOST && number != SIGKILL && number != SIGSTOP)
        return COLLIO_OK;
    return collio_error_set(err, COLLIO_ERR_VALUE, "signal %d cannot be watched", number);
}

int collio_signal_watch(int number, collio_error *err)
{
    struct sigaction action = {.sa_sigaction = count_signal, .sa_flags = SA_SIGINFO | SA_RESTART};
    int failed = 0;

    sigemptyset(&action.sa_mask);
    pthread_mutex_lock(&lock);
    if (watched[number].users == 0)
        failed = sigaction(number, NULL, &watched[number].before) != 0 ||
                 sigaction(number, &action, NULL) != 0;
    failed = collio_sys(failed, "sigaction", strsignal(number), err);
    watched[number].users += !failed;
    pthread_mutex_unlock(&lock);
    return failed;
}

/* Somebody may have set another handler meanwhile: that stays. */
void collio_signal_unwatch(int number)
{
    struct sigaction now;

    pthread_mutex_lock(&lock);
    if (--watched[number].users == 0 && sigaction(number, NULL, &now) == 0 &&
        (now.sa_flags & SA_SIGINFO) && now.sa_sigaction == count_signal)
        sigaction(number, &watched[number].before, NULL);
    pthread_mutex_unlock(&lock);
}

unsigned collio_signal_seen(int number)
{
    return __atomic_load_n(&watched[number].seen, __ATOMIC_RELAXED);
}
