/* Shared by view.c and view_open.c (MPI.File), view_guard.c (what stands behind it), view_pattern.c
 * (its views), view_access.c (its data accesses) and view_array.c (collio.View). */
#ifndef COLLIO_BINDINGS_VIEW_H
#define COLLIO_BINDINGS_VIEW_H

#include "io/view.h"
#include "joint.h"

#include <pthread.h>

extern const row_method file_open_rows[], file_rows[], file_view_rows[], file_access_rows[];

/* The open file of an object: 0, or -1 if MPI is not running. */
int file_of(PyObject *self, MPI_File *out);

/* ------------------------------------------------------------ view_guard.c */

typedef struct file_guard {
    MPI_File file;
    collio_view *view;
    int amode;
    int direct;           /* the view moves the data, and has the pointers */
    pthread_mutex_t lock; /* around the view, for programs with threads */
    int split;            /* a split collective is under way: its access, 0 none */
    MPI_Offset disp;      /* of Set_view() where it is direct; types null: never set */
    MPI_Datatype etype, filetype;
    int64_t split_moved; /* bytes */
    struct file_guard *next;
} file_guard;

/* The guard of a handle; NULL if it was not opened here. With the GIL. */
file_guard *guard_of(MPI_File file);

/* Open a file. Collective, without the GIL. NULL on failure. Errors: of collio_view_open(), MPI. */
file_guard *guard_open(MPI_Comm comm, const char *path, int amode, MPI_Info info,
                       collio_error *err);

/* Let guard_of() find it, and no more. With the GIL. */
void guard_add(file_guard *g);
void guard_remove(file_guard *g);

/* Close it, free it and set *guard to NULL. Collective, without the GIL. If the ranks disagree it
 * stays open. */
int guard_close(file_guard **guard, collio_error *err);

/* Release the GIL and keep the file's other threads out; and back. The guard may be NULL. */
PyThreadState *guard_enter(file_guard *g);
void guard_leave(file_guard *g, PyThreadState *saved);

/* Begin a call that is this rank's alone: where the caller is nobody will ask, so that it is not
 * looked up. Collective ones begin with joint_begin(). */
static inline void guard_begin(joint *j)
{
    j->own = NULL;
    j->err.file = NULL;
    j->err.line = 0;
    collio_error_clear(&j->err);
}

/* Agree before a collective call of MPI-IO, on a text that must be the same; at once if there is no
 * guard. */
int guard_agree(file_guard *g, const char *call, const char *text, collio_error *err);

/* Store an error of a class of MPI's; its code. */
int guard_error(collio_error *err, int class, const char *text);

/* The class of MPI's for an error of collio's; MPI_SUCCESS: it is none of these. */
int guard_class(const collio_error *err);

/* After a call: 0, or -1 with this rank's own exception, or an MPI.Exception of the class that
 * fits, of which the file's error handler has heard before. */
int guard_failed(MPI_File file, joint *j);

/* ---------------------------------------------------------- view_pattern.c */

/* Let go of the types of its view. */
void guard_forget(file_guard *g);

#endif
