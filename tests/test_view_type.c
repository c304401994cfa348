/* Views by random datatypes, against what MPI_Pack says they mean. ranks: 1 3 */
#include "config.h"
#include "collio/view.h"
#include "io/view.h"
#include "tap.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PATH "types.raw"

enum { CASES = 300, ROOM = 6000 };

/* The same numbers on every rank. */
static unsigned long seed = 12345;

static int pick(int least, int most)
{
    seed = seed * 6364136223846793005ul + 1442695040888963407ul;
    return least + (int)((seed >> 33) % (unsigned long)(most - least + 1));
}

static MPI_Datatype make(int depth);

static MPI_Datatype make_subarray(MPI_Datatype of)
{
    int sizes[3], parts[3], starts[3], n = pick(1, 3);
    MPI_Datatype type;

    for (int d = 0; d < n; d++) {
        sizes[d] = pick(1, 4);
        parts[d] = pick(1, sizes[d]);
        starts[d] = pick(0, sizes[d] - parts[d]);
    }
    MPI_Type_create_subarray(n, sizes, parts, starts, pick(0, 1) ? MPI_ORDER_C : MPI_ORDER_FORTRAN,
                             of, &type);
    return type;
}

static MPI_Datatype make_darray(MPI_Datatype of)
{
    int sizes[2] = {pick(2, 6), pick(2, 6)}, hows[2], arguments[2], places[2] = {2, pick(1, 2)};
    MPI_Datatype type;

    for (int d = 0; d < 2; d++) {
        hows[d] = pick(0, 1) ? MPI_DISTRIBUTE_BLOCK : MPI_DISTRIBUTE_CYCLIC;
        arguments[d] =
            hows[d] == MPI_DISTRIBUTE_CYCLIC && pick(0, 1) ? 2 : MPI_DISTRIBUTE_DFLT_DARG;
    }
    MPI_Type_create_darray(places[0] * places[1], pick(0, places[0] * places[1] - 1), 2, sizes,
                           hows, arguments, places, pick(0, 1) ? MPI_ORDER_C : MPI_ORDER_FORTRAN,
                           of, &type);
    return type;
}

static MPI_Datatype make_indexed(MPI_Datatype of, int how)
{
    int lengths[3], places[3], at = 0;
    MPI_Aint bytes[3], lb, extent;
    MPI_Datatype types[3] = {of, of, of}, type;

    MPI_Type_get_extent(of, &lb, &extent);
    for (int i = 0; i < 3; i++) {
        lengths[i] = how < 2 ? 2 : pick(1, 2);
        places[i] = at;
        bytes[i] = at * extent;
        at += lengths[i] + pick(0, 2);
    }
    switch (how) {
    case 0:
        MPI_Type_create_indexed_block(3, 2, places, of, &type);
        break;
    case 1:
        MPI_Type_create_hindexed_block(3, 2, bytes, of, &type);
        break;
    case 2:
        MPI_Type_indexed(3, lengths, places, of, &type);
        break;
    case 3:
        MPI_Type_create_hindexed(3, lengths, bytes, of, &type);
        break;
    default:
        MPI_Type_create_struct(3, lengths, bytes, types, &type);
    }
    return type;
}

#ifdef HAVE_MPI_ALLREDUCE_C
/* The constructors of large counts, which abort a file view of MPICH 4.0. */
static MPI_Datatype make_large(MPI_Datatype of)
{
    MPI_Count sizes[2] = {4, 5}, parts[2] = {2, 3}, starts[2] = {1, 2}, lengths[2] = {1, 2},
              places[2] = {1, 3}, lb, extent;
    int hows[2] = {MPI_DISTRIBUTE_CYCLIC, MPI_DISTRIBUTE_BLOCK}, rows[2] = {2, 1},
        arguments[2] = {MPI_DISTRIBUTE_DFLT_DARG, MPI_DISTRIBUTE_DFLT_DARG};
    MPI_Count bytes[2];
    MPI_Datatype type, types[2] = {of, of};

    MPI_Type_get_extent_c(of, &lb, &extent);
    bytes[0] = extent;
    bytes[1] = 3 * extent;
    switch (pick(0, 8)) {
    case 0:
        MPI_Type_contiguous_c(3, of, &type);
        break;
    case 1:
        MPI_Type_vector_c(3, 2, 3, of, &type);
        break;
    case 2:
        MPI_Type_create_hvector_c(3, 2, 3 * extent, of, &type);
        break;
    case 3:
        MPI_Type_indexed_c(2, lengths, places, of, &type);
        break;
    case 4:
        MPI_Type_create_hindexed_c(2, lengths, bytes, of, &type);
        break;
    case 5:
        MPI_Type_create_subarray_c(2, sizes, parts, starts, MPI_ORDER_C, of, &type);
        break;
    case 6:
        MPI_Type_create_struct_c(2, lengths, bytes, types, &type);
        break;
    case 7:
        MPI_Type_create_indexed_block_c(2, 2, places, of, &type);
        break;
    default:
        MPI_Type_create_darray_c(2, 1, 2, sizes, hows, arguments, rows, MPI_ORDER_C, of, &type);
    }
    return type;
}
#else
static MPI_Datatype make_large(MPI_Datatype of)
{
    MPI_Datatype type;

    MPI_Type_contiguous(2, of, &type);
    return type;
}
#endif

/* A random type of int32 whose displacements go forward. */
static MPI_Datatype make(int depth)
{
    MPI_Datatype of = depth > 0 ? make(depth - 1) : MPI_INT32_T, type;
    MPI_Aint lb, extent;

    switch (pick(0, 9)) {
    case 0:
        MPI_Type_contiguous(pick(1, 3), of, &type);
        break;
    case 1:
        MPI_Type_vector(pick(1, 3), 2, pick(2, 4), of, &type);
        break;
    case 2:
        MPI_Type_get_extent(of, &lb, &extent);
        MPI_Type_create_resized(of, 0, extent + 4 * pick(0, 3), &type);
        break;
    case 3:
        type = make_subarray(of);
        break;
    case 4:
        type = make_darray(of);
        break;
    case 5:
        MPI_Type_dup(of, &type);
        break;
    case 6:
        type = make_large(of);
        break;
    default:
        type = make_indexed(of, pick(0, 4));
    }
    if (depth > 0)
        MPI_Type_free(&of);
    return type;
}

/* What the type selects of the numbers 0, 1, 2 ...: their count, and whether it goes forward. */
static int model(MPI_Datatype type, int32_t *chosen, int *forward)
{
    static int32_t numbers[ROOM];
    MPI_Aint lb, extent, true_lb, true_extent;
    int size = 0, at = 0;

    MPI_Type_get_extent(type, &lb, &extent);
    MPI_Type_get_true_extent(type, &true_lb, &true_extent);
    MPI_Type_size(type, &size);
    if (size == 0 || extent > ROOM * 4 / 2 || true_lb + true_extent > extent || true_lb < 0)
        return -1;
    for (int i = 0; i < ROOM; i++)
        numbers[i] = i;
    MPI_Pack(numbers, 1, type, chosen, ROOM * 4, &at, MPI_COMM_WORLD);
    *forward = at == size;
    for (int i = 1; i < size / 4; i++)
        *forward &= chosen[i] > chosen[i - 1];
    return size / 4;
}

static int write_and_check(MPI_Datatype type, const int32_t *chosen, int n, collio_error *err)
{
    MPI_Aint lb, extent;
    int32_t *mine = malloc((size_t)(2 * n) * sizeof *mine), *file = calloc(ROOM, 4);
    int32_t *wanted = calloc(ROOM, 4);
    int64_t shape[1] = {2 * n - 1}, moved = 0;
    collio_view *v = NULL;
    collio_array memory;
    int right;

    MPI_Type_get_extent(type, &lb, &extent);
    for (int i = 0; i < 2 * n; i++)
        mine[i] = 1 + i;
    /* All but the first element of two tiles; the ranks write the same. */
    for (int i = 1; i < 2 * n; i++)
        wanted[chosen[i % n] + i / n * (extent / 4)] = mine[i];
    collio_view_open(MPI_COMM_WORLD, PATH, "w", MPI_INFO_NULL, &v, err);
    collio_view_set(v, 0, MPI_INT32_T, type, err);
    collio_array_fill(&memory, mine + 1, COLLIO_INT32, 1, shape);
    collio_view_write(v, COLLIO_ACCESS_AT_ALL, 1, &memory, &moved, err);
    right = moved == shape[0];
    memset(mine, 0, (size_t)(2 * n) * sizeof *mine);
    collio_view_read(v, COLLIO_ACCESS_AT_ALL, 1, &memory, &moved, err);
    for (int i = 1; i < 2 * n; i++)
        right &= mine[i] == 1 + i;
    collio_view_close(&v, err);
    FILE *f = fopen(PATH, "rb");
    right &= f != NULL && fread(file, 4, ROOM, f) > 0 && memcmp(file, wanted, ROOM * 4) == 0;
    if (f != NULL)
        fclose(f);
    free(mine);
    free(file);
    free(wanted);
    return right;
}

/* The same file through MPI-IO, the type made anew where MPI would get it wrong. */
static int read_by_mpi(MPI_Datatype type, int n, int *mended, collio_error *err)
{
    int32_t *mine = calloc((size_t)(2 * n), sizeof *mine);
    MPI_Datatype made = MPI_DATATYPE_NULL;
    MPI_File file;
    int right = 1;

    if (collio_type_mend(type, MPI_INT32_T, &made, err) == COLLIO_OK) {
        MPI_File_open(MPI_COMM_WORLD, PATH, MPI_MODE_RDONLY, MPI_INFO_NULL, &file);
        MPI_File_set_view(file, 0, MPI_INT32_T, made != MPI_DATATYPE_NULL ? made : type, "native",
                          MPI_INFO_NULL);
        MPI_File_read_at(file, 0, mine, 2 * n, MPI_INT32_T, MPI_STATUS_IGNORE);
        MPI_File_close(&file);
        for (int i = 1; i < 2 * n; i++)
            right &= mine[i] == 1 + i;
    }
    *mended += made != MPI_DATATYPE_NULL;
    if (made != MPI_DATATYPE_NULL)
        MPI_Type_free(&made);
    free(mine);
    return right;
}

/* What goes back or overlaps is no view. */
static void test_backward(void)
{
    int lengths[2] = {2, 2}, back[2] = {4, 0}, over[2] = {0, 1};
    collio_error err = COLLIO_ERROR_INIT;
    collio_view *v = NULL;
    MPI_Datatype type;

    collio_view_open(MPI_COMM_WORLD, PATH, "w", MPI_INFO_NULL, &v, &err);
    MPI_Type_indexed(2, lengths, back, MPI_INT32_T, &type);
    tap_ok(collio_view_set(v, 0, MPI_INT32_T, type, &err) == COLLIO_ERR_VALUE,
           "types that go back are refused (%s)", err.text);
    MPI_Type_free(&type);
    collio_error_clear(&err);
    MPI_Type_indexed(2, lengths, over, MPI_INT32_T, &type);
    tap_ok(collio_view_set(v, 0, MPI_INT32_T, type, &err) == COLLIO_ERR_VALUE,
           "and those that overlap themselves");
    MPI_Type_free(&type);
    collio_error_clear(&err);
    tap_ok(collio_view_set(v, 0, MPI_INT64_T, MPI_INT32_T, &err) == COLLIO_ERR_VALUE,
           "and those that are no whole number of etypes");
    collio_error_clear(&err);
    collio_view_close(&v, &err);
}

int main(int argc, char **argv)
{
    static int32_t chosen[ROOM];
    int tried = 0, right = 0, by_mpi = 0, mended = 0;

    MPI_Init(&argc, &argv);
    tap_begin();
    for (int i = 0; i < CASES; i++) {
        collio_error err = COLLIO_ERROR_INIT;
        MPI_Datatype type = make(pick(0, 3));
        int forward = 0, n;

        MPI_Type_commit(&type);
        n = model(type, chosen, &forward);
        if (n > 0 && forward) {
            int ok = write_and_check(type, chosen, n, &err);

            tried++;
            right += ok && err.code == COLLIO_OK;
            by_mpi += read_by_mpi(type, n, &mended, &err);
            if (!ok || err.code != COLLIO_OK)
                fprintf(stderr, "# case %d: %s\n", i, err.text);
        }
        MPI_Barrier(MPI_COMM_WORLD);
        MPI_Type_free(&type);
    }
    tap_ok(tried > CASES / 3 && right == tried, "%d of %d types land where MPI_Pack says", right,
           tried);
    tap_ok(by_mpi == tried, "%d of %d are read by MPI-IO, %d of them made anew", by_mpi, tried,
           mended);
    test_backward();
    int status = tap_end();
    MPI_Finalize();
    return status;
}
