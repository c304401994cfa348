/* Objects that were opened by name a moment ago: programs write f["u"][...] in loops. They stay
 * open, under the name that led to them, until the structure of the file is about to change. */
#include "file.h"

#include <stdlib.h>
#include <string.h>

/* Where an object would be kept. */
static collio_recent *place(collio_file *file, const collio_object *parent, const char *name)
{
    uint64_t digest = collio_hash_text(parent->identity, name);

    return &file->recent[digest % COLLIO_RECENT];
}

static int is_it(const collio_recent *r, const collio_object *parent, const char *name)
{
    return r->object != NULL && r->parent == parent->identity && strcmp(r->name, name) == 0;
}

static void forget(collio_recent *r)
{
    free(r->name);
    r->name = NULL;
    collio_object_close(&r->object);
}

collio_object *collio_recent_find(const collio_object *parent, const char *name)
{
    const collio_recent *r = place(parent->file, parent, name);

    if (parent->foreign || !is_it(r, parent, name))
        return NULL;
    r->object->handles++;
    return r->object;
}

void collio_recent_keep(const collio_object *parent, const char *name, collio_object *object)
{
    collio_recent *r = place(parent->file, parent, name);

    if (parent->foreign || object->foreign)
        return;
    forget(r);
    r->name = strdup(name);
    if (r->name == NULL)
        return;
    r->parent = parent->identity;
    r->object = object;
    object->handles++;
    parent->file->has_recent = 1;
}

void collio_recent_drop(collio_file *file)
{
    for (int i = 0; i < COLLIO_RECENT && file->has_recent; i++)
        forget(&file->recent[i]);
    file->has_recent = 0;
}
