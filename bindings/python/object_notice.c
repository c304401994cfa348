/* Notices: what the lower-case collective calls tell of large objects before they send them. */
#include "objects.h"

#include <string.h>

int table_make_notices(table *t)
{
    t->notices = spare_calloc((size_t)t->n + 1, sizeof *t->notices);
    if (t->notices == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    for (int i = 0; i < t->n; i++)
        t->notices[i].size = NOBODY;
    return 0;
}

const Py_buffer *parcel_single(const parcel *p)
{
    if (p->head == NULL || PyList_GET_SIZE(p->buffers) != 1)
        return NULL;
    return PyPickleBuffer_GetBuffer(PyList_GET_ITEM(p->buffers, 0));
}

/* Tell the head, so that the type describes the buffer alone. */
static int split(table *t, int i)
{
    parcel *p = &t->parcels[i];
    const Py_buffer *buffer = parcel_single(p);
    notice *n = &t->notices[i];
    MPI_Datatype type;

    if (buffer == NULL || PyBytes_GET_SIZE(p->head) > (Py_ssize_t)sizeof n->bytes)
        return 0;
    if (parcel_place(buffer->buf, buffer->len, &type) < 0)
        return -1;
    MPI_Type_free(&p->made);
    p->made = p->type = t->types[i] = type;
    n->head = PyBytes_GET_SIZE(p->head);
    memcpy(n->bytes, PyBytes_AS_STRING(p->head), (size_t)n->head);
    return 0;
}

int table_notify(table *t)
{
    int failed = 0;

    for (int i = 0; t->in_place && !failed && i < t->n; i++)
        failed = split(t, i) < 0;
    if (failed)
        table_fail(t);
    for (int i = 0; i < t->n; i++) {
        t->notices[i].size = t->sizes[i];
        if (failed)
            t->notices[i].head = 0;
    }
    return failed ? -1 : 0;
}

void table_heed(table *t)
{
    for (int i = 0; i < t->n; i++)
        t->sizes[i] = t->notices[i].size;
}

void table_put_heads(table *t)
{
    int64_t at = 0;

    if (t->notices == NULL || t->room == NULL)
        return;
    for (int i = 0; i < t->n; i++) {
        memcpy((char *)t->data + at, t->notices[i].bytes, (size_t)t->notices[i].head);
        at += t->sizes[i] < 0 ? 0 : parcel_aligned(t->sizes[i]);
    }
}

const Py_buffer *table_take_own(table *out, table *in, int rank)
{
    if (!out->in_place || out->notices[rank].head == 0 || in->own_types)
        return NULL;
    out->counts[rank] = in->counts[rank] = 0;
    return parcel_single(&out->parcels[rank]);
}
