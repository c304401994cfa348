/* collio.merge(): one file of what was written per rank. */
#include "ckpt.h"

PyDoc_STRVAR(
    merge_doc,
    "merge($module, /, source, destination, comm=None, *, step=None, progress=None)\n--\n\n"
    "Make one file of what was written per rank: the one it would have been in the shared\n"
    "layout, a step with the same digests. Collective over comm; the ranks share the work.\n\n"
    "  source       a step's own file, a directory of steps, or a File of layout 'per-rank';\n"
    "               it is only read\n"
    "  destination  the file to be made; one that is there is never overwritten: it is\n"
    "               verified, so that a merge that was killed can be run again\n"
    "  comm         a communicator of collio.MPI or mpi4py; None: this process alone\n"
    "  step         which one of a directory; None: the newest with a whole seal\n"
    "  progress     called on each rank with the bytes of its share that are done, and all\n"
    "               of them; what it raises is printed and goes no further\n\n"
    "The destination has another name until every byte of it was compared. DamageError says\n"
    "where the source is damaged. A step is not compressed in the result; the datasets of a\n"
    "File are stored as they were made.");

typedef struct merge_args {
    PyObject *source;
    PyObject *destination;
    PyObject *comm;
    PyObject *step;
    PyObject *progress;
} merge_args;

/* What the call needs, while it is under way. */
typedef struct merging {
    PyObject *source, *destination; /* bytes of the file system */
    int64_t step;
    PyObject *progress; /* NULL: none */
    PyThreadState *saved;
} merging;

static int convert(const merge_args *a, merging *m)
{
    m->step = COLLIO_NEWEST;
    if (!PyUnicode_FSConverter(a->source, &m->source) ||
        !PyUnicode_FSConverter(a->destination, &m->destination))
        return -1;
    if (a->step != NULL && a->step != Py_None && index_int64(a->step, &m->step) < 0)
        return -1;
    if (m->step < 0 && a->step != NULL && a->step != Py_None) {
        PyErr_Format(PyExc_ValueError, "step must be >= 0, not %lld", (long long)m->step);
        return -1;
    }
    if (a->progress == NULL || a->progress == Py_None)
        return 0;
    if (!PyCallable_Check(a->progress)) {
        PyErr_Format(PyExc_TypeError, "progress must be callable, not %.200s",
                     Py_TYPE(a->progress)->tp_name);
        return -1;
    }
    m->progress = a->progress;
    return 0;
}

/* An exception here is this rank's alone, and the others are in the middle of their work. */
static void tell(void *context, int64_t done, int64_t total)
{
    merging *m = context;
    PyObject *result;

    io_leave(m->saved);
    result = PyObject_CallFunction(m->progress, "LL", (long long)done, (long long)total);
    if (result == NULL)
        PyErr_WriteUnraisable(m->progress);
    Py_XDECREF(result);
    m->saved = io_enter();
}

static PyObject *merge(PyObject *Py_UNUSED(module), PyObject *const *args, Py_ssize_t nargs,
                       PyObject *keywords)
{
    static const param rows[] = {{"source", arg_object, offsetof(merge_args, source)},
                                 {"destination", arg_object, offsetof(merge_args, destination)},
                                 {"|comm", arg_object, offsetof(merge_args, comm)},
                                 {"$step", arg_object, offsetof(merge_args, step)},
                                 {"$progress", arg_object, offsetof(merge_args, progress)},
                                 {NULL, NULL, 0}};
    merge_args a = {0};
    merging m = {0};
    MPI_Comm comm;
    joint j;

    if (args_parse("merge", rows, &a, args, nargs, keywords) < 0 || joint_comm(a.comm, &comm) < 0)
        return NULL;
    joint_begin(&j);
    if (convert(&a, &m) < 0)
        joint_fail(&j);
    m.saved = io_enter();
    collio_checkpoint_merge(comm, m.source != NULL ? PyBytes_AS_STRING(m.source) : "", m.step,
                            m.destination != NULL ? PyBytes_AS_STRING(m.destination) : "",
                            m.progress != NULL ? tell : NULL, &m, &j.err);
    io_leave(m.saved);
    Py_XDECREF(m.source);
    Py_XDECREF(m.destination);
    if (joint_end(&j) < 0)
        return NULL;
    Py_RETURN_NONE;
}

static PyMethodDef definition = {"merge", FAST(merge), FASTCALL, merge_doc};

int merge_setup(PyObject *module, state *st)
{
    PyObject *name = PyModule_GetNameObject(module);
    PyObject *function = name == NULL ? NULL : PyCFunction_NewEx(&definition, module, name);
    int result = function == NULL ? -1 : PyDict_SetItemString(st->io, "merge", function);

    Py_XDECREF(function);
    Py_XDECREF(name);
    return result;
}
