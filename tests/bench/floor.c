/*
 * The least that any layer for Python costs. Methods that do nothing, for bench_calls.py: what the
 * interpreter takes for a call. And methods that call MPI without looking at their arguments, for
 * bench_messages.py: what large messages leave of the caches is what the interpreter finds there.
 *
 *   make bench
 */
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <mpi.h>

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
    .slots = slots,
};

/* ------------------------------------------------------------------ calls of MPI */

/* Pipe(comm, out, in, bytes, other, right, left): a handle of Fortran, addresses, ranks. */
typedef struct pipe_object {
    PyObject_HEAD
    MPI_Comm comm;
    void *out, *in;
    int bytes;
    int other, right, left;
} pipe_object;

static PyObject *pipe_new(PyTypeObject *type, PyObject *args, PyObject *Py_UNUSED(keywords))
{
    pipe_object *self = (pipe_object *)type->tp_alloc(type, 0);
    unsigned long long out, in;
    int comm;

    if (self == NULL || !PyArg_ParseTuple(args, "iKKiiii", &comm, &out, &in, &self->bytes,
                                          &self->other, &self->right, &self->left))
        return NULL;
    self->comm = MPI_Comm_f2c(comm);
    self->out = (void *)(uintptr_t)out;
    self->in = (void *)(uintptr_t)in;
    return (PyObject *)self;
}

static PyObject *pipe_send(PyObject *self, PyObject *const *Py_UNUSED(args),
                           Py_ssize_t Py_UNUSED(nargs), PyObject *Py_UNUSED(keywords))
{
    pipe_object *p = (pipe_object *)self;

    MPI_Send(p->out, p->bytes, MPI_BYTE, p->other, 0, p->comm);
    Py_RETURN_NONE;
}

static PyObject *pipe_recv(PyObject *self, PyObject *const *Py_UNUSED(args),
                           Py_ssize_t Py_UNUSED(nargs), PyObject *Py_UNUSED(keywords))
{
    pipe_object *p = (pipe_object *)self;

    MPI_Recv(p->in, p->bytes, MPI_BYTE, p->other, 0, p->comm, MPI_STATUS_IGNORE);
    Py_RETURN_NONE;
}

static PyObject *pipe_sendrecv(PyObject *self, PyObject *const *Py_UNUSED(args),
                               Py_ssize_t Py_UNUSED(nargs), PyObject *Py_UNUSED(keywords))
{
    pipe_object *p = (pipe_object *)self;

    MPI_Sendrecv(p->out, p->bytes, MPI_BYTE, p->right, 0, p->in, p->bytes, MPI_BYTE, p->left, 0,
                 p->comm, MPI_STATUS_IGNORE);
    Py_RETURN_NONE;
}

static PyObject *pipe_alltoall(PyObject *self, PyObject *const *Py_UNUSED(args),
                               Py_ssize_t Py_UNUSED(nargs), PyObject *Py_UNUSED(keywords))
{
    pipe_object *p = (pipe_object *)self;

    MPI_Alltoall(p->out, p->bytes, MPI_BYTE, p->in, p->bytes, MPI_BYTE, p->comm);
    Py_RETURN_NONE;
}

static PyObject *pipe_barrier(PyObject *self, PyObject *Py_UNUSED(none))
{
    MPI_Barrier(((pipe_object *)self)->comm);
    Py_RETURN_NONE;
}

static PyMethodDef pipe_methods[] = {
    {"Send", FAST(pipe_send)},
    {"Recv", FAST(pipe_recv)},
    {"Sendrecv", FAST(pipe_sendrecv)},
    {"Alltoall", FAST(pipe_alltoall)},
    {"Barrier", pipe_barrier, METH_NOARGS, NULL},
    {NULL, NULL, 0, NULL},
};

static PyType_Slot pipe_slots[] = {
    {Py_tp_new, pipe_new},
    {Py_tp_methods, pipe_methods},
    {0, NULL},
};

static PyType_Spec pipe_spec = {
    .name = "floor.Pipe",
    .basicsize = sizeof(pipe_object),
    .slots = pipe_slots,
};

/* ------------------------------------------------------------------------ module */

static int setup_type(PyObject *module, PyType_Spec *of)
{
    PyObject *type = PyType_FromSpec(of);
    int result = type == NULL ? -1 : PyModule_AddType(module, (PyTypeObject *)type);

    Py_XDECREF(type);
    return result;
}

static int setup(PyObject *module)
{
    return setup_type(module, &spec) < 0 ? -1 : setup_type(module, &pipe_spec);
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
