/* Steps whose parts lie in files of ranks; they are saved, read on other numbers of ranks and by
 * HDF5 alone, damaged, deleted; one rank that errs; judged results of a save failing, all of them
 * on one rank, every n-th on each of n.
 * ranks: 1 2 3 4 limit: 240 */
#include "checkpoint_tools.h"

#include "io/rankset.h"

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

static const char *directory = "ranks", *beside = "shared";
static int deflate; /* of files of ranks */

enum { MOST_POINTS = 1000 };

static collio_checkpoint *open_layout(const char *where, int layout, int keep)
{
    collio_checkpoint_options options = {.keep = keep, .layout = layout};
    collio_checkpoint *c = NULL;
    collio_error err = COLLIO_ERROR_INIT;

    options.deflate = layout == COLLIO_LAYOUT_PER_RANK ? deflate : 0;
    collio_checkpoint_open(MPI_COMM_WORLD, where, &options, &c, COLLIO_AT(&err));
    if (err.code != COLLIO_OK)
        fprintf(stderr, "# rank %d: %s\n", tap_rank, err.text);
    return c;
}

/* Names in the directory that begin so. */
static int count_names(const char *begin)
{
    DIR *dir = opendir(directory);
    struct dirent *entry;
    int count = 0;

    while (dir != NULL && (entry = readdir(dir)) != NULL)
        count += strncmp(entry->d_name, begin, strlen(begin)) == 0;
    if (dir != NULL)
        closedir(dir);
    MPI_Barrier(MPI_COMM_WORLD);
    return count;
}

static int read_table(const char *where, int64_t step, char **path, collio_table *table)
{
    collio_error err = COLLIO_ERROR_INIT;
    int fd = -1, failed;

    *path = collio_name_step(where, step, &err);
    failed = collio_step_open(*path, step, &fd, table, &err);
    collio_posix_close(&fd, *path, &err);
    return failed;
}

/* ------------------------------------------------------------------ whole */

/* The digests of whole arrays do not tell how they were saved. */
static int same_digests(int64_t step)
{
    collio_table a = {.count = 0}, b = {.count = 0};
    char *path_a, *path_b;
    int same = read_table(directory, step, &path_a, &a) == COLLIO_OK &&
               read_table(beside, step, &path_b, &b) == COLLIO_OK && a.count == b.count &&
               a.ranks != NULL && b.ranks == NULL;

    for (int i = 0; same && i < a.count; i++)
        same = a.record[i].blocks == b.record[i].blocks &&
               memcmp(a.record[i].digest, b.record[i].digest,
                      (size_t)a.record[i].blocks * sizeof(uint64_t)) == 0;
    collio_table_free(&a);
    collio_table_free(&b);
    free(path_a);
    free(path_b);
    return same;
}

/* Rank 0 reads the arrays through the step's file with HDF5 and nothing else. */
static int hdf5_reads(int64_t step)
{
    collio_error err = COLLIO_ERROR_INIT;
    char *path = collio_name_step(directory, step, &err);
    double *u = calloc(ROWS * COLUMNS, sizeof *u);
    int16_t *v = calloc(ROWS * COLUMNS, sizeof *v);
    hid_t file = H5Fopen(path, H5F_ACC_RDONLY, H5P_DEFAULT);
    hid_t du = H5Dopen2(file, "u", H5P_DEFAULT), dv = H5Dopen2(file, "fields/v", H5P_DEFAULT);
    int right = H5Dread(du, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, u) >= 0 &&
                H5Dread(dv, H5T_NATIVE_INT16, H5S_ALL, H5S_ALL, H5P_DEFAULT, v) >= 0;

    for (int64_t i = 0; i < ROWS * COLUMNS; i++)
        right &= u[i] == u_value(step, i) && v[i] == v_value(step, i);
    H5Dclose(dv);
    H5Dclose(du);
    H5Fclose(file);
    free(u);
    free(v);
    free(path);
    return right;
}

/* Each rank alone, as a job of one rank, reads all. */
static int one_rank_reads(int64_t step)
{
    static double u[ROWS * COLUMNS];
    static int16_t v[ROWS * COLUMNS];
    int64_t shape[2] = {ROWS, COLUMNS};
    collio_checkpoint_options options = {.read_only = 1};
    collio_checkpoint_state *state = NULL;
    collio_error err = COLLIO_ERROR_INIT;
    collio_checkpoint *c = NULL;
    collio_array a, b;
    char who[64] = "", wanted[64];
    size_t size = 0;
    int right;

    collio_array_fill(&a, u, COLLIO_FLOAT64, 2, shape);
    collio_array_fill(&b, v, COLLIO_INT16, 2, shape);
    collio_checkpoint_open(MPI_COMM_SELF, directory, &options, &c, &err);
    collio_checkpoint_restore(c, step, &state, &err);
    collio_checkpoint_read(state, "u", NULL, &a, &err);
    collio_checkpoint_read(state, "fields/v", NULL, &b, &err);
    if (err.code == COLLIO_OK &&
        collio_checkpoint_state_size(state, "who", tap_size - 1, &size, &err) == COLLIO_OK)
        collio_checkpoint_read_state(state, "who", tap_size - 1, who, &err);
    snprintf(wanted, sizeof wanted, "rank %d at %d", tap_size - 1, (int)step);
    right = err.code == COLLIO_OK && strcmp(who, wanted) == 0;
    if (!right)
        fprintf(stderr, "# '%s' %s\n", who, err.text);
    for (int64_t i = 0; i < ROWS * COLUMNS; i++)
        right &= u[i] == u_value(step, i) && v[i] == v_value(step, i);
    collio_checkpoint_state_close(&state);
    collio_checkpoint_close(&c, &err);
    return right;
}

/* A step that one rank saved, read by all. */
static int all_read_from_one(void)
{
    const char *where = deflate ? "one-packed" : "one";
    static double u[ROWS * COLUMNS];
    int64_t shape[2] = {ROWS, COLUMNS}, start[2] = {0, 0};
    collio_checkpoint_options options = {.layout = COLLIO_LAYOUT_PER_RANK};
    collio_checkpoint_state *state = NULL;
    collio_error err = COLLIO_ERROR_INIT;
    collio_checkpoint *c = NULL;
    collio_item item;
    collio_array a;
    static little l;
    int right;

    for (int64_t i = 0; i < ROWS * COLUMNS; i++)
        u[i] = u_value(7, i);
    collio_array_fill(&a, u, COLLIO_FLOAT64, 2, shape);
    item = collio_item_part("u", &a, shape, start);
    if (tap_rank == 0) {
        collio_checkpoint_open(MPI_COMM_SELF, where, &options, &c, &err);
        collio_checkpoint_save(c, 7, 1, &item, &err);
        collio_checkpoint_close(&c, &err);
    }
    MPI_Barrier(MPI_COMM_WORLD);
    little_shape(&l, 7);
    options.read_only = 1;
    collio_checkpoint_open(MPI_COMM_WORLD, where, &options, &c, &err);
    collio_checkpoint_restore(c, COLLIO_NEWEST, &state, &err);
    collio_checkpoint_read(state, "u", l.u_start, &l.u_part, &err);
    right = err.code == COLLIO_OK;
    for (int64_t i = 0; i < l.u_count[0] * COLUMNS; i++)
        right &= l.u[i] == u_value(7, l.u_start[0] * COLUMNS + i);
    collio_checkpoint_state_close(&state);
    collio_checkpoint_close(&c, &err);
    return right;
}

static void test_whole(void)
{
    collio_checkpoint *c = open_layout(directory, COLLIO_LAYOUT_PER_RANK, 2);
    collio_checkpoint *shared = open_layout(beside, COLLIO_LAYOUT_SHARED, 0);
    collio_checkpoint_entry *list = NULL;
    collio_checkpoint_report report;
    collio_error err = COLLIO_ERROR_INIT;
    int count = 0;

    tap_ok(little_save(c, 1, &err) == COLLIO_OK && little_save(c, 2, &err) == COLLIO_OK, "saved %s",
           err.text);
    tap_ok(little_is_newest(c, 2), "the newest is read");
    tap_ok(collio_checkpoint_verify(c, 2, &report, &err) == COLLIO_OK && report.valid &&
               report.blocks > 0,
           "and verified: %s", report.text);
    little_save(shared, 2, &err);
    tap_ok(same_digests(2), "arrays have the digests of the shared layout");
    tap_ok(one_rank_reads(2), "one rank alone reads all");
    tap_ok(all_read_from_one(), "all ranks read what one saved");
    tap_ok(tap_rank != 0 || hdf5_reads(2), "HDF5 alone reads whole arrays");
    collio_checkpoint_close(&shared, &err);
    collio_checkpoint_close(&c, &err);

    c = open_layout(directory, COLLIO_LAYOUT_SHARED, 2);
    tap_ok(little_save(c, 3, &err) == COLLIO_OK && little_is_newest(c, 3),
           "a step of the other layout beside them");
    tap_ok(collio_checkpoint_steps(c, &list, &count, &err) == COLLIO_OK && count == 2 &&
               list[0].step == 2 && list[0].status == COLLIO_OK && list[0].writers == tap_size,
           "steps of both are listed, the oldest is pruned");
    collio_checkpoint_steps_free(list);
    collio_prune_wait(c);
    MPI_Barrier(MPI_COMM_WORLD);
    tap_ok(count_names("step-000000000001") == 0, "with its files");
    tap_ok(collio_checkpoint_delete(c, 2, &err) == COLLIO_OK, "one is deleted");
    tap_ok(count_names("step-000000000002") == 0, "with its files");
    collio_checkpoint_close(&c, &err);
}

/* ------------------------------------------------------------------ auto */

static int notices;

static void count_notice(const char *text, void *data)
{
    (void)data;
    notices += strstr(text, "cannot share a file") != NULL;
}

/* The layout that a probe chooses while the n-th result fails on one rank; -1 after an error that
 * is the same on all. */
static int choose(int victim, int n, long *judged)
{
    collio_checkpoint *c = open_layout("auto", COLLIO_LAYOUT_SHARED, 0);
    collio_error err = COLLIO_ERROR_INIT, closing = COLLIO_ERROR_INIT;
    int layout;

    collio_fault_set(tap_rank == victim ? n : 0);
    collio_ranks_probe(c, &err);
    *judged = collio_fault_count();
    collio_fault_set(0);
    MPI_Bcast(judged, 1, MPI_LONG, victim, MPI_COMM_WORLD);
    layout = err.code == COLLIO_OK ? c->options.layout : same_everywhere(&err) ? -1 : -2;
    collio_checkpoint_close(&c, &closing);
    MPI_Barrier(MPI_COMM_WORLD);
    return layout;
}

static void test_auto(void)
{
    collio_checkpoint *c = open_layout("auto", COLLIO_LAYOUT_AUTO, 0);
    collio_error err = COLLIO_ERROR_INIT;
    int fallen = 0, sound = 1;
    long judged = 0;

    tap_ok(c->options.layout == COLLIO_LAYOUT_SHARED && little_save(c, 1, &err) == COLLIO_OK &&
               little_is_newest(c, 1),
           "auto: shared where that works");
    collio_checkpoint_close(&c, &err);
    collio_set_log(count_notice, NULL);
    for (int n = 1; n <= judged + 1; n++) {
        int layout = choose(tap_size - 1, n, &judged), all[2];
        MPI_Allreduce((int[]){layout, -layout}, all, 2, MPI_INT, MPI_MAX, MPI_COMM_WORLD);
        sound &= all[0] == -all[1] && layout != -2;
        fallen += layout == COLLIO_LAYOUT_PER_RANK;
    }
    collio_set_log(NULL, NULL);
    tap_ok(sound && fallen > 0, "auto: the same choice on all ranks, whatever fails on one");
    tap_ok(tap_rank != 0 || notices >= fallen, "auto: falling back is told once (%d, %d)", notices,
           fallen);
}

/* ---------------------------------------------------------------- damage */

/* Rank 0 flips a bit of an array in the file of the last rank, or removes the file. */
static void damage(int64_t step, int remove)
{
    collio_error err = COLLIO_ERROR_INIT;
    collio_table table = {.count = 0}, own = {.count = 0};
    char *path, *ranks, *file, byte;
    int fd = -1;

    if (tap_rank == 0) {
        read_table(directory, step, &path, &table);
        ranks = collio_name_apart_of(path, &table, &err);
        file = collio_name_rank(ranks, tap_size - 1, &err);
        collio_step_open(file, step, &fd, &own, &err);
        collio_posix_close(&fd, file, &err);
        collio_posix_open(file, O_RDWR, &fd, &err);
        collio_posix_read(fd, &byte, 1, own.record[0].offset + 40, file, &err);
        byte ^= 4;
        collio_posix_write(fd, &byte, 1, own.record[0].offset + 40, file, &err);
        collio_posix_close(&fd, file, &err);
        if (remove)
            collio_posix_remove(file, &err);
        collio_table_free(&table);
        collio_table_free(&own);
        free(path);
        free(ranks);
        free(file);
    }
    MPI_Barrier(MPI_COMM_WORLD);
}

static void test_damage(void)
{
    collio_checkpoint *c = open_layout(directory, COLLIO_LAYOUT_PER_RANK, 0);
    collio_checkpoint_report report;
    collio_checkpoint_state *state = NULL;
    collio_error err = COLLIO_ERROR_INIT;
    char name[32];

    snprintf(name, sizeof name, "rank-%06d.h5", tap_size - 1);
    little_save(c, 11, &err);
    little_save(c, 12, &err);
    little_save(c, 13, &err);
    damage(13, 0);
    tap_ok(collio_checkpoint_verify(c, 13, &report, &err) == COLLIO_OK && !report.valid &&
               report.damaged == 1 && strstr(report.text, name) != NULL &&
               strstr(report.text, "'u': elements") != NULL,
           "a flipped bit is located: %s", report.text);
    damage(12, 1);
    tap_ok(collio_checkpoint_verify(c, 12, &report, &err) == COLLIO_OK && !report.valid &&
               strstr(report.text, name) != NULL,
           "a missing file is named: %s", report.text);
    tap_ok(little_is_newest(c, 11), "the newest that is whole is found");
    tap_ok(collio_checkpoint_restore(c, 13, &state, &err) == COLLIO_ERR_DAMAGED &&
               same_everywhere(&err),
           "the damaged one is refused");
    collio_error_clear(&err);
    c->options.verify = COLLIO_VERIFY_READ;
    collio_checkpoint_restore(c, 13, &state, &err);
    {
        static little l;
        little_shape(&l, 13);
        collio_checkpoint_read(state, "u", l.u_start, &l.u_part, &err);
    }
    tap_ok(err.code == COLLIO_ERR_DAMAGED && same_everywhere(&err),
           "also by the read that meets it");
    collio_checkpoint_state_close(&state);
    collio_error_clear(&err);
    c->options.verify = COLLIO_VERIFY_ALL;
    tap_ok(little_save(c, 13, &err) == COLLIO_OK && little_is_newest(c, 13),
           "a new step takes the place of a damaged one");
    tap_ok(count_names("damaged-") == 1 && count_names("step-000000000013.ranks-") == 2,
           "which is kept aside, with its files");
    tap_ok(collio_checkpoint_delete(c, 13, &err) == COLLIO_OK &&
               count_names("step-000000000013.ranks-") == 1,
           "also when the new one is deleted");
    collio_checkpoint_close(&c, &err);
}

/* --------------------------------------------------------- one rank errs */

static void test_error(void)
{
    collio_checkpoint *c = open_layout(directory, COLLIO_LAYOUT_PER_RANK, 0);
    collio_checkpoint_options options = {.layout = COLLIO_LAYOUT_PER_RANK};
    collio_checkpoint *other = NULL;
    collio_error err = COLLIO_ERROR_INIT;
    collio_item items[ITEMS];
    static little l;

    little_shape(&l, 20);
    little_values(&l, 0);
    little_items(&l, items);
    if (tap_rank == tap_size - 1)
        items[0].start[0] += 1;
    tap_ok(collio_checkpoint_save(c, 20, ITEMS, items, &err) == COLLIO_ERR_VALUE &&
               same_everywhere(&err),
           "a part that lies outside: %s", err.text);
    tap_ok(count_names("step-000000000020") == 0 && count_names(".part-") == 0, "nothing is left");
    collio_error_clear(&err);
    options.layout = tap_rank == tap_size - 1 ? 17 : COLLIO_LAYOUT_PER_RANK;
    tap_ok(collio_checkpoint_open(MPI_COMM_WORLD, "packed", &options, &other, &err) ==
                   COLLIO_ERR_VALUE &&
               same_everywhere(&err),
           "a layout that is none, on one rank");
    collio_error_clear(&err);
    options.layout = tap_rank == 0;
    tap_ok(tap_size == 1 || (collio_checkpoint_open(MPI_COMM_WORLD, "packed", &options, &other,
                                                    &err) == COLLIO_ERR_DIVERGED &&
                             same_everywhere(&err)),
           "layouts that differ");
    collio_checkpoint_close(&c, &err);
}

/* ---------------------------------------------------------------- faults */

/* Let the n-th result of a save fail on one rank; 1 once it has fewer results than that. */
static int try_point(collio_checkpoint **c, int64_t *step, int victim, int n, int *sound)
{
    collio_error err = COLLIO_ERROR_INIT, closing = COLLIO_ERROR_INIT;
    int64_t latest = 0;
    int parts, newest;
    long judged;

    collio_fault_set(tap_rank == victim ? n : 0);
    little_save(*c, *step + 1, &err);
    judged = collio_fault_count();
    collio_fault_set(0);
    MPI_Bcast(&judged, 1, MPI_LONG, victim, MPI_COMM_WORLD);
    /* A failure to prune is no failure of the save. */
    *sound &= judged < n ? err.code == COLLIO_OK : err.code != COLLIO_ERR_TIMEOUT;
    *sound &= same_everywhere(&err);
    /* Ranks that cannot agree any more do not know when the others are done with their files: the
     * last one removes what is left. */
    MPI_Barrier(MPI_COMM_WORLD);
    parts = count_names(".part-");
    MPI_Barrier(MPI_COMM_WORLD);
    if (collio_comm_is_poisoned(collio_checkpoint_comm(*c))) {
        collio_checkpoint_close(c, &closing);
        collio_error_clear(&closing);
        MPI_Barrier(MPI_COMM_WORLD);
        *c = open_layout(directory, COLLIO_LAYOUT_PER_RANK, 2);
    }
    /* A failure in the last agreement leaves the step, whole. */
    if (collio_checkpoint_latest(*c, &latest, &closing) == COLLIO_OK && latest > *step)
        *step = latest;
    newest = little_is_newest(*c, *step);
    *sound &= parts == 0 && newest;
    if (!*sound)
        fprintf(stderr,
                "# point %d on rank %d: error %d '%s', %d parts left, step %lld is %s; %s\n", n,
                victim, err.code, err.text, parts, (long long)*step,
                newest ? "the newest" : "not the newest, or not right", closing.text);
    return judged < n;
}

static void test_faults(void)
{
    collio_checkpoint *c = open_layout(directory, COLLIO_LAYOUT_PER_RANK, 2);
    collio_error err = COLLIO_ERROR_INIT;
    int64_t step = 30;

    little_save(c, step, &err);
    for (int victim = 0; victim < tap_size; victim++) {
        int n = 1, sound = 1;
        while (n < MOST_POINTS && !try_point(&c, &step, victim, n, &sound))
            n += tap_size;
        tap_ok(sound && n > 20 && n < MOST_POINTS, "a save: %d points on rank %d", n - 1, victim);
    }
    collio_checkpoint_close(&c, &err);
}

/* ------------------------------------------------------------ compressed */

/* How many bytes the files of a step take. */
static int64_t bytes_of(const char *where, int64_t step)
{
    collio_table table = {.count = 0};
    int64_t bytes = 0;
    char *path;

    if (read_table(where, step, &path, &table) == COLLIO_OK)
        bytes = collio_rankset_bytes(table.ranks);
    collio_table_free(&table);
    free(path);
    return bytes;
}

/* All of the same, with the parts compressed by their ranks. */
static void test_packed(void)
{
    collio_error err = COLLIO_ERROR_INIT;
    collio_checkpoint *c;

    directory = "packed";
    beside = "shared-2";
    deflate = 1;
    test_whole();
    c = open_layout("plain", COLLIO_LAYOUT_PER_RANK, 0);
    little_save(c, 1, &err);
    collio_checkpoint_close(&c, &err);
    deflate = 0;
    c = open_layout("plain", COLLIO_LAYOUT_PER_RANK, 0);
    little_save(c, 2, &err);
    collio_checkpoint_close(&c, &err);
    tap_ok(err.code == COLLIO_OK && bytes_of("plain", 1) < bytes_of("plain", 2),
           "compressed files are smaller: %lld, %lld", (long long)bytes_of("plain", 1),
           (long long)bytes_of("plain", 2));
    if (tap_rank == 0) {
        collio_checkpoint_merge(MPI_COMM_SELF, "plain", 1, "one.h5", NULL, NULL, &err);
        collio_checkpoint_merge(MPI_COMM_SELF, "plain", COLLIO_NEWEST, "two.h5", NULL, NULL, &err);
    }
    tap_ok(err.code == COLLIO_OK, "and are merged: %s", err.text);
}

int main(int argc, char **argv)
{
    MPI_Init(&argc, &argv);
    tap_begin();
    collio_set_timeout(20.0);
    test_whole();
    test_auto();
    test_damage();
    test_error();
    deflate = tap_size % 2;
    test_faults();
    test_packed();
    MPI_Finalize();
    return tap_end();
}
