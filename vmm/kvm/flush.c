/*
 * Has the guest kernel do what flushes the TLB, over and over, for those who time it.  It knows nothing
 * of what was in there.  Read kernel.S, reload_and_report.
 */
#include <assert.h>
#include <sys/ioctl.h>

#include "kvm/machine.h"
#include "kvm/machine_private.h"

#define OTHER_TAG UINT64_C(1) /* a PCID that no program here has while experiments run */

/* The label to run, with its two values in rax and rdx. */
static uint64_t
prepare(struct machine *machine, enum machine_flush what, const struct kvm_sregs *sregs)
{
    struct kvm_regs *regs = machine_regs(machine);
    uint64_t keep = what == MACHINE_FLUSH_PCID_KEEP ? CR3_NO_FLUSH : 0;

    regs->rax = regs->rdx = sregs->cr3;
    switch (what) {
    case MACHINE_FLUSH_CR3:
        break;
    case MACHINE_FLUSH_PGE:
        regs->rax = sregs->cr4 ^ CR4_PGE;
        regs->rdx = sregs->cr4;
        return machine->kernel.toggle_and_report;
    case MACHINE_FLUSH_PCID:
    case MACHINE_FLUSH_PCID_KEEP:
        regs->rax = (sregs->cr3 ^ OTHER_TAG) | keep;
        regs->rdx |= keep;
        break;
    }
    return machine->kernel.reload_and_report;
}

bool machine_flush(struct machine *machine, enum machine_flush what, unsigned times)
{
    struct kvm_regs saved = *machine_regs(machine);
    struct kvm_sregs sregs;

    assert(times >= 1);
    if (machine->stop_reason[0] != '\0') {
        return false;
    }
    if (ioctl(machine->vcpu, KVM_GET_SREGS, &sregs) < 0) {
        machine_stop(machine, "KVM does not tell the system registers", 0);
        return false;
    }
    uint64_t label = prepare(machine, what, &sregs);
    machine_regs(machine)->rcx = times;
    if (!machine_run_routine(machine, label)) {
        return false;
    }
    saved.rip = machine->resume;
    *machine_regs(machine) = saved;
    machine_regs_changed(machine);
    return true;
}
