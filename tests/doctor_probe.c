/* Load shared objects beside collio and print the doctor's warnings and failures, one "ID level" a
 * line. doctor_probe [NAME=FACT ...] [OBJECT ...]; an object with a + before it is loaded for all
 * to see (RTLD_GLOBAL). */
#include "collio/doctor.h"

#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

int main(int argc, char **argv)
{
    collio_error err = COLLIO_ERROR_INIT;
    collio_doctor *doctor = NULL;
    collio_fact facts[32] = {{NULL, NULL}};
    collio_doctor_options options = {.facts = facts, .offline = 1};
    collio_finding glance;
    int count = 0;

    for (int i = 1; i < argc; i++) {
        char *equal = strchr(argv[i], '=');
        int global = argv[i][0] == '+';
        if (equal != NULL && count < 31) {
            *equal = 0;
            facts[count++] = (collio_fact){argv[i], equal + 1};
        } else if (dlopen(argv[i] + global, RTLD_NOW | (global ? RTLD_GLOBAL : RTLD_LOCAL)) ==
                   NULL) {
            fprintf(stderr, "%s\n", dlerror());
            return 77;
        }
    }
    if (collio_doctor_create(&options, &doctor, &err) != COLLIO_OK)
        return 1;
    for (int i = 0; i < collio_doctor_count(doctor); i++) {
        const collio_finding *f = collio_doctor_finding(doctor, i);
        if (f->level >= COLLIO_LEVEL_WARNING) {
            printf("%s %s\n", f->id, collio_level_name(f->level));
            fprintf(stderr, "%s: %s\n%s\n", f->id, f->what, f->evidence);
        }
    }
    if (collio_doctor_glance(&glance))
        printf("glance %s\n", glance.id);
    collio_doctor_free(&doctor);
    return 0;
}
