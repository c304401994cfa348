/* The doctor, for collio.diagnose: findings as tuples. */
#include "bindings.h"
#include "collio/doctor.h"

#include <numpy/numpyconfig.h>

#define MOST_FACTS 32

static PyObject *text_of(const char *text)
{
    return PyUnicode_DecodeUTF8(text, (Py_ssize_t)strlen(text), "replace");
}

static PyObject *finding_tuple(const collio_finding *f)
{
    return Py_BuildValue("(ssissNNN)", f->id, collio_level_name(f->level), f->rank, f->subject,
                         f->why, text_of(f->what), text_of(f->mend), text_of(f->evidence));
}

static PyObject *finding_list(const collio_doctor *doctor)
{
    PyObject *list = PyList_New(0);

    for (int i = 0; list != NULL && i < collio_doctor_count(doctor); i++) {
        PyObject *tuple = finding_tuple(collio_doctor_finding(doctor, i));
        if (tuple == NULL || PyList_Append(list, tuple) < 0)
            Py_CLEAR(list);
        Py_XDECREF(tuple);
    }
    return list;
}

/* A dictionary of texts; they are borrowed from it. */
static int facts_from(PyObject *dict, collio_fact *facts)
{
    PyObject *key, *value;
    Py_ssize_t at = 0;
    int count = 0;

    while (PyDict_Next(dict, &at, &key, &value) && count < MOST_FACTS) {
        facts[count].name = PyUnicode_AsUTF8(key);
        facts[count].value = PyUnicode_AsUTF8(value);
        if (facts[count].name == NULL || facts[count].value == NULL)
            return -1;
        count++;
    }
    facts[count] = (collio_fact){NULL, NULL};
    return 0;
}

PyDoc_STRVAR(doctor_doc, "_doctor($module, directory, facts, offline, comm, /)\n--\n\nExamine the "
                         "environment; collective over comm, unless that is None.");

static PyObject *doctor_run(PyObject *Py_UNUSED(module), PyObject *const *args, Py_ssize_t nargs)
{
    collio_fact facts[MOST_FACTS + 1];
    collio_doctor_options options = {.facts = facts};
    collio_error err = COLLIO_ERROR_INIT;
    collio_doctor *doctor = NULL;
    MPI_Comm comm = MPI_COMM_NULL;
    PyObject *result = NULL;

    if (nargs != 4 || !PyDict_Check(args[1]))
        return PyErr_Format(PyExc_TypeError,
                            "_doctor() takes a directory, facts, a flag, a communicator");
    if (arg_text(args[0], &options.directory) < 0 || facts_from(args[1], facts) < 0 ||
        arg_bool(args[2], &options.offline) < 0)
        return NULL;
    if (args[3] != Py_None && comm_from_object(args[3], &comm) < 0)
        return NULL;
    here(&err);
    Py_BEGIN_ALLOW_THREADS
    collio_doctor_create(&options, &doctor, &err);
    if (comm != MPI_COMM_NULL && doctor != NULL)
        collio_doctor_ranks(doctor, comm, &err);
    Py_END_ALLOW_THREADS
    result = err.code != COLLIO_OK ? raise_from(&err) : finding_list(doctor);
    collio_doctor_free(&doctor);
    return result;
}

PyDoc_STRVAR(glance_doc,
             "_glance($module, /)\n--\n\nThe first failure that shows at a glance, or None.");

static PyObject *doctor_glance(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(ignored))
{
    collio_finding finding;

    if (!collio_doctor_glance(&finding))
        Py_RETURN_NONE;
    return finding_tuple(&finding);
}

PyDoc_STRVAR(built_doc,
             "_built($module, /)\n--\n\nVersions of Python and NumPy at compile time, the "
             "launcher's rank, NumPy's layout and functions as built for and as loaded.");

static PyObject *doctor_built(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(ignored))
{
    char numpy[16];
    unsigned built[2], now[2];
    int rank;

    collio_doctor_launcher(&rank, NULL);
    array_interface(built, now);
    /* The version of the array interface has the major version of NumPy in its first byte. */
    snprintf(numpy, sizeof numpy, "%u.0", (unsigned)NPY_ABI_VERSION >> 24);
    return Py_BuildValue("(ssiIIII)", PY_VERSION, numpy, rank, built[0], built[1], now[0], now[1]);
}

PyMethodDef doctor_functions[] = {
    {"_doctor", FAST(doctor_run), METH_FASTCALL, doctor_doc},
    {"_glance", doctor_glance, METH_NOARGS, glance_doc},
    {"_built", doctor_built, METH_NOARGS, built_doc},
    {NULL, NULL, 0, NULL},
};
