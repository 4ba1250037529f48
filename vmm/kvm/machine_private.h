/*
 * Inside of struct machine, for the files that make it: machine.c (set-up and tear-down),
 * machine_run.c (in and out of ring 3), registers.c and context.c (the program's state).
 * Nobody else includes this.
 */
#ifndef KVM_MACHINE_PRIVATE_H
#define KVM_MACHINE_PRIVATE_H

#include <linux/kvm.h>
#include <stddef.h>

#include "kvm/machine.h"

/* Where the frame of a trap from ring 3 always is: the CPU starts at RSP0. */
#define FRAME_ADDRESS (LAYOUT_STACK + PAGE_BYTES - sizeof(struct abi_frame))
/* The same on the stack of vectors that have one of their own. */
#define IST_FRAME_ADDRESS (LAYOUT_IST + PAGE_BYTES - sizeof(struct abi_frame))

/* Flags that ring 3 always has.  IF as under Linux: a program can see it, and cannot clear it
 * (IOPL is 0).  An emulated CPU was seen to keep the host's own timer from a guest without IF. */
#define RFLAGS_RING3 (RFLAGS_FIXED | RFLAGS_IF)

struct machine {
    int kvm, vm, vcpu;   /* own; -1 when closed */
    struct kvm_run *run; /* owns the mapping */
    size_t run_bytes;
    struct gmem mem;
    struct frames *frames;  /* owns */
    struct ptab_pool *pool; /* owns */
    struct edits edits;
    struct abi_kernel kernel;
    struct abi_frame *frame;     /* borrows: end of the fault stack, in guest memory */
    struct abi_frame *ist_frame; /* borrows: end of the stack of IST1 */
    struct machine_cpu cpu;
    struct clock clock;
    uint64_t resume; /* label at which ring 3 is resumed after the trap in service */
    uint64_t runs;
    sigset_t signal_mask; /* while the guest runs */
    bool edits_armed; /* the vCPU was pointed at the edit loop and has not come back since */
    char stop_reason[256];
};

/* The vCPU's registers as the last exit left them; changes count only if announced. */
static inline struct kvm_regs *machine_regs(struct machine *machine)
{
    return &machine->run->s.regs.regs;
}

static inline void machine_regs_changed(struct machine *machine)
{
    machine->run->kvm_dirty_regs = KVM_SYNC_X86_REGS;
}

/* machine_run.c: end the machine with a reason; the first one stays. */
enum machine_event machine_stop(struct machine *machine, const char *what, uint64_t detail);

#endif
