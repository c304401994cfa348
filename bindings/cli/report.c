/* The doctor's findings: a table with one line a check, then what is wrong, in full. */
#include "report.h"
#include "json.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define EVIDENCE_LINES 6 /* shown of a finding when all findings are shown */

static const struct look {
    const char *word, *colour;
} looks[] = {
    [COLLIO_LEVEL_SKIPPED] = {"-", "\033[2m"},
    [COLLIO_LEVEL_FINE] = {"ok", "\033[32m"},
    [COLLIO_LEVEL_NOTE] = {"note", "\033[36m"},
    [COLLIO_LEVEL_WARNING] = {"warning", "\033[33m"},
    [COLLIO_LEVEL_FAILURE] = {"FAILURE", "\033[1;31m"},
};

/* Some launchers give ranks a terminal of their own, whatever they do with its output. */
static int wants_colour(FILE *to)
{
    const char *term = getenv("TERM");
    return isatty(fileno(to)) && collio_doctor_launcher(NULL, NULL) == NULL &&
           getenv("NO_COLOR") == NULL && term != NULL && strcmp(term, "dumb") != 0;
}

static void print_word(FILE *to, const collio_finding *f, int width)
{
    const struct look *look = &looks[f->level];

    if (wants_colour(to))
        fprintf(to, "%s%-*s\033[0m", look->colour, width, look->word);
    else
        fprintf(to, "%-*s", width, look->word);
}

/* ------------------------------------------------------------------- as text */

static void print_row(FILE *to, const collio_finding *f)
{
    print_word(to, f, 7);
    fprintf(to, "  %-4s  %-32s  ", f->id, f->subject);
    if (f->rank >= 0)
        fprintf(to, "rank %d: ", f->rank);
    fprintf(to, "%s\n", f->what);
}

/* Lines under a heading; `most` of them, 0: all. Returns how many were left out. */
static int print_lines(FILE *to, const char *heading, const char *text, int most)
{
    int count = 0;

    for (const char *line = text; *line != 0; count++) {
        int length = (int)strcspn(line, "\n");
        if (most == 0 || count < most)
            fprintf(to, "  %-14s: %.*s\n", count == 0 ? heading : "", length, line);
        line += length + (line[length] == '\n');
    }
    return most > 0 && count > most ? count - most : 0;
}

static void print_finding(FILE *to, const collio_finding *f, int most)
{
    int rest;

    fputc('\n', to);
    print_word(to, f, 0);
    fprintf(to, " %s  %s\n", f->id, f->subject);
    print_lines(to, "what", f->what, 0);
    print_lines(to, "why it matters", f->why, 0);
    print_lines(to, "mend", f->mend, 0);
    rest = print_lines(to, "evidence", f->evidence, most);
    if (rest > 0)
        fprintf(to, "  %-14s  (%d more lines: collio doctor -v %s)\n", "", rest, f->id);
}

static void print_sum(FILE *to, const collio_doctor *doctor)
{
    int counts[COLLIO_LEVEL_FAILURE + 1] = {0};

    for (int i = 0; i < collio_doctor_count(doctor); i++)
        counts[collio_doctor_finding(doctor, i)->level]++;
    fprintf(to, "\n%d fine, %d notes, %d warnings, %d failures, %d not looked at\n",
            counts[COLLIO_LEVEL_FINE], counts[COLLIO_LEVEL_NOTE], counts[COLLIO_LEVEL_WARNING],
            counts[COLLIO_LEVEL_FAILURE], counts[COLLIO_LEVEL_SKIPPED]);
}

static void print_text(FILE *to, const collio_doctor *doctor)
{
    for (int i = 0; i < collio_doctor_count(doctor); i++)
        print_row(to, collio_doctor_finding(doctor, i));
    for (int level = COLLIO_LEVEL_FAILURE; level >= COLLIO_LEVEL_WARNING; level--)
        for (int i = 0; i < collio_doctor_count(doctor); i++)
            if ((int)collio_doctor_finding(doctor, i)->level == level)
                print_finding(to, collio_doctor_finding(doctor, i), EVIDENCE_LINES);
    print_sum(to, doctor);
}

/* ------------------------------------------------------------------- as JSON */

static void print_member(FILE *to, const char *name, const char *text)
{
    fprintf(to, ", \"%s\": ", name);
    json_text(to, text);
}

static void print_json_finding(FILE *to, const collio_finding *f)
{
    fprintf(to, "  {\"id\": ");
    json_text(to, f->id);
    print_member(to, "level", collio_level_name(f->level));
    fprintf(to, ", \"rank\": %d", f->rank);
    print_member(to, "subject", f->subject);
    print_member(to, "what", f->what);
    print_member(to, "why", f->why);
    print_member(to, "mend", f->mend);
    fprintf(to, ", \"evidence\": [");
    for (const char *line = f->evidence; *line != 0;) {
        size_t length = strcspn(line, "\n");
        if (line != f->evidence)
            fprintf(to, ", ");
        json_string(to, line, length);
        line += length + (line[length] == '\n');
    }
    fprintf(to, "]}");
}

static void print_json(FILE *to, const collio_doctor *doctor, const char *check)
{
    const char *separator = "\n";

    fprintf(to, "{\"collio\": \"%s\", \"level\": \"%s\", \"findings\": [", collio_version(),
            collio_level_name(collio_doctor_level(doctor)));
    for (int i = 0; i < collio_doctor_count(doctor); i++) {
        const collio_finding *f = collio_doctor_finding(doctor, i);
        if (check != NULL && strcmp(check, f->id) != 0)
            continue;
        fputs(separator, to);
        print_json_finding(to, f);
        separator = ",\n";
    }
    fprintf(to, "\n]}\n");
}

int report_print(FILE *to, const collio_doctor *doctor, const report_style *style)
{
    const collio_finding *one = NULL;

    for (int i = 0; style->check != NULL && i < collio_doctor_count(doctor); i++)
        if (strcmp(collio_doctor_finding(doctor, i)->id, style->check) == 0)
            one = collio_doctor_finding(doctor, i);
    if (style->check != NULL && one == NULL)
        return 0;
    if (style->json)
        print_json(to, doctor, style->check);
    else if (one != NULL)
        print_finding(to, one, 0);
    else
        print_text(to, doctor);
    fflush(to);
    return 1;
}
