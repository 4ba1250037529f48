/*
 * `vmm export`: from a recorded session to a file or standard output.  Formats are
 * vmm/export's.
 */
#ifndef CLI_EXPORT_COMMAND_H
#define CLI_EXPORT_COMMAND_H

/* argv[0] is "export".  Prints everything itself; returns the exit status. */
int export_command(int argc, char **argv);

#endif
