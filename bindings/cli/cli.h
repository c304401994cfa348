/*
 * What the commands of the program `collio` share. Each command is one file with one function; a
 * line in main.c's table makes it known.
 */
#ifndef COLLIO_CLI_H
#define COLLIO_CLI_H

/* argv[0] is the command's name. Returns the exit status. */
typedef int command_function(int argc, char **argv);

command_function command_doctor, command_hints;
command_function command_inspect, command_diff, command_xdmf;
command_function command_list, command_verify, command_merge, command_prune;

/* Exit status of a call that was not understood. */
#define STATUS_USAGE 64

#endif
