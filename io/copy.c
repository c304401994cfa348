/* Copies of groups, datasets and named types, with what is in them. */
#include "file.h"

#include <stdio.h>
#include <string.h>

typedef struct copying {
    collio_object *source, *dest;
    const char *from, *to;
    unsigned flags;
} copying;

static void describe(const void *context, char *text, size_t size)
{
    const copying *c = context;

    snprintf(text, size, "('%s' in '%s' of '%s' to '%s' in '%s', flags %#x)", c->from,
             c->source->name, c->source->file->path, c->to, c->dest->name, c->flags);
}

/* The source may be open twice, by handles that differ from rank to rank: its path stands for it.
 */
static uint64_t digest(const copying *c)
{
    uint64_t d = collio_hash_number(c->dest->identity, c->flags);

    d = collio_hash_text(d, c->source->file->path);
    d = collio_hash_number(d, c->source->identity);
    d = collio_hash_text(d, c->from);
    return collio_hash_text(d, c->to);
}

static const struct {
    unsigned ours, theirs;
} flag_rows[] = {
    {COLLIO_COPY_SHALLOW, H5O_COPY_SHALLOW_HIERARCHY_FLAG},
    {COLLIO_COPY_EXPAND_SOFT, H5O_COPY_EXPAND_SOFT_LINK_FLAG},
    {COLLIO_COPY_EXPAND_EXTERNAL, H5O_COPY_EXPAND_EXT_LINK_FLAG},
    {COLLIO_COPY_EXPAND_REFERENCES, H5O_COPY_EXPAND_REFERENCE_FLAG},
    {COLLIO_COPY_WITHOUT_ATTRIBUTES, H5O_COPY_WITHOUT_ATTR_FLAG},
};

static hid_t copy_list(unsigned flags, collio_error *err)
{
    hid_t list = H5Pcreate(H5P_OBJECT_COPY);
    unsigned theirs = 0;

    for (size_t i = 0; i < sizeof flag_rows / sizeof *flag_rows; i++)
        theirs |= flags & flag_rows[i].ours ? flag_rows[i].theirs : 0;
    collio_hdf5(list < 0 || H5Pset_copy_object(list, theirs) < 0, "H5Pset_copy_object", err);
    return list;
}

static int check(const copying *c, collio_error *err)
{
    int exists = 0;

    if (collio_object_check(c->source, err) || collio_object_check_new(c->dest, c->to, err))
        return err->code;
    if (c->source->file->split != NULL || c->dest->file->split != NULL)
        return collio_error_set(err, COLLIO_ERR_UNSUPPORTED,
                                "nothing can be copied within, to or from a file of which each "
                                "rank writes a part (layout 'per-rank') until it is closed");
    if (strcmp(c->from, ".") == 0)
        return COLLIO_OK;
    if (c->source->kind != COLLIO_KIND_GROUP)
        return collio_error_set(err, COLLIO_ERR_TYPE, "'%s' is not a group", c->source->name);
    if (collio_object_exists(c->source, c->from, &exists, err) == COLLIO_OK && !exists)
        collio_error_set(err, COLLIO_ERR_KEY, "unable to copy object (no object '%s' in '%s')",
                         c->from, c->source->name);
    return err->code;
}

/* Elements need not wait in memory for the flush: the file on disk refers to nothing of the space
 * that they get, since it was flushed before. */
static void copy(const copying *c, collio_error *err)
{
    hid_t list = copy_list(c->flags, err), links = collio_list_links(err);
    collio_disk *disk = &c->dest->file->disk;

    disk->elements = c->dest->file->rank == 0 ? COLLIO_ELEMENTS_WRITTEN : COLLIO_ELEMENTS_DROPPED;
    if (list >= 0 && links >= 0 && err->code == COLLIO_OK)
        collio_hdf5(H5Ocopy(c->source->id, c->from, c->dest->id, c->to, list, links) < 0, "H5Ocopy",
                    err);
    disk->elements = COLLIO_ELEMENTS_KEPT;
    if (list >= 0)
        H5Pclose(list);
}

int collio_object_copy(collio_object *source, const char *from, collio_object *dest, const char *to,
                       unsigned flags, collio_error *err)
{
    copying c = {source, dest, from != NULL ? from : ".", to != NULL ? to : "", flags};
    collio_call call = {"copy", 0, describe, &c, 0};
    collio_printing printing;

    if (collio_object_check(dest, err))
        return err->code;
    if (source == NULL) {
        collio_error_set(err, COLLIO_ERR_VALUE, "no object given to copy");
        c.source = dest;
    }
    collio_hdf5_quiet(&printing);
    check(&c, err);
    call.digest = digest(&c);
    if (collio_begin(dest->file, &call, err) || collio_file_flush_now(dest->file, err))
        goto done;
    copy(&c, err);
    if (collio_finish_change(dest->file, call.operation, 0, err) == COLLIO_OK)
        collio_file_flush_now(dest->file, err);
done:
    collio_hdf5_loud(&printing);
    return err->code;
}
