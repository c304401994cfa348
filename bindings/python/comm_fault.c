/*
 * MPI.Comm: the calls of a program that means to survive failed processes. MPI
 * has no such calls yet. Those that are of use while nobody has failed work;
 * they answer accordingly.
 */
#include "bindings.h"

static MPI_Comm mpi_of(PyObject *self)
{
    return ((handle *)self)->mpi.comm;
}

/* 0 if it is a communicator at all. */
static int check(PyObject *self)
{
    if (mpi_ready(state_of(self)) < 0)
        return -1;
    return mpi_of(self) == MPI_COMM_NULL ? mpi_failed(MPI_ERR_COMM, "MPI_Comm_size") : 0;
}

PyDoc_STRVAR(revoke_doc, "Revoke($self, /)\n--\n\nEnd all communication on it, everywhere. Not in "
                         "MPI 4: NotImplementedError. Not collective.");

static PyObject *comm_Revoke(PyObject *Py_UNUSED(self), PyObject *Py_UNUSED(none))
{
    return raise_unavailable("MPI_Comm_revoke");
}

PyDoc_STRVAR(is_revoked_doc, "Is_revoked($self, /)\n--\n\nWhether it has been revoked. "
                             "Not collective.");

static PyObject *comm_Is_revoked(PyObject *self, PyObject *Py_UNUSED(none))
{
    return check(self) < 0 ? NULL : Py_NewRef(Py_False);
}

PyDoc_STRVAR(get_failed_doc, "Get_failed($self, /)\n--\n\nThe group of the processes known to have "
                             "failed. Not collective.");

static PyObject *comm_Get_failed(PyObject *self, PyObject *Py_UNUSED(none))
{
    state *st = state_of(self);

    if (check(self) < 0)
        return NULL;
    return handle_make(st->types[TYPE_Group], KIND_group, (any_handle){.group = MPI_GROUP_EMPTY});
}

PyDoc_STRVAR(ack_failed_doc, "Ack_failed($self, /, num_to_ack=None)\n--\n\nAcknowledge failures; "
                             "returns how many are. Not collective.");

static PyObject *comm_Ack_failed(PyObject *self, PyObject *const *args, Py_ssize_t nargs,
                                 PyObject *keywords)
{
    static const param rows[] = {{"|num_to_ack", arg_object, 0}, {NULL, NULL, 0}};
    PyObject *count = Py_None;
    int wanted;

    if (check(self) < 0 || args_parse("Ack_failed", rows, &count, args, nargs, keywords) < 0 ||
        (count != Py_None && arg_int(count, &wanted) < 0))
        return NULL;
    return PyLong_FromLong(0);
}

PyDoc_STRVAR(agree_doc, "Agree($self, /, flag)\n--\n\nThe bitwise and of everyone's flag. "
                        "Collective.");

static PyObject *comm_Agree(PyObject *self, PyObject *arg)
{
    PyThreadState *saved;
    int mine, all = 0, code;

    if (mpi_ready(state_of(self)) < 0 || arg_int(arg, &mine) < 0)
        return NULL;
    saved = gil_release();
    code = MPI_Allreduce(&mine, &all, 1, MPI_INT, MPI_BAND, mpi_of(self));
    gil_acquire(saved);
    return mpi_failed(code, "MPI_Allreduce") < 0 ? NULL : PyLong_FromLong(all);
}

PyDoc_STRVAR(iagree_doc, "Iagree($self, /, flag)\n--\n\nBegin Agree() on an array of one C int, in "
                         "place; returns a Request. Collective.");

static PyObject *comm_Iagree(PyObject *self, PyObject *arg)
{
    state *st = state_of(self);
    PyObject *result = NULL;
    MPI_Request request;
    message m;

    if (mpi_ready(st) < 0)
        return NULL;
    message_init(&m);
    if (message_from(st, arg, 1, 1, &m) == 0) {
        if (m.count != 1 || m.type != MPI_INT)
            PyErr_SetString(PyExc_ValueError, "flag must be an array of one C int (format 'i')");
        else if (mpi_failed(MPI_Iallreduce(MPI_IN_PLACE, m.data, 1, MPI_INT, MPI_BAND, mpi_of(self),
                                           &request),
                            "MPI_Iallreduce") == 0)
            result = request_make(st, TYPE_Request, request, m.keep);
    }
    message_release(&m);
    return result;
}

PyDoc_STRVAR(shrink_doc, "Shrink($self, /)\n--\n\nA duplicate without the failed processes. "
                         "Collective.");

static PyObject *comm_Shrink(PyObject *self, PyObject *Py_UNUSED(none))
{
    return PyObject_CallMethod(self, "Dup", NULL);
}

PyDoc_STRVAR(ishrink_doc, "Ishrink($self, /)\n--\n\nBegin Shrink(); returns (duplicate, Request). "
                          "Collective.");

static PyObject *comm_Ishrink(PyObject *self, PyObject *Py_UNUSED(none))
{
    return PyObject_CallMethod(self, "Idup", NULL);
}

/* clang-format off */
const row_method comm_fault_rows[] = {
    {"Agree", agree_doc, method_one, "flag", {.one = comm_Agree}, 0, 0},
    {"Iagree", iagree_doc, method_one, "flag", {.one = comm_Iagree}, 0, 0},
    {NULL, NULL, NULL, NULL, {NULL}, 0, 0},
};
/* clang-format on */

PyMethodDef comm_fault_methods[] = {
    {"Revoke", comm_Revoke, METH_NOARGS, revoke_doc},
    {"Is_revoked", comm_Is_revoked, METH_NOARGS, is_revoked_doc},
    {"Get_failed", comm_Get_failed, METH_NOARGS, get_failed_doc},
    {"Ack_failed", FAST(comm_Ack_failed), FASTCALL, ack_failed_doc},
    {"Shrink", comm_Shrink, METH_NOARGS, shrink_doc},
    {"Ishrink", comm_Ishrink, METH_NOARGS, ishrink_doc},
    {NULL, NULL, 0, NULL},
};
