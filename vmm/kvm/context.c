/*
 * One vCPU for several programs: everything of ring 3 that the CPU holds is kept and loaded
 * here, and the state of a vCPU that a signal stopped in ring 3 is brought to where a trap would
 * have left it.  It refuses to know who runs when (run/schedule.c).
 */
#include <stdlib.h>
#include <sys/ioctl.h>

#include "kvm/cpu.h"
#include "kvm/machine_private.h"

struct machine_context {
    struct registers registers;
    /* Selectors may be the program's own; the bases of FS and GS are. */
    struct kvm_segment ds, es, fs, gs;
    struct kvm_xsave xstate;
};

struct machine_context *machine_context_create(void)
{
    return calloc(1, sizeof(struct machine_context));
}

void machine_context_destroy(struct machine_context *context)
{
    free(context);
}

struct registers *machine_context_registers(struct machine_context *context)
{
    return &context->registers;
}

/* --- stopped by a signal --- */

/* Something that KVM would deliver to whatever runs next: it belongs to this program. */
static bool event_is_underway(struct machine *machine)
{
    struct kvm_vcpu_events events;

    return ioctl(machine->vcpu, KVM_GET_VCPU_EVENTS, &events) < 0 ||
           events.exception.injected || events.exception.pending || events.interrupt.injected ||
           events.nmi.injected || events.nmi.pending;
}

/* The same registers, but in ring 0 with the frame on the stack. */
static bool enter_kernel(struct machine *machine)
{
    const struct kvm_regs *regs = machine_regs(machine);
    struct kvm_sregs sregs;

    if (ioctl(machine->vcpu, KVM_GET_SREGS, &sregs) < 0) {
        return false;
    }
    cpu_fill_kernel_segments(&sregs);
    if (ioctl(machine->vcpu, KVM_SET_SREGS, &sregs) < 0) {
        return false;
    }
    const struct registers registers = {
        .rax = regs->rax,
        .rbx = regs->rbx,
        .rcx = regs->rcx,
        .rdx = regs->rdx,
        .rsi = regs->rsi,
        .rdi = regs->rdi,
        .rsp = regs->rsp,
        .rbp = regs->rbp,
        .r8 = regs->r8,
        .r9 = regs->r9,
        .r10 = regs->r10,
        .r11 = regs->r11,
        .r12 = regs->r12,
        .r13 = regs->r13,
        .r14 = regs->r14,
        .r15 = regs->r15,
        .rip = regs->rip,
        .rflags = regs->rflags};
    machine_write_registers(machine, &registers);
    return true;
}

bool machine_take_over(struct machine *machine)
{
    /* Only ring 3 runs in the lower half: the guest kernel has no page there. */
    if (machine_regs(machine)->rip >= LAYOUT_USER_END || event_is_underway(machine)) {
        return false;
    }
    if (!enter_kernel(machine)) {
        machine_stop(machine, "KVM refuses the system registers", 0);
        return false;
    }
    return true;
}

/* --- exchange --- */

bool machine_save(struct machine *machine, struct machine_context *context)
{
    struct kvm_sregs sregs;

    machine_read_registers(machine, &context->registers);
    if (ioctl(machine->vcpu, KVM_GET_SREGS, &sregs) < 0 ||
        !machine_read_xstate(machine, &context->xstate)) {
        machine_stop(machine, "KVM does not tell the vCPU's state", 0);
        return false;
    }
    context->ds = sregs.ds;
    context->es = sregs.es;
    context->fs = sregs.fs;
    context->gs = sregs.gs;
    return true;
}

bool machine_load(
    struct machine *machine, const struct machine_context *context, struct gpa root)
{
    struct kvm_sregs sregs;

    if (ioctl(machine->vcpu, KVM_GET_SREGS, &sregs) < 0) {
        machine_stop(machine, "KVM does not tell the vCPU's state", 0);
        return false;
    }
    sregs.ds = context->ds;
    sregs.es = context->es;
    sregs.fs = context->fs;
    sregs.gs = context->gs;
    sregs.cr3 = root.value;
    if (ioctl(machine->vcpu, KVM_SET_SREGS, &sregs) < 0 ||
        !machine_write_xstate(machine, &context->xstate)) {
        machine_stop(machine, "KVM refuses the vCPU's state", root.value);
        return false;
    }
    machine_write_registers(machine, &context->registers);
    return true;
}
