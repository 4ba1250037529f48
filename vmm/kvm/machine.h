/*
 * The machine: one KVM virtual machine with one vCPU, its memory, the guest kernel in it, and
 * the way in and out of ring 3.  It owns every KVM ioctl of a run and the conventions of
 * include/abi.h; it refuses to know what a fault or a request means.  Read vmm/run/run.c for
 * who drives it.
 *
 * Architecture: SDM volume 3, "Protected-Mode and Long-Mode System-Register Initialization";
 * KVM: Documentation/virt/kvm/api.rst of the kernel.
 */
#ifndef KVM_MACHINE_H
#define KVM_MACHINE_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

#include "abi.h"

#include "base/addr.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/registers.h"
#include "memory/frames.h"
#include "memory/gmem.h"
#include "paging/edits.h"
#include "paging/lint.h"
#include "paging/ptab.h"

/* What the guest's CPU offers, as KVM_GET_SUPPORTED_CPUID says: that is what the guest is
 * given. */
struct machine_cpu {
    unsigned physical_bits;
    bool no_execute, giant_pages, fsgsbase, pcid, xsave, smep, smap;
    uint64_t xcr0;   /* state that ring 3 may hold; without `xsave` what the host shows it */
    uint32_t hwcap;  /* CPUID 1 edx: AT_HWCAP */
    uint32_t hwcap2; /* AT_HWCAP2 */
    uint32_t xsave_bytes; /* of all state enabled in xcr0, 512 + 64 at least */
};

struct machine_config {
    const char *kvm_path; /* borrows; "/dev/kvm" */
    uint64_t mem_bytes;   /* a multiple of LARGE_BYTES */
};

struct machine; /* opaque: owns everything below it */

/*
 * Make a machine that is ready for an address space and a start.  Fails with ERR_ENVIRONMENT:
 * no usable KVM, a capability is missing, no memory.  On failure nothing is left behind.
 */
MUST_CHECK bool
machine_create(struct machine **machine, const struct machine_config *config, struct err *err);
void machine_destroy(struct machine *machine); /* accepts NULL */

/* All borrowed; they live as long as the machine. */
struct gmem *machine_mem(struct machine *machine);
struct frames *machine_frames(struct machine *machine);
struct ptab_pool *machine_pool(struct machine *machine);
struct edits *machine_edits(struct machine *machine);
const struct machine_cpu *machine_cpu(const struct machine *machine);
const struct abi_kernel *machine_kernel(const struct machine *machine);

/* Lint the tables and make them the current ones.  Fails with ERR_ENVIRONMENT and the lint's
 * text. */
MUST_CHECK bool
machine_use_tables(struct machine *machine, const struct ptab *ptab, struct err *err);

/* Where the next machine_run enters ring 3: all general registers zero but these. */
MUST_CHECK bool
machine_start(struct machine *machine, struct gva rip, struct gva rsp, struct err *err);

/*
 * The signal mask while the guest runs (KVM_SET_SIGNAL_MASK).  A signal that the thread blocks
 * but this mask does not makes machine_run return MACHINE_INTERRUPTED and stays pending, so
 * that no handler and no global is needed and none can be missed.
 */
MUST_CHECK bool
machine_set_signal_mask(struct machine *machine, const sigset_t *mask, struct err *err);

enum machine_event {
    MACHINE_FAULT,       /* #PF from ring 3 */
    MACHINE_EXCEPTION,   /* any other vector from ring 3 */
    MACHINE_REQUEST,     /* `syscall` from ring 3 */
    MACHINE_INTERRUPTED, /* a signal is pending for this thread */
    MACHINE_STOPPED,     /* the vCPU cannot go on: machine_stop_reason() */
};

/* What ring 3 was doing.  rax is the program's own, whatever the stub did with the register. */
struct machine_trap {
    struct clock_mark exit; /* directly behind KVM_RUN */
    uint64_t rip, rsp, rflags;
    unsigned vector;     /* MACHINE_EXCEPTION */
    uint64_t error_code; /* MACHINE_FAULT: PF_*; MACHINE_EXCEPTION: as pushed */
    struct gva address;  /* MACHINE_FAULT: cr2 */
};

/*
 * Carry out pending edits, run ring 3 until something happens, and say what: exactly one
 * KVM_RUN. What waits in the edit list is released once the guest has left again for a reason
 * of its own.
 */
enum machine_event machine_run(struct machine *machine, struct machine_trap *trap);

/*
 * Make the guest kernel carry out now what waits in the edit list, while a trap is being served;
 * the program's state stays.  One KVM_RUN for edits, one for announcements, none without either.  A machine that
 * fails in there is stopped: the next machine_run says so.
 */
void machine_drain_edits(struct machine *machine);

/* What flushes more than a page. */
enum machine_flush {
    MACHINE_FLUSH_CR3,       /* CR3 loaded with what it holds */
    MACHINE_FLUSH_PGE,       /* CR4.PGE set, and cleared again */
    MACHINE_FLUSH_PCID,      /* another PCID, and back; both flushed */
    MACHINE_FLUSH_PCID_KEEP, /* the same with CR3's bit 63: nothing flushed */
};

/*
 * Make the guest kernel do it 2 x times over, while a trap is being served; the program's state
 * stays.  One KVM_RUN.  times: at least 1; the PCID ones only where machine_cpu()->pcid.  False: the machine is
 * stopped, and the next machine_run says so.
 */
MUST_CHECK bool machine_flush(struct machine *machine, enum machine_flush what, unsigned times);

/* Valid after MACHINE_REQUEST: rax is the number. */
struct machine_request {
    uint64_t number;
    uint64_t argument[6];
};
void machine_read_request(const struct machine *machine, struct machine_request *request);
/* The result of the request: rax when ring 3 runs again. */
void machine_set_result(struct machine *machine, uint64_t value);

/*
 * Whether the fault that machine_run returned last came from the same instruction as the one that
 * this was asked of before, with nothing done in between: all general registers are the same.
 */
bool machine_is_same_instruction(struct machine *machine);

/* FS and GS base of ring 3 (two ioctls each: not for a hot path). */
MUST_CHECK bool machine_set_fs_base(struct machine *machine, struct gva base);
MUST_CHECK bool machine_get_fs_base(struct machine *machine, struct gva *base);
MUST_CHECK bool machine_set_gs_base(struct machine *machine, struct gva base);
MUST_CHECK bool machine_get_gs_base(struct machine *machine, struct gva *base);

/*
 * The program's general registers at the last trap, and new ones for it: it goes on there by
 * iretq, with all of them.  registers->rip must be canonical; of rflags only
 * REGISTERS_USER_FLAGS are taken.
 */
void machine_read_registers(const struct machine *machine, struct registers *registers);
void machine_write_registers(struct machine *machine, const struct registers *registers);

/* After a fault or an exception: whether ring 3 goes on with the trap flag set, so that a debug
 * exception comes behind its next instruction. */
void machine_set_trap_flag(struct machine *machine, bool on);
/* After a request that was made with the flag set: go on without, in r11 too, where `syscall` has
 * put a copy of the flags. */
void machine_clear_trap_flag_of_request(struct machine *machine);

/* The program's x87, SSE and extended state: XSTATE_BYTES at `state` (one ioctl each).  False
 * if KVM refuses, which for a write means that the state is not valid. */
MUST_CHECK bool machine_read_xstate(struct machine *machine, void *state);
MUST_CHECK bool machine_write_xstate(struct machine *machine, const void *state);

/* --- several programs on the one vCPU: context.c --- */

/* Everything of ring 3 that the CPU holds, while another program runs. */
struct machine_context;
struct machine_context *machine_context_create(void);          /* NULL: no memory */
void machine_context_destroy(struct machine_context *context); /* accepts NULL */

/*
 * After MACHINE_INTERRUPTED: bring the vCPU to where a trap from ring 3 would have left it, so
 * that the program can be changed or exchanged.  False while the guest kernel is at work, or an
 * exception is on its way to it: then machine_run has to go on first, and will come back by a
 * trap.
 */
MUST_CHECK bool machine_take_over(struct machine *machine);

/* Keep the state of the program that runs; only after a trap, or when machine_take_over() said
 * yes.  False: the machine is stopped. */
MUST_CHECK bool machine_save(struct machine *machine, struct machine_context *context);
/* Tables that a program runs on. */
struct machine_tables {
    struct gpa root;
    unsigned tag; /* 1 to MACHINE_TAGS: names them, where the CPU tags translations */
    bool
        stale; /* what was kept under the tag may be of other tables, or of entries since edited */
};
#define MACHINE_TAGS 4095

/* Go on with another program on other tables.  No edit may be pending.  False: the machine is
 * stopped. */
MUST_CHECK bool machine_load(
    struct machine *machine,
    const struct machine_context *context,
    const struct machine_tables *tables);
/* Fill it as for a program that begins at rip with rsp: everything else is zero, or what the CPU has at its
 * reset. */
void machine_context_begin(struct machine_context *context, struct gva rip, struct gva rsp);
/* What a kept program will find in its registers. */
struct registers *machine_context_registers(struct machine_context *context);

/* One line: why the vCPU stopped.  Empty while it has not. */
const char *machine_stop_reason(const struct machine *machine);

/* KVM_RUN ioctls so far. */
uint64_t machine_runs(const struct machine *machine);

/* Borrowed: the clock of machine_trap.exit, with the counter's rate as KVM has it, or without
 * where the CPU does not call its counter invariant. */
struct clock *machine_clock(struct machine *machine);

#endif
