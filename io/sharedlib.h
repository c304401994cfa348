/*
 * Reading shared objects: those that the dynamic loader has mapped into this
 * process, and files. Every access is checked against the object's segments, so
 * a damaged or truncated file gives "not found", never a fault.
 */
#ifndef COLLIO_IO_SHAREDLIB_H
#define COLLIO_IO_SHAREDLIB_H

#include <link.h>
#include <stddef.h>
#include <stdint.h>

#define COLLIO_ELF_NEEDED 64 /* libraries of DT_NEEDED that are looked at */

typedef struct collio_elf {
    const char *bytes; /* the file; NULL: mapped by the loader */
    size_t size;       /* bytes of the file */
    uintptr_t base;    /* mapped: what addresses in the object count from */
    const ElfW(Phdr) * segments;
    size_t segment_count;
    /* Addresses in the object; 0: it has none. */
    uint64_t symbols, strings, string_size, gnu_hash, hash, versions, version_names;
    uint64_t relocations[2], relocation_size[2]; /* of data, of calls */
    uint64_t soname, runpath, rpath;             /* offsets into the strings */
    uint64_t needed[COLLIO_ELF_NEEDED];
    size_t needed_count;
} collio_elf;

/* An object that the loader has mapped; 0 if it has no dynamic section. */
int collio_elf_mapped(collio_elf *elf, const struct dl_phdr_info *info);

/* A file's bytes (8-aligned), which must stay; 0 if they are no shared object of this machine. */
int collio_elf_file(collio_elf *elf, const void *bytes, size_t size);

/* A text of the string table; NULL if there is none at that offset. */
const char *collio_elf_string(const collio_elf *elf, uint64_t offset);

/* The address of a symbol that the object defines (in the object, not in memory); 0: none. */
uint64_t collio_elf_symbol(const collio_elf *elf, const char *name);

/* The name of the symbol version of a defined symbol; NULL: none. */
const char *collio_elf_symbol_version(const collio_elf *elf, const char *name);

/* 1 if the object takes a symbol from elsewhere whose name starts so (one more letter
 * follows, in upper case, if `upper`). */
int collio_elf_imports(const collio_elf *elf, const char *prefix, int upper);

/*
 * Walk what calls and references of a mapped object were bound to.
 *   cursor  in/out  start with 0
 *   prefix  in      of the symbols' names
 *   value   out     address it is bound to; inside the object itself if not bound yet
 * Returns the symbol's name, NULL at the end.
 */
const char *collio_elf_binding(const collio_elf *elf, size_t *cursor, const char *prefix,
                               uintptr_t *value);

/* The bytes that lie at an address in the object; NULL if not all are in one segment. */
const void *collio_elf_at(const collio_elf *elf, uint64_t address, uint64_t size);

/* Find bytes in the parts of the object that come from its file; NULL: not there.
 *   left  out  bytes from there to the end of that part */
const char *collio_elf_find(const collio_elf *elf, const char *bytes, size_t size, size_t *left);

#endif
