/* Shared objects, mapped or as files: the dynamic section and what it points at. (System V ABI,
 * "Dynamic Linking"; the GNU hash table as in glibc's elf/dl-lookup.c) */
#define _GNU_SOURCE
#include "sharedlib.h"

#include <string.h>

#if __ELF_NATIVE_CLASS == 64
#define RELOCATION_SYMBOL(info) ELF64_R_SYM(info)
#define CLASS                   ELFCLASS64
#else
#define RELOCATION_SYMBOL(info) ELF32_R_SYM(info)
#define CLASS                   ELFCLASS32
#endif

const void *collio_elf_at(const collio_elf *elf, uint64_t address, uint64_t size)
{
    for (size_t i = 0; i < elf->segment_count; i++) {
        const ElfW(Phdr) *s = &elf->segments[i];
        uint64_t extent = elf->bytes != NULL ? s->p_filesz : s->p_memsz;
        uint64_t within = address - s->p_vaddr;
        if (s->p_type != PT_LOAD || address < s->p_vaddr || within > extent ||
            size > extent - within)
            continue;
        if (elf->bytes == NULL)
            return (const char *)elf->base + address;
        if (s->p_offset > elf->size || within > elf->size - s->p_offset ||
            size > elf->size - s->p_offset - within)
            return NULL;
        return elf->bytes + s->p_offset + within;
    }
    return NULL;
}

/* An entry of a table of fixed-size entries; NULL also if a file has it at an odd place. */
static const void *entry(const collio_elf *elf, uint64_t table, uint64_t index, size_t size)
{
    const void *at = NULL;

    if (table != 0 && index < UINT32_MAX)
        at = collio_elf_at(elf, table + index * size, size);
    return (uintptr_t)at % (size % 8 == 0 ? 8 : size % 4 == 0 ? 4 : 2) == 0 ? at : NULL;
}

static uint32_t word(const collio_elf *elf, uint64_t table, uint64_t index)
{
    const uint32_t *at = entry(elf, table, index, sizeof *at);
    return at != NULL ? *at : 0;
}

const char *collio_elf_string(const collio_elf *elf, uint64_t offset)
{
    const char *text;

    if (elf->strings == 0 || offset >= elf->string_size)
        return NULL;
    text = collio_elf_at(elf, elf->strings + offset, elf->string_size - offset);
    return text != NULL && memchr(text, 0, elf->string_size - offset) != NULL ? text : NULL;
}

/* ------------------------------------------------------ the dynamic section */

/* The loader has turned most addresses of a mapped object into addresses in memory. */
static uint64_t in_object(const collio_elf *elf, uint64_t address)
{
    return elf->bytes == NULL && address >= elf->base ? address - elf->base : address;
}

/* Entries that are kept: where, and whether the value is an address. */
static const struct kept {
    int64_t tag;
    size_t offset;
    int is_address;
} kept[] = {
    {DT_SYMTAB, offsetof(collio_elf, symbols), 1},
    {DT_STRTAB, offsetof(collio_elf, strings), 1},
    {DT_STRSZ, offsetof(collio_elf, string_size), 0},
    {DT_GNU_HASH, offsetof(collio_elf, gnu_hash), 1},
    {DT_HASH, offsetof(collio_elf, hash), 1},
    {DT_VERSYM, offsetof(collio_elf, versions), 1},
    {DT_VERDEF, offsetof(collio_elf, version_names), 1},
    {DT_RELA, offsetof(collio_elf, relocations[0]), 1},
    {DT_RELASZ, offsetof(collio_elf, relocation_size[0]), 0},
    {DT_JMPREL, offsetof(collio_elf, relocations[1]), 1},
    {DT_PLTRELSZ, offsetof(collio_elf, relocation_size[1]), 0},
    {DT_SONAME, offsetof(collio_elf, soname), 0},
    {DT_RUNPATH, offsetof(collio_elf, runpath), 0},
    {DT_RPATH, offsetof(collio_elf, rpath), 0},
};

static void note_entry(collio_elf *elf, int64_t tag, uint64_t value)
{
    if (tag == DT_NEEDED && elf->needed_count < COLLIO_ELF_NEEDED)
        elf->needed[elf->needed_count++] = value;
    for (size_t i = 0; i < sizeof kept / sizeof *kept; i++)
        if (kept[i].tag == tag) {
            value = kept[i].is_address ? in_object(elf, value) : value;
            memcpy((char *)elf + kept[i].offset, &value, sizeof value);
        }
}

static int read_dynamic(collio_elf *elf)
{
    for (size_t i = 0; i < elf->segment_count; i++) {
        const ElfW(Phdr) *s = &elf->segments[i];
        if (s->p_type != PT_DYNAMIC)
            continue;
        for (uint64_t k = 0; k < s->p_memsz / sizeof(ElfW(Dyn)); k++) {
            const ElfW(Dyn) *d = entry(elf, s->p_vaddr, k, sizeof *d);
            if (d == NULL || d->d_tag == DT_NULL)
                break;
            note_entry(elf, (int64_t)d->d_tag, d->d_un.d_val);
        }
        return elf->symbols != 0 && elf->strings != 0;
    }
    return 0;
}

int collio_elf_mapped(collio_elf *elf, const struct dl_phdr_info *info)
{
    *elf = (collio_elf){
        .base = info->dlpi_addr, .segments = info->dlpi_phdr, .segment_count = info->dlpi_phnum};
    return read_dynamic(elf);
}

int collio_elf_file(collio_elf *elf, const void *bytes, size_t size)
{
    const ElfW(Ehdr) *header = bytes;

    *elf = (collio_elf){.bytes = bytes, .size = size};
    if (size < sizeof *header || memcmp(header->e_ident, ELFMAG, SELFMAG) != 0 ||
        header->e_ident[EI_CLASS] != CLASS || header->e_phentsize != sizeof(ElfW(Phdr)))
        return 0;
    if (header->e_phoff % 8 != 0 || header->e_phoff > size ||
        header->e_phnum > (size - header->e_phoff) / sizeof(ElfW(Phdr)))
        return 0;
    elf->segments = (const void *)(elf->bytes + header->e_phoff);
    elf->segment_count = header->e_phnum;
    return read_dynamic(elf);
}

/* ------------------------------------------------------------------ symbols */

static const ElfW(Sym) * symbol_at(const collio_elf *elf, uint64_t index)
{
    return entry(elf, elf->symbols, index, sizeof(ElfW(Sym)));
}

/* 1 if symbol `index` has that name and is defined here. */
static int is_defined(const collio_elf *elf, uint64_t index, const char *name)
{
    const ElfW(Sym) *symbol = symbol_at(elf, index);
    const char *text;

    if (symbol == NULL || symbol->st_shndx == SHN_UNDEF || symbol->st_value == 0)
        return 0;
    text = collio_elf_string(elf, symbol->st_name);
    return text != NULL && strcmp(text, name) == 0;
}

static uint32_t hash_of(const char *name)
{
    uint32_t h = 5381;

    for (; *name != 0; name++)
        h = h * 33 + (unsigned char)*name;
    return h;
}

/* Index of a defined symbol by the GNU hash table: header (buckets, first symbol, words of the
 * filter, shift), filter, buckets, chains; a chain ends with an odd word. 0: none. */
static uint64_t find_hashed(const collio_elf *elf, const char *name)
{
    uint32_t h = hash_of(name), buckets = word(elf, elf->gnu_hash, 0);
    uint32_t first = word(elf, elf->gnu_hash, 1), filter = word(elf, elf->gnu_hash, 2);
    uint64_t bucket = elf->gnu_hash + 16 + (uint64_t)filter * sizeof(ElfW(Addr));
    uint64_t chain = bucket + (uint64_t)buckets * 4;
    const ElfW(Addr) * bits;

    if (buckets == 0 || filter == 0)
        return 0;
    bits = entry(elf, elf->gnu_hash + 16, h / __ELF_NATIVE_CLASS % filter, sizeof *bits);
    if (bits == NULL || (*bits >> (h % __ELF_NATIVE_CLASS) & 1) == 0)
        return 0;
    for (uint64_t i = word(elf, bucket, h % buckets); i >= first && i != 0; i++) {
        const uint32_t *link = entry(elf, chain, i - first, sizeof *link);
        if (link == NULL)
            return 0;
        if ((*link | 1) == (h | 1) && is_defined(elf, i, name))
            return i;
        if (*link & 1)
            return 0;
    }
    return 0;
}

/* How many symbols at the start of the table may be imported: those before the first that is
 * hashed; with the older table any. Where nothing is hashed the table does not tell, but the
 * linkers put the strings right behind the symbols. */
static uint64_t import_count(const collio_elf *elf)
{
    uint64_t count = elf->gnu_hash != 0 ? word(elf, elf->gnu_hash, 1) : word(elf, elf->hash, 1);

    if (count <= 1 && elf->strings > elf->symbols)
        count = (elf->strings - elf->symbols) / sizeof(ElfW(Sym));
    return count;
}

static uint64_t find(const collio_elf *elf, const char *name)
{
    if (elf->gnu_hash != 0)
        return find_hashed(elf, name);
    for (uint64_t i = 1; i < word(elf, elf->hash, 1) && symbol_at(elf, i) != NULL; i++)
        if (is_defined(elf, i, name))
            return i;
    return 0;
}

uint64_t collio_elf_symbol(const collio_elf *elf, const char *name)
{
    uint64_t index = find(elf, name);
    return index != 0 ? symbol_at(elf, index)->st_value : 0;
}

const char *collio_elf_symbol_version(const collio_elf *elf, const char *name)
{
    uint64_t index = find(elf, name), at = elf->version_names;
    const ElfW(Half) *number = index != 0 ? entry(elf, elf->versions, index, 2) : NULL;

    if (number == NULL)
        return NULL;
    for (int i = 0; i < 1000 && at != 0; i++) {
        const ElfW(Verdef) *definition = entry(elf, at, 0, sizeof *definition);
        const ElfW(Verdaux) * text;
        if (definition == NULL)
            return NULL;
        text = entry(elf, at + definition->vd_aux, 0, sizeof *text);
        if (definition->vd_ndx == (*number & 0x7fff))
            return text != NULL ? collio_elf_string(elf, text->vda_name) : NULL;
        at = definition->vd_next != 0 ? at + definition->vd_next : 0;
    }
    return NULL;
}

/* ---------------------------------------------------------------- bindings */

static int starts_with(const char *name, const char *prefix, int upper)
{
    size_t length = strlen(prefix);

    if (name == NULL || strncmp(name, prefix, length) != 0)
        return 0;
    return !upper || (name[length] >= 'A' && name[length] <= 'Z');
}

int collio_elf_imports(const collio_elf *elf, const char *prefix, int upper)
{
    uint64_t count = import_count(elf);

    for (uint64_t i = 1; i < count; i++) {
        const ElfW(Sym) *symbol = symbol_at(elf, i);
        const char *name;
        if (symbol == NULL)
            return 0;
        /* One byte first: most names are others, and their ends need not be looked for. */
        name = symbol->st_name < elf->string_size
                   ? collio_elf_at(elf, elf->strings + symbol->st_name, 1)
                   : NULL;
        if (symbol->st_shndx == SHN_UNDEF && name != NULL && *name == *prefix &&
            starts_with(collio_elf_string(elf, symbol->st_name), prefix, upper))
            return 1;
    }
    return 0;
}

static const ElfW(Rela) * relocation_at(const collio_elf *elf, size_t index)
{
    size_t data = elf->relocation_size[0] / sizeof(ElfW(Rela));
    size_t calls = elf->relocation_size[1] / sizeof(ElfW(Rela));

    if (index < data)
        return entry(elf, elf->relocations[0], index, sizeof(ElfW(Rela)));
    return index - data < calls ? entry(elf, elf->relocations[1], index - data, sizeof(ElfW(Rela)))
                                : NULL;
}

const char *collio_elf_binding(const collio_elf *elf, size_t *cursor, const char *prefix,
                               uintptr_t *value)
{
    const ElfW(Rela) * r;

    while ((r = relocation_at(elf, (*cursor)++)) != NULL) {
        uint64_t index = RELOCATION_SYMBOL(r->r_info);
        const ElfW(Sym) *symbol = index != 0 ? symbol_at(elf, index) : NULL;
        const char *name;
        const uintptr_t *slot;
        if (symbol == NULL || symbol->st_shndx != SHN_UNDEF)
            continue;
        name = collio_elf_string(elf, symbol->st_name);
        slot = starts_with(name, prefix, 0) ? collio_elf_at(elf, r->r_offset, sizeof *slot) : NULL;
        if (slot == NULL)
            continue;
        memcpy(value, slot, sizeof *value);
        return name;
    }
    return NULL;
}

/* ------------------------------------------------------------------- texts */

#ifdef __SANITIZE_ADDRESS__
/* The sanitizer forbids reading the gaps that it leaves between variables; here they are bytes like
 * others. */
__attribute__((no_sanitize_address)) static const char *search(const char *in, size_t length,
                                                               const char *bytes, size_t size)
{
    for (size_t i = 0; i + size <= length; i++) {
        size_t k = 0;
        while (k < size && in[i + k] == bytes[k])
            k++;
        if (k == size)
            return in + i;
    }
    return NULL;
}
#else
static const char *search(const char *in, size_t length, const char *bytes, size_t size)
{
    return memmem(in, length, bytes, size);
}
#endif

const char *collio_elf_find(const collio_elf *elf, const char *bytes, size_t size, size_t *left)
{
    for (size_t i = 0; i < elf->segment_count; i++) {
        const ElfW(Phdr) *s = &elf->segments[i];
        const char *start, *found;
        if (s->p_type != PT_LOAD || !(s->p_flags & PF_R))
            continue;
        start = collio_elf_at(elf, s->p_vaddr, s->p_filesz);
        found = start != NULL ? search(start, s->p_filesz, bytes, size) : NULL;
        if (found == NULL)
            continue;
        *left = s->p_filesz - (size_t)(found - start);
        return found;
    }
    return NULL;
}
