/*
 * In and out of ring 3: one KVM_RUN at a time, what the exit means by the conventions of abi.h,
 * the edit list on the way back in.  It refuses to know what faults and requests mean to a
 * program, and its registers are in registers.c.  The guest's side of each step is
 * guest/kernel/kernel.S.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>

#include "kvm/machine_private.h"

const char *machine_stop_reason(const struct machine *machine)
{
    return machine->stop_reason;
}

uint64_t machine_runs(const struct machine *machine)
{
    return machine->runs;
}

/* --- in and out --- */

enum machine_event machine_stop(struct machine *machine, const char *what, uint64_t detail)
{
    const struct kvm_regs *regs = machine_regs(machine);

    if (machine->stop_reason[0] == '\0') {
        snprintf(
            machine->stop_reason, sizeof(machine->stop_reason),
            "%s (0x%llx) at rip 0x%llx, rsp 0x%llx", what, (unsigned long long)detail,
            regs->rip, regs->rsp);
    }
    return MACHINE_STOPPED;
}

/* Every exit that is not a port of the stub.  None of them is reachable for a program, as far
 * as is known; all end the run with what there is to say. */
static enum machine_event stop_unexpected(struct machine *machine)
{
    const struct kvm_run *run = machine->run;

    switch (run->exit_reason) {
    case KVM_EXIT_SHUTDOWN:
        return machine_stop(machine, "the vCPU shut down (triple fault)", 0);
    case KVM_EXIT_FAIL_ENTRY:
        return machine_stop(
            machine, "KVM could not enter the guest",
            run->fail_entry.hardware_entry_failure_reason);
    case KVM_EXIT_INTERNAL_ERROR:
        return machine_stop(machine, "KVM internal error", run->internal.suberror);
    case KVM_EXIT_MMIO:
        return machine_stop(machine, "access beyond guest memory", run->mmio.phys_addr);
    case KVM_EXIT_HLT:
        return machine_stop(machine, "the vCPU halted", 0);
    default:
        return machine_stop(machine, "unexpected KVM exit", run->exit_reason);
    }
}

/* The edit loop returns by iretq; a request is given the frame that sysret does without. */
static void make_frame_of_request(struct machine *machine)
{
    struct kvm_regs *regs = machine_regs(machine);

    *machine->frame = (struct abi_frame){
        .rax = regs->rax,
        .rip = regs->rcx,
        .cs = LAYOUT_USER_CS,
        .rflags = (regs->r11 & REGISTERS_USER_FLAGS) | RFLAGS_RING3,
        .rsp = regs->rsp,
        .ss = LAYOUT_USER_SS};
    regs->rsp = FRAME_ADDRESS;
    machine->resume = machine->kernel.trap_return;
}

static void end_edit_list(struct machine *machine)
{
    machine->edits.list[machine->edits.count] = (struct abi_edit){0};
}

static void arm_edits(struct machine *machine)
{
    if (machine->resume == machine->kernel.syscall_return) {
        make_frame_of_request(machine);
    }
    end_edit_list(machine);
    machine_regs(machine)->rip = machine->kernel.edit_and_return;
    machine_regs_changed(machine);
    machine->edits_armed = true;
}

static int run_once(struct machine *machine)
{
    machine->runs++;
    return ioctl(machine->vcpu, KVM_RUN, 0L);
}

/* Where `syscall` stays in ring 3, fetching from LSTAR is how it arrives (PLATFORMS: KVM-PVM).
 * A program that jumps there by itself gets the same; rcx is checked, as iretq will load it. */
static bool is_request_by_fault(const struct machine *machine, const struct machine_trap *trap)
{
    const struct kvm_regs *regs = &machine->run->s.regs.regs;

    return trap->rip == machine->kernel.syscall_entry && trap->address.value == trap->rip &&
           (trap->error_code & (PF_USER | PF_WRITE)) == PF_USER && regs->rcx < LAYOUT_USER_END;
}

/* inline: on the path of every fault. */
static inline enum machine_event take_frame(struct machine *machine, struct machine_trap *trap)
{
    const struct abi_frame *frame = machine->frame;

    machine->resume = machine->kernel.trap_return;
    if (machine_regs(machine)->rsp != FRAME_ADDRESS || (frame->cs & 3) != 3) {
        return machine_stop(
            machine, "the guest kernel itself faulted", machine_regs(machine)->rax);
    }
    trap->rip = frame->rip;
    trap->rsp = frame->rsp;
    trap->rflags = frame->rflags;
    trap->error_code = frame->error_code;
    return MACHINE_FAULT;
}

static enum machine_event take_fault(struct machine *machine, struct machine_trap *trap)
{
    if (take_frame(machine, trap) == MACHINE_STOPPED) {
        return MACHINE_STOPPED;
    }
    trap->address = gva_of(machine_regs(machine)->rax);
    if (!is_request_by_fault(machine, trap)) {
        return MACHINE_FAULT;
    }
    machine->frame->rip = trap->rip = machine_regs(machine)->rcx;
    machine->frame->rflags = trap->rflags =
        (machine_regs(machine)->r11 & REGISTERS_USER_FLAGS) | RFLAGS_RING3;
    return MACHINE_REQUEST;
}

/*
 * A debug exception comes on the stack of IST1; its frame is put where all others are, so that
 * the rest need not know.  One that a program held back over its `syscall` finds ring 0 before
 * its first instruction: it is the program's, behind the `syscall`.
 */
static void move_debug_frame(struct machine *machine)
{
    struct kvm_regs *regs = machine_regs(machine);
    struct abi_frame frame = *machine->ist_frame;

    if (regs->rsp != IST_FRAME_ADDRESS) {
        return;
    }
    if ((frame.cs & 3) == 0 && frame.rip == machine->kernel.syscall_entry) {
        frame.rip = regs->rcx;
        frame.rflags = (regs->r11 & REGISTERS_USER_FLAGS) | RFLAGS_RING3;
        frame.cs = LAYOUT_USER_CS;
        frame.ss = LAYOUT_USER_SS;
    }
    *machine->frame = frame;
    regs->rsp = FRAME_ADDRESS;
    machine_regs_changed(machine);
}

static enum machine_event take_exception(struct machine *machine, struct machine_trap *trap)
{
    trap->vector = (unsigned)machine_regs(machine)->rax;
    if (trap->vector == VECTOR_DF || trap->vector == VECTOR_NMI || trap->vector == VECTOR_MC) {
        return machine_stop(
            machine, "double fault, NMI or machine check: vector", trap->vector);
    }
    if (trap->vector == VECTOR_DB) {
        move_debug_frame(machine);
    }
    return take_frame(machine, trap) == MACHINE_STOPPED ? MACHINE_STOPPED : MACHINE_EXCEPTION;
}

static enum machine_event take_request(struct machine *machine, struct machine_trap *trap)
{
    const struct kvm_regs *regs = machine_regs(machine);

    machine->resume = machine->kernel.syscall_return;
    trap->rip = regs->rcx;
    trap->rsp = regs->rsp;
    trap->rflags = regs->r11;
    return MACHINE_REQUEST;
}

/* The armed edits are carried out: ring 3 was reached again. */
static void finish_armed_edits(struct machine *machine)
{
    if (machine->edits_armed) {
        machine->edits_armed = false;
        edits_done(&machine->edits);
    }
}

/* A signal for this thread is pending; the guest is in ring 3, or still in its kernel. */
static enum machine_event take_interruption(struct machine *machine)
{
    if (machine_regs(machine)->rip < LAYOUT_USER_END) {
        finish_armed_edits(machine);
    }
    return MACHINE_INTERRUPTED;
}

enum machine_event machine_run(struct machine *machine, struct machine_trap *trap)
{
    const struct kvm_run *run = machine->run;

    if (machine->stop_reason[0] != '\0') {
        return MACHINE_STOPPED;
    }
    if (machine->edits.announced_count != 0) {
        machine_drain_edits(machine);
    }
    if (machine->edits.count != 0 && !machine->edits_armed) {
        arm_edits(machine);
    }
    int result = run_once(machine);
    trap->exit = clock_mark_now(&machine->clock);
    if (result < 0) {
        return errno == EINTR || errno == EAGAIN
                   ? take_interruption(machine)
                   : machine_stop(machine, "KVM_RUN failed, errno", (uint64_t)errno);
    }
    finish_armed_edits(machine);
    if (run->exit_reason != KVM_EXIT_IO || run->io.direction != KVM_EXIT_IO_OUT) {
        return stop_unexpected(machine);
    }
    switch (run->io.port) {
    case ABI_PORT_FAULT:
        return take_fault(machine, trap);
    case ABI_PORT_SYSCALL:
        return take_request(machine, trap);
    case ABI_PORT_EXCEPTION:
        return take_exception(machine, trap);
    default:
        return machine_stop(machine, "unexpected port", run->io.port);
    }
}

static bool apply_signal_mask(struct machine *machine, const sigset_t *mask)
{
    /* The kernel's sigset_t has 8 bytes, glibc's 128. */
    struct {
        struct kvm_signal_mask header;
        uint8_t set[8];
    } argument = {.header = {.len = 8}};

    memcpy(argument.set, mask, sizeof(argument.set));
    return ioctl(machine->vcpu, KVM_SET_SIGNAL_MASK, &argument) >= 0;
}

bool machine_set_signal_mask(struct machine *machine, const sigset_t *mask, struct err *err)
{
    if (!apply_signal_mask(machine, mask)) {
        return err_set_errno(err, ERR_ENVIRONMENT, "KVM_SET_SIGNAL_MASK");
    }
    machine->signal_mask = *mask;
    return true;
}

/* One KVM_RUN that no signal interrupts. */
static int run_undisturbed(struct machine *machine)
{
    sigset_t all;

    sigfillset(&all);
    if (!apply_signal_mask(machine, &all)) {
        return -1;
    }
    int result = run_once(machine);
    int saved = errno;
    bool restored = apply_signal_mask(machine, &machine->signal_mask);
    errno = saved;
    return restored ? result : -1;
}

/* One pass through a routine of the guest kernel that ends by ABI_PORT_EDITED. */
static bool run_kernel_routine(struct machine *machine, uint64_t label)
{
    struct kvm_regs *regs = machine_regs(machine);

    regs->rip = label;
    regs->rsp = FRAME_ADDRESS;
    regs->rflags = RFLAGS_FIXED;
    machine_regs_changed(machine);
    int result = run_once(machine);
    if (result < 0 && errno == EINTR) {
        /* A signal that ends the run is pending, and would stop each further try as well. */
        result = run_undisturbed(machine);
    }
    if (result < 0 || machine->run->exit_reason != KVM_EXIT_IO ||
        machine->run->io.port != ABI_PORT_EDITED) {
        machine_stop(
            machine, "the guest kernel did not carry out the edits", machine->run->exit_reason);
        return false;
    }
    return true;
}

void machine_drain_edits(struct machine *machine)
{
    struct edits *edits = &machine->edits;

    if (!edits_pending(edits) || machine->stop_reason[0] != '\0') {
        return;
    }
    struct kvm_regs saved = *machine_regs(machine);
    if (edits->count != 0) {
        end_edit_list(machine);
        if (!run_kernel_routine(machine, machine->kernel.edit_and_report)) {
            return;
        }
    }
    if (edits->announced_count != 0) {
        edits_write_announcements(edits);
        if (!run_kernel_routine(machine, machine->kernel.announce_and_report)) {
            return;
        }
    }
    edits_done(edits);
    saved.rip = machine->resume;
    *machine_regs(machine) = saved;
    machine_regs_changed(machine);
}
