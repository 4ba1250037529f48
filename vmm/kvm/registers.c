/*
 * The program's registers between two entries: where the last trap left them (on the fault
 * stack, or still in the CPU), and how new ones get there.  It refuses to know what they mean.
 * Read context.c next, which exchanges them all.
 */
#include <string.h>
#include <sys/ioctl.h>

#include "kvm/machine_private.h"

static bool in_frame(const struct machine *machine)
{
    return machine->resume == machine->kernel.trap_return;
}

void machine_read_request(const struct machine *machine, struct machine_request *request)
{
    const struct kvm_regs *regs = &machine->run->s.regs.regs;

    request->number = in_frame(machine) ? machine->frame->rax : regs->rax;
    request->argument[0] = regs->rdi;
    request->argument[1] = regs->rsi;
    request->argument[2] = regs->rdx;
    request->argument[3] = regs->r10;
    request->argument[4] = regs->r8;
    request->argument[5] = regs->r9;
}

void machine_set_result(struct machine *machine, uint64_t value)
{
    if (in_frame(machine)) {
        machine->frame->rax = value;
        return;
    }
    machine_regs(machine)->rax = value;
    machine_regs_changed(machine);
}

void machine_read_registers(const struct machine *machine, struct registers *registers)
{
    const struct kvm_regs *regs = &machine->run->s.regs.regs;
    const struct abi_frame *frame = machine->frame;
    bool framed = in_frame(machine);

    *registers = (struct registers){
        .rax = framed ? frame->rax : regs->rax,
        .rbx = regs->rbx,
        .rcx = regs->rcx,
        .rdx = regs->rdx,
        .rsi = regs->rsi,
        .rdi = regs->rdi,
        .rsp = framed ? frame->rsp : regs->rsp,
        .rbp = regs->rbp,
        .r8 = regs->r8,
        .r9 = regs->r9,
        .r10 = regs->r10,
        .r11 = regs->r11,
        .r12 = regs->r12,
        .r13 = regs->r13,
        .r14 = regs->r14,
        .r15 = regs->r15,
        .rip = framed ? frame->rip : regs->rcx,
        .rflags = framed ? frame->rflags : regs->r11};
}

void machine_write_registers(struct machine *machine, const struct registers *registers)
{
    struct kvm_regs *regs = machine_regs(machine);

    *machine->frame = (struct abi_frame){
        .rax = registers->rax,
        .rip = registers->rip,
        .cs = LAYOUT_USER_CS,
        .rflags = (registers->rflags & REGISTERS_USER_FLAGS) | RFLAGS_RING3,
        .rsp = registers->rsp,
        .ss = LAYOUT_USER_SS};
    *regs = (struct kvm_regs){
        .rbx = registers->rbx,
        .rcx = registers->rcx,
        .rdx = registers->rdx,
        .rsi = registers->rsi,
        .rdi = registers->rdi,
        .rbp = registers->rbp,
        .r8 = registers->r8,
        .r9 = registers->r9,
        .r10 = registers->r10,
        .r11 = registers->r11,
        .r12 = registers->r12,
        .r13 = registers->r13,
        .r14 = registers->r14,
        .r15 = registers->r15,
        .rip = machine->kernel.trap_return,
        .rsp = FRAME_ADDRESS,
        .rflags = RFLAGS_FIXED};
    machine->resume = machine->kernel.trap_return;
    machine_regs_changed(machine);
}

void machine_clear_trap_flag_of_request(struct machine *machine)
{
    if (in_frame(machine)) {
        machine->frame->rflags &= ~RFLAGS_TF;
    }
    machine_regs(machine)->r11 &= ~RFLAGS_TF;
    machine_regs_changed(machine);
}

void machine_set_trap_flag(struct machine *machine, bool on)
{
    struct abi_frame *frame = machine->frame;

    frame->rflags = on ? frame->rflags | RFLAGS_TF : frame->rflags & ~RFLAGS_TF;
    /* A `syscall` that arrives in ring 3 may be trapped there, before it is seen as a request. */
    if (!on && frame->rip == machine->kernel.syscall_entry) {
        machine_clear_trap_flag_of_request(machine);
    }
}

/* FS and GS base go through KVM_SET_SREGS: the one way that was seen to work on every back end. */
static bool exchange_bases(
    struct machine *machine,
    const struct gva *set_fs,
    const struct gva *set_gs,
    struct gva *get_fs,
    struct gva *get_gs)
{
    struct kvm_sregs sregs;

    if (ioctl(machine->vcpu, KVM_GET_SREGS, &sregs) < 0) {
        return false;
    }
    if (get_fs != NULL) {
        *get_fs = gva_of(sregs.fs.base);
    }
    if (get_gs != NULL) {
        *get_gs = gva_of(sregs.gs.base);
    }
    if (set_fs == NULL && set_gs == NULL) {
        return true;
    }
    if (set_fs != NULL) {
        sregs.fs.base = set_fs->value;
    }
    if (set_gs != NULL) {
        sregs.gs.base = set_gs->value;
    }
    return ioctl(machine->vcpu, KVM_SET_SREGS, &sregs) >= 0;
}

bool machine_set_fs_base(struct machine *machine, struct gva base)
{
    return exchange_bases(machine, &base, NULL, NULL, NULL);
}

bool machine_get_fs_base(struct machine *machine, struct gva *base)
{
    return exchange_bases(machine, NULL, NULL, base, NULL);
}

bool machine_set_gs_base(struct machine *machine, struct gva base)
{
    return exchange_bases(machine, NULL, &base, NULL, NULL);
}

bool machine_get_gs_base(struct machine *machine, struct gva *base)
{
    return exchange_bases(machine, NULL, NULL, NULL, base);
}

_Static_assert(sizeof(struct kvm_xsave) == XSTATE_BYTES, "what KVM hands out");

bool machine_read_xstate(struct machine *machine, void *state)
{
    return ioctl(machine->vcpu, KVM_GET_XSAVE, state) >= 0;
}

bool machine_write_xstate(struct machine *machine, const void *state)
{
    return ioctl(machine->vcpu, KVM_SET_XSAVE, state) >= 0;
}
