/* Objects held open while their last name goes. HDF5 frees what has no name at once, unless it is
 * open; and where one rank still has a handle to it and another has not, their structures would
 * differ from then on. So all have it open until the file is closed. */
#include "file.h"

#include <stdlib.h>

struct collio_hold {
    collio_file *file;
    collio_object **list;
    int count, room;
    collio_error *err;
};

uint64_t collio_hold_digest(const collio_file *file)
{
    uint64_t sum = 0;

    for (const collio_object *o = file->objects; o != NULL; o = o->next)
        if (o->id >= 0 && !o->foreign)
            sum += collio_hash_number(0, o->identity);
    return sum;
}

static int make_room(collio_hold *h)
{
    int room = h->room > 0 ? 2 * h->room : 8;
    collio_object **list = realloc(h->list, (size_t)room * sizeof *list);

    if (list == NULL)
        return collio_error_set(h->err, COLLIO_ERR_MEMORY, "no memory for open objects");
    h->list = list;
    h->room = room;
    return COLLIO_OK;
}

static int hold(collio_hold *h, hid_t parent, const char *name)
{
    hid_t id;

    if (h->count == h->room && make_room(h))
        return h->err->code;
    id = H5Oopen(parent, name, H5P_DEFAULT);
    if (collio_hdf5(id < 0, "H5Oopen", h->err) ||
        collio_object_wrap(h->file, id, NULL, &h->list[h->count], h->err))
        return h->err->code;
    h->count++;
    return COLLIO_OK;
}

static herr_t hold_member(hid_t group, const char *name, const collio_link_facts *link,
                          void *context)
{
    collio_hold *h = context;

    return link->type == H5L_TYPE_HARD && hold(h, group, name) ? -1 : 0;
}

collio_hold *collio_hold_all(const collio_object *group, const char *name, collio_error *err)
{
    collio_hold *h = calloc(1, sizeof *h);
    collio_link_facts link;

    if (h == NULL) {
        collio_error_set(err, COLLIO_ERR_MEMORY, "no memory for open objects");
        return NULL;
    }
    h->file = group->file;
    h->err = err;
    if (collio_hdf5(COLLIO_LINK_FACTS(group->id, name, &link, H5P_DEFAULT) < 0, "H5Lget_info",
                    err) ||
        link.type != H5L_TYPE_HARD || hold(h, group->id, name))
        return h;
    if (h->list[0]->kind == COLLIO_KIND_GROUP)
        collio_hdf5(
            COLLIO_LINK_VISIT(h->list[0]->id, H5_INDEX_NAME, H5_ITER_NATIVE, hold_member, h) < 0,
            "H5Lvisit", err);
    return h;
}

void collio_hold_end(collio_hold *h)
{
    for (int i = 0; h != NULL && i < h->count; i++)
        collio_object_close(&h->list[i]);
    if (h != NULL)
        free(h->list);
    free(h);
}
