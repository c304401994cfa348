/*
 * Power loss. The system calls of some saves are recorded on all ranks; from the record, what a
 * disk may hold after the power failed at some instant is made, over and over, and restored from.
 *
 * The model: at instant t a write that had begun may be there or not, page by page, the last page
 * torn, unless a sync of the same file by the same process began after it had ended and had ended
 * by t; then it is there. (By the same process: ranks may be on different hosts.) The names of a
 * directory change in order: some of the changes that began before t are there, all those at least
 * that a sync of the directory covers. What is below a directory is there if its name is.
 */
#include "campaign.h"

#include <sys/stat.h>
#include <unistd.h>

enum { PAGE = 4096, SECTOR = 512, MOST_EVENTS = 8192, MOST_NAMES = 256, MOST_BYTES = 1 << 20 };

typedef struct record {
    const trip_event *event[MOST_EVENTS];
    int count;
    uint64_t begin, end;
} record;

static const char crash_directory[] = "crash";

/* ---------------------------------------------------------- the record */

static int by_start(const void *a, const void *b)
{
    const trip_event *x = *(const trip_event *const *)a, *y = *(const trip_event *const *)b;

    return (x->start > y->start) - (x->start < y->start);
}

/* The traces of all ranks at rank 0; the memory is to be freed. */
static char *gather(record *r)
{
    size_t size;
    char *mine = trip_trace(&size), *all = NULL;
    int bytes = (int)size, counts[16], places[16], total = 0;

    MPI_Gather(&bytes, 1, MPI_INT, counts, 1, MPI_INT, 0, MPI_COMM_WORLD);
    for (int i = 0; tap_rank == 0 && i < tap_size; i++) {
        places[i] = total;
        total += counts[i];
    }
    if (tap_rank == 0)
        all = malloc((size_t)total + 1);
    MPI_Gatherv(mine, bytes, MPI_BYTE, all, counts, places, MPI_BYTE, 0, MPI_COMM_WORLD);
    r->count = 0;
    for (char *at = all; all != NULL && at < all + total && r->count < MOST_EVENTS;) {
        trip_event *e = (trip_event *)at;
        r->event[r->count++] = e;
        at += sizeof *e + (e->op == OP_WRITE ? trip_padded(e->size) : 0);
    }
    qsort(r->event, (size_t)r->count, sizeof *r->event, by_start);
    if (r->count > 0) {
        r->begin = r->event[0]->start;
        r->end = r->event[r->count - 1]->end;
    }
    return all;
}

/* Directories are told apart by the names they were made under; "" is that of the steps. */
static void directory_of(const record *r, const trip_event *e, char *directory)
{
    /* What is renamed is in the directory that it goes to. */
    const char *path = e->op == OP_RENAME ? e->to : e->path, *slash = strchr(path, '/');

    snprintf(directory, 160, "%.*s", slash != NULL ? (int)(slash - path) : 0, path);
    for (int i = 0; slash != NULL && i < r->count; i++)
        if (r->event[i]->op == OP_RENAME && strcmp(r->event[i]->to, directory) == 0)
            snprintf(directory, 160, "%s", r->event[i]->path);
}

static int is_naming(const trip_event *e)
{
    return e->op == OP_CREATE || e->op == OP_MKDIR || e->op == OP_RENAME || e->op == OP_UNLINK;
}

/* Whether a sync has made an event durable by t. */
static int is_durable(const record *r, const trip_event *e, uint64_t t)
{
    char directory[160];

    directory_of(r, e, directory);
    for (int i = 0; i < r->count; i++) {
        const trip_event *s = r->event[i];
        if (s->start < e->end || s->end > t || s->rank != e->rank)
            continue;
        if (is_naming(e)
                ? s->op == OP_SYNC_DIRECTORY &&
                      strcmp(s->path + 1, directory[0] ? directory : campaign_directory) == 0
                : s->op == OP_SYNC && strcmp(s->path, e->path) == 0)
            return 1;
    }
    return 0;
}

/* ------------------------------------------------------- a crash state */

/* A name in a directory, and the name that the file was written, or the directory made, under. */
typedef struct entry {
    char name[160], directory[160];
    const char *file;
    int is_directory;
} entry;

static const char *base_of(const char *path)
{
    const char *slash = strchr(path, '/');

    return slash != NULL ? slash + 1 : path;
}

static entry *find(entry *entries, int count, const char *directory, const char *name)
{
    for (int i = 0; i < count; i++)
        if (strcmp(entries[i].name, name) == 0 && strcmp(entries[i].directory, directory) == 0)
            return &entries[i];
    return NULL;
}

static void change_name(entry *entries, int *count, const char *directory, const trip_event *e)
{
    entry *old = find(entries, *count, directory, base_of(e->path)), *made = &entries[*count];

    if (old == NULL && *count < MOST_NAMES &&
        (e->op == OP_CREATE || e->op == OP_MKDIR || (e->op == OP_RENAME && strchr(e->path, '/')))) {
        /* Renamed: it comes from another directory. */
        snprintf(made->name, sizeof made->name, "%s",
                 base_of(e->op == OP_RENAME ? e->to : e->path));
        snprintf(made->directory, sizeof made->directory, "%s", directory);
        made->file = e->path;
        made->is_directory = e->op == OP_MKDIR;
        ++*count;
    } else if (e->op == OP_RENAME && old != NULL) {
        snprintf(old->name, sizeof old->name, "%s", e->to);
    } else if (e->op == OP_UNLINK && old != NULL) {
        *old = entries[--*count];
    }
}

static int is_naming_in(const record *r, const trip_event *e, const char *directory)
{
    char own[160];

    if (!is_naming(e))
        return 0;
    directory_of(r, e, own);
    return strcmp(own, directory) == 0;
}

/* Which names there are in a directory: all changes that are durable, and some of the others. */
static void names_in(const record *r, const char *directory, uint64_t t, entry *entries, int *count,
                     uint64_t *random)
{
    int least = 0, most = 0, seen = 0;

    for (int i = 0; i < r->count && r->event[i]->start < t; i++) {
        if (!is_naming_in(r, r->event[i], directory))
            continue;
        most++;
        least = is_durable(r, r->event[i], t) ? most : least;
    }
    most = least + (int)campaign_random(random, (uint64_t)(most - least) + 1);
    for (int i = 0; i < r->count && seen < most; i++)
        if (is_naming_in(r, r->event[i], directory)) {
            seen++;
            change_name(entries, count, directory, r->event[i]);
        }
}

static int names_at(const record *r, uint64_t t, entry *entries, uint64_t *random)
{
    int count = 0, top;

    names_in(r, "", t, entries, &count, random);
    top = count;
    for (int i = 0; i < top; i++)
        if (entries[i].is_directory)
            names_in(r, entries[i].file, t, entries, &count, random);
    return count;
}

static void put(char *file, int64_t *size, int64_t offset, const char *bytes, int64_t n)
{
    if (offset + n > MOST_BYTES)
        return;
    memcpy(file + offset, bytes, (size_t)n);
    *size = offset + n > *size ? offset + n : *size;
}

/* A write that is not durable: some of its pages, maybe a torn one. `chance` of 4. */
static void put_some(char *file, int64_t *size, const trip_event *e, unsigned chance,
                     uint64_t *random)
{
    const char *bytes = (const char *)(e + 1);

    for (int64_t at = 0; at < e->size;) {
        int64_t n = PAGE - (e->offset + at) % PAGE;
        n = n < e->size - at ? n : e->size - at;
        if (campaign_random(random, 4) < chance) {
            int64_t whole = campaign_random(random, 8) > 0
                                ? n
                                : (int64_t)campaign_random(random, PAGE / SECTOR) * SECTOR;
            put(file, size, e->offset + at, bytes + at, whole < n ? whole : n);
        }
        at += n;
    }
}

/* What a file holds; returns its size. */
static int64_t contents_at(const record *r, uint64_t t, const char *name, char *file,
                           uint64_t *random)
{
    unsigned chance = (unsigned)campaign_random(random, 5);
    int64_t size = 0;

    memset(file, 0, MOST_BYTES);
    for (int i = 0; i < r->count && r->event[i]->start < t; i++) {
        const trip_event *e = r->event[i];
        int durable;
        if ((e->op != OP_WRITE && e->op != OP_SIZE) || strcmp(e->path, name) != 0)
            continue;
        durable = is_durable(r, e, t);
        if (e->op == OP_WRITE && durable)
            put(file, &size, e->offset, (const char *)(e + 1), e->size);
        else if (e->op == OP_WRITE)
            put_some(file, &size, e, chance, random);
        else if ((durable || campaign_random(random, 4) < chance) && e->size > size &&
                 e->size <= MOST_BYTES)
            size = e->size;
    }
    return size;
}

static void write_file(const char *name, const char *bytes, int64_t size)
{
    char path[512];
    FILE *file;

    snprintf(path, sizeof path, "%s/%.400s", crash_directory, name);
    file = fopen(path, "wb");
    fwrite(bytes, 1, (size_t)size, file);
    fclose(file);
}

/* Where an entry is, from the directory of steps; 0 if nobody looks there. */
static int path_of(const entry *entries, int count, const entry *e, char *path)
{
    const char *above = "";

    for (int i = 0; i < count; i++)
        if (entries[i].is_directory && strcmp(entries[i].file, e->directory) == 0)
            above = entries[i].name;
    snprintf(path, 400, "%s%s%s", above, above[0] != '\0' ? "/" : "", e->name);
    return strncmp(path, "step-", 5) == 0;
}

/* The directory as it is at t, to be removed by clear(). Directories come before what is below. */
static void make_state(const record *r, uint64_t t, entry *entries, int *count, uint64_t *random)
{
    static char bytes[MOST_BYTES];
    char path[400], whole[512];

    *count = names_at(r, t, entries, random);
    for (int i = 0; i < *count; i++) {
        if (!path_of(entries, *count, &entries[i], path))
            continue;
        snprintf(whole, sizeof whole, "%s/%.400s", crash_directory, path);
        if (entries[i].is_directory)
            mkdir(whole, 0777);
        else
            write_file(path, bytes, contents_at(r, t, entries[i].file, bytes, random));
    }
}

static void clear(const entry *entries, int count)
{
    char path[400], whole[512];

    for (int i = count - 1; i >= 0; i--) {
        path_of(entries, count, &entries[i], path);
        snprintf(whole, sizeof whole, "%s/%.400s", crash_directory, path);
        remove(whole);
    }
}

/* ------------------------------------------------------------- judging */

/* The newest step that was acknowledged by t; -1: none. */
static int64_t acknowledged(const record *r, uint64_t t)
{
    int64_t newest = -1;

    for (int i = 0; i < r->count && r->event[i]->start < t; i++)
        if (r->event[i]->op == OP_ACK && r->event[i]->offset > newest)
            newest = r->event[i]->offset;
    return newest;
}

/* The newest valid step is not older than what was acknowledged, and right. */
static int is_kept(void *context, const char *directory, int64_t least)
{
    collio_checkpoint *c = context;
    collio_checkpoint_state *state = NULL;
    collio_error err = COLLIO_ERROR_INIT;
    int right = 0;

    (void)directory;
    if (collio_checkpoint_restore(c, COLLIO_NEWEST, &state, &err) != COLLIO_OK)
        return least < 0;
    little_read(state, &right, &err);
    right &= collio_checkpoint_state_step(state) >= least;
    /* What has the name of a step is one. */
    right &= collio_checkpoint_state_refused(state)[0] == '\0';
    collio_checkpoint_state_close(&state);
    return right;
}

static long look_at_states(const record *r, int states, uint64_t seed,
                           campaign_judge_function *judge, void *context)
{
    entry entries[MOST_NAMES];
    long violations = 0;
    int count;

    for (int i = 0; i < states && violations < 10; i++) {
        /* Half of the instants just after something happened: much of the time nothing does. */
        uint64_t t = r->begin + campaign_random(&seed, r->end - r->begin + 1000000);
        if (i % 2 == 0)
            t = r->event[campaign_random(&seed, (uint64_t)r->count)]->end +
                campaign_random(&seed, 2);
        make_state(r, t, entries, &count, &seed);
        if (!judge(context, crash_directory, acknowledged(r, t))) {
            fprintf(stderr, "# power lost after %.6f s, state %d: step %lld is lost\n",
                    (double)(t - r->begin) * 1e-9, i, (long long)acknowledged(r, t));
            violations++;
        }
        clear(entries, count);
    }
    return violations;
}

int campaign_replay_begin(void)
{
    if (tap_rank == 0 && system("rm -rf campaign crash") != 0)
        return 0;
    if (tap_rank == 0)
        mkdir(crash_directory, 0777);
    MPI_Barrier(MPI_COMM_WORLD);
    return 1;
}

long campaign_replay(int states, uint64_t seed, campaign_judge_function *judge, void *context)
{
    static record r;
    int ranks = tap_size;
    long violations = 0;
    char *all = gather(&r);

    if (tap_rank == 0) {
        tap_size = 1; /* states are read whole, by this rank */
        violations = look_at_states(&r, states, seed, judge, context);
        tap_size = ranks;
    }
    free(all);
    MPI_Bcast(&violations, 1, MPI_LONG, 0, MPI_COMM_WORLD);
    return violations;
}

static long look_at_steps(int states, uint64_t seed)
{
    collio_checkpoint_options options = {.read_only = 1};
    collio_checkpoint *c = NULL;
    collio_error err = COLLIO_ERROR_INIT;
    long violations;

    if (tap_rank == 0)
        collio_checkpoint_open(MPI_COMM_SELF, crash_directory, &options, &c, &err);
    violations = campaign_replay(states, seed, is_kept, c);
    if (c != NULL)
        collio_checkpoint_close(&c, &err);
    return violations;
}

long campaign_power(const variant *v, int states, uint64_t seed)
{
    enum { SAVES = 5 };
    collio_checkpoint *c;
    collio_error err = COLLIO_ERROR_INIT;
    long violations;

    if (!campaign_replay_begin())
        return 1;
    c = campaign_open(v);
    trip_record(1);
    for (int64_t step = 1; step <= SAVES; step++)
        if (campaign_save(c, v, step, &err) == COLLIO_OK)
            trip_acknowledge(step);
    trip_record(0);
    violations = err.code != COLLIO_OK;
    if (violations)
        fprintf(stderr, "# the saves before the power was lost: %s\n", err.text);
    collio_checkpoint_close(&c, &err);
    return violations + look_at_steps(states, seed);
}
