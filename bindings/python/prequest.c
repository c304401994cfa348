/* MPI.Prequest: operations prepared once and started many times. */
#include "request.h"

PyDoc_STRVAR(Start_doc, "Start($self, /)\n--\n\nStart a persistent operation. Not collective.");

static PyObject *request_Start(PyObject *self, PyObject *Py_UNUSED(none))
{
    if (mpi_ready(state_of(self)) < 0 ||
        mpi_failed(MPI_Start(&((handle *)self)->mpi.request), "MPI_Start") < 0)
        return NULL;
    Py_RETURN_NONE;
}

PyDoc_STRVAR(Startall_doc, "Startall($type, /, requests)\n--\n\nStart persistent operations. "
                           "Not collective.");

static PyObject *request_Startall(PyObject *cls, PyObject *requests)
{
    state *st = state_of_class(cls);
    PyObject *list = PySequence_Fast(requests, "expecting a sequence of requests"), *done = NULL;
    Py_ssize_t i = 0, n = list != NULL ? PySequence_Fast_GET_SIZE(list) : 0;

    for (; i < n; i++) {
        PyObject *item = PySequence_Fast_GET_ITEM(list, i);
        if (!is_a(st, item, TYPE_Request)) {
            raise_type("a request to start", "MPI.Prequest", item);
            break;
        }
        done = request_Start(item, NULL);
        if (done == NULL)
            break;
        Py_DECREF(done);
    }
    Py_XDECREF(list);
    return list != NULL && i == n ? Py_NewRef(Py_None) : NULL;
}

/* clang-format off */
const row_method prequest_rows[] = {
    {"Startall", Startall_doc, method_one, "requests", {.one = request_Startall}, 0, 1},
    {NULL, NULL, NULL, NULL, {NULL}, 0, 0},
};
/* clang-format on */

static PyMethodDef prequest_methods[] = {
    {"Start", request_Start, METH_NOARGS, Start_doc},
    {NULL, NULL, 0, NULL},
};

PyDoc_STRVAR(prequest_doc, "Prequest(request=None)\n--\n\nAn operation that can be started again.");

static PyType_Slot prequest_slots[] = {
    {Py_tp_doc, (void *)prequest_doc},
    {Py_tp_methods, prequest_methods},
    {0, NULL},
};

PyType_Spec Prequest_spec = {
    .name = "collio.MPI.Prequest",
    .basicsize = sizeof(handle),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE,
    .slots = prequest_slots,
};
