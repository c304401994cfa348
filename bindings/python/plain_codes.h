/* What plain.c writes and plain_read.c reads. */
#ifndef COLLIO_PLAIN_CODES_H
#define COLLIO_PLAIN_CODES_H

/* The opcodes of pickle that are used. */
enum opcode {
    PROTO = 0x80,
    STOP = '.',
    NONE = 'N',
    NEWTRUE = 0x88,
    NEWFALSE = 0x89,
    BININT = 'J',
    BININT1 = 'K',
    LONG1 = 0x8a,
    BINFLOAT = 'G',
    BINUNICODE = 'X',
    SHORT_BINUNICODE = 0x8c,
    BINBYTES = 'B',
    SHORT_BINBYTES = 'C',
    MARK = '(',
    TUPLE = 't',
    EMPTY_TUPLE = ')',
    TUPLE1 = 0x85,
    TUPLE2 = 0x86,
    TUPLE3 = 0x87,
    EMPTY_LIST = ']',
    APPENDS = 'e',
    EMPTY_DICT = '}',
    SETITEMS = 'u',
    GLOBAL = 'c',
    REDUCE = 'R',
    STACK_GLOBAL = 0x93,
    NEWOBJ = 0x81,
    BUILD = 'b',
    NEXT_ARRAY = 0xff /* not pickle's */
};

/* What follows GLOBAL: complex numbers are a call of that with two floats. */
static const char complex_name[] = "builtins\ncomplex\n";

enum { NAME_LENGTH = sizeof complex_name - 1 };

/*
 * plain_class.c: the class of an object that is nothing but what its dictionary has, and how pickle
 * finds it. 1, or 0 for other objects.
 */
int plain_class_of(PyObject *object, PyObject **module, PyObject **name);

/* And back: the class of that name; an object of it that has nothing yet. New. And give it the
 * state; 0, -1. */
PyObject *plain_class_find(PyObject *module, PyObject *name);
PyObject *plain_object_new(PyObject *class);
int plain_object_fill(PyObject *object, PyObject *content);

#endif
