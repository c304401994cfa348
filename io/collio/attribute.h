/*
 * collio attributes: small values that belong to a group, dataset or named type. Part of io.h,
 * which has the manual.
 */
#ifndef COLLIO_ATTRIBUTE_H
#define COLLIO_ATTRIBUTE_H

#include <collio/group.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef enum collio_attribute_kind {
    COLLIO_ATTRIBUTE_NUMBERS, /* one of COLLIO_TYPES */
    COLLIO_ATTRIBUTE_TEXT,    /* strings, of fixed or variable length */
    COLLIO_ATTRIBUTE_EMPTY,   /* has no elements */
    COLLIO_ATTRIBUTE_OTHER    /* cannot be read yet */
} collio_attribute_kind;

typedef struct collio_attribute_facts {
    collio_attribute_kind kind;
    collio_type type;   /* of NUMBERS: this machine's type for them */
    collio_type stored; /* the type in the file, exactly, whatever it is (type.h) */
    int swapped;        /* 1 if the file has the other byte order */
    int ndim;           /* 0: one element */
    int64_t shape[COLLIO_MAX_DIMS];
} collio_attribute_facts;

/*
 * Write an attribute; one of the same name is replaced. Collective, the values
 * included: they must be the same on every rank.
 *   object  in
 *   name    in  not empty
 *   type    in
 *   ndim    in  0: one element
 *   shape   in  NULL if ndim is 0
 *   data    in  in C order
 * Errors: VALUE, DIVERGED, HDF5 (among others: 64 KiB is the limit in files of
 * format EARLIEST).
 */
COLLIO_API int collio_attribute_write(collio_object *object, const char *name, collio_type type,
                                      int ndim, const int64_t *shape, const void *data,
                                      collio_error *err);

/* The same with a type that is shared: `named` is an object of the same file, of that type.
 * Collective. */
COLLIO_API int collio_attribute_write_named(collio_object *object, const char *name,
                                            collio_object *named, collio_type type, int ndim,
                                            const int64_t *shape, const void *data,
                                            collio_error *err);

/*
 * The same with a text, stored as h5py stores a str: one UTF-8 string of
 * variable length. Collective.
 *   text  in  UTF-8, ends with NUL
 */
COLLIO_API int collio_attribute_write_text(collio_object *object, const char *name,
                                           const char *text, collio_error *err);

/* Write an attribute that has a type but no elements (a null dataspace). Collective. */
COLLIO_API int collio_attribute_write_empty(collio_object *object, const char *name,
                                            collio_type type, collio_error *err);

/*
 * Change the values of an attribute, but not its type and extents. Collective, as
 * collio_attribute_write().
 *   type   in  converted to that in the file
 *   shape  in  with as many elements as the attribute has
 * Errors: KEY, and as above.
 */
COLLIO_API int collio_attribute_modify(collio_object *object, const char *name, collio_type type,
                                       int ndim, const int64_t *shape, const void *data,
                                       collio_error *err);

/* Remove an attribute. Collective. Errors: KEY, VALUE, DIVERGED, HDF5. */
COLLIO_API int collio_attribute_delete(collio_object *object, const char *name, collio_error *err);

/* What an attribute is. Not collective. Errors: KEY, HDF5. */
COLLIO_API int collio_attribute_info(collio_object *object, const char *name,
                                     collio_attribute_facts *out, collio_error *err);

/*
 * Read numbers. Not collective.
 *   type  in   converted to this
 *   data  out  room for all elements, in C order
 * Errors: KEY, TYPE (no conversion), UNSUPPORTED, HDF5.
 */
COLLIO_API int collio_attribute_read(collio_object *object, const char *name, collio_type type,
                                     void *data, collio_error *err);

/*
 * Read one string, of fixed or variable length. Not collective.
 *   out  out  ends with NUL; free with collio_text_free()
 * Errors: KEY, TYPE (no text, or more than one), MEMORY, HDF5.
 */
COLLIO_API int collio_attribute_read_text(collio_object *object, const char *name, char **out,
                                          collio_error *err);

/* Free a text that collio made, and set *text to NULL. Not collective. */
COLLIO_API void collio_text_free(char **text);

/* 1 in *out if there is such an attribute. Not collective. */
COLLIO_API int collio_attribute_exists(collio_object *object, const char *name, int *out,
                                       collio_error *err);

/* Number of attributes. Not collective. */
COLLIO_API int collio_attribute_count(collio_object *object, int64_t *out, collio_error *err);

/* Call a function for each name, as collio_group_names(). Not collective. */
COLLIO_API int collio_attribute_names(collio_object *object, collio_name_function *function,
                                      void *context, collio_error *err);

#ifdef __cplusplus
}
#endif
#endif
