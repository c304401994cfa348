/*
 * A thread that looks after objects to be received while the program waits for something else.
 *
 * irecv() cannot post a receive before the size of its object is known. Waits and tests look for
 * the message meanwhile; but a rank that waits in a call of MPI's does not, and its partner may be
 * waiting in a send, whose message nobody takes. So while a receive is open and unmatched, a thread
 * looks for its message now and then, if MPI allows calls by several threads.
 *
 * The thread sleeps while there is nothing to look for, and has no state in the interpreter then:
 * with a second one, every call has to release the interpreter's lock. Who opens the first receive
 * makes a state at once that nobody runs with, so that calls do so from then on; the thread makes
 * one of its own for each look, since the interpreter knows it by the thread that made it.
 */
#include "request.h"

#include <pthread.h>
#include <signal.h>
#include <time.h>

enum { NAP_MIN = 1000000, NAP_MAX = 16000000 }; /* ns */

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t wake = PTHREAD_COND_INITIALIZER;
static pthread_t thread;
static PyThreadState *watching; /* that nobody runs with, while there is something to look for */
static int started, stopped;
static long nap;

/* In a child process there is no such thread, and the interpreter has dropped its state. */
static void forget_in_child(void)
{
    pthread_mutex_init(&lock, NULL);
    started = 0;
    stopped = 1;
    watching = NULL;
}

/* Called with the lock held, which is given up meanwhile. */
static void doze(void)
{
    struct timespec until;

    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_nsec += nap;
    until.tv_sec += until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    pthread_cond_timedwait(&wake, &lock, &until);
    nap = nap < NAP_MAX ? 2 * nap : nap;
}

/* Take the interpreter's lock. NULL without memory. */
static PyThreadState *enter(PyThreadState *other)
{
    PyThreadState *self = PyThreadState_New(PyThreadState_GetInterpreter(other));

    if (self != NULL)
        PyEval_AcquireThread(self);
    return self;
}

/* And give it up. */
static void leave(PyThreadState *self)
{
    PyThreadState_Clear(self);
    PyThreadState_DeleteCurrent();
}

/* With the interpreter's lock. */
static void stop_watching(void)
{
    PyThreadState *old = watching;

    pthread_mutex_lock(&lock);
    watching = NULL;
    pthread_mutex_unlock(&lock);
    PyThreadState_Clear(old);
    PyThreadState_Delete(old);
}

static void retire(void)
{
    PyThreadState *self = enter(watching);

    if (self == NULL)
        return;
    stop_watching();
    leave(self);
}

/* An error is met again by who waits. */
static void look(void)
{
    PyThreadState *self = enter(watching);

    if (self == NULL)
        return;
    if (request_match_all() < 0)
        PyErr_Clear();
    if (!request_receiving())
        stop_watching();
    leave(self);
}

static void *watch(void *none)
{
    pthread_mutex_lock(&lock);
    while (!stopped) {
        if (watching == NULL) {
            pthread_cond_wait(&wake, &lock);
            continue;
        }
        doze();
        if (stopped || watching == NULL)
            continue;
        pthread_mutex_unlock(&lock);
        look();
        pthread_mutex_lock(&lock);
    }
    pthread_mutex_unlock(&lock);
    if (watching != NULL)
        retire();
    return none;
}

/* Signals are for the threads of the program. */
static int start(void)
{
    sigset_t all, before;
    int level = MPI_THREAD_SINGLE, failed;

    if (started || stopped)
        return started;
    if (MPI_Query_thread(&level) != MPI_SUCCESS || level != MPI_THREAD_MULTIPLE) {
        stopped = 1;
        return 0;
    }
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    failed = pthread_create(&thread, NULL, watch, NULL);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    started = !failed;
    if (started)
        pthread_atfork(NULL, NULL, forget_in_child);
    return started;
}

void watcher_begin(void)
{
    PyThreadState *self;

    if (!start())
        return;
    pthread_mutex_lock(&lock);
    nap = NAP_MIN;
    pthread_mutex_unlock(&lock);
    if (watching != NULL) /* changes only while the interpreter's lock is held */
        return;
    self = PyThreadState_New(PyInterpreterState_Get());
    pthread_mutex_lock(&lock);
    watching = self;
    pthread_cond_signal(&wake);
    pthread_mutex_unlock(&lock);
}

/* The state is the thread's to delete, as soon as it finds nothing to look for. */
void watcher_end(void)
{
    if (watching == NULL)
        return;
    pthread_mutex_lock(&lock);
    pthread_cond_signal(&wake);
    pthread_mutex_unlock(&lock);
}

void watcher_stop(void)
{
    PyThreadState *saved;

    pthread_mutex_lock(&lock);
    stopped = 1;
    pthread_cond_signal(&wake);
    pthread_mutex_unlock(&lock);
    if (started) {
        saved = gil_release();
        pthread_join(thread, NULL);
        gil_acquire(saved);
        started = 0;
    }
}
