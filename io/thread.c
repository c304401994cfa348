/* Threads of the library's own. They make no MPI and no HDF5 calls, and take no signals: those are
 * the program's. */
#include "directory.h"

#include <signal.h>

int collio_thread_start(pthread_t *thread, void *(*function)(void *), void *argument)
{
    sigset_t all, before;
    int failed;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    failed = pthread_create(thread, NULL, function, argument);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return failed;
}
