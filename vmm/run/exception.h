/* What a signal tells of a CPU exception: si_code and si_addr, as Linux fills them in. */
#ifndef RUN_EXCEPTION_H
#define RUN_EXCEPTION_H

#include "kvm/machine.h"
#include "linux/signal_state.h"

/* Fill in info->code and info->address for trap->vector; floating-point exceptions look at the
 * CPU's state (one ioctl). */
void exception_info(
    struct machine *machine, const struct machine_trap *trap, struct signal_info *info);

#endif
