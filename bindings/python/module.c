/* The extension module: its state, its types, and what each file adds. */
#include "bindings.h"
#include "ckpt.h"
#include "h5storage.h"
#include "view.h"
#include "win.h"

#include <string.h>

/* One row a type, in the order of types.h. */
static const struct {
    const char *slot;
    PyType_Spec *spec;
    int base;
    char space; /* M: MPI, c: collio, h: hidden */
} type_rows[] = {
#define X(slot, base, space) {#slot, &slot##_spec, TYPE_##base, #space[0]},
#include "types.h"
};

/* Methods of classes that are spread over several files. */
static const struct {
    enum type_slot slot;
    PyMethodDef *methods;
    const row_method *rows;
} method_rows[] = {
    {TYPE_Handle, NULL, handle_rows},
    {TYPE_Status, NULL, status_rows},
    {TYPE_Datatype, datatype_pack_methods, datatype_rows},
    {TYPE_Datatype, NULL, datatype_new_rows},
    {TYPE_Datatype, datatype_decode_methods, datatype_decode_rows},
    {TYPE_Datatype, typecode_methods, typecode_rows},
    {TYPE_Group, NULL, group_rows},
    {TYPE_Info, info_env_methods, info_rows},
    {TYPE_Request, NULL, request_many_rows},
    {TYPE_Prequest, NULL, prequest_rows},
    {TYPE_Pickle, NULL, pickle_rows},
    {TYPE_Message, NULL, matched_rows},
    {TYPE_Comm, comm_methods, comm_send_rows},
    {TYPE_Comm, NULL, comm_rows},
    {TYPE_Comm, NULL, comm_object_rows},
    {TYPE_Comm, NULL, comm_collect_rows},
    {TYPE_Comm, NULL, comm_bcast_rows},
    {TYPE_Comm, NULL, comm_gather_rows},
    {TYPE_Intracomm, intracomm_cart_methods, intracomm_collect_rows},
    {TYPE_Intracomm, NULL, intracomm_gather_rows},
    {TYPE_Comm, comm_make_methods, comm_make_rows},
    {TYPE_Comm, comm_fault_methods, comm_fault_rows},
    {TYPE_Intracomm, intracomm_graph_methods, NULL},
    {TYPE_Intracomm, intracomm_make_methods, NULL},
    {TYPE_Intracomm, intracomm_inter_methods, NULL},
    {TYPE_Comm, comm_dynamic_methods, comm_dynamic_rows},
    {TYPE_Intracomm, intracomm_dynamic_methods, intracomm_dynamic_rows},
    {TYPE_Topocomm, NULL, topocomm_collect_rows},
    {TYPE_Topocomm, NULL, topocomm_gather_rows},
    {TYPE_Graphcomm, NULL, graph_rows},
    {TYPE_Cartcomm, NULL, cart_rows},
    {TYPE_File, NULL, file_open_rows},
    {TYPE_File, NULL, file_rows},
    {TYPE_File, NULL, file_view_rows},
    {TYPE_File, NULL, file_access_rows},
    {TYPE_Comm, NULL, comm_errhandler_rows},
    {TYPE_File, NULL, file_errhandler_rows},
    {TYPE_Comm, NULL, comm_keyval_rows},
    {TYPE_Session, NULL, session_rows},
    {TYPE_Session, NULL, session_errhandler_rows},
    {TYPE_Session, NULL, session_buffer_rows},
    {TYPE_Group, NULL, group_session_rows},
    {TYPE_Comm, NULL, comm_buffer_rows},
    {TYPE_Comm, NULL, comm_partitioned_rows},
    {TYPE_Prequest, NULL, prequest_partitioned_rows},
    {TYPE_Grequest, NULL, grequest_rows},
    {TYPE_Win, NULL, win_rows},
    {TYPE_Win, NULL, win_make_rows},
    {TYPE_Win, NULL, win_move_rows},
    {TYPE_Win, NULL, win_epoch_rows},
    {TYPE_Win, NULL, win_errhandler_rows},
    {TYPE_Win, NULL, win_keyval_rows},
    {TYPE_Datatype, NULL, datatype_keyval_rows},
    {TYPE_State, state_read_methods, NULL},
    {TYPE_Checkpoint, checkpoint_save_methods, NULL},
    {TYPE_Checkpoint, checkpoint_steps_methods, NULL},
    {TYPE_H5Object, h5reference_methods, NULL},
    {TYPE_H5Dataset, h5region_methods, NULL},
    {TYPE_H5Dataset, h5stored_methods, NULL},
    {TYPE_H5Dataset, h5direct_methods, NULL},
    {TYPE_H5Dataset, h5chunk_methods, NULL},
    {TYPE_H5Group, h5create_methods, NULL},
    {TYPE_H5Group, h5require_methods, NULL},
    {TYPE_H5Group, h5walk_methods, NULL},
    {TYPE_H5Group, h5link_methods, NULL},
    {TYPE_H5Dataset, h5storage_methods, NULL},
    {TYPE_H5Dataset, h5async_methods, NULL},
};

/* A type is found under the last part of its full name. */
static int publish(PyObject *module, state *st, PyTypeObject *type, char space)
{
    const char *name = strrchr(type->tp_name, '.');

    name = name != NULL ? name + 1 : type->tp_name;
    if (space == 'M')
        return PyModule_AddObjectRef(module, name, (PyObject *)type);
    if (space == 'c')
        return PyDict_SetItemString(st->io, name, (PyObject *)type);
    return 0;
}

static int setup_types(PyObject *module, state *st)
{
    for (int i = 0; i < TYPE_COUNT; i++) {
        PyObject *base = NULL, *type;
        if (type_rows[i].base != TYPE_none)
            base = (PyObject *)st->types[type_rows[i].base];
        type = PyType_FromModuleAndSpec(module, type_rows[i].spec, base);
        if (type == NULL)
            return -1;
        st->types[i] = (PyTypeObject *)type;
        if (publish(module, st, st->types[i], type_rows[i].space) < 0)
            return -1;
    }
    return 0;
}

static int setup_methods(state *st)
{
    for (size_t i = 0; i < sizeof method_rows / sizeof *method_rows; i++) {
        PyTypeObject *type = st->types[method_rows[i].slot];
        if (method_rows[i].methods != NULL && methods_add(type, method_rows[i].methods) < 0)
            return -1;
        if (method_rows[i].rows != NULL && rows_add(st, type, method_rows[i].rows) < 0)
            return -1;
    }
    return common_add(st);
}

/* How many modules were ever begun, and the state if there was one. */
static int state_count;
state *state_only;

static int module_exec(PyObject *module)
{
    state *st = PyModule_GetState(module);

    state_only = state_count++ == 0 ? st : NULL;
    st->serializer_key = MPI_KEYVAL_INVALID;
    st->io = PyDict_New();
    if (st->io == NULL || PyModule_AddObjectRef(module, "_io", st->io) < 0)
        return -1;
    st->errhandlers = PyDict_New();
    if (st->errhandlers == NULL || keyval_setup(module, st) < 0)
        return -1;
    if (array_setup() < 0 || error_setup(module, st) < 0)
        return -1;
    if (PyModule_AddFunctions(module, partition_functions) < 0 ||
        PyModule_AddFunctions(module, h5file_functions) < 0 ||
        PyModule_AddFunctions(module, doctor_functions) < 0 ||
        PyModule_AddFunctions(module, port_functions) < 0 ||
        PyModule_AddFunctions(module, h5type_functions) < 0 ||
        PyModule_AddFunctions(module, h5elsewhere_functions) < 0 ||
        PyModule_AddFunctions(module, h5filter_functions) < 0)
        return -1;
    if (setup_types(module, st) < 0 || setup_methods(st) < 0 || mapping_setup(st) < 0)
        return -1;
    if (merge_setup(module, st) < 0 || PyModule_AddFunctions(module, attach_functions) < 0 ||
        PyModule_AddFunctions(module, errcode_functions) < 0 ||
        PyModule_AddFunctions(module, leaks_functions) < 0)
        return -1;
    if (PyModule_AddFunctions(module, datatype_functions) < 0 ||
        PyModule_AddFunctions(module, handle_functions) < 0 ||
        PyModule_AddFunctions(module, dump_functions) < 0 ||
        PyModule_AddFunctions(module, about_functions) < 0)
        return -1;
    return typecode_setup(module, st) < 0 ? -1 : constants_setup(module, st);
}

static int module_traverse(PyObject *module, visitproc visit, void *arg)
{
    state *st = PyModule_GetState(module);

    for (int i = 0; i < TYPE_COUNT; i++)
        Py_VISIT(st->types[i]);
    for (int i = 0; i < EXC_COUNT; i++)
        Py_VISIT(st->exceptions[i]);
    Py_VISIT(st->io);
    Py_VISIT(st->in_place);
    Py_VISIT(st->bottom);
    Py_VISIT(st->automatic);
    Py_VISIT(st->sum);
    Py_VISIT(st->pickle);
    Py_VISIT(st->keyvals);
    Py_VISIT(st->errhandlers);
    return 0;
}

static int module_clear(PyObject *module)
{
    state *st = PyModule_GetState(module);

    for (int i = 0; i < TYPE_COUNT; i++)
        Py_CLEAR(st->types[i]);
    for (int i = 0; i < EXC_COUNT; i++)
        Py_CLEAR(st->exceptions[i]);
    Py_CLEAR(st->io);
    Py_CLEAR(st->in_place);
    Py_CLEAR(st->bottom);
    Py_CLEAR(st->automatic);
    Py_CLEAR(st->sum);
    Py_CLEAR(st->pickle);
    Py_CLEAR(st->keyvals);
    Py_CLEAR(st->errhandlers);
    return 0;
}

static void module_free(void *module)
{
    state_only = NULL;
    module_clear(module);
}

state *state_find(void)
{
    PyObject *name = PyUnicode_FromString("collio._collio");
    PyObject *module = name != NULL ? PyImport_GetModule(name) : NULL;
    state *st = NULL;

    Py_XDECREF(name);
    if (module != NULL && PyModule_Check(module))
        st = PyModule_GetState(module);
    else if (!PyErr_Occurred())
        PyErr_SetString(PyExc_RuntimeError, "collio is not loaded (the interpreter is ending?)");
    Py_XDECREF(module); /* sys.modules keeps it */
    return st;
}

static PyModuleDef_Slot module_slots[] = {
    {Py_mod_exec, module_exec},
#ifdef Py_mod_multiple_interpreters
    /* MPI is one per process; so is this module. */
    {Py_mod_multiple_interpreters, Py_MOD_MULTIPLE_INTERPRETERS_NOT_SUPPORTED},
#endif
    {0, NULL},
};

struct PyModuleDef collio_module = {
    PyModuleDef_HEAD_INIT,
    .m_name = "collio._collio",
    .m_doc = "The compiled part of collio; use collio and collio.MPI.",
    .m_size = sizeof(state),
    .m_methods = life_functions,
    .m_slots = module_slots,
    .m_traverse = module_traverse,
    .m_clear = module_clear,
    .m_free = module_free,
};

PyMODINIT_FUNC PyInit__collio(void);

PyMODINIT_FUNC PyInit__collio(void)
{
    return PyModuleDef_Init(&collio_module);
}
