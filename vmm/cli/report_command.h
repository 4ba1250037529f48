/*
 * `vmm report`: from a recorded session to text, JSON or a page.  It owns the order in which
 * things are read and printed; every number comes from vmm/report.
 */
#ifndef CLI_REPORT_COMMAND_H
#define CLI_REPORT_COMMAND_H

/* argv[0] is "report".  Prints everything itself; returns the exit status. */
int report_command(int argc, char **argv);

#endif
