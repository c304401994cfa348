/* What a File says of itself, and what can be set: its properties. */
#include "h5.h"

#include <string.h>

/* The object that has the handle: another one, if this was made from its id. */
h5file *h5_real_file(PyObject *object)
{
    h5file *self = (h5file *)object;

    return self->base.file != NULL ? self->base.file : self;
}

static int is_linked(PyObject *object)
{
    return ((h5file *)object)->linked;
}

PyObject *h5_file_name(PyObject *object)
{
    return is_linked(object) ? ((h5file *)object)->filename : h5_real_file(object)->filename;
}

int h5_file_writable(PyObject *object)
{
    return !is_linked(object) && collio_file_is_writable(h5_real_file(object)->handle);
}

static PyObject *get_filename(PyObject *object, void *Py_UNUSED(none))
{
    h5file *self = h5_real_file(object);

    return h5_ready(&self->base) < 0 ? NULL : Py_XNewRef(h5_file_name(object));
}

static PyObject *get_mode(PyObject *object, void *Py_UNUSED(none))
{
    h5file *self = h5_real_file(object);

    if (h5_ready(&self->base) < 0)
        return NULL;
    return PyUnicode_FromString(h5_file_writable(object) ? "r+" : "r");
}

static PyObject *get_driver(PyObject *object, void *Py_UNUSED(none))
{
    h5file *self = h5_real_file(object);

    if (h5_ready(&self->base) < 0)
        return NULL;
    /* h5py has no name for HDF5's number of it. */
    return PyUnicode_FromString(strcmp(self->driver, "split") == 0 ? "unknown" : self->driver);
}

static PyObject *get_userblock_size(PyObject *object, void *Py_UNUSED(none))
{
    h5file *self = h5_real_file(object);

    if (h5_ready(&self->base) < 0)
        return NULL;
    return PyLong_FromLongLong(collio_file_user_block(self->handle));
}

static PyObject *get_libver(PyObject *object, void *Py_UNUSED(none))
{
    h5file *self = h5_real_file(object);
    const collio_file_options *given;

    if (h5_ready(&self->base) < 0)
        return NULL;
    given = collio_file_given(self->handle);
    return Py_BuildValue("(ss)", collio_format_name(given->format),
                         collio_format_name(given->newest != COLLIO_FORMAT_EARLIEST
                                                ? given->newest
                                                : COLLIO_FORMAT_LATEST));
}

static PyObject *get_meta_block_size(PyObject *object, void *Py_UNUSED(none))
{
    h5file *self = h5_real_file(object);
    int64_t size;

    if (h5_ready(&self->base) < 0)
        return NULL;
    size = collio_file_given(self->handle)->metadata_block;
    return PyLong_FromLongLong(size > 0 ? size : 2048);
}

static PyObject *get_swmr_mode(PyObject *object, void *Py_UNUSED(none))
{
    return h5_ready((h5object *)object) < 0 ? NULL : PyBool_FromLong(h5_real_file(object)->swmr);
}

/* Whether this file can be read while it is written; else with an exception. */
static int fits_readers(h5file *self)
{
    PyObject *checked;

    if (self->parallel)
        PyErr_SetString(
            PyExc_NotImplementedError,
            "swmr is for a file of one process: ranks of a communicator write together");
    else if (!collio_file_is_writable(self->handle))
        PyErr_SetString(PyExc_RuntimeError,
                        "Unable to start swmr writing (no write intent on file)");
    if (PyErr_Occurred())
        return -1;
    checked =
        memory_call("collio.config", "check_superblock", "(sL)", collio_file_path(self->handle),
                    (long long)collio_file_user_block(self->handle));
    Py_XDECREF(checked);
    return checked == NULL ? -1 : 0;
}

static int start_swmr(h5file *self)
{
    PyThreadState *saved;
    joint j;

    joint_begin(&j);
    saved = io_enter();
    collio_file_flush(self->handle, &j.err);
    collio_file_unlock(self->handle);
    io_leave(saved);
    if (joint_end(&j) < 0)
        return -1;
    self->swmr = 1;
    return 0;
}

static int set_swmr_mode(PyObject *object, PyObject *value, void *Py_UNUSED(none))
{
    h5file *self = h5_real_file(object);
    int wanted = value == NULL ? 0 : PyObject_IsTrue(value);

    if (h5_ready(&self->base) < 0 || wanted < 0)
        return -1;
    if (wanted && self->swmr)
        return 0;
    if (wanted)
        return fits_readers(self) < 0 ? -1 : start_swmr(self);
    PyErr_SetString(PyExc_ValueError, "It is not possible to forcibly switch SWMR mode off.");
    return -1;
}

static PyObject *get_atomic(PyObject *object, void *Py_UNUSED(none))
{
    h5file *self = h5_real_file(object);

    return h5_ready(&self->base) < 0 ? NULL : PyBool_FromLong(collio_file_atomic(self->handle));
}

static int set_atomic(PyObject *object, PyObject *value, void *Py_UNUSED(none))
{
    h5file *self = h5_real_file(object);
    PyThreadState *saved;
    int atomic;
    joint j;

    if (h5_ready(&self->base) < 0)
        return -1;
    joint_begin(&j);
    atomic = value == NULL ? 0 : PyObject_IsTrue(value);
    if (atomic < 0)
        joint_fail(&j);
    saved = io_enter();
    collio_file_set_atomic(self->handle, atomic, &j.err);
    io_leave(saved);
    return joint_end(&j);
}

PyGetSetDef h5file_getset[] = {
    {"filename", get_filename, NULL, "the name it was opened by", NULL},
    {"mode", get_mode, NULL, "'r' or 'r+'", NULL},
    {"driver", get_driver, NULL, "'mpio' with a communicator, else as given or 'sec2'", NULL},
    {"libver", get_libver, NULL, "formats used: (oldest, newest)", NULL},
    {"meta_block_size", get_meta_block_size, NULL, "bytes that structure grows by", NULL},
    {"swmr_mode", get_swmr_mode, set_swmr_mode,
     "whether one process writes while others read; can be set to True", NULL},
    {"atomic", get_atomic, set_atomic, "MPI's atomic mode; setting it is collective", NULL},
    {"userblock_size", get_userblock_size, NULL, "bytes left free at the start", NULL},
    {NULL, NULL, NULL, NULL, NULL},
};
