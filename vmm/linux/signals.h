/*
 * Signals between the parts of the personality: sending one, forcing one on a process that did
 * something wrong, and delivering what is pending.  The requests on signals are in signals.c,
 * delivery in deliver.c, the frame on the program's stack in sigframe.h.
 */
#ifndef LINUX_SIGNALS_H
#define LINUX_SIGNALS_H

#include "base/registers.h"
#include "linux/process.h"

/* Make a signal pending.  One that is ignored is dropped; one that ends the process ends it at
 * once unless it is the current one, which ends at its next delivery; a blocked process goes
 * on. */
void signal_send(struct process *to, const struct signal_info *info);
/* From a process to another, as kill() does. */
void signal_send_from(struct process *from, struct process *to, int number, int code);

/* A fault or exception of the current process: the signal comes whatever the mask says, and if
 * it is blocked or ignored it ends the process.  reason: one line, for the case that it does. */
void signal_force(struct process *process, const struct signal_info *info, const char *reason);

/* Whether signals_deliver() has anything to do. */
static inline bool signals_are_due(const struct process *process)
{
    return (process->signals.pending & ~process->signals.blocked) != 0 || process->restart ||
           process->signals.restore_blocked;
}

/*
 * Before the current process goes on in ring 3: enter the handlers of what is pending, or do
 * what is done by default, which may end or stop the process.  A request that was interrupted
 * gets its result or is set up to be made again.
 */
void signals_deliver(struct process *process);

/* Take one of `set` that is pending; false if none is. */
bool signal_take(struct process *process, uint64_t set, struct signal_info *info);

/* What the program reads: siginfo_t, 128 bytes. */
#define SIGNAL_INFO_BYTES 128
void signal_fill_info(const struct signal_info *info, uint8_t out[SIGNAL_INFO_BYTES]);

#endif
