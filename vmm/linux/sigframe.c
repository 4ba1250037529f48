/*
 * The frame of a signal handler: what Linux on x86-64 puts on the program's stack, and takes back
 * at rt_sigreturn.  Nothing that comes back is trusted: the program may have written anything.
 * Layout: Linux's asm/sigcontext.h and asm/ucontext.h; state: SDM volume 1, "XSAVE Area".
 */
#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>

#include "linux/deliver.h"
#include "linux/requests.h"
#include "linux/table.h"

struct frame_context { /* struct sigcontext */
    uint64_t r8, r9, r10, r11, r12, r13, r14, r15;
    uint64_t rdi, rsi, rbp, rbx, rdx, rax, rcx, rsp, rip, rflags;
    uint16_t cs, gs, fs, ss;
    uint64_t error_code, vector, old_mask, cr2;
    uint64_t fpstate;
    uint64_t reserved[8];
};
_Static_assert(sizeof(struct frame_context) == 256, "as in Linux's ABI");

struct handler_frame { /* struct rt_sigframe */
    uint64_t restorer;
    uint64_t flags;
    uint64_t link;
    struct signal_stack_told stack;
    struct frame_context context;
    uint64_t mask;
    uint8_t info[SIGNAL_INFO_BYTES];
};
_Static_assert(offsetof(struct handler_frame, context) == 48, "as in Linux's ABI");
_Static_assert(sizeof(struct handler_frame) == 440, "as in Linux's ABI");

#define FRAME_XSTATE 0x1 /* UC_FP_XSTATE: the state is more than FXSAVE's */
#define FRAME_SS     0x6 /* UC_SIGCONTEXT_SS, UC_STRICT_RESTORE_SS: ss is saved and taken back */

/* Within the state: FXSAVE's part, what Linux tells in its unused end, XSAVE's header. */
#define FXSAVE_BYTES  512
#define MXCSR_OFFSET  24
#define TOLD_OFFSET   464
#define HEADER_OFFSET 512
#define HEADER_BYTES  64
#define COMPONENTS_FP 0x3 /* x87 and SSE */
/* Denormals-are-zero (bit 6) is left out by the oldest 64-bit processors alone. */
#define MXCSR_VALID    0xffffu
#define MXCSR_DEFAULT  0x1f80u
#define FCW_DEFAULT    0x37fu
#define MAGIC_BEGIN    0x46505853u /* FP_XSTATE_MAGIC1, at TOLD_OFFSET */
#define MAGIC_END      0x46505845u /* FP_XSTATE_MAGIC2, behind the state */
#define RED_ZONE_BYTES 128
#define RFLAGS_RF      UINT64_C(0x10000)
#define STATE_ALIGN    64

#define SA_RESTORER_FLAG 0x04000000

struct told { /* struct _fpx_sw_bytes */
    uint32_t magic, extended_bytes;
    uint64_t components;
    uint32_t state_bytes;
    uint32_t reserved[7];
};
_Static_assert(sizeof(struct told) == 48, "as in Linux's ABI");

void signal_fill_info(const struct signal_info *info, uint8_t out[SIGNAL_INFO_BYTES])
{
    memset(out, 0, SIGNAL_INFO_BYTES);
    memcpy(out, &info->number, 4);
    memcpy(out + 8, &info->code, 4);
    if (info->number == SIGCHLD && info->code > 0) {
        memcpy(out + 16, &info->pid, 4);
        memcpy(out + 20, &info->uid, 4);
        memcpy(out + 24, &info->status, 4);
    } else if (info->code > 0) {
        memcpy(out + 16, &info->address, 8);
    } else {
        memcpy(out + 16, &info->pid, 4);
        memcpy(out + 20, &info->uid, 4);
    }
}

static uint32_t state_bytes(const struct process_table *table)
{
    return table->xcr0 != 0 ? table->machine.xstate_bytes : FXSAVE_BYTES;
}

/* --- in --- */

/* Where the frame goes below; false: it would overrun the alternate stack. */
static bool choose_stack(
    const struct process *process,
    const struct registers *registers,
    uint64_t flags,
    struct gva *state_at,
    struct gva *frame_at)
{
    const struct signal_stack *stack = &process->signals.stack;
    uint64_t bytes = state_bytes(process->table) + (process->table->xcr0 != 0 ? 4 : 0);
    uint64_t rsp = registers->rsp - RED_ZONE_BYTES;
    bool nested = signal_is_on_stack(process, registers->rsp);
    bool enters = (flags & SA_ONSTACK) != 0 && !nested && (stack->flags & SS_DISABLE) == 0;

    if (enters) {
        rsp = stack->base + stack->bytes;
    }
    *state_at = gva_of(round_down(rsp - bytes, STATE_ALIGN));
    *frame_at = gva_of(round_down(state_at->value - sizeof(struct handler_frame), 16) - 8);
    if (enters || nested) {
        return frame_at->value >= stack->base && frame_at->value - stack->base < stack->bytes;
    }
    return true;
}

/* The CPU's state, with what Linux tells of it. */
static bool push_state(struct process *process, struct gva at)
{
    const struct process_table *table = process->table;
    uint8_t state[XSTATE_BYTES] __attribute__((aligned(64)));
    const uint32_t magic_end = MAGIC_END;
    uint32_t bytes = state_bytes(table);
    struct told told = {
        .magic = MAGIC_BEGIN,
        .extended_bytes = bytes + sizeof(magic_end),
        .components = table->xcr0,
        .state_bytes = bytes};

    if (!table->hooks.get_xstate(table->hooks.context, state)) {
        return false;
    }
    memset(state + TOLD_OFFSET, 0, sizeof(told));
    if (table->xcr0 != 0) {
        memcpy(state + TOLD_OFFSET, &told, sizeof(told));
    }
    return access_write(&process->access, at, state, bytes) == 0 &&
           (table->xcr0 == 0 ||
            access_write(&process->access, gva_add(at, bytes), &magic_end, sizeof(magic_end)) ==
                0);
}

static struct frame_context
context_of(const struct registers *r, const struct signal_info *info)
{
    return (struct frame_context){
        .r8 = r->r8,
        .r9 = r->r9,
        .r10 = r->r10,
        .r11 = r->r11,
        .r12 = r->r12,
        .r13 = r->r13,
        .r14 = r->r14,
        .r15 = r->r15,
        .rdi = r->rdi,
        .rsi = r->rsi,
        .rbp = r->rbp,
        .rbx = r->rbx,
        .rdx = r->rdx,
        .rax = r->rax,
        .rcx = r->rcx,
        .rsp = r->rsp,
        .rip = r->rip,
        .rflags = r->rflags,
        .cs = LAYOUT_USER_CS,
        .ss = LAYOUT_USER_SS,
        .error_code = info->error_code,
        .vector = info->vector,
        .cr2 = info->vector == VECTOR_PF ? info->address : 0};
}

static void fill_frame(
    const struct process *process,
    const struct registers *registers,
    const struct signal_info *info,
    uint64_t blocked,
    struct handler_frame *frame)
{
    const struct signals *signals = &process->signals;

    memset(frame, 0, sizeof(*frame));
    frame->restorer = signals->action[info->number].restorer;
    frame->flags = FRAME_SS | (process->table->xcr0 != 0 ? FRAME_XSTATE : 0);
    frame->stack = signal_tell_stack(process, registers->rsp);
    frame->context = context_of(registers, info);
    frame->context.old_mask = blocked;
    frame->mask = blocked;
    signal_fill_info(info, frame->info);
}

bool sigframe_push(
    struct process *process,
    struct registers *registers,
    const struct signal_info *info,
    uint64_t blocked)
{
    const struct signal_action *action = &process->signals.action[info->number];
    struct gva state_at, frame_at;
    struct handler_frame frame;

    /* Linux on x86-64 knows no way back but the one that the C library names. */
    if (action->handler >= LAYOUT_USER_END || (action->flags & SA_RESTORER_FLAG) == 0 ||
        !choose_stack(process, registers, action->flags, &state_at, &frame_at)) {
        return false;
    }
    fill_frame(process, registers, info, blocked, &frame);
    frame.context.fpstate = state_at.value;
    if (!push_state(process, state_at) ||
        access_write(&process->access, frame_at, &frame, sizeof(frame)) != 0) {
        return false;
    }
    if ((process->signals.stack.flags & SIGNAL_STACK_AUTODISARM) != 0) {
        process->signals.stack = (struct signal_stack){.flags = SS_DISABLE};
    }
    registers->rdi = (uint64_t)info->number;
    registers->rsi = frame_at.value + offsetof(struct handler_frame, info);
    registers->rdx = frame_at.value + offsetof(struct handler_frame, flags);
    registers->rax = 0;
    registers->rip = action->handler;
    registers->rsp = frame_at.value;
    registers->rflags &= ~(RFLAGS_DF | RFLAGS_TF | RFLAGS_RF);
    return true;
}

/* --- back --- */

/* A state that every CPU takes: components that exist, reserved fields zero. */
static void make_valid(const struct process_table *table, uint8_t *state, bool extended)
{
    uint64_t components = COMPONENTS_FP;
    uint32_t mxcsr;

    if (extended) {
        memcpy(&components, state + HEADER_OFFSET, sizeof(components));
    }
    components &= table->xcr0 | COMPONENTS_FP;
    memcpy(&mxcsr, state + MXCSR_OFFSET, sizeof(mxcsr));
    mxcsr &= MXCSR_VALID;
    memcpy(state + MXCSR_OFFSET, &mxcsr, sizeof(mxcsr));
    memset(state + HEADER_OFFSET, 0, HEADER_BYTES);
    memcpy(state + HEADER_OFFSET, &components, sizeof(components));
}

/* Whether more than FXSAVE's part is there, by Linux's two marks. */
static bool is_extended(struct process *process, struct gva at, const uint8_t *state)
{
    const struct process_table *table = process->table;
    uint32_t bytes = state_bytes(table);
    struct told told;
    uint32_t magic_end;

    memcpy(&told, state + TOLD_OFFSET, sizeof(told));
    return table->xcr0 != 0 && told.magic == MAGIC_BEGIN && told.state_bytes == bytes &&
           access_read(&process->access, &magic_end, gva_add(at, bytes), sizeof(magic_end)) ==
               0 &&
           magic_end == MAGIC_END;
}

/* address 0: the state of a fresh program, as Linux has it. */
static bool pop_state(struct process *process, uint64_t address)
{
    const struct process_hooks *hooks = &process->table->hooks;
    uint8_t state[XSTATE_BYTES] __attribute__((aligned(64))) = {0};
    const uint16_t fcw = FCW_DEFAULT;
    const uint32_t mxcsr = MXCSR_DEFAULT;
    bool extended = false;

    if (address == 0) {
        memcpy(state, &fcw, sizeof(fcw));
        memcpy(state + MXCSR_OFFSET, &mxcsr, sizeof(mxcsr));
    } else {
        if (access_read(&process->access, state, gva_of(address), FXSAVE_BYTES) != 0) {
            return false;
        }
        extended = is_extended(process, gva_of(address), state);
        if (extended &&
            access_read(
                &process->access, state, gva_of(address), state_bytes(process->table)) != 0) {
            return false;
        }
    }
    make_valid(process->table, state, extended);
    return hooks->set_xstate(hooks->context, state);
}

static void take_context(const struct frame_context *context, struct registers *r)
{
    *r = (struct registers){
        .rax = context->rax,
        .rbx = context->rbx,
        .rcx = context->rcx,
        .rdx = context->rdx,
        .rsi = context->rsi,
        .rdi = context->rdi,
        .rsp = context->rsp,
        .rbp = context->rbp,
        .r8 = context->r8,
        .r9 = context->r9,
        .r10 = context->r10,
        .r11 = context->r11,
        .r12 = context->r12,
        .r13 = context->r13,
        .r14 = context->r14,
        .r15 = context->r15,
        .rip = context->rip,
        .rflags = context->rflags};
}

static int64_t refuse_frame(struct process *process)
{
    const struct signal_info fault = {.number = SIGSEGV, .code = SI_KERNEL};

    signal_force(process, &fault, "segmentation fault: rt_sigreturn with a bad frame");
    return 0;
}

/* The result is the rax of the context. */
int64_t request_rt_sigreturn(
    struct process *process, const uint64_t argument[6] __attribute__((unused)))
{
    const struct process_hooks *hooks = &process->table->hooks;
    struct registers registers;
    struct handler_frame frame;

    hooks->get_registers(hooks->context, &registers);
    /* The handler's `ret` has taken the restorer's address. */
    struct gva at = gva_of(registers.rsp - sizeof(frame.restorer));
    if (access_read(&process->access, &frame, at, sizeof(frame)) != 0) {
        return refuse_frame(process);
    }
    process->signals.blocked = frame.mask & ~(signal_bit(SIGKILL) | signal_bit(SIGSTOP));
    signal_take_stack(process, &frame.stack);
    if (frame.context.rip >= LAYOUT_USER_END || !pop_state(process, frame.context.fpstate)) {
        return refuse_frame(process);
    }
    take_context(&frame.context, &registers);
    hooks->set_registers(hooks->context, &registers);
    return (int64_t)registers.rax;
}
