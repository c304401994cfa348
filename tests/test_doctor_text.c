/* The doctor's parsers: texts of libraries and programs as they are met, mangled ones, and shared
 * objects that are cut off or damaged. */
#define _GNU_SOURCE
#include "io/exam.h"
#include "tap.h"

#include <hdf5.h>

#include <stdlib.h>
#include <string.h>

/* ---------------------------------------------------------------- settings of HDF5 */

static const char autotools[] =
    "\t    SUMMARY OF THE HDF5 CONFIGURATION\n"
    "\t    =================================\n\n"
    "General Information:\n-------------------\n"
    "                   HDF5 Version: 1.12.2\n"
    "             Installation point: /opt/hdf5\n\n"
    "                     C Compiler: /opt/openmpi/bin/mpicc ( gcc 12 )\n"
    "Features:\n---------\n"
    "                  Parallel HDF5: yes\n"
    "Parallel Filtered Dataset Writes: yes\n"
    "                   Threadsafety: no\n";
static const char cmake_new[] = "      SUMMARY OF THE HDF5 CONFIGURATION\n"
                                "      =================================\n\n"
                                "General Information:\n-------------------\n"
                                "                   HDF5 Version: 1.14.3\n"
                                "                  C Compiler: /usr/bin/mpicc.mpich 13.2.0\n"
                                "                 Parallel HDF5: ON\n"
                                "                  Threadsafety: OFF\n";
static const char cmake_old[] = "        HDF5 Version: 1.10.4\r\n"
                                "          C Compiler: C:/Program Files/MSVC/cl.exe\r\n"
                                "       Parallel HDF5: FALSE\r\n";
static const char debian[] =
    "                   HDF5 Version: 1.10.8\n"
    "\t\t    Flavor name: mpich\n"
    "                     C Compiler: /usr/bin/mpicc.mpich ( MPICH version 4.0.2 )\n"
    "                  Parallel HDF5: yes\n";
static const char conda[] =
    "                   HDF5 Version: 1.14.6\n"
    "                     C Compiler: /home/conda/feedstock_root/build_artifacts/"
    "hdf5_split_1737517325000/_build_env/bin/x86_64-conda-linux-gnu-cc\n"
    "                  Parallel HDF5: no\n";

static void test_settings(void)
{
    static const struct {
        const char *form, *text, *version, *flavour;
        collio_family family;
        int parallel;
    } rows[] = {
        {"autotools", autotools, "1.12.2", "", COLLIO_FAMILY_OPENMPI, 1},
        {"CMake", cmake_new, "1.14.3", "", COLLIO_FAMILY_MPICH, 1},
        {"older CMake", cmake_old, "1.10.4", "", COLLIO_FAMILY_UNKNOWN, 0},
        {"Debian", debian, "1.10.8", "mpich", COLLIO_FAMILY_MPICH, 1},
        {"conda", conda, "1.14.6", "", COLLIO_FAMILY_UNKNOWN, 0},
    };
    char value[256];

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const char *text = rows[i].text;
        size_t size = strlen(text);
        int good = collio_text_setting(text, size, "HDF5 Version", value, sizeof value) &&
                   strcmp(value, rows[i].version) == 0;
        collio_text_setting(text, size, "Parallel HDF5", value, sizeof value);
        good &= collio_text_flag(value) == rows[i].parallel;
        collio_text_setting(text, size, "C Compiler", value, sizeof value);
        good &= collio_text_compiler(value) == rows[i].family;
        collio_text_setting(text, size, "Flavor name", value, sizeof value);
        tap_ok(good && strcmp(value, rows[i].flavour) == 0, "settings of HDF5, form of %s",
               rows[i].form);
    }
    tap_ok(!collio_text_setting(debian, 30, "C Compiler", value, sizeof value) && value[0] == 0,
           "not behind the end of the text");
    tap_ok(collio_text_flag("perhaps") == -1 && collio_text_flag("") == -1 &&
               collio_text_flag("no (not wanted)") == 0,
           "flags");
}

/* ----------------------------------------------------------------- families, versions */

static void test_families(void)
{
    tap_ok(collio_text_library("Open MPI v4.1.4, package: Debian OpenMPI") ==
                   COLLIO_FAMILY_OPENMPI &&
               collio_text_library("MPICH Version:\t4.0.2\nMPICH Release date:") ==
                   COLLIO_FAMILY_MPICH &&
               collio_text_library("Intel(R) MPI Library 2021.9 for Linux* OS") ==
                   COLLIO_FAMILY_INTEL &&
               collio_text_library("MPI VERSION    : CRAY MPICH version 8.1.28 (ANL base 3.4a2)") ==
                   COLLIO_FAMILY_CRAY &&
               collio_text_library("MVAPICH2 Version      :\t2.3.7") == COLLIO_FAMILY_MVAPICH &&
               collio_text_library("something else") == COLLIO_FAMILY_UNKNOWN,
           "libraries by their own words");
    tap_ok(collio_text_launcher("mpiexec (OpenRTE) 4.1.4") == COLLIO_FAMILY_OPENMPI &&
               collio_text_launcher("mpirun (Open MPI) 5.0.3") == COLLIO_FAMILY_OPENMPI &&
               collio_text_launcher("HYDRA build details:\n    Version: 4.0.2") ==
                   COLLIO_FAMILY_MPICH &&
               collio_text_launcher("Intel(R) MPI Library for Linux* OS, Version 2021.9") ==
                   COLLIO_FAMILY_INTEL &&
               collio_text_launcher("slurm 23.11") == COLLIO_FAMILY_UNKNOWN,
           "launchers by `mpiexec --version`");
    tap_ok(collio_family_matches(COLLIO_FAMILY_MPICH, COLLIO_FAMILY_CRAY) &&
               collio_family_matches(COLLIO_FAMILY_UNKNOWN, COLLIO_FAMILY_OPENMPI) &&
               !collio_family_matches(COLLIO_FAMILY_MPICH, COLLIO_FAMILY_OPENMPI) &&
               !collio_family_matches(COLLIO_FAMILY_ABI, COLLIO_FAMILY_MPICH),
           "which families stand for each other");
}

static int version_is(const char *text, int a, int b, int c)
{
    int v[3];
    return collio_text_version(text, v) && v[0] == a && v[1] == b && v[2] == c;
}

static void test_versions(void)
{
    int v[3];

    tap_ok(version_is("Open MPI v4.1.4, package", 4, 1, 4) || version_is("Open MPI 4.1.4", 4, 1, 4),
           "a version of three parts");
    tap_ok(version_is("Open MPI v4.1.4, package: Debian", 4, 1, 4), "a version after a v");
    tap_ok(version_is("MPICH Version: 4.0.2", 4, 0, 2) && version_is("MPICH2 1.5", 1, 5, 0) &&
               version_is("4.3.0b1", 4, 3, 0) &&
               version_is("Intel(R) MPI Library 2021.9 for", 2021, 9, 0),
           "other versions");
    tap_ok(!collio_text_version("no version 12 here", v) && !collio_text_version("", v),
           "no version");
}

/* --------------------------------------------------------------------------- fuzz */

static uint64_t state = 88172645463325252ULL;

static uint64_t random_bits(void)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state;
}

/* Repeat a stretch of the text somewhere, or take it out, or swell it with one byte. */
static size_t rearrange(char *text, size_t length, size_t room)
{
    size_t from = random_bits() % length, n = 1 + random_bits() % (length - from);
    size_t at = random_bits() % (length + 1), more = random_bits() % 600;

    switch (random_bits() % 3) {
    case 0:
        memmove(text + from, text + from + n, length - from - n);
        return length - n > 0 ? length - n : 1;
    case 1:
        n = n < room - length ? n : room - length;
        memmove(text + at + n, text + at, length - at);
        memmove(text + at, text + from, n); /* from may have moved: any bytes do */
        return length + n;
    default:
        more = more < room - length ? more : room - length;
        memmove(text + at + more, text + at, length - at);
        memset(text + at, (int)(" \t\n:9./("[random_bits() % 8]), more);
        return length + more;
    }
}

/* Copy rearranged, with some bytes changed and perhaps the end cut off; malloc'ed to that very
 * size, so that the address sanitizer sees every byte too far. */
static char *mangle(const char *bytes, size_t size, size_t *left)
{
    char text[8192], *copy;
    size_t length = size;

    memcpy(text, bytes, size);
    for (uint64_t i = random_bits() % 4; i > 0; i--)
        length = rearrange(text, length, sizeof text);
    for (uint64_t i = random_bits() % 8; i > 0; i--)
        text[random_bits() % length] = (char)random_bits();
    *left = random_bits() % 2 ? length : 1 + random_bits() % length;
    copy = malloc(*left + 1);
    if (copy == NULL)
        abort();
    memcpy(copy, text, *left);
    copy[*left] = 0;
    return copy;
}

static void parse_all(const char *text, size_t size)
{
    char value[32];
    int version[3];

    collio_text_setting(text, size, "HDF5 Version", value, sizeof value);
    collio_text_setting(text, size, "C Compiler", value, sizeof value);
    collio_text_flag(text);
    collio_text_version(text, version);
    collio_text_library(text);
    collio_text_launcher(text);
    collio_text_compiler(text);
    collio_text_line(text, value, sizeof value);
}

/* What is found must lie in the text, on the line of its key. */
static int is_from(const char *text, size_t size)
{
    char value[32], line[64];
    size_t length = strnlen(text, size);

    if (!collio_text_setting(text, size, "Parallel HDF5", value, sizeof value) || value[0] == 0)
        return 1;
    snprintf(line, sizeof line, "%s", value);
    return strlen(value) < sizeof value && strchr(value, '\n') == NULL &&
           memmem(text, length, "Parallel HDF5:", 14) != NULL &&
           memmem(text, length, line, strlen(line)) != NULL;
}

/* What h5pcc prints, and what mpiexec does. */
static void test_text_fuzz(void)
{
    static const char *const seeds[] = {autotools,
                                        cmake_new,
                                        cmake_old,
                                        debian,
                                        conda,
                                        "mpiexec (OpenRTE) 4.1.4\n\nReport bugs to "
                                        "http://www.open-mpi.org/community/help/\n",
                                        "HYDRA build details:\n    Version:  4.0.2\n"};
    int right = 1;
    size_t left;

    for (int i = 0; i < 40000; i++) {
        const char *seed = seeds[random_bits() % 7];
        char *text = mangle(seed, strlen(seed), &left);
        parse_all(text, left);
        right &= is_from(text, left);
        free(text);
    }
    tap_ok(right, "40000 mangled texts, and nothing found that is not there");
}

static char *read_whole(const char *path, size_t *size)
{
    FILE *file = fopen(path, "rb");
    size_t room = (size_t)16 << 20;
    char *bytes = malloc(room);

    *size = file != NULL && bytes != NULL ? fread(bytes, 1, room, file) : 0;
    if (file != NULL)
        fclose(file);
    return bytes;
}

static unsigned look(const char *bytes, size_t size)
{
    collio_elf elf;
    unsigned found = 0;
    size_t left;

    if (!collio_elf_file(&elf, bytes, size))
        return 0;
    found |= collio_elf_symbol(&elf, "H5open") != 0 ? 1 : 0;
    found |= collio_elf_symbol_version(&elf, "H5open") != NULL ? 2 : 0;
    found |= collio_elf_imports(&elf, "MPI_", 1) ? 4 : 0;
    found |= collio_elf_settings(&elf, &left) != NULL ? 8 : 0;
    found |= collio_elf_string(&elf, elf.soname) != NULL ? 16 : 0;
    for (size_t i = 0; i < elf.needed_count; i++)
        found |= collio_elf_string(&elf, elf.needed[i]) != NULL ? 32 : 0;
    return found;
}

/* Damage the parts that are read: the headers, the dynamic section, tables of symbols. */
static void damage(char *bytes, size_t size)
{
    size_t window = random_bits() % 2 ? 1024 : size;

    for (uint64_t i = 1 + random_bits() % 64; i > 0; i--) {
        char *at = bytes + random_bits() % (window < size ? window : size);
        *at = random_bits() % 2 ? (char)random_bits() : (char)(random_bits() % 2 ? 0xff : 0);
    }
}

/* A file of the same headers, but only what the tables need: small enough to be damaged often. */
static void test_elf_fuzz(const collio_exam *exam)
{
    const collio_loaded *hdf5 = &exam->objects.at[exam->objects.hdf5];
    size_t size, head = 0;
    char *bytes = read_whole(hdf5->path, &size), *copy;
    uint64_t table = hdf5->elf.strings + hdf5->elf.string_size;

    tap_ok((look(bytes, size) & 1) && (look(bytes, size) & 16), "a whole libhdf5, as a file");
    for (int i = 0; i < 300; i++) {
        head = i % 3 == 0 ? random_bits() % size : i % 3 == 1 ? random_bits() % (table + 1) : size;
        copy = malloc(head + 8);
        if (copy == NULL)
            abort();
        memcpy(copy, bytes, head);
        if (i % 2 && head > 0)
            damage(copy, head);
        look(copy, head);
        free(copy);
    }
    tap_ok(1, "300 cut off or damaged ones");
    free(bytes);
}

int main(int argc, char **argv)
{
    static collio_exam exam;
    int status;

    MPI_Init(&argc, &argv);
    tap_begin();
    test_settings();
    test_families();
    test_versions();
    test_text_fuzz();
    collio_objects_read(&exam.objects);
    tap_ok(exam.objects.mpi >= 0 && exam.objects.hdf5 >= 0, "the loaded MPI and HDF5 are found");
#ifdef H5_HAVE_PARALLEL
    tap_ok(exam.objects.hdf5 >= 0 && exam.objects.at[exam.objects.hdf5].mpi == exam.objects.mpi,
           "and HDF5 calls that MPI");
#endif
    if (exam.objects.hdf5 >= 0)
        test_elf_fuzz(&exam);
    status = tap_end();
    MPI_Finalize();
    return status;
}
