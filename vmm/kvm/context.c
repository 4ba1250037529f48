/*
 * One vCPU for several programs: everything of ring 3 that the CPU holds is kept and loaded
 * here, and the state of a vCPU that a signal stopped in ring 3 is brought to where a trap would
 * have left it.  It refuses to know who runs when (run/schedule.c).
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>
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

/* Within the state: FXSAVE's part, then XSAVE's header (SDM volume 1, "XSAVE Area"). */
#define FXSAVE_BYTES  512
#define FCW_DEFAULT   0x37fu /* as Linux starts a program: all exceptions masked */
#define MXCSR_DEFAULT 0x1f80u
#define MXCSR_OFFSET  24
#define STATE_X87_SSE UINT64_C(3)

void machine_context_begin(struct machine_context *context, struct gva rip, struct gva rsp)
{
    const struct kvm_segment unusable = {.unusable = 1};
    const uint16_t fcw = FCW_DEFAULT;
    const uint32_t mxcsr = MXCSR_DEFAULT;
    const uint64_t present = STATE_X87_SSE;
    char *state = (char *)context->xstate.region;

    *context = (struct machine_context){
        .registers = {.rip = rip.value, .rsp = rsp.value},
        .ds = unusable,
        .es = unusable,
        .fs = unusable,
        .gs = unusable};
    memcpy(state, &fcw, sizeof(fcw));
    memcpy(state + MXCSR_OFFSET, &mxcsr, sizeof(mxcsr));
    memcpy(state + FXSAVE_BYTES, &present, sizeof(present));
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

static bool same_selector(const struct kvm_segment *a, const struct kvm_segment *b)
{
    return a->selector == b->selector && a->unusable == b->unusable;
}

/* By the guest kernel, so that translations under other tags stay; only bases may differ. */
static bool load_by_guest(
    struct machine *machine,
    const struct machine_context *context,
    const struct machine_tables *tables)
{
    struct kvm_regs *regs = machine_regs(machine);

    regs->rax = tables->root.value | tables->tag | (tables->stale ? 0 : CR3_NO_FLUSH);
    regs->rcx = context->fs.base;
    regs->rdx = context->gs.base;
    return machine_run_routine(machine, machine->kernel.switch_and_report);
}

/* By KVM, which flushes where CR3 changes. */
static bool load_by_host(
    struct machine *machine,
    const struct machine_context *context,
    const struct machine_tables *tables,
    struct kvm_sregs *sregs)
{
    sregs->ds = context->ds;
    sregs->es = context->es;
    sregs->fs = context->fs;
    sregs->gs = context->gs;
    sregs->cr3 = tables->root.value | (machine->cpu.pcid ? tables->tag : 0);
    if (ioctl(machine->vcpu, KVM_SET_SREGS, sregs) < 0) {
        machine_stop(machine, "KVM refuses the vCPU's state", sregs->cr3);
        return false;
    }
    return true;
}

bool machine_load(
    struct machine *machine,
    const struct machine_context *context,
    const struct machine_tables *tables)
{
    struct kvm_sregs sregs;

    assert(!edits_pending(&machine->edits));
    assert(tables->tag >= 1 && tables->tag <= MACHINE_TAGS);
    if (ioctl(machine->vcpu, KVM_GET_SREGS, &sregs) < 0) {
        machine_stop(machine, "KVM does not tell the vCPU's state", 0);
        return false;
    }
    bool by_guest = machine->cpu.pcid && same_selector(&sregs.ds, &context->ds) &&
                    same_selector(&sregs.es, &context->es) &&
                    same_selector(&sregs.fs, &context->fs) &&
                    same_selector(&sregs.gs, &context->gs);
    if (!(by_guest ? load_by_guest(machine, context, tables)
                   : load_by_host(machine, context, tables, &sregs))) {
        return false;
    }
    if (!machine_write_xstate(machine, &context->xstate)) {
        machine_stop(machine, "KVM refuses the state of vector registers", 0);
        return false;
    }
    machine_write_registers(machine, &context->registers);
    return true;
}
