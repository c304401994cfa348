/* System calls that fail, and disks that are full: the same error on all ranks, nothing left
 * behind, the steps before intact. */
#define _GNU_SOURCE
#include "campaign.h"

#include <dirent.h>
#include <errno.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

const char campaign_directory[] = "campaign";

const variant campaign_variants[VARIANTS] = {
    {"plain", 0, 0, 0, 0},
    {"compressed", 1, 0, 0, 0},
    {"in the background", 0, 1, 1, 0},
    {"columns", 0, 0, 1, 0},
    {"files of ranks", 0, 0, 0, 1},
    {"files of ranks, compressed", 1, 0, 1, 1},
    {"files of ranks, in the background", 0, 1, 0, 1},
};

uint64_t campaign_random(uint64_t *state, uint64_t n)
{
    *state = collio_hash_number(*state, 0x9e3779b97f4a7c15u);
    return *state % n;
}

/* ------------------------------------------------------------- a save */

static collio_checkpoint *open_in(const char *directory, const variant *v, int keep)
{
    collio_checkpoint_options options = {.keep = keep,
                                         .deflate = v->deflate,
                                         .layout = v->apart ? COLLIO_LAYOUT_PER_RANK
                                                            : COLLIO_LAYOUT_SHARED};
    collio_checkpoint *c = NULL;
    collio_error err = COLLIO_ERROR_INIT;

    collio_checkpoint_open(MPI_COMM_WORLD, directory, &options, &c, &err);
    if (err.code != COLLIO_OK)
        fprintf(stderr, "# rank %d: %s\n", tap_rank, err.text);
    return c;
}

collio_checkpoint *campaign_open(const variant *v)
{
    return open_in(campaign_directory, v, 2);
}

/* One more item, in columns so narrow that they are exchanged. */
static void add_columns(collio_item *item)
{
    enum { HIGH = 120, WIDE = 90 };
    static int32_t values[HIGH * WIDE];
    int64_t shape[2] = {HIGH, WIDE}, start[2] = {0, 0}, count[2] = {HIGH, 0};
    collio_error never = COLLIO_ERROR_INIT;
    collio_array part;

    collio_part_range(WIDE, tap_size, tap_rank, &start[1], &count[1], &never);
    collio_array_fill(&part, values, COLLIO_INT32, 2, count);
    *item = collio_item_part("columns", &part, shape, start);
}

int campaign_save(collio_checkpoint *c, const variant *v, int64_t step, collio_error *err)
{
    static little l;
    collio_item items[ITEMS + 1];

    little_shape(&l, step);
    little_values(&l, 0);
    little_items(&l, items);
    add_columns(&items[ITEMS]);
    if (!v->background)
        return collio_checkpoint_save(c, step, ITEMS + v->columns, items, err);
    if (collio_checkpoint_save_start(c, step, ITEMS + v->columns, items, 0, err) == COLLIO_OK)
        collio_checkpoint_wait(c, err);
    return err->code;
}

/* -------------------------------------------------------------- judging */

static int count_parts(const char *directory)
{
    DIR *dir = opendir(directory);
    struct dirent *entry;
    int parts = 0;

    while (dir != NULL && (entry = readdir(dir)) != NULL)
        parts += strncmp(entry->d_name, ".part-", 6) == 0;
    if (dir != NULL)
        closedir(dir);
    return parts;
}

/* The steps that are there are whole, and this one is the newest. */
static int is_newest(collio_checkpoint *c, int64_t step)
{
    collio_checkpoint_entry *list = NULL;
    collio_error err = COLLIO_ERROR_INIT;
    int count = 0, right;

    collio_checkpoint_steps(c, &list, &count, &err);
    right = err.code == COLLIO_OK && count > 0 && list[count - 1].step == step;
    for (int i = 0; i < count; i++)
        right &= list[i].status == COLLIO_OK;
    collio_checkpoint_steps_free(list);
    return right && little_is_newest(c, step);
}

/* Whether an error of this call may not be passed over: it is about the file being written, or
 * about what makes it a step. */
static int must_fail(int how)
{
    const char *call = trip_hit(), *path = trip_hit_path();

    if (call == NULL || how == TRIP_SHORT || how == EINTR || strcmp(call, "unlink") == 0 ||
        strcmp(call, "rmdir") == 0)
        return 0;
    return strncmp(path, ".part-", 6) == 0 || (path[0] == '/' && trip_hit_in_save());
}

/* 1 if all is as promised after a save of step + 1; then *step is the newest. */
static int is_kept(collio_checkpoint *c, int64_t *step, int must, const collio_error *err)
{
    int right;

    MPI_Allreduce(MPI_IN_PLACE, &must, 1, MPI_INT, MPI_MAX, MPI_COMM_WORLD);
    right = same_everywhere(err) && err->code != COLLIO_ERR_TIMEOUT &&
            !collio_comm_is_poisoned(collio_checkpoint_comm(c)) &&
            !(must && err->code == COLLIO_OK);
    right &= count_parts(collio_checkpoint_directory(c)) == 0;
    MPI_Allreduce(MPI_IN_PLACE, &right, 1, MPI_INT, MPI_MIN, MPI_COMM_WORLD);
    *step += err->code == COLLIO_OK;
    return right && is_newest(c, *step);
}

/* ------------------------------------------------------------ the sweep */

static const int hows[] = {EIO, ENOSPC, EINTR, TRIP_SHORT};

/* What is wrong may have spoiled the directory: begin with a new one. */
static collio_checkpoint *begin(const variant *v, int64_t *step)
{
    collio_checkpoint *c;
    collio_error err = COLLIO_ERROR_INIT;

    if (tap_rank == 0 && system("rm -rf campaign") != 0)
        fprintf(stderr, "# the directory cannot be removed\n");
    MPI_Barrier(MPI_COMM_WORLD);
    c = campaign_open(v);
    *step = 1;
    if (c != NULL && campaign_save(c, v, *step, &err) && mutant == MUTANT_NONE)
        fprintf(stderr, "# rank %d: the first save: %s\n", tap_rank, err.text);
    return c;
}

/* 1 while the save has as many calls as k. */
static int try_point(collio_checkpoint *c, const variant *v, int victim, long k, int how,
                     int64_t *step, int *right)
{
    collio_error err = COLLIO_ERROR_INIT;
    char what[400] = "";
    int hit, must;

    trip_set(tap_rank == victim ? k : 0, how);
    campaign_save(c, v, *step + 1, &err);
    hit = trip_hit() != NULL;
    must = must_fail(how);
    if (hit)
        snprintf(what, sizeof what, "%s of '%s'", trip_hit(), trip_hit_path());
    trip_set(0, 0);
    *right = is_kept(c, step, must, &err);
    if (!*right && hit)
        fprintf(stderr, "# %s: call %ld of rank %d, %s, with %d: %s\n", v->name, k, victim, what,
                how, err.text);
    MPI_Bcast(&hit, 1, MPI_INT, victim, MPI_COMM_WORLD);
    return hit;
}

long campaign_sweep(const variant *v, int every, long *points)
{
    int64_t step;
    collio_checkpoint *c = begin(v, &step);
    collio_error err = COLLIO_ERROR_INIT;
    long violations = 0;
    int right;

    *points = 0;
    for (int victim = 0; victim < tap_size; victim++)
        for (int how = 0; how < 4; how++)
            for (long k = 1 + (victim + how) % every;
                 try_point(c, v, victim, k, hows[how], &step, &right); k += every) {
                ++*points;
                violations += !right;
                if (right)
                    continue;
                if (mutant != MUTANT_NONE)
                    goto done; /* caught */
                collio_checkpoint_close(&c, &err);
                c = begin(v, &step);
            }
done:
    collio_checkpoint_close(&c, &err);
    return violations;
}

/* ----------------------------------------------------------- full disks */

long campaign_full(const variant *v, int sizes)
{
    int64_t step, whole = 140000;
    collio_checkpoint *c = begin(v, &step);
    collio_error closing = COLLIO_ERROR_INIT;
    long violations = 0;

    for (int i = 0; i < sizes; i++) {
        collio_error err = COLLIO_ERROR_INIT;
        trip_limit(whole * i / sizes);
        campaign_save(c, v, step + 1, &err);
        trip_limit(-1);
        if (!is_kept(c, &step, 0, &err))
            violations++;
    }
    collio_checkpoint_close(&c, &closing);
    return violations;
}

/* A step of 2 MiB, on a disk that has room for the first `size` bytes more. */
static int save_big(collio_checkpoint *c, int64_t step, collio_error *err)
{
    enum { BIG = 262144 };
    static double values[BIG];
    int64_t shape = BIG, start = 0, count = 0;
    collio_error never = COLLIO_ERROR_INIT;
    collio_item items[ITEMS + 1];
    collio_array part;
    static little l;

    little_shape(&l, step);
    little_values(&l, 0);
    little_items(&l, items);
    collio_part_range(BIG, tap_size, tap_rank, &start, &count, &never);
    collio_array_fill(&part, values, COLLIO_FLOAT64, 1, &count);
    items[ITEMS] = collio_item_part("big", &part, &shape, &start);
    return collio_checkpoint_save(c, step, ITEMS + 1, items, err);
}

/* Make the file system, or change its size. */
static int set_size(const char *path, int64_t bytes, int again)
{
    char option[64];
    int result = 0;

    snprintf(option, sizeof option, "size=%lld", (long long)bytes);
    if (tap_rank == 0)
        result = mount("collio", path, "tmpfs", again ? MS_REMOUNT : 0, option);
    MPI_Bcast(&result, 1, MPI_INT, 0, MPI_COMM_WORLD);
    return result;
}

long campaign_full_disk(int sizes)
{
    static const char path[] = "disk";
    int64_t step = 1, used = 400 << 10;
    collio_error err = COLLIO_ERROR_INIT;
    collio_checkpoint *c;
    long violations = 0;

    if (tap_rank == 0)
        mkdir(path, 0777);
    MPI_Barrier(MPI_COMM_WORLD);
    if (set_size(path, used, 0) != 0)
        return -1;
    c = open_in(path, &campaign_variants[0], 1);
    if (campaign_save(c, &campaign_variants[0], step, &err))
        violations++;
    for (int i = 0; i < sizes; i++) {
        collio_error outcome = COLLIO_ERROR_INIT;
        set_size(path, (160 << 10) + (int64_t)i * 4096, 1);
        save_big(c, step + 1, &outcome);
        if (!is_kept(c, &step, 0, &outcome))
            violations++;
    }
    collio_checkpoint_close(&c, &err);
    MPI_Barrier(MPI_COMM_WORLD);
    if (tap_rank == 0)
        umount(path);
    return violations;
}
