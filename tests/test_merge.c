/* Merging files of ranks while one result of MPI, HDF5 or the system fails on one rank: all of
 * them get the same error, nothing has the name of the result unless it is whole, and the next
 * merge ends right.
 * ranks: 1 2 3 limit: 240 */
#include "checkpoint_tools.h"

#include "io/rankset.h"

#include <dirent.h>
#include <unistd.h>

static const char source[] = "source";

static void save(int deflate)
{
    collio_checkpoint_options options = {.layout = COLLIO_LAYOUT_PER_RANK, .deflate = deflate};
    collio_checkpoint *c = NULL;
    collio_error err = COLLIO_ERROR_INIT;

    collio_checkpoint_open(MPI_COMM_WORLD, source, &options, &c, &err);
    little_save(c, deflate, &err);
    collio_checkpoint_close(&c, &err);
    tap_ok(err.code == COLLIO_OK, "saved %s", err.text);
}

static int parts(void)
{
    DIR *dir = opendir(".");
    struct dirent *entry;
    int count = 0;

    while (dir != NULL && (entry = readdir(dir)) != NULL)
        count += strncmp(entry->d_name, ".part-", 6) == 0;
    if (dir != NULL)
        closedir(dir);
    MPI_Barrier(MPI_COMM_WORLD);
    return count;
}

/* A file of which each rank has written a part: instead of a step. */
enum { SPLIT = -1 };
static const char split[] = "split.h5";

static void write_split(void)
{
    const collio_file_options options = {.layout = COLLIO_LAYOUT_PER_RANK};
    const int64_t shape[2] = {ROWS, COLUMNS}, chunks[2] = {3, 4};
    const collio_dataset_options chunked = {.chunked = 1, .chunks = chunks};
    int64_t start[2] = {0, 0}, count[2] = {0, COLUMNS};
    double *u = calloc(ROWS * COLUMNS, sizeof *u);
    collio_error err = COLLIO_ERROR_INIT;
    collio_object *dataset = NULL;
    collio_file *file = NULL;
    collio_selection mine;
    collio_array array;

    collio_part_range(ROWS, tap_size, tap_rank, &start[0], &count[0], &err);
    for (int64_t i = 0; i < count[0] * COLUMNS; i++)
        u[i] = u_value(SPLIT, start[0] * COLUMNS + i);
    collio_selection_block(&mine, 2, start, count);
    collio_array_fill(&array, u, COLLIO_FLOAT64, 2, count);
    collio_file_open(MPI_COMM_WORLD, split, "w", &options, &file, &err);
    for (int i = 0; i < 2 && err.code == COLLIO_OK; i++) {
        collio_dataset_create(collio_file_root(file), i == 0 ? "group/u" : "v", COLLIO_FLOAT64, 2,
                              shape, i == 0 ? NULL : &chunked, &dataset, &err);
        if (err.code == COLLIO_OK)
            collio_dataset_write(dataset, &mine, &array, &err);
        if (err.code == COLLIO_OK)
            collio_attribute_write_text(dataset, "unit", "m", &err);
        collio_object_close(&dataset);
    }
    if (file != NULL)
        collio_file_close(&file, &err);
    free(u);
    tap_ok(err.code == COLLIO_OK, "written %s", err.text);
}

static int split_is_right(const char *path)
{
    collio_error err = COLLIO_ERROR_INIT;
    double *u = calloc(ROWS * COLUMNS, sizeof *u);
    int64_t shape[2] = {ROWS, COLUMNS};
    collio_object *dataset = NULL;
    collio_file *file = NULL;
    collio_array array;
    int right;

    collio_array_fill(&array, u, COLLIO_FLOAT64, 2, shape);
    right = collio_file_open(MPI_COMM_SELF, path, "r", NULL, &file, &err) == COLLIO_OK;
    for (int i = 0; i < 2 && right; i++) {
        right = collio_object_open(collio_file_root(file), i == 0 ? "group/u" : "v", &dataset,
                                   &err) == COLLIO_OK &&
                collio_dataset_read(dataset, NULL, &array, &err) == COLLIO_OK;
        for (int64_t k = 0; k < ROWS * COLUMNS && right; k++)
            right = u[k] == u_value(SPLIT, k);
        collio_object_close(&dataset);
    }
    if (file != NULL)
        collio_file_close(&file, &err);
    free(u);
    return right;
}

static int step_is_right(const char *path, int64_t step)
{
    collio_findings findings = {.blocks = 0};
    collio_table table = {.count = 0};
    collio_error err = COLLIO_ERROR_INIT;
    int64_t shape[2] = {ROWS, COLUMNS};
    double *u = calloc(ROWS * COLUMNS, sizeof *u);
    collio_selection all;
    collio_array array;
    int fd = -1, right = 0;

    collio_array_fill(&array, u, COLLIO_FLOAT64, 2, shape);
    collio_selection_all(&all, 2, shape);
    if (collio_step_open(path, step, &fd, &table, &err) == COLLIO_OK &&
        collio_verify_share(fd, path, &table, 0, 1, &findings, &err) == COLLIO_OK &&
        collio_elements_read(fd, path, &table.record[collio_table_find(&table, "u")], &all, &array,
                             &err) == COLLIO_OK)
        right = findings.damaged == 0 && table.ranks == NULL;
    for (int64_t i = 0; i < ROWS * COLUMNS; i++)
        right &= u[i] == u_value(step, i);
    collio_table_free(&table);
    collio_posix_close(&fd, path, &err);
    free(u);
    return right;
}

/* The file is a whole step with the values it should have. */
static int is_right(const char *path, int64_t step)
{
    if (step == SPLIT)
        return split_is_right(path);
    return step_is_right(path, step);
}

/* On a communicator of its own: one whose duplication failed is beyond use. */
static void merge(int64_t step, int fault, long *judged, collio_error *err)
{
    MPI_Comm comm;

    MPI_Comm_dup(MPI_COMM_WORLD, &comm);
    collio_fault_set(fault);
    collio_checkpoint_merge(comm, step == SPLIT ? split : source,
                            step == SPLIT ? COLLIO_NEWEST : step, "one.h5", NULL, NULL, err);
    *judged = collio_fault_count();
    collio_fault_set(0);
    MPI_Comm_free(&comm);
}

/* The results before the ranks can tell each other anything: those are core's, and tested there. */
static int opening(void)
{
    collio_error err = COLLIO_ERROR_INIT;
    collio_comm *hidden = NULL;
    MPI_Comm comm;
    int judged;

    MPI_Comm_dup(MPI_COMM_WORLD, &comm);
    collio_fault_set(0);
    collio_comm_create(comm, &hidden, &err);
    judged = (int)collio_fault_count();
    collio_comm_free(&hidden, &err);
    MPI_Comm_free(&comm);
    return judged;
}

/* Let the n-th result fail; 1 while a merge has as many. */
static int try_point(int64_t step, int victim, int n, int *sound)
{
    collio_error err = COLLIO_ERROR_INIT, again = COLLIO_ERROR_INIT;
    int exists, left;
    long judged, ignored;

    merge(step, tap_rank == victim ? n : 0, &judged, &err);
    MPI_Bcast(&judged, 1, MPI_LONG, victim, MPI_COMM_WORLD);
    MPI_Barrier(MPI_COMM_WORLD); /* rank 0 removes what it began after all have the error */
    exists = access("one.h5", F_OK) == 0;
    left = parts();
    *sound &= same_everywhere(&err) && err.code != COLLIO_ERR_TIMEOUT;
    *sound &= judged < n ? err.code == COLLIO_OK : 1;
    *sound &= exists ? is_right("one.h5", step) : err.code != COLLIO_OK;
    *sound &= left == 0 || err.code == COLLIO_ERR_MPI;
    MPI_Barrier(MPI_COMM_WORLD);
    merge(step, 0, &ignored, &again);
    *sound &= again.code == COLLIO_OK && is_right("one.h5", step);
    if (!*sound)
        fprintf(stderr, "# point %d on rank %d: error %d '%s', then '%s'; %d parts\n", n, victim,
                err.code, err.text, again.text, left);
    MPI_Allreduce(MPI_IN_PLACE, sound, 1, MPI_INT, MPI_MIN, MPI_COMM_WORLD);
    if (tap_rank == 0)
        unlink("one.h5");
    MPI_Barrier(MPI_COMM_WORLD);
    return judged >= n;
}

static void test_faults(int64_t step)
{
    const int most = step == SPLIT ? 1200 : 400; /* of a file only the first */

    for (int victim = 0; victim < tap_size; victim++) {
        int n = opening() + 1, sound = 1;
        while (n < most && try_point(step, victim, n, &sound) && sound)
            n += step != SPLIT ? tap_size : tap_size == 1 ? 7 : 60 * tap_size + 1;
        tap_ok(sound && n > 20 && (n < most || step == SPLIT),
               "a merge of step %d: %d points on rank %d", (int)step, n - 1, victim);
    }
}

int main(int argc, char **argv)
{
    MPI_Init(&argc, &argv);
    tap_begin();
    collio_set_timeout(20.0);
    save(0);
    save(1);
    write_split();
    test_faults(0);
    test_faults(1);
    if (tap_size <= 2) /* takes as long again */
        test_faults(SPLIT);
    MPI_Finalize();
    return tap_end();
}
