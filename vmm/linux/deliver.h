/*
 * What a signal does: the default actions, and the frame of a handler on the program's stack.
 * Shared by the files on signals; everybody else uses signals.h.
 */
#ifndef LINUX_DELIVER_H
#define LINUX_DELIVER_H

#include "linux/signals.h"

/* Whether nothing would come of it: SIG_IGN, or SIG_DFL where that means nothing. */
bool signal_is_ignored(const struct process *process, int number);
/* Whether it has no handler, and does something all the same. */
bool signal_acts_by_default(const struct process *process, int number);
/* End or stop the process. */
void signal_do_default(struct process *process, const struct signal_info *info);

/* Whether an address lies on the alternate stack of the process. */
bool signal_is_on_stack(const struct process *process, uint64_t rsp);

/*
 * sigframe.c: put the frame of a handler on the stack that it wants, and point the registers at
 * the handler.  False where the frame cannot be written, or the handler cannot be entered.
 */
bool sigframe_push(
    struct process *process,
    struct registers *registers,
    const struct signal_info *info,
    uint64_t blocked);

#endif
