/* Shared by the files around HDF5 files: h5object.c, h5file.c, h5group.c, h5dataset.c, ... */
#ifndef COLLIO_H5_H
#define COLLIO_H5_H

#include "joint.h"

/* ---------------------------------------------------------------- h5object.c */

struct h5file;

/* What File, Group and Dataset have in common. */
typedef struct h5object {
    PyObject_HEAD
    struct h5file *file;   /* kept alive; a File: itself */
    collio_object *object; /* closed with this; a File: its root, which is the file's */
    uint64_t identity;     /* in the file */
    uint64_t number;       /* of the file, in this process; 0: not asked for yet */
    PyObject *own;         /* attributes that a program has given it, a dict; or NULL */
    PyObject *weak;        /* list of weak references */
    int alone;             /* a Dataset: how many `independent` blocks it is in */
} h5object;

/* 0 while the file is open, else ValueError. */
int h5_ready(const h5object *self);

/* An object for a handle, which it takes over (also when it fails). New. */
PyObject *h5_wrap(struct h5file *file, collio_object *object);

/* The object under a name of a group. Not collective. New. */
PyObject *h5_open(h5object *group, const char *name);

/* What a name of a group leads to; COLLIO_KIND_NONE also if it cannot be found out. */
collio_kind h5_find(h5object *group, const char *name);

/* The names in a group or the attributes of an object, as a list. New. */
typedef int h5_names_function(collio_object *object, collio_name_function *function, void *context,
                              collio_error *err);
PyObject *h5_names(h5object *self, h5_names_function *names);

/* ------------------------------------------------------------------ h5file.c */

typedef struct h5file {
    h5object base;
    collio_file *handle; /* NULL: closed */
    PyObject *filename;
    int parallel; /* opened with a communicator */
    const char *driver;
    PyObject *stand_in; /* a collio.memory.StandIn, or NULL: what it is on disk */
    int swmr;           /* one process writes, others read */
    int linked;         /* what an external link has led to: no more than a view of it */
} h5file;

/* The File of what an external link of another file has led to; takes over its root. New. */
PyObject *h5_linked_file(h5file *from, collio_object *root, const char *path);

/* The object that has the handle: another one, if a File was made from an id. In h5state.c. */
h5file *h5_real_file(PyObject *object);
PyObject *h5_file_name(PyObject *object); /* borrowed */
int h5_file_writable(PyObject *object);
extern PyGetSetDef h5file_getset[];

/* File.__init__, in h5open.c. */
int h5_file_init(PyObject *self, PyObject *args, PyObject *keywords);

extern PyMethodDef h5file_functions[];

/* ---------------------------- h5group.c, h5link.c, h5create.c, h5walk.c */

/* What an argument track_order comes to, None being as configured; -1 with an exception. */
int h5_wants_order(PyObject *track_order);

/* Where attributes are to be: None or (most in the object, fewest elsewhere). -1 with an exception.
 */
int h5_attribute_room(PyObject *given, collio_attribute_room *out);

/* NotImplementedError for track_times=True. */
int h5_refuse_times(PyObject *track_times);

/* group[name] = value, and del group[name] for NULL. */
int h5_assign(PyObject *group, PyObject *key, PyObject *value);

/* What a name is: an object of collio.links, or its class; `missing` where there is no such name.
 * Not collective. New. */
PyObject *h5_link(h5object *group, const char *name, PyObject *missing, int getclass);

/* Whether a name leads to soft links that never end; then with a RuntimeError. */
int h5_link_loops(h5object *group, const char *name);

/* HardLink, SoftLink or ExternalLink. New. */
PyObject *h5_link_class(const char *name);

/* group.create_dataset(...). New. */
PyObject *h5_create_dataset(PyObject *self, PyObject *const *args, Py_ssize_t nargs,
                            PyObject *keywords);
extern PyMethodDef h5create_methods[], h5require_methods[], h5walk_methods[], h5link_methods[];

/* ---------------------------------------------------------------- h5select.c */

/* What an index selects. */
typedef struct h5index {
    collio_selection selection;
    int ndim; /* of the result: integers take a dimension away */
    int64_t shape[COLLIO_MAX_DIMS];
    int scalar;     /* the result is one element, not an array of none or one */
    PyObject *keep; /* holds a list of the selection; NULL: there is none */
} h5index;

/*
 * Translate an index: integers, slices with positive steps, MultiBlockSlice, one list, 1-D array
 * or mask of one dimension, one Ellipsis, or a tuple of these; or a mask of all elements.
 * out->keep is to be released in any case.
 * Errors, as in h5py: IndexError, ValueError, TypeError for what is not
 * supported.
 */
int h5_select(PyObject *index, int ndim, const int64_t *shape, h5index *out);

/* Take the names of fields out of an index: a tuple, or NULL if there are none, and what is left.
 * New, both. */
int h5_names_in(PyObject *index, PyObject **names, PyObject **rest);

/* ------------------------------------------------- h5dataset.c, h5transfer.c, h5direct.c */

/* Where the elements of one read or write are: in the file and in memory. */
typedef struct h5travel {
    h5index index;
    collio_type stored; /* of the dataset */
    collio_array memory;
    int region; /* a reference stands for the index */
} h5travel;

/* Find them in the file; errors of this rank go to j. */
void h5_locate(h5object *self, PyObject *index, h5travel *t, joint *j);

/* Read what has been found into its memory. Collective. */
void h5_read_now(h5object *self, h5travel *t, joint *j);

/* Write to a selection; `names` are fields, or NULL. An error of this rank is in j already, or the
 * values are there. Collective. */
int h5_write_index(h5object *self, PyObject *index, PyObject *names, PyObject *values, joint *j);

/* A dataset without elements has nothing for arrays: TypeError. */
int h5_refuse_empty(h5object *self, const char *text);

/* d[index], d[index] = values, and d[row] of an iteration. */
PyObject *h5_read(PyObject *object, PyObject *index);
int h5_write(PyObject *object, PyObject *index, PyObject *values);
PyObject *h5_read_row(PyObject *object, Py_ssize_t row);
extern PyMethodDef h5transfer_methods[], h5direct_methods[];

/* 1 for a dataset without extents and elements. */
int h5_is_null(h5object *self);

/* Extents of a dataset; -1 with an exception. */
int h5_shape(h5object *self, int64_t *shape);

/* ---------------------------------------------- h5type.c: dtypes and element types */

extern PyMethodDef h5type_functions[];

/* The dtype as which elements of a type are read. New. */
PyObject *h5_dtype(collio_type type);

/* The type of a dtype (a dtype object); COLLIO_TYPE_COUNT: TypeError. */
collio_type h5_type(PyObject *dtype);

/* ----------------------------------- h5memory.c: elements of any type, in and out */

/* Whether elements of a type are Python objects: of variable length, or references. */
int h5_is_objects(collio_type type);

/* Memory that elements are read into, and what they become. h5_room_take() in any case. */
typedef struct h5room {
    PyObject *array; /* NULL: nothing to take */
    PyObject *dtype;
    collio_array memory; /* for the library */
} h5room;

/*
 * Have room for an array.
 *   dtype  in  of the array: a dtype object; NULL: that as which elements of `stored` are read
 */
int h5_room(PyObject *dtype, collio_type stored, int ndim, const int64_t *shape, h5room *out);

/* The array, once the memory is filled; NULL, without an exception, if it was not (`good` is 0).
 * New. */
PyObject *h5_room_take(h5room *room, int good);

/* Elements of a Python program as memory that the library can write. */
typedef struct h5values {
    array_view view; /* dimensions of an array as element left out */
    PyObject *keep;  /* what elements of variable length point to */
} h5values;

/*
 * Elements to be written where elements of type `stored` are: an array as it lies in memory, other
 * objects as an array of the dtype of `stored`.
 *   names  in  tuple of the fields to write; NULL: whole elements
 */
int h5_values(PyObject *object, collio_type stored, PyObject *names, h5values *out);

/* The same of an array whose elements are of type `type`, in its first ndim dimensions. */
int h5_values_take(PyObject *array, collio_type type, int ndim, PyObject *keep, h5values *out);
void h5_values_release(h5values *values);

/* --------------------------------------------------------------- h5reference.c */

/* Whether an object is a collio.references.Reference, or one to a region. */
int h5_is_reference(PyObject *object);
int h5_is_region(PyObject *object);

PyObject *h5_get_reference(PyObject *object, void *none);
PyObject *h5_get_regions(PyObject *object, void *none);

/* Group(id), Dataset(id): another object for the same group or dataset. */
PyObject *h5_new_from(PyTypeObject *type, PyObject *args, PyObject *keywords);

/* What a reference leads to. New. */
PyObject *h5_open_reference(h5object *in, PyObject *reference);

/* What a reference to a region selects, as h5_select(). */
int h5_select_region(h5object *self, PyObject *reference, h5index *out);

/* Agree with the other ranks that this object is there, which the call takes over; NULL with an
 * error in j. Collective. New. */
PyObject *h5_agree_existing(h5object *group, const char *operation, const char *name,
                            PyObject *there, joint *j);

extern PyMethodDef h5reference_methods[], h5region_methods[];

/* --------------------------------------------------------------- h5elsewhere.c */

extern PyMethodDef h5elsewhere_functions[], h5stored_methods[];

/* A selection as collio.spaces takes it: (flat, dimensions). New. */
PyObject *h5_selection_tuple(const collio_selection *s);

/* ------------------------------------------------------------------- h5facts.c */

extern PyMethodDef h5facts_methods[], h5chunk_methods[];

/* --------------------------------------------------------------- h5datatype.c */

/* The named type of the file of an object that a dtype argument is; NULL for anything else. */
collio_object *h5_named_type(const h5object *self, PyObject *dtype);

/* The named type that a dataset or an attribute shares, or None. Not collective. New. */
PyObject *h5_shared_type(h5object *self, const char *attribute);

/* group[name] = dtype: make a named type. Collective. */
int h5_commit(h5object *group, const char *name, PyObject *dtype, joint *j);

/* -------------------------------------------------------------- h5attribute.c */

PyObject *h5_attributes(h5object *of); /* new */

/* What an attribute is; -1 with an exception. */
int h5_attribute_facts(h5object *of, const char *name, collio_attribute_facts *facts);

/* -------------------------------------------------------- h5attribute_value.c */

/* Something to write: a text, or elements without gaps, or (`empty`) none of a type. */
typedef struct h5value {
    const char *text;
    int empty, keep_form;
    collio_type type;
    int ndim;
    int64_t shape[COLLIO_MAX_DIMS];
    PyObject *keep; /* what the view and its pointers are in */
    array_view view;
} h5value;

/* The value for an attribute of a dtype and shape, None being those of the data; -1 with an
 * exception. */
int h5_value(PyObject *data, PyObject *dtype, PyObject *shape, h5value *v);

/* The value for an attribute that is there, in its own form; any if it is not. */
int h5_value_like(h5object *of, const char *name, PyObject *data, h5value *v);
void h5_value_release(h5value *v);

#endif
