/* collio: the command line. `collio COMMAND [OPTION...]` */
#include "cli.h"

#include <collio/core.h>

#include <stdio.h>
#include <string.h>

static const struct command {
    const char *name;
    command_function *run;
    const char *help;
} commands[] = {
    {"doctor", command_doctor, "find what does not fit together: MPI, HDF5, Python, file system"},
    {"inspect", command_inspect, "show what is in an HDF5 file"},
    {"diff", command_diff, "compare two HDF5 files, with tolerances"},
    {"xdmf", command_xdmf, "describe the arrays of an HDF5 file for ParaView"},
    {"list", command_list, "list the steps in a directory of checkpoints"},
    {"verify", command_verify, "compare every byte of checkpoints with their seals"},
    {"merge", command_merge, "make one file of a step that was saved per rank"},
    {"prune", command_prune, "delete old steps of a directory of checkpoints"},
    {"hints", command_hints, "explain the hints for files, and show what the MPI here took"},
};

static void print_help(FILE *to)
{
    fprintf(to, "usage: collio COMMAND [OPTION...]\n\n");
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
        fprintf(to, "  %-10s%s\n", commands[i].name, commands[i].help);
    fprintf(to, "\n  --version   print the version\n"
                "  --help      print this; collio COMMAND --help for the options of a command\n");
}

int main(int argc, char **argv)
{
    const char *name = argc > 1 ? argv[1] : "";

    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
        if (strcmp(name, commands[i].name) == 0)
            return commands[i].run(argc - 1, argv + 1);
    if (strcmp(name, "--version") == 0) {
        printf("collio %s\n", collio_version());
        return 0;
    }
    if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0) {
        print_help(stdout);
        return 0;
    }
    if (*name != 0)
        fprintf(stderr, "collio: no command '%s'\n", name);
    print_help(stderr);
    return STATUS_USAGE;
}
