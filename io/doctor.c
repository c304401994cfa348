/* The doctor's public calls: run the lists of checks over one exam, keep the findings. */
#define _GNU_SOURCE
#include "exam.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const collio_check *const lists[] = {
    collio_checks_mpi,     collio_checks_launch, collio_checks_hdf5,
    collio_checks_offered, collio_checks_python, collio_checks_machine,
    collio_checks_fs,      collio_checks_ranks,  collio_checks_cpus,
};

struct collio_doctor {
    collio_exam exam;
    char directory[4096];
    collio_fact *facts; /* copies */
    int count;
    const collio_check **checks; /* of each finding */
    collio_finding *findings;
};

/* ------------------------------------------------------------- for the checks */

static void append(char *text, size_t room, const char *format, va_list args)
{
    size_t length = strlen(text);

    if (length > 0 && length + 2 < room)
        text[length++] = '\n';
    vsnprintf(text + length, room - length, format, args);
}

void collio_say(collio_finding *f, collio_level level, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    f->level = level;
    vsnprintf(f->what, sizeof f->what, format, args);
    va_end(args);
}

void collio_mend(collio_finding *f, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    append(f->mend, sizeof f->mend, format, args);
    va_end(args);
}

void collio_evidence(collio_finding *f, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    append(f->evidence, sizeof f->evidence, format, args);
    va_end(args);
}

const char *collio_fact_get(const collio_exam *exam, const char *name)
{
    for (const collio_fact *f = exam->options.facts; f != NULL && f->name != NULL; f++)
        if (strcmp(f->name, name) == 0)
            return f->value;
    return NULL;
}

const char *collio_level_name(collio_level level)
{
    static const char *const names[] = {"skipped", "fine", "note", "warning", "failure"};
    return (size_t)level < sizeof names / sizeof *names ? names[level] : "?";
}

/* -------------------------------------------------------------------- the exam */

static void begin_exam(collio_exam *exam)
{
    int done = 0;

    collio_objects_read(&exam->objects);
    collio_launch_read(&exam->launch);
    exam->first_here =
        exam->launch.local_rank <= 0 && (exam->launch.local_rank == 0 || exam->launch.rank <= 0);
    exam->may_spawn = !exam->options.offline && exam->first_here;
    if (exam->objects.mpi >= 0)
        collio_loaded_version(&exam->objects.at[exam->objects.mpi], exam->library,
                              sizeof exam->library);
    exam->foreign =
        exam->objects.mpi >= 0 &&
        !collio_family_matches(collio_built_family(), exam->objects.at[exam->objects.mpi].family);
    MPI_Initialized(&exam->running);
    if (exam->running)
        MPI_Finalized(&done);
    exam->running = exam->running && !done && !exam->foreign;
    if (exam->running)
        MPI_Comm_size(MPI_COMM_WORLD, &exam->world);
}

static void begin_finding(collio_finding *f, const collio_check *check)
{
    *f = (collio_finding){.id = check->id,
                          .subject = check->subject,
                          .why = check->why,
                          .level = COLLIO_LEVEL_FINE,
                          .rank = -1};
}

static void run_stage(collio_doctor *doctor, int stage)
{
    for (int i = 0; i < doctor->count; i++) {
        const collio_check *check = doctor->checks[i];
        if (check->stage != stage)
            continue;
        begin_finding(&doctor->findings[i], check);
        check->run(&doctor->exam, &doctor->findings[i]);
    }
}

static void skip_stage_two(collio_doctor *doctor)
{
    for (int i = 0; i < doctor->count; i++)
        if (doctor->checks[i]->stage == 2) {
            begin_finding(&doctor->findings[i], doctor->checks[i]);
            collio_say(&doctor->findings[i], COLLIO_LEVEL_SKIPPED,
                       "needs several ranks: mpiexec -n 2 collio doctor");
        }
}

static int count_checks(const collio_check **out)
{
    int count = 0;

    for (size_t l = 0; l < sizeof lists / sizeof *lists; l++)
        for (const collio_check *check = lists[l]; check->id != NULL; check++) {
            if (out != NULL)
                out[count] = check;
            count++;
        }
    return count;
}

static int by_id(const void *a, const void *b)
{
    return strcmp((*(const collio_check *const *)a)->id, (*(const collio_check *const *)b)->id);
}

/* Copies of the facts, their texts in the same piece of memory; NULL: no memory. */
static collio_fact *copy_facts(const collio_fact *facts)
{
    size_t count = 0, bytes = 0;
    collio_fact *copy;
    char *text;

    for (const collio_fact *f = facts; f != NULL && f->name != NULL; f++, count++)
        bytes += strlen(f->name) + strlen(f->value) + 2;
    copy = calloc(1, (count + 1) * sizeof *copy + bytes);
    if (copy == NULL)
        return NULL;
    text = (char *)(copy + count + 1);
    for (size_t i = 0; i < count; i++) {
        copy[i].name = strcpy(text, facts[i].name);
        text += strlen(text) + 1;
        copy[i].value = strcpy(text, facts[i].value);
        text += strlen(text) + 1;
    }
    return copy;
}

/* ------------------------------------------------------------------ public calls */

int collio_doctor_create(const collio_doctor_options *options, collio_doctor **out,
                         collio_error *err)
{
    collio_doctor *doctor = calloc(1, sizeof *doctor);
    int result = COLLIO_ERR_MEMORY, count = count_checks(NULL);

    *out = NULL;
    if (doctor == NULL)
        goto done;
    if (options != NULL)
        doctor->exam.options = *options;
    doctor->facts = copy_facts(doctor->exam.options.facts);
    doctor->checks = calloc((size_t)count, sizeof *doctor->checks);
    doctor->findings = calloc((size_t)count, sizeof *doctor->findings);
    if (doctor->facts == NULL || doctor->checks == NULL || doctor->findings == NULL)
        goto done;
    collio_copy_text(doctor->directory, sizeof doctor->directory,
                     doctor->exam.options.directory != NULL ? doctor->exam.options.directory : ".");
    doctor->exam.directory = doctor->exam.options.directory = doctor->directory;
    doctor->exam.options.facts = doctor->facts;
    doctor->count = count_checks(doctor->checks);
    qsort(doctor->checks, (size_t)count, sizeof *doctor->checks, by_id);
    begin_exam(&doctor->exam);
    run_stage(doctor, 1);
    skip_stage_two(doctor);
    *out = doctor;
    doctor = NULL;
    result = COLLIO_OK;
done:
    collio_doctor_free(&doctor);
    return result == COLLIO_OK
               ? COLLIO_OK
               : collio_error_set(err, result, "no memory for the doctor's findings");
}

/* The place of the worst finding of all ranks for each check, and its texts on every rank. */
static int share_findings(collio_doctor *doctor, collio_error *err)
{
    collio_exam *exam = &doctor->exam;
    struct worst {
        int level, rank;
    } *mine = calloc((size_t)doctor->count, sizeof *mine);
    struct worst *all = calloc((size_t)doctor->count, sizeof *all);

    if (mine == NULL || all == NULL)
        collio_error_set(err, COLLIO_ERR_MEMORY, "no memory for %d findings", doctor->count);
    for (int i = 0; mine != NULL && i < doctor->count; i++)
        mine[i] = (struct worst){(int)doctor->findings[i].level, exam->rank};
    if (collio_agree_step(exam->comm, "doctor: findings", err) == COLLIO_OK)
        collio_allreduce(exam->comm, mine, all, doctor->count, MPI_2INT, sizeof *mine, MPI_MAXLOC,
                         "doctor: findings", err);
    for (int i = 0; err->code == COLLIO_OK && i < doctor->count; i++) {
        collio_finding *f = &doctor->findings[i];
        const collio_check *check = doctor->checks[i];
        collio_bcast(exam->comm, f, sizeof *f, all[i].rank, "doctor: a finding", err);
        /* Pointers do not travel. */
        f->id = check->id;
        f->subject = check->subject;
        f->why = check->why;
        if (all[i].rank != 0 && f->rank < 0)
            f->rank = all[i].rank;
    }
    free(mine);
    free(all);
    return err->code;
}

/* What is known of the launcher can be compared with the world once MPI is initialised. */
static void look_again(collio_doctor *doctor)
{
    for (int i = 0; i < doctor->count; i++)
        if ((doctor->checks[i]->when & COLLIO_AGAIN)) {
            begin_finding(&doctor->findings[i], doctor->checks[i]);
            doctor->checks[i]->run(&doctor->exam, &doctor->findings[i]);
        }
}

void collio_doctor_ended(collio_doctor *doctor)
{
    doctor->exam.ended = 1;
    look_again(doctor);
}

int collio_doctor_ranks(collio_doctor *doctor, MPI_Comm comm, collio_error *err)
{
    collio_exam *exam = &doctor->exam;
    collio_error closing = COLLIO_ERROR_INIT;

    if (exam->foreign)
        return collio_error_set(err, COLLIO_ERR_STATE,
                                "stage two of the doctor cannot be run: collio was "
                                "built for %s, and another MPI is loaded",
                                collio_family_name(collio_built_family()));
    if (collio_comm_create(comm, &exam->comm, err) != COLLIO_OK)
        return err->code;
    exam->rank = collio_comm_rank(exam->comm);
    exam->size = collio_comm_size(exam->comm);
    exam->running = 1;
    MPI_Comm_size(MPI_COMM_WORLD, &exam->world);
    exam->err = err;
    look_again(doctor);
    run_stage(doctor, 2);
    if (err->code == COLLIO_OK)
        share_findings(doctor, err);
    /* With an error of its own: after an agreed one all ranks come here too. */
    if (collio_comm_free(&exam->comm, &closing) != COLLIO_OK && err->code == COLLIO_OK)
        *err = closing;
    exam->comm = NULL;
    exam->err = NULL;
    return err->code;
}

int collio_doctor_count(const collio_doctor *doctor)
{
    return doctor != NULL ? doctor->count : 0;
}

const collio_finding *collio_doctor_finding(const collio_doctor *doctor, int i)
{
    return i >= 0 && i < collio_doctor_count(doctor) ? &doctor->findings[i] : NULL;
}

collio_level collio_doctor_level(const collio_doctor *doctor)
{
    collio_level worst = COLLIO_LEVEL_SKIPPED;

    for (int i = 0; i < collio_doctor_count(doctor); i++)
        if (doctor->findings[i].level > worst)
            worst = doctor->findings[i].level;
    return worst;
}

void collio_doctor_free(collio_doctor **doctor)
{
    collio_doctor *old = *doctor;

    *doctor = NULL;
    if (old == NULL)
        return;
    free(old->facts);
    free(old->checks);
    free(old->findings);
    free(old);
}

/* The first failure that shows at a glance. */
static int glance(collio_finding *out, int ended)
{
    static collio_exam exam; /* large, and of use once in a process */
    const char *wish = getenv("COLLIO_DOCTOR");

    if (wish != NULL && strcmp(wish, "0") == 0)
        return 0;
    memset(&exam, 0, sizeof exam);
    exam.options.offline = exam.at_a_glance = 1;
    exam.ended = ended;
    begin_exam(&exam);
    for (size_t l = 0; l < sizeof lists / sizeof *lists; l++)
        for (const collio_check *check = lists[l]; check->id != NULL; check++) {
            if (!(check->when & COLLIO_GLANCE))
                continue;
            begin_finding(out, check);
            check->run(&exam, out);
            if (out->level == COLLIO_LEVEL_FAILURE)
                return 1;
        }
    return 0;
}

int collio_doctor_glance(collio_finding *out)
{
    return glance(out, 0);
}

int collio_doctor_foresee(collio_finding *out)
{
    return glance(out, 1);
}

const char *collio_doctor_launcher(int *rank, int *size)
{
    static collio_launch launch;

    collio_launch_read(&launch);
    if (rank != NULL)
        *rank = launch.rank;
    if (size != NULL)
        *size = launch.size;
    return launch.launcher;
}
