/* vmm measure, from options to output. */
#ifndef CLI_MEASURE_COMMAND_H
#define CLI_MEASURE_COMMAND_H

/* argv[0] is "measure".  Prints everything itself; returns the exit status. */
int measure_command(int argc, char **argv);

#endif
