/*
 * collio types: element types beyond the numbers of core.h.
 *
 * COLLIO_TYPES are constants. Every other element type that HDF5 knows is made by
 * a function below, or found in a file, and is a collio_type like them: it can be
 * given to collio_dataset_create(), collio_attribute_write() and in a
 * collio_array. Types that are equal have the same number; a type stays for the
 * life of the process and is never freed. Its number may differ from rank to rank.
 *
 *   collio_type point;
 *   const char *names[2] = {"x", "y"};
 *   int64_t offsets[2] = {0, 8};
 *   collio_type types[2] = {COLLIO_FLOAT64, COLLIO_FLOAT64};
 *
 *   point = collio_type_compound(16, 2, names, offsets, types, &err);
 *   collio_dataset_create(root, "points", point, 1, &n, NULL, &points, &err);
 *
 * In memory elements lie as HDF5 has them: a string of variable length is a
 * `char *`, a sequence a struct collio_sequence, a compound has the offsets of the
 * type that is given with the memory. What differs between memory and file (byte
 * order, size, offsets, order of members) is converted on the way.
 *
 * None of these functions is collective. Those that return a type return
 * COLLIO_TYPE_COUNT on failure. Errors: VALUE, TYPE, MEMORY, HDF5.
 */
#ifndef COLLIO_TYPE_H
#define COLLIO_TYPE_H

#include <collio/core.h>

#ifdef __cplusplus
extern "C" {
#endif

/* An element of variable length in memory. */
typedef struct collio_sequence {
    size_t count;
    void *elements;
} collio_sequence;

/*
 * A number.
 *   letter   in  'b' bool, 'i' integer, 'u' unsigned integer, 'f' floating point,
 *                'c' complex, as in NumPy's array interface
 *   size     in  bytes; sizeof(long double), and twice that for 'c', are allowed
 *   swapped  in  1: in the byte order that is not this machine's
 */
COLLIO_API collio_type collio_type_number(char letter, size_t size, int swapped, collio_error *err);

/*
 * Name the parts of complex numbers, and False and True, in types that are made and recognised from
 * now on. Not collective, but all ranks have to do it alike, while no dataset of such elements is
 * open.
 *   names  in  real and imaginary part, False, True: "r", "i", "FALSE", "TRUE" from the start
 * Errors: VALUE.
 */
COLLIO_API int collio_type_name_pairs(const char *const names[4], collio_error *err);

/*
 * A string.
 *   size  in  bytes, padded with NUL; 0: of variable length, ends with NUL
 *   utf8  in  0: ASCII
 */
COLLIO_API collio_type collio_type_string(size_t size, int utf8, collio_error *err);

/* A string of at most size - 1 bytes that ends with NUL, as C has them; 0: of variable length. */
COLLIO_API collio_type collio_type_text(size_t size, int utf8, collio_error *err);

/*
 * An enumeration.
 *   base    in  an integer
 *   count   in
 *   names   in  count texts
 *   values  in  count numbers (of unsigned types: their bits)
 */
COLLIO_API collio_type collio_type_enum(collio_type base, int count, const char *const *names,
                                        const int64_t *values, collio_error *err);

/*
 * A struct.
 *   size     in  bytes
 *   count    in  of members
 *   names    in  count texts
 *   offsets  in  count numbers, bytes
 *   types    in  count types
 */
COLLIO_API collio_type collio_type_compound(size_t size, int count, const char *const *names,
                                            const int64_t *offsets, const collio_type *types,
                                            collio_error *err);

/* An array of fixed extents as one element; ndim >= 1, extents >= 1. */
COLLIO_API collio_type collio_type_array(collio_type base, int ndim, const int64_t *shape,
                                         collio_error *err);

/* Bytes that only the user understands; `tag` says what they are. */
COLLIO_API collio_type collio_type_opaque(size_t size, const char *tag, collio_error *err);

/* Any number of elements of `base` as one element. */
COLLIO_API collio_type collio_type_sequence(collio_type base, collio_error *err);

/* ------------------------------------------------------------- what it is */

typedef enum collio_form {
    COLLIO_FORM_NUMBER,
    COLLIO_FORM_STRING,
    COLLIO_FORM_ENUM,
    COLLIO_FORM_COMPOUND,
    COLLIO_FORM_ARRAY,
    COLLIO_FORM_OPAQUE,
    COLLIO_FORM_SEQUENCE,
    COLLIO_FORM_REFERENCE, /* to an object or region: can be moved as bytes only */
    COLLIO_FORM_OTHER      /* a number of an unusual size, bits, time: HDF5 may convert it */
} collio_form;

typedef struct collio_type_facts {
    collio_form form;
    size_t size;
    int variable;     /* 1 if a part of it has a variable length */
    char letter;      /* NUMBER: as in collio_type_number(); OTHER: of what HDF5 can
                         convert it to, or 0 */
    int swapped;      /* NUMBER, ENUM */
    int utf8;         /* STRING */
    int padding;      /* STRING: ' ' if filled with blanks, 0 with NUL */
    int count;        /* members of COMPOUND and ENUM */
    collio_type base; /* ENUM, ARRAY, SEQUENCE */
    int ndim;         /* ARRAY */
    int64_t shape[COLLIO_MAX_DIMS];
    char tag[256]; /* OPAQUE */
} collio_type_facts;

/* Errors: TYPE if there is no such type. */
COLLIO_API int collio_type_info(collio_type type, collio_type_facts *out, collio_error *err);

/* Whether a part of it has a variable length: its elements lie outside of a dataset's own
 * space, where only HDF5 finds them, and in memory there are pointers in it. */
COLLIO_API int collio_type_variable(collio_type type);

/*
 * A member of a compound or enumeration.
 *   index  in   0 .. count - 1
 *   name   out  free with collio_text_free()
 *   value  out  of an enumeration; of a compound the offset in bytes
 *   type   out  of a compound's member; may be NULL
 */
COLLIO_API int collio_type_member(collio_type type, int index, char **name, int64_t *value,
                                  collio_type *member, collio_error *err);

/*
 * Free what strings and sequences of variable length hold, after they were read.
 *   elements  in/out  count elements of the type, without gaps
 */
COLLIO_API int collio_type_reclaim(collio_type type, void *elements, int64_t count,
                                   collio_error *err);

#ifdef __cplusplus
}
#endif
#endif
