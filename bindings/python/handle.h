/*
 * What the files of the extension share: objects around the handles of MPI (handle.c and its
 * neighbours). Included by bindings.h.
 */
#ifndef COLLIO_BINDINGS_HANDLE_H
#define COLLIO_BINDINGS_HANDLE_H

/* X(field, class, prefix of MPI's functions, null handle) */
#define HANDLE_KINDS                                                                               \
    X(comm, Comm, MPI_Comm, MPI_COMM_NULL)                                                         \
    X(group, Group, MPI_Group, MPI_GROUP_NULL)                                                     \
    X(info, Info, MPI_Info, MPI_INFO_NULL)                                                         \
    X(op, Op, MPI_Op, MPI_OP_NULL)                                                                 \
    X(datatype, Datatype, MPI_Type, MPI_DATATYPE_NULL)                                             \
    X(request, Request, MPI_Request, MPI_REQUEST_NULL)                                             \
    X(message, Message, MPI_Message, MPI_MESSAGE_NULL)                                             \
    X(file, File, MPI_File, MPI_FILE_NULL)                                                         \
    X(errhandler, Errhandler, MPI_Errhandler, MPI_ERRHANDLER_NULL)                                 \
    X(win, Win, MPI_Win, MPI_WIN_NULL)                                                             \
    X(session, Session, MPI_Session, MPI_SESSION_NULL)

enum handle_kind {
#define X(field, class, prefix, null) KIND_##field,
    HANDLE_KINDS
#undef X
        KIND_COUNT
};

typedef union any_handle {
    MPI_Comm comm;
    MPI_Group group;
    MPI_Info info;
    MPI_Op op;
    MPI_Datatype datatype;
    MPI_Request request;
    MPI_Message message;
    MPI_File file;
    MPI_Errhandler errhandler;
    MPI_Win win;
    MPI_Session session;
    intptr_t bits; /* all of it, for comparison; 0 before a smaller one is stored */
} any_handle;

/* The layout of all classes named above. */
typedef struct handle {
    PyObject_HEAD
    any_handle mpi;
    const char *constant;      /* name in MPI if predefined: shared, never freed */
    PyObject *keep;            /* what must live as long: a request's buffers, an op's function */
    struct receipt *receipt;   /* of a request for an object: see receipt.h */
    struct prepared *prepared; /* of a persistent receive: see receipt.h */
    struct handle *origin;     /* of a request made of another one: that one */
    PyObject *weakrefs;
    Py_ssize_t size;     /* of a message: its bytes; of a window: views of its memory */
    MPI_Comm comm;       /* of a message: where it came */
    unsigned char kind;  /* enum handle_kind */
    unsigned char owned; /* a local handle made here: freed with the object */
} handle;

/* An object of that type around a handle; on failure the handle is not freed. New. */
PyObject *handle_make(PyTypeObject *type, enum handle_kind kind, any_handle mpi);

/* tp_dealloc of the classes, for those whose objects come and go often: inherited it is slower. */
void handle_dealloc(PyObject *object);

/* With the bytes that a short handle leaves unused set to zero. */
any_handle handle_clean(enum handle_kind kind, any_handle mpi);

/* The kind of a class: that of the class of ours it derives from; -1 with TypeError. */
int handle_kind_of(state *st, PyTypeObject *type);

/* handle_convert.c */
extern PyMethodDef handle_methods[];
extern PyGetSetDef handle_getset[];

/* The null handle of a kind. */
any_handle handle_null(enum handle_kind kind);

/* ---- leaks.c: handles that all ranks free together, when rc.report_leaks asks for them */
int leaks_watch(int on);
PyObject *leaks_note(PyObject *object); /* one just made, or NULL; returns it */
void leaks_forget(enum handle_kind kind, any_handle mpi);
extern PyMethodDef leaks_functions[];

/* As handle_make, for a local handle that is to be freed with the object. New. */
PyObject *handle_own(PyTypeObject *type, enum handle_kind kind, any_handle mpi);

/* After a handle was freed through one of its objects: its owner is not to free
 * it again. */
void handle_freed(handle *self);

/* handle_convert.c: what has methods of its own for pickle. New. */
PyObject *datatype_reduce(PyObject *self);
PyObject *info_reduce(PyObject *self);
PyObject *op_reduce(PyObject *self);

/* Handles out of arguments: 0, or TypeError naming the argument. */
int comm_arg(state *st, PyObject *object, MPI_Comm *out);
int info_arg(state *st, PyObject *object, MPI_Info *out); /* None and NULL: MPI_INFO_NULL */
int op_arg(state *st, PyObject *object, MPI_Op *out);     /* NULL: MPI_SUM */
int type_arg(state *st, PyObject *object, MPI_Datatype *out);
int group_arg(state *st, PyObject *object, MPI_Group *out);
int errhandler_arg(state *st, PyObject *object, MPI_Errhandler *out);

/* ------------------------------------------------------------------- win.c: windows */

/* Free the windows that are left, before MPI ends. Needs no interpreter. Collective. */
void windows_free(void);

/* ---------------------------------------------------- errhandler.c: error handlers */

/* Give a new communicator, window, file or session the error handler that rc.errors asks for. */
void errors_install(const state *st, enum handle_kind kind, any_handle mpi);

#endif
