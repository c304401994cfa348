/* The constants of MPI: integers, and predefined handles as objects. */
#include "bindings.h"
#include "absent.h"

typedef struct number_row {
    const char *name;
    long value;
} number_row;

/* X(name without MPI_) */
/* clang-format off */
#define NUMBERS \
    X(UNDEFINED) X(ANY_SOURCE) X(ANY_TAG) X(PROC_NULL) X(ROOT) X(KEYVAL_INVALID) X(TAG_UB) X(IO) \
    X(WTIME_IS_GLOBAL) X(UNIVERSE_SIZE) X(APPNUM) X(LASTUSEDCODE) X(IDENT) X(CONGRUENT) \
    X(SIMILAR) X(UNEQUAL) X(CART) X(GRAPH) X(DIST_GRAPH) X(COMM_TYPE_SHARED) X(BSEND_OVERHEAD) \
    X(ORDER_C) X(ORDER_FORTRAN) X(THREAD_SINGLE) X(THREAD_FUNNELED) X(THREAD_SERIALIZED) \
    X(THREAD_MULTIPLE) X(VERSION) X(SUBVERSION) X(MAX_PROCESSOR_NAME) X(MAX_ERROR_STRING) \
    X(MAX_PORT_NAME) X(MAX_INFO_KEY) X(MAX_INFO_VAL) X(MAX_OBJECT_NAME) X(MAX_DATAREP_STRING) \
    X(MAX_LIBRARY_VERSION_STRING) X(MODE_RDONLY) X(MODE_WRONLY) X(MODE_RDWR) X(MODE_CREATE) \
    X(MODE_EXCL) X(MODE_DELETE_ON_CLOSE) X(MODE_UNIQUE_OPEN) X(MODE_SEQUENTIAL) X(MODE_APPEND) \
    X(SEEK_SET) X(SEEK_CUR) X(SEEK_END) X(SUCCESS) X(ERR_BUFFER) X(ERR_COUNT) X(ERR_TYPE) \
    X(ERR_TAG) X(ERR_COMM) X(ERR_RANK) X(ERR_REQUEST) X(ERR_ROOT) X(ERR_GROUP) X(ERR_OP) \
    X(ERR_TOPOLOGY) X(ERR_DIMS) X(ERR_ARG) X(ERR_UNKNOWN) X(ERR_TRUNCATE) X(ERR_OTHER) \
    X(ERR_INTERN) X(ERR_PENDING) X(ERR_IN_STATUS) X(ERR_ACCESS) X(ERR_AMODE) X(ERR_ASSERT) \
    X(ERR_BAD_FILE) X(ERR_BASE) X(ERR_CONVERSION) X(ERR_DISP) X(ERR_DUP_DATAREP) \
    X(ERR_FILE_EXISTS) X(ERR_FILE_IN_USE) X(ERR_FILE) X(ERR_INFO_KEY) X(ERR_INFO_NOKEY) \
    X(ERR_INFO_VALUE) X(ERR_INFO) X(ERR_IO) X(ERR_KEYVAL) X(ERR_LOCKTYPE) X(ERR_NAME) \
    X(ERR_NO_MEM) X(ERR_NOT_SAME) X(ERR_NO_SPACE) X(ERR_NO_SUCH_FILE) X(ERR_PORT) X(ERR_QUOTA) \
    X(ERR_READ_ONLY) X(ERR_RMA_CONFLICT) X(ERR_RMA_SYNC) X(ERR_SERVICE) X(ERR_SIZE) X(ERR_SPAWN) \
    X(ERR_UNSUPPORTED_DATAREP) X(ERR_UNSUPPORTED_OPERATION) X(ERR_WIN) X(ERR_RMA_ATTACH) \
    X(ERR_RMA_RANGE) X(ERR_RMA_SHARED) X(ERR_RMA_FLAVOR) X(ERR_LASTCODE) X(ERR_ABI) \
    X(ERR_ERRHANDLER) X(ERR_PROC_ABORTED) X(ERR_PROC_FAILED) X(ERR_PROC_FAILED_PENDING) \
    X(ERR_REVOKED) X(ERR_SESSION) X(ERR_VALUE_TOO_LARGE) X(COMM_TYPE_HW_GUIDED) \
    X(COMM_TYPE_HW_UNGUIDED) X(COMM_TYPE_RESOURCE_GUIDED) X(MAX_PSET_NAME_LEN) \
    X(MAX_STRINGTAG_LEN) X(F_STATUS_SIZE) X(F_SOURCE) X(F_TAG) X(F_ERROR) X(COMBINER_NAMED) \
    X(COMBINER_DUP) X(COMBINER_CONTIGUOUS) X(COMBINER_VECTOR) X(COMBINER_HVECTOR) \
    X(COMBINER_INDEXED) X(COMBINER_HINDEXED) X(COMBINER_INDEXED_BLOCK) \
    X(COMBINER_HINDEXED_BLOCK) X(COMBINER_STRUCT) X(COMBINER_SUBARRAY) X(COMBINER_DARRAY) \
    X(COMBINER_RESIZED) X(COMBINER_F90_INTEGER) X(COMBINER_F90_REAL) X(COMBINER_F90_COMPLEX) \
    X(COMBINER_VALUE_INDEX) X(TYPECLASS_INTEGER) X(TYPECLASS_REAL) X(TYPECLASS_COMPLEX) \
    X(TYPECLASS_LOGICAL) X(DISTRIBUTE_NONE) X(DISTRIBUTE_BLOCK) X(DISTRIBUTE_CYCLIC) \
    X(DISTRIBUTE_DFLT_DARG) X(LOCK_EXCLUSIVE) X(LOCK_SHARED) X(MODE_NOCHECK) X(MODE_NOSTORE) \
    X(MODE_NOPUT) X(MODE_NOPRECEDE) X(MODE_NOSUCCEED) X(WIN_BASE) X(WIN_SIZE) X(WIN_DISP_UNIT) \
    X(WIN_CREATE_FLAVOR) X(WIN_MODEL) X(WIN_FLAVOR_CREATE) X(WIN_FLAVOR_ALLOCATE) \
    X(WIN_FLAVOR_DYNAMIC) X(WIN_FLAVOR_SHARED) X(WIN_SEPARATE) X(WIN_UNIFIED)
/* clang-format on */

static const number_row numbers[] = {
#define X(name) {#name, MPI_##name},
    NUMBERS
#undef X
    {"ORDER_F", MPI_ORDER_FORTRAN},
    {"DISPLACEMENT_CURRENT", (long)MPI_DISPLACEMENT_CURRENT},
    {"DISP_CUR", (long)MPI_DISPLACEMENT_CURRENT},
    {"WIN_FLAVOR", MPI_WIN_CREATE_FLAVOR},
};

/* X(name in Python, name in C) */
/* clang-format off */
#define DATATYPES \
    X(PACKED, MPI_PACKED) X(BYTE, MPI_BYTE) X(AINT, MPI_AINT) X(OFFSET, MPI_OFFSET) \
    X(COUNT, MPI_COUNT) X(CHAR, MPI_CHAR) X(WCHAR, MPI_WCHAR) X(SIGNED_CHAR, MPI_SIGNED_CHAR) \
    X(SHORT, MPI_SHORT) X(INT, MPI_INT) X(LONG, MPI_LONG) X(LONG_LONG, MPI_LONG_LONG) \
    X(UNSIGNED_CHAR, MPI_UNSIGNED_CHAR) X(UNSIGNED_SHORT, MPI_UNSIGNED_SHORT) \
    X(UNSIGNED, MPI_UNSIGNED) X(UNSIGNED_LONG, MPI_UNSIGNED_LONG) \
    X(UNSIGNED_LONG_LONG, MPI_UNSIGNED_LONG_LONG) X(FLOAT, MPI_FLOAT) X(DOUBLE, MPI_DOUBLE) \
    X(LONG_DOUBLE, MPI_LONG_DOUBLE) X(C_BOOL, MPI_C_BOOL) X(INT8_T, MPI_INT8_T) \
    X(INT16_T, MPI_INT16_T) X(INT32_T, MPI_INT32_T) X(INT64_T, MPI_INT64_T) \
    X(UINT8_T, MPI_UINT8_T) X(UINT16_T, MPI_UINT16_T) X(UINT32_T, MPI_UINT32_T) \
    X(UINT64_T, MPI_UINT64_T) X(C_COMPLEX, MPI_C_COMPLEX) \
    X(C_FLOAT_COMPLEX, MPI_C_FLOAT_COMPLEX) X(C_DOUBLE_COMPLEX, MPI_C_DOUBLE_COMPLEX) \
    X(C_LONG_DOUBLE_COMPLEX, MPI_C_LONG_DOUBLE_COMPLEX) X(CXX_BOOL, MPI_CXX_BOOL) \
    X(CXX_FLOAT_COMPLEX, MPI_CXX_FLOAT_COMPLEX) X(CXX_DOUBLE_COMPLEX, MPI_CXX_DOUBLE_COMPLEX) \
    X(CXX_LONG_DOUBLE_COMPLEX, MPI_CXX_LONG_DOUBLE_COMPLEX) X(SHORT_INT, MPI_SHORT_INT) \
    X(INT_INT, MPI_2INT) X(LONG_INT, MPI_LONG_INT) X(FLOAT_INT, MPI_FLOAT_INT) \
    X(DOUBLE_INT, MPI_DOUBLE_INT) X(LONG_DOUBLE_INT, MPI_LONG_DOUBLE_INT) X(TWOINT, MPI_2INT) \
    X(UNSIGNED_INT, MPI_UNSIGNED) X(SIGNED_SHORT, MPI_SHORT) X(SIGNED_INT, MPI_INT) \
    X(SIGNED_LONG, MPI_LONG) X(SIGNED_LONG_LONG, MPI_LONG_LONG) X(BOOL, MPI_C_BOOL) \
    X(SINT8_T, MPI_INT8_T) X(SINT16_T, MPI_INT16_T) X(SINT32_T, MPI_INT32_T) \
    X(SINT64_T, MPI_INT64_T) X(FLOAT16_T, MPI_FLOAT16_T) X(FLOAT32_T, MPI_FLOAT) \
    X(FLOAT64_T, MPI_DOUBLE) X(BFLOAT16_T, MPI_BFLOAT16_T) X(CHARACTER, MPI_CHARACTER) \
    X(LOGICAL, MPI_LOGICAL) X(INTEGER, MPI_INTEGER) X(REAL, MPI_REAL) \
    X(DOUBLE_PRECISION, MPI_DOUBLE_PRECISION) X(COMPLEX, MPI_COMPLEX) \
    X(DOUBLE_COMPLEX, MPI_DOUBLE_COMPLEX) X(LOGICAL1, MPI_LOGICAL1) X(LOGICAL2, MPI_LOGICAL2) \
    X(LOGICAL4, MPI_LOGICAL4) X(LOGICAL8, MPI_LOGICAL8) X(LOGICAL16, MPI_LOGICAL16) \
    X(INTEGER1, MPI_INTEGER1) X(INTEGER2, MPI_INTEGER2) X(INTEGER4, MPI_INTEGER4) \
    X(INTEGER8, MPI_INTEGER8) X(INTEGER16, MPI_INTEGER16) X(REAL2, MPI_REAL2) \
    X(REAL4, MPI_REAL4) X(REAL8, MPI_REAL8) X(REAL16, MPI_REAL16) X(COMPLEX4, MPI_COMPLEX4) \
    X(COMPLEX8, MPI_COMPLEX8) X(COMPLEX16, MPI_COMPLEX16) X(COMPLEX32, MPI_COMPLEX32) \
    X(F_BOOL, MPI_LOGICAL) X(F_INT, MPI_INTEGER) X(F_FLOAT, MPI_REAL) \
    X(F_DOUBLE, MPI_DOUBLE_PRECISION) X(F_COMPLEX, MPI_COMPLEX) X(F_FLOAT_COMPLEX, MPI_COMPLEX) \
    X(F_DOUBLE_COMPLEX, MPI_DOUBLE_COMPLEX)
/* clang-format on */

/* clang-format off */
#define OPS \
    X(MAX, MPI_MAX) X(MIN, MPI_MIN) X(SUM, MPI_SUM) X(PROD, MPI_PROD) X(LAND, MPI_LAND) \
    X(BAND, MPI_BAND) X(LOR, MPI_LOR) X(BOR, MPI_BOR) X(LXOR, MPI_LXOR) X(BXOR, MPI_BXOR) \
    X(MAXLOC, MPI_MAXLOC) X(MINLOC, MPI_MINLOC) X(REPLACE, MPI_REPLACE) X(NO_OP, MPI_NO_OP)
/* clang-format on */

static const struct {
    const char *name;
    enum type_slot slot;
    enum handle_kind kind;
    any_handle mpi;
} constant_rows[] = {
    {"COMM_NULL", TYPE_Comm, KIND_comm, {.comm = MPI_COMM_NULL}},
    {"COMM_SELF", TYPE_Intracomm, KIND_comm, {.comm = MPI_COMM_SELF}},
    {"COMM_WORLD", TYPE_Intracomm, KIND_comm, {.comm = MPI_COMM_WORLD}},
    {"GROUP_NULL", TYPE_Group, KIND_group, {.group = MPI_GROUP_NULL}},
    {"FILE_NULL", TYPE_File, KIND_file, {.file = MPI_FILE_NULL}},
    {"GROUP_EMPTY", TYPE_Group, KIND_group, {.group = MPI_GROUP_EMPTY}},
    {"INFO_NULL", TYPE_Info, KIND_info, {.info = MPI_INFO_NULL}},
    {"INFO_ENV", TYPE_Info, KIND_info, {.info = MPI_INFO_ENV}},
    {"REQUEST_NULL", TYPE_Request, KIND_request, {.request = MPI_REQUEST_NULL}},
    {"MESSAGE_NULL", TYPE_Message, KIND_message, {.message = MPI_MESSAGE_NULL}},
    {"MESSAGE_NO_PROC", TYPE_Message, KIND_message, {.message = MPI_MESSAGE_NO_PROC}},
    {"OP_NULL", TYPE_Op, KIND_op, {.op = MPI_OP_NULL}},
    {"SESSION_NULL", TYPE_Session, KIND_session, {.session = MPI_SESSION_NULL}},
    {"WIN_NULL", TYPE_Win, KIND_win, {.win = MPI_WIN_NULL}},
    {"ERRHANDLER_NULL", TYPE_Errhandler, KIND_errhandler, {.errhandler = MPI_ERRHANDLER_NULL}},
    {"ERRORS_RETURN", TYPE_Errhandler, KIND_errhandler, {.errhandler = MPI_ERRORS_RETURN}},
    {"ERRORS_ABORT", TYPE_Errhandler, KIND_errhandler, {.errhandler = MPI_ERRORS_ABORT}},
    {"ERRORS_ARE_FATAL", TYPE_Errhandler, KIND_errhandler, {.errhandler = MPI_ERRORS_ARE_FATAL}},
    {"DATATYPE_NULL", TYPE_Datatype, KIND_datatype, {.datatype = MPI_DATATYPE_NULL}},
#define X(name, mpi) {#name, TYPE_Datatype, KIND_datatype, {.datatype = mpi}},
    DATATYPES
#undef X
#define X(name, mpi) {#name, TYPE_Op, KIND_op, {.op = mpi}},
        OPS
#undef X
};

/* ------------------------------------------------------------------------------ setting up */

static int add_numbers(PyObject *module)
{
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        if (PyModule_AddIntConstant(module, numbers[i].name, numbers[i].value) < 0)
            return -1;
    return 0;
}

/* Arguments that MPI knows by their address; integers for us. */
static int add_addresses(PyObject *module)
{
    const struct {
        const char *name;
        const void *address;
    } rows[] = {{"UNWEIGHTED", MPI_UNWEIGHTED}, {"WEIGHTS_EMPTY", MPI_WEIGHTS_EMPTY}};

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        PyObject *number = PyLong_FromSsize_t((Py_ssize_t)(intptr_t)rows[i].address);
        int failed = number == NULL || PyModule_AddObjectRef(module, rows[i].name, number) < 0;
        Py_XDECREF(number);
        if (failed)
            return -1;
    }
    return 0;
}

static int add_handles(PyObject *module, state *st)
{
    for (size_t i = 0; i < sizeof constant_rows / sizeof *constant_rows; i++) {
        PyObject *object = handle_make(st->types[constant_rows[i].slot], constant_rows[i].kind,
                                       constant_rows[i].mpi);
        int failed = object == NULL;
        if (!failed) {
            ((handle *)object)->constant = constant_rows[i].name;
            failed = PyModule_AddObjectRef(module, constant_rows[i].name, object) < 0;
        }
        Py_XDECREF(object);
        if (failed)
            return -1;
    }
    return 0;
}

const char *constant_name(enum handle_kind kind, any_handle mpi)
{
    intptr_t bits = handle_clean(kind, mpi).bits;

    for (size_t i = 0; i < sizeof constant_rows / sizeof *constant_rows; i++)
        if (constant_rows[i].kind == kind && handle_clean(kind, constant_rows[i].mpi).bits == bits)
            return constant_rows[i].name;
    return NULL;
}

PyObject *constant_object(state *st, enum handle_kind kind, any_handle mpi)
{
    const char *name = constant_name(kind, mpi);
    PyObject *module = PyType_GetModule(st->types[TYPE_Handle]);

    if (name == NULL)
        return PyErr_Format(PyExc_ValueError, "the handle is not predefined");
    return PyObject_GetAttrString(module, name);
}

/* One object of a class without arguments, kept in the state too. */
static int add_object(PyObject *module, PyObject *class, const char *name, PyObject **slot)
{
    *slot = PyObject_CallNoArgs(class);
    return *slot == NULL ? -1 : PyModule_AddObjectRef(module, name, *slot);
}

int constants_setup(PyObject *module, state *st)
{
    if (add_numbers(module) < 0 || add_addresses(module) < 0 || add_handles(module, st) < 0)
        return -1;
    st->sum = PyObject_GetAttrString(module, "SUM");
    if (st->sum == NULL)
        return -1;
    if (special_setup(module, st) < 0 || buffer_setup(module, st) < 0)
        return -1;
    return add_object(module, (PyObject *)st->types[TYPE_Pickle], "pickle", &st->pickle);
}
