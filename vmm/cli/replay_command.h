/* vmm replay: a recorded reference string under other choices.  Read replay_command.c. */
#ifndef CLI_REPLAY_COMMAND_H
#define CLI_REPLAY_COMMAND_H

/* argv[0] is the word "replay".  Returns the exit status: 0, or OPTIONS_STATUS_FAILED after a
 * message on standard error. */
int replay_command(int argc, char **argv);

#endif
