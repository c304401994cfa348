/*
 * Methods that do nothing, for bench_calls.py: what the interpreter takes for a call is the least
 * that any layer costs.
 *
 *   make bench
 */
#define PY_SSIZE_T_CLEAN
#include <Python.h>

static PyObject *question(PyObject *Py_UNUSED(self), PyObject *Py_UNUSED(none))
{
    Py_RETURN_FALSE;
}

static PyObject *call(PyObject *Py_UNUSED(self), PyObject *const *Py_UNUSED(args),
                      Py_ssize_t Py_UNUSED(nargs), PyObject *Py_UNUSED(keywords))
{
    Py_RETURN_NONE;
}

/* What is begun is to be waited for: an object, but not a new one each time. */
static PyObject *begin(PyObject *self, PyObject *const *Py_UNUSED(args),
                       Py_ssize_t Py_UNUSED(nargs), PyObject *Py_UNUSED(keywords))
{
    return Py_NewRef(self);
}

#define FAST(function) (PyCFunction)(void (*)(void))(function), METH_FASTCALL | METH_KEYWORDS, NULL

static PyMethodDef methods[] = {
    {"Get_rank", question, METH_NOARGS, NULL},
    {"Iprobe", FAST(call)},
    {"Send", FAST(call)},
    {"Sendrecv", FAST(call)},
    {"Bcast", FAST(call)},
    {"Allreduce", FAST(call)},
    {"Alltoall", FAST(call)},
    {"Irecv", FAST(begin)},
    {"Isend", FAST(begin)},
    {"Wait", FAST(call)},
    {NULL, NULL, 0, NULL},
};

static PyType_Slot slots[] = {
    {Py_tp_methods, methods},
    {0, NULL},
};

static PyType_Spec spec = {
    .name = "floor.Comm",
    .basicsize = sizeof(PyObject),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE,
    .slots = slots,
};

static int setup(PyObject *module)
{
    PyObject *type = PyType_FromSpec(&spec);
    int result = type == NULL ? -1 : PyModule_AddType(module, (PyTypeObject *)type);

    Py_XDECREF(type);
    return result;
}

static PyModuleDef_Slot module_slots[] = {
    {Py_mod_exec, setup},
    {0, NULL},
};

static PyModuleDef module = {
    PyModuleDef_HEAD_INIT,
    .m_name = "floor",
    .m_slots = module_slots,
};

PyMODINIT_FUNC PyInit_floor(void);

PyMODINIT_FUNC PyInit_floor(void)
{
    return PyModuleDef_Init(&module);
}
