/* MPI.Prequest: operations prepared once and started many times. */
#include "receipt.h"

/* ------------------------------------------------- receives that wait their turn */

PyObject *request_prepare(PyObject *request, const message *m, MPI_Comm comm, int source, int tag)
{
    prepared *p = request != NULL ? PyMem_Malloc(sizeof *p) : NULL;

    if (p == NULL) {
        Py_XDECREF(request);
        return request != NULL ? PyErr_NoMemory() : NULL;
    }
    *p = (prepared){buffer_keep(m), comm, source, tag, MPI_REQUEST_NULL};
    ((handle *)request)->prepared = p;
    if (p->buffer == NULL)
        Py_CLEAR(request);
    return request;
}

int prepared_start(handle *self)
{
    prepared *p = self->prepared;
    message *buffer = buffer_keep(p->buffer);

    if (buffer == NULL)
        return -1;
    if (receipt_defer(self, buffer, p->comm, p->source, p->tag) < 0) {
        buffer_release(buffer);
        return -1;
    }
    p->aside = self->mpi.request;
    self->mpi.request = MPI_REQUEST_NULL;
    return 0;
}

void prepared_forget(handle *self)
{
    prepared *p = self->prepared;

    if (p == NULL)
        return;
    self->prepared = NULL;
    if (p->aside != MPI_REQUEST_NULL && life_usable()) {
        MPI_Request_free(&p->aside);
        self->owned = 1;
    }
    if (life_usable())
        buffer_release(p->buffer);
    PyMem_Free(p);
}

/* Whether what is to be started has to wait behind an open irecv(). What is started already is
 * MPI's to refuse. */
static int must_wait(const handle *self)
{
    const prepared *p = self->prepared;

    return p != NULL && p->aside == MPI_REQUEST_NULL &&
           request_overlaps(p->comm, p->source, p->tag);
}

static int start(handle *self)
{
    if (self->prepared != NULL && self->prepared->aside != MPI_REQUEST_NULL)
        return mpi_failed(MPI_ERR_REQUEST, "MPI_Start");
    return must_wait(self) ? prepared_start(self)
                           : mpi_failed(MPI_Start(&self->mpi.request), "MPI_Start");
}

/* ------------------------------------------------------------------- methods */

PyDoc_STRVAR(Start_doc, "Start($self, /)\n--\n\nStart a persistent operation. Not collective.");

static PyObject *request_Start(PyObject *self, PyObject *Py_UNUSED(none))
{
    if (mpi_ready(state_of(self)) < 0 || start((handle *)self) < 0)
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
