/* Which loaded objects are an MPI or an HDF5 library or use one, and which one they really call. */
#define _GNU_SOURCE
#include "exam.h"

#include <dlfcn.h>
#include <hdf5.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ------------------------------------------------------------- reading them */

static unsigned marks_of(const collio_elf *elf)
{
    unsigned marks = 0;

    if (collio_elf_symbol(elf, "MPI_Get_library_version"))
        marks |= COLLIO_IS_MPI;
    if (collio_elf_symbol(elf, "H5open"))
        marks |= COLLIO_IS_HDF5;
    if (collio_elf_symbol(elf, "H5Pset_fapl_mpio"))
        marks |= COLLIO_IS_PARALLEL;
    if (collio_elf_imports(elf, "MPI_", 1))
        marks |= COLLIO_USES_MPI;
    if (collio_elf_imports(elf, "H5", 1))
        marks |= COLLIO_USES_HDF5;
    if ((marks & COLLIO_IS_MPI) && collio_elf_imports(elf, "PMPI_", 1))
        marks |= COLLIO_IS_WRAPPER;
    return marks;
}

static void extent_of(collio_loaded *object)
{
    object->low = UINTPTR_MAX;
    object->high = 0;
    for (size_t i = 0; i < object->elf.segment_count; i++) {
        const ElfW(Phdr) *s = &object->elf.segments[i];
        uintptr_t start = object->elf.base + s->p_vaddr;
        if (s->p_type != PT_LOAD)
            continue;
        if (start < object->low)
            object->low = start;
        if (start + s->p_memsz > object->high)
            object->high = start + s->p_memsz;
    }
}

static int holds(const collio_loaded *object, uintptr_t address)
{
    return address >= object->low && address < object->high;
}

static void path_of(collio_loaded *object, const char *name)
{
    char *real;

    if (*name == 0)
        name = "/proc/self/exe";
    real = realpath(name, NULL);
    collio_copy_text(object->path, sizeof object->path, real != NULL ? real : name);
    free(real);
}

static int keep_object(struct dl_phdr_info *info, size_t size, void *data)
{
    collio_objects *objects = data;
    collio_loaded *object = &objects->at[objects->count];
    (void)size;

    if (objects->count >= COLLIO_LOADED_MAX || !collio_elf_mapped(&object->elf, info))
        return 0;
    object->marks = marks_of(&object->elf);
    extent_of(object);
    if (holds(object, (uintptr_t)&collio_objects_read))
        object->marks |= COLLIO_IS_OURS;
    if (object->marks == 0)
        return 0;
    path_of(object, info->dlpi_name);
    object->mpi = object->hdf5 = object->named_mpi = object->named_hdf5 = -1;
    objects->count++;
    return 0;
}

/* --------------------------------------------------------------- bindings */

static int owner(const collio_objects *objects, uintptr_t address, unsigned mark)
{
    for (int i = 0; i < objects->count; i++)
        if ((objects->at[i].marks & mark) && holds(&objects->at[i], address))
            return i;
    return -1;
}

/* The object of that mark among the libraries that an object names. */
static int needed_owner(const collio_objects *objects, const collio_loaded *object, unsigned mark)
{
    for (size_t k = 0; k < object->elf.needed_count; k++) {
        const char *name = collio_elf_string(&object->elf, object->elf.needed[k]);
        for (int i = 0; name != NULL && i < objects->count; i++)
            if ((objects->at[i].marks & mark) &&
                strcmp(collio_loaded_name(&objects->at[i]), name) == 0)
                return i;
    }
    return -1;
}

static int bound_to(const collio_objects *objects, const collio_loaded *object, const char *prefix,
                    unsigned mark)
{
    size_t cursor = 0;
    uintptr_t value;

    while (collio_elf_binding(&object->elf, &cursor, prefix, &value) != NULL) {
        int i = owner(objects, value, mark);
        if (i >= 0 && &objects->at[i] != object)
            return i;
    }
    return -1;
}

/* What an object really calls; where nothing is bound yet, what it was linked with. */
static void find_bindings(const collio_objects *objects, collio_loaded *object)
{
    if (object->marks & COLLIO_USES_MPI) {
        object->named_mpi = needed_owner(objects, object, COLLIO_IS_MPI);
        object->mpi = bound_to(objects, object, "MPI_", COLLIO_IS_MPI);
        if (object->mpi < 0)
            object->mpi = object->named_mpi;
    }
    if (object->marks & COLLIO_USES_HDF5) {
        object->named_hdf5 = needed_owner(objects, object, COLLIO_IS_HDF5);
        object->hdf5 = bound_to(objects, object, "H5", COLLIO_IS_HDF5);
        if (object->hdf5 < 0)
            object->hdf5 = object->named_hdf5;
    }
}

/* ------------------------------------------------------------------ family */

static collio_family family_of(const collio_loaded *mpi)
{
    int (*abi)(int *, int *) = NULL;
    uint64_t address = collio_elf_symbol(&mpi->elf, "MPI_Abi_get_version");
    char text[160];
    int major = 0, minor = 0;

    if (collio_elf_symbol(&mpi->elf, "ompi_mpi_comm_world"))
        return COLLIO_FAMILY_OPENMPI;
    if (address != 0) {
        address += mpi->elf.base;
        memcpy(&abi, &address, sizeof abi);
        if (abi(&major, &minor) == 0 && major > 0)
            return COLLIO_FAMILY_ABI;
    }
    collio_loaded_version(mpi, text, sizeof text);
    return collio_text_library(text);
}

void collio_objects_read(collio_objects *objects)
{
    int (*mpi_call)(char *, int *) = MPI_Get_library_version;
    herr_t (*hdf5_call)(void) = H5open;
    const collio_loaded *ours;
    uintptr_t address;

    objects->count = 0;
    dl_iterate_phdr(keep_object, objects);
    for (int i = 0; i < objects->count; i++) {
        collio_loaded *object = &objects->at[i];
        find_bindings(objects, object);
        if (object->marks & COLLIO_IS_MPI)
            object->family = family_of(object);
    }
    ours = collio_objects_get(objects, COLLIO_IS_OURS, 0);
    memcpy(&address, &mpi_call, sizeof address);
    objects->mpi = owner(objects, address, COLLIO_IS_MPI);
    memcpy(&address, &hdf5_call, sizeof address);
    objects->hdf5 = owner(objects, address, COLLIO_IS_HDF5);
    /* In a program that is not position-independent an address may be a stub of its own. */
    if (objects->mpi < 0 && ours != NULL)
        objects->mpi = ours->mpi;
    if (objects->hdf5 < 0 && ours != NULL)
        objects->hdf5 = ours->hdf5;
}

/* ----------------------------------------------------------------- look-ups */

int collio_objects_count(const collio_objects *objects, unsigned marks)
{
    int count = 0;

    for (int i = 0; i < objects->count; i++)
        count += (objects->at[i].marks & marks) == marks;
    return count;
}

const collio_loaded *collio_objects_get(const collio_objects *objects, unsigned marks, int i)
{
    for (int k = 0; k < objects->count; k++)
        if ((objects->at[k].marks & marks) == marks && i-- == 0)
            return &objects->at[k];
    return NULL;
}

void collio_loaded_version(const collio_loaded *mpi, char *out, size_t room)
{
    static _Thread_local char text[16384]; /* the longest of any MPI is 8192 */
    uint64_t address = mpi->elf.base + collio_elf_symbol(&mpi->elf, "MPI_Get_library_version");
    int (*call)(char *, int *), length = 0;

    memcpy(&call, &address, sizeof call);
    memset(text, 0, sizeof text);
    if (call(text, &length) != 0)
        text[0] = 0;
    collio_text_line(text, out, room);
}

const char *collio_loaded_name(const collio_loaded *object)
{
    const char *slash = strrchr(object->path, '/');
    const char *name =
        object->elf.soname != 0 ? collio_elf_string(&object->elf, object->elf.soname) : NULL;
    return name != NULL ? name : slash != NULL ? slash + 1 : object->path;
}

const char *collio_elf_settings(const collio_elf *elf, size_t *size)
{
    /* Not one text: it would be found in collio itself. */
    static const char head[] = "SUMMARY OF ", tail[] = "THE HDF5 CONFIGURATION\n";
    char title[sizeof head + sizeof tail];
    const char *found;

    strcpy(title, head);
    strcat(title, tail);
    found = collio_elf_find(elf, title, strlen(title), size);
    if (found != NULL)
        *size = strnlen(found, *size);
    return found;
}
