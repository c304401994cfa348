/*
 * What a file and an object are made of, and how a collective call on them
 * begins and ends. Never installed.
 */
#ifndef COLLIO_IO_FILE_H
#define COLLIO_IO_FILE_H

#include "driver.h"
#include "../core/shared.h"

/* An object that stays open under the name it was opened by. */
typedef struct collio_recent {
    uint64_t parent; /* identity of the group */
    char *name;
    collio_object *object; /* a handle of its own; NULL: none */
} collio_recent;

#define COLLIO_RECENT 64

typedef struct collio_split collio_split;

struct collio_file {
    collio_comm *comm; /* NULL once closed or poisoned */
    int rank;
    char *path;
    int writable;
    collio_file_options options; /* as given when it was opened */
    int atomic;
    hid_t id;             /* negative once closed or poisoned */
    unsigned long number; /* HDF5's for the file, in this process */
    uint64_t place;       /* on disk: device and inode; 0: not asked for yet */
    collio_disk disk;
    int64_t user_block; /* bytes */
    int64_t used;       /* space below may hold what the file on disk refers to, or old elements */
    collio_error poison;
    int changed;         /* structure that is not on disk yet may be in HDF5's hands */
    collio_error untold; /* what failed in an independent write here: the others do not know */
    collio_split *split; /* elements are in files of the ranks: split.h; else NULL */
    int parts_found;     /* of a file that was made so: they are all there */
    collio_object *root;
    collio_object *objects;   /* all that are open, the root among them */
    collio_request *requests; /* transfers under way */
    uint64_t requests_made;
    collio_recent recent[COLLIO_RECENT];
    int has_recent;         /* there may be some */
    int has_prefixed;       /* so may objects that are `prefixed` */
    collio_shared shared;   /* what gather.c puts parts together in */
    collio_file *next_open; /* in the list of those that this process may change */
    int shares;             /* handles beyond the first: closing one of them leaves it open */
    int references;         /* the handle's, and each object's and request's */
};

/* Of datasets. */
typedef struct collio_dataset_layout {
    collio_type stored; /* exactly as in the file */
    collio_type type;   /* the number that `stored` is read as; `stored` if it is no number */
    int swapped;        /* bytes in the other order */
    int ndim;           /* -1: no extents */
    int64_t shape[COLLIO_MAX_DIMS];
    int64_t offset; /* bytes; -1: not contiguous in this file, or not there yet */
    collio_storage_kind kind;
    int filtered;                    /* chunks pass filters */
    int bare_edges;                  /* but those at the border do not */
    int64_t chunks[COLLIO_MAX_DIMS]; /* extents of a chunk */
} collio_layout;

struct collio_object {
    collio_file *file;
    collio_object *previous, *next; /* in file->objects */
    int handles;                    /* that are to be closed */
    int prefixed;                   /* a dataset whose other files are in a directory: prefix.c */
    hid_t id;                       /* negative once the file is closed */
    collio_kind kind;
    char *name;  /* absolute; "" if it has none */
    int foreign; /* it is in another file, which an external link leads to */
    int left;    /* closed by its owner, but kept: the last handle of an object without a name frees
                    its space, which all ranks have to do at the same time, when the file is closed */
    uint64_t identity;
    int grows; /* its last attribute was a new one */
    collio_layout layout;
    struct collio_shard *shard; /* its elements are in files of the ranks; else NULL */
    struct collio_kept *kept;   /* chunks without their filters; NULL if it has no filters */
};

/* ------------------------------------------------------------ collective.c */

/*
 * How every collective call on a file goes:
 *
 *   check the arguments, noting what is wrong in err
 *   collio_begin()   all ranks are about to do the same, nobody brings an error;
 *                    if not, leave: nothing was done
 *   do it, on every rank, noting what failed in err
 *   collio_finish()  it went well everywhere, with the same outcome; if not, the
 *                    file is poisoned
 */
typedef struct collio_call {
    const char *operation;
    uint64_t digest; /* of the arguments that must match */
    collio_describe_function *describe;
    const void *context;
    int keeps_names; /* every name leads where it did */
} collio_call;

/* Bring what the others have not been told of to the agreement to come. */
void collio_file_tell(collio_file *file, collio_error *err);

/* What an agreement came to: a rank that did not come leaves the communicator
 * poisoned, and so the file. Returns the code in err. */
int collio_file_outcome(collio_file *file, const collio_error *err);

int collio_begin(collio_file *file, const collio_call *call, collio_error *err);

/* The same with votes in a ticket, which come back as extremes. */
int collio_begin_voting(collio_file *file, const collio_call *call, collio_ticket *ticket,
                        collio_error *err);

/* The description of calls that take an object and a name. */
typedef struct collio_named {
    const collio_object *object;
    const char *name; /* may be NULL */
} collio_named;

void collio_named_describe(const void *named, char *text, size_t size);
uint64_t collio_named_digest(const collio_named *named);

/*   outcome  in  a number that must be the same on all ranks (where a dataset
 *                was put); the end of the file is compared too */
int collio_finish(collio_file *file, const char *operation, uint64_t outcome, collio_error *err);

/* How many changes of structure this process has made to files. */
uint64_t collio_changes(void);

/* As collio_finish(), but the file stays usable if HDF5 has refused the change on all ranks (no
 * such place for elements in other files, a type it cannot store, ...). */
int collio_finish_change(collio_file *file, const char *operation, uint64_t outcome,
                         collio_error *err);

/* As collio_finish(), but a failure leaves the file usable: for elements. */
int collio_finish_elements(collio_file *file, const char *operation, collio_error *err);

/* Store why the file cannot be used, if it cannot: its poison, or STATE. */
int collio_file_check(const collio_file *file, collio_error *err);

/* The same for an object; and VALUE if it is NULL. */
int collio_object_check(const collio_object *object, collio_error *err);

/* Check that the file may be changed: VALUE. */
int collio_file_check_writable(const collio_file *file, collio_error *err);

/* --------------------------------------------------------------- options.c */

/* Check options: VALUE. All below take those that passed. */
int collio_options_check(const collio_file_options *options, collio_error *err);
uint64_t collio_options_digest(const collio_file_options *options);
void collio_options_access(const collio_file_options *options, hid_t access, collio_error *err);
/* HDF5's flags for a track_order, of names or of attributes. */
unsigned collio_order_of(int track_order, int what);

/* Where attributes are: VALUE; its digest; into a property list. */
int collio_room_check(const collio_attribute_room *room, collio_error *err);
uint64_t collio_room_digest(const collio_attribute_room *room);
void collio_room_set(const collio_attribute_room *room, hid_t list, collio_error *err);

void collio_options_creation(const collio_file_options *options, hid_t creation, collio_error *err);

/* ------------------------------------------------------------------ file.c */

/* Whether this rank has a file to write structure to: rank 0, and of split files all. */
int collio_file_keeps_structure(const collio_file *file);

/* Write the overlay to disk after H5Fflush or H5Fclose; agreed. Collective. */
int collio_file_commit(collio_file *file, collio_error *err);

/* H5Fflush and commit, without a ticket of its own. Collective. */
int collio_file_flush_now(collio_file *file, collio_error *err);

/*
 * Before elements go into space that HDF5 has just given out: what is on disk may
 * still refer to it if it was freed, so then the new structure goes to disk first.
 * Collective, the same everywhere.
 *   reused  out  1 if old bytes would show as elements
 */
int collio_space_claim(collio_file *file, int64_t start, int64_t size, int *reused,
                       collio_error *err);

/* Make the file unusable because of `err`, and let go of everything but the
 * structs. Collective if the communicator is in order, as after an agreed error. */
void collio_file_poison(collio_file *file, const collio_error *err);

/* Note that this process has a file open for writing, or look for it: the one that is open with the
 * same ranks, or NULL. Not collective. */
void collio_file_note(collio_file *file);
collio_file *collio_file_noted(const char *path, const collio_comm *comm);

/* Let go of HDF5's handles without writing, of the disk and its lock. */
void collio_file_drop(collio_file *file);

/* Give up one reference; the last one frees the struct. */
void collio_file_release(collio_file *file);

/* ---------------------------------------------------------------- object.c */

/* Wrap an open HDF5 object, which the new object then owns. `id` is closed if
 * that fails.
 *   layout  in  of a dataset; NULL: to be found out */
int collio_object_wrap(collio_file *file, hid_t id, const collio_layout *layout,
                       collio_object **out, collio_error *err);

/*
 * The end of a collective call that made an object: agree on how it went, hand the object over.
 *   id   in   of the object, then owned by it; negative where err says what failed
 *   out  out  NULL: the object is not wanted
 */
int collio_object_made(collio_file *file, const char *operation, hid_t id, collio_object **out,
                       collio_error *err);

/* Close HDF5's handles of all objects of a file; the structs stay. */
void collio_object_drop_all(collio_file *file);

/* Find out the names of all open objects again, after links have changed. */
void collio_object_rename_all(collio_file *file, collio_error *err);

/* The address of its header in HDF5's terms; -1 if it is in another file. */
int64_t collio_object_header(const collio_object *object);

/* Let HDF5 forget what it remembers of an object, such as where its chunks are, by closing and
 * opening all handles of it; not of one without a name, which that would be the end of. */
int collio_object_renew(const collio_object *object, collio_error *err);

/* Check that the object may be changed: VALUE. */
int collio_object_check_writable(const collio_object *object, collio_error *err);

/* Whether there is a link of this name, wherever it leads. */
int collio_object_links(const collio_object *parent, const char *name, int *exists,
                        collio_error *err);

/* Check that there is one and that it may be changed: KEY, VALUE. */
int collio_object_check_link(const collio_object *parent, const char *name, collio_error *err);

/* HDF5's number for the file that an object is in; 0 if it cannot be found out. */
unsigned long collio_hdf5_file_number(hid_t id);

/* Whether a name leads to an object. */
int collio_object_exists(collio_object *parent, const char *name, int *exists, collio_error *err);

/* Check that something can be created under this name: VALUE. */
int collio_object_check_new(collio_object *parent, const char *name, collio_error *err);

/* ------------------------------------------------------------------ hold.c */

typedef struct collio_hold collio_hold;

/* Of the objects that this rank has open: not the same everywhere, as programs let go of their
 * handles when they like. */
uint64_t collio_hold_digest(const collio_file *file);

/* Open all that a link leads to: an object, and what is in it. NULL without memory. */
collio_hold *collio_hold_all(const collio_object *group, const char *name, collio_error *err);

/* Close them again, but those that have lost their last name: they go with the file. */
void collio_hold_end(collio_hold *hold);

/* ---------------------------------------------------------------- recent.c */

/* An object that was opened by this name before, and since when no name has changed: another handle
 * of it, or NULL. */
collio_object *collio_recent_find(const collio_object *parent, const char *name);

/* Keep one. */
void collio_recent_keep(const collio_object *parent, const char *name, collio_object *object);

/* Close all that are kept. */
void collio_recent_drop(collio_file *file);

/* ---------------------------------------------------------------- prefix.c */

/* A list to open or make a dataset with, H5P_DEFAULT where both are NULL; and what is noted then.
 */
int collio_prefix_list(const char *external, const char *mapped, hid_t *list, collio_error *err);
void collio_prefix_unlist(hid_t list);
void collio_prefix_note(collio_object *dataset, hid_t list);

/* Another handle of a dataset that is open so, or NULL. */
collio_object *collio_prefix_find(const collio_object *parent, const char *name);

/* The same by a reference to an object. */
collio_object *collio_prefix_referred(const collio_object *in, const void *reference);

/* What `identity` is of an object of the file itself. */
uint64_t collio_object_identity(const collio_object_facts *info);

/* -------------------------------------------------------------- datatype.c */

/* Check that a named type is one of this file and of the kind of `type`: VALUE, TYPE. */
int collio_datatype_check(const collio_object *named, const collio_file *file, collio_type type,
                          collio_error *err);

/* ------------------------------------------------- dataset.c, transfer.c */

/* Find out how a dataset is stored; offsets are those in the disk. */
int collio_layout_read(const collio_disk *disk, hid_t dataset, collio_layout *layout,
                       collio_error *err);

/* Bytes of all its elements; of a type of ours. */
int64_t collio_layout_bytes(const collio_object *dataset);

/*
 * Claim the space of a contiguous dataset that has just got it, and let it have its
 * first elements: `element`, or zeros for NULL. Collective.
 */
int collio_first_elements(const collio_object *dataset, const char *element, collio_error *err);

/* The fill value as it is in the file, in `element` bytes; zeros if there is none.
 *   wanted  out  0 if elements may be left undefined */
int collio_fill_value(const collio_object *dataset, char *element, int *wanted, collio_error *err);

/* Whether elements of a dataset can only be written in step on all ranks: lockstep.c. */
int collio_lockstep_needed(const collio_object *dataset);

/* Check that elements of a virtual dataset can be written, which goes in step too: UNSUPPORTED, OS.
 * virtual_write.c. */
int collio_virtual_check(const collio_object *dataset, const collio_selection *selection,
                         collio_type type, collio_error *err);

/* Elements of memory without gaps: a copy, to be freed; NULL on failure. */
char *collio_without_gaps(const collio_array *memory, int64_t count, collio_error *err);

/* Write elements to the files of an external dataset: elsewhere.c. Not collective. */
int collio_external_write(const collio_object *dataset, const collio_selection *selection,
                          const collio_array *memory, collio_error *err);

/* The part that a dataspace selects, as collio_region_read(). */
struct collio_region;
int collio_region_take(hid_t space, struct collio_region *out, collio_error *err);

/* Before HDF5 follows a region reference: check what it refers to. HDF5 if that is damaged. */
int collio_region_check(const collio_object *in, const void *reference, collio_error *err);

/* Write them: each rank what it has, all ranks the same. Collective, after collio_begin(). */
int collio_lockstep_write(const collio_object *dataset, const collio_selection *selection,
                          const collio_array *memory, collio_error *err);

/* Check whether elements can travel: TYPE, UNSUPPORTED. */
int collio_transfer_check(const collio_object *dataset, const collio_array *memory,
                          collio_direction direction, collio_error *err);

/* Hand on the elements of a selection, checked, as they are to be in the file: to a
 * function as collio_runs() does. Not collective. */
int collio_transfer_walk(const collio_object *dataset, const collio_selection *selection,
                         const collio_array *memory, collio_run_function *put, void *context,
                         collio_error *err);

/* The other way: let a function get runs of elements as they are in the file. */
int collio_transfer_fill(const collio_object *dataset, const collio_selection *selection,
                         const collio_array *memory, collio_run_function *get, void *context,
                         collio_error *err);

/* Write them where they are contiguous in the file, or read them wherever they are.
 * Not collective. */
int collio_transfer_write(const collio_object *dataset, const collio_selection *selection,
                          const collio_array *memory, collio_error *err);
int collio_transfer_read(const collio_object *dataset, const collio_selection *selection,
                         const collio_array *memory, collio_error *err);

#endif
