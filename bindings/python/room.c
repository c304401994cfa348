/* Memory for objects that arrive (parcel.h). */
#include "parcel.h"
#include "plain.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

/*
 * Blocks that arrays were received into and that nobody uses any more. Freed, they would go back to
 * the system as soon as two or three lie at the end of the heap, and come back page by page: an
 * exchange of 1 MiB took four times as long. The oldest goes where there are too many. Used with
 * the GIL held.
 */
enum { BLOCKS_MAX = 16, KEPT_MAX = 1 << 25, BLOCK_MIN = 1 << 15, BLOCK_MAX = 1 << 24 };

typedef struct block {
    void *data;
    size_t size;
} block;

static block blocks[BLOCKS_MAX];
static int blocks_n;
static size_t kept;

static block take_out(int i)
{
    const block found = blocks[i];

    memmove(blocks + i, blocks + i + 1, (size_t)(--blocks_n - i) * sizeof *blocks);
    kept -= found.size;
    return found;
}

/* Whether there were any. */
static int free_blocks(void)
{
    const int n = blocks_n;

    while (blocks_n > 0)
        free(take_out(0).data);
    return n > 0;
}

static void keep_block(block b)
{
    while (blocks_n == BLOCKS_MAX || (blocks_n > 0 && kept + b.size > KEPT_MAX))
        free(take_out(0).data);
    blocks[blocks_n++] = b;
    kept += b.size;
}

/* From so many bytes on large pages are asked for, as NumPy does. */
enum { LARGE_PAGES = 1 << 22, PAGE = 4096, LARGE_PAGE = 1 << 21 };

static block new_block(size_t size)
{
    const int large = size >= LARGE_PAGES;
    block b = {NULL, (size + PAGE - 1) / PAGE * PAGE};

    if (posix_memalign(&b.data, large ? LARGE_PAGE : PAGE, b.size) != 0)
        b.data = NULL;
#ifdef MADV_HUGEPAGE
    if (large && b.data != NULL)
        madvise(b.data, b.size, MADV_HUGEPAGE);
#endif
    return b;
}

/* The last one used that fits is most likely still in the caches. */
static block find_block(size_t size)
{
    for (int i = blocks_n - 1; i >= 0; i--)
        if (blocks[i].size >= size && blocks[i].size - size <= size / 4)
            return take_out(i);
    return new_block(size);
}

/* ------------------------------------------------------------------ their owners */

static const char owner_name[] = "collio memory of an array";

static void end_owner(PyObject *owner)
{
    void *data = PyCapsule_GetPointer(owner, owner_name);

    keep_block((block){data, (size_t)(uintptr_t)PyCapsule_GetContext(owner)});
}

/* What gives a block back when it dies. New; NULL with an exception. */
static PyObject *own_block(block b)
{
    PyObject *owner;

    if (b.data == NULL)
        return PyErr_NoMemory();
    owner = PyCapsule_New(b.data, owner_name, NULL);
    if (owner == NULL) {
        free(b.data);
        return NULL;
    }
    PyCapsule_SetContext(owner, (void *)(uintptr_t)b.size);
    PyCapsule_SetDestructor(owner, end_owner);
    return owner;
}

/* ------------------------------------------------------------------------- rooms */

/* Made empty at first: without memory PyByteArray_FromStringAndSize() of Python 3.11 looks at
 * fields that it has not set, and may say that the program has failed. */
static PyObject *try_room(Py_ssize_t size)
{
    PyObject *room = PyByteArray_FromStringAndSize(NULL, 0);

    if (room != NULL && PyByteArray_Resize(room, size) < 0)
        Py_CLEAR(room);
    return room;
}

PyObject *parcel_room(Py_ssize_t size, void **data)
{
    PyObject *room = try_room(size);

    if (room == NULL && free_blocks()) {
        PyErr_Clear();
        room = try_room(size);
    }
    if (room != NULL)
        *data = PyByteArray_AS_STRING(room);
    return room;
}

static PyObject *try_array(const char *description, int words, int64_t size, void **data)
{
    PyObject *owner, *array;

    if (size > BLOCK_MAX)
        return array_of(description, words, NULL, data);
    if (size >= BLOCK_MIN) {
        owner = own_block(find_block((size_t)size + 64));
        *data = owner != NULL ? PyCapsule_GetPointer(owner, owner_name) : NULL;
    } else {
        owner = parcel_room((Py_ssize_t)size + 64, data);
    }
    if (owner == NULL)
        return NULL;
    *data = (char *)*data + (((uintptr_t)array_place(description) - (uintptr_t)*data) & 63);
    array = array_of(description, words, owner, data);
    Py_DECREF(owner);
    return array;
}

/*
 * An array to receive a load of `size` bytes into. Memory is copied 10 % faster between places that
 * lie alike in their cache lines; for what is very large NumPy's own memory will do. New.
 */
PyObject *parcel_array(const char *description, int words, int64_t size, void **data)
{
    PyObject *array = try_array(description, words, size, data);

    if (array == NULL && free_blocks()) {
        PyErr_Clear();
        array = try_array(description, words, size, data);
    }
    return array;
}

/* The array again, in memory of its own. New. */
static PyObject *copy_of(PyObject *array)
{
    array_words words;
    const int n = array_describe(array, words);
    void *data;
    PyObject *copy = parcel_array((const char *)words, n, array_bytes(array), &data);

    if (copy != NULL && array_copy(copy, array) < 0)
        Py_CLEAR(copy);
    return copy;
}

PyObject *parcel_without_gaps(PyObject *array)
{
    PyObject *result = NULL;

    if (array_is_plain(array))
        return Py_NewRef(array);
    if (array_has_gaps(array))
        result = copy_of(array);
    PyErr_Clear(); /* without memory for it pickle may find a way, or the words */
    return result;
}
