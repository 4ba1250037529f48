/*
 * Attacks by instruction: privileged ones, ports, interrupts, flags and floating-point
 * exceptions.  It refuses to go on after one that should not have returned: the mode then exits
 * with 1. Read requests.c next.
 */
#include <stddef.h>

#include "layout.h"

#include "hostile.h"
#include "print.h"
#include "sys.h"

// NOLINTBEGIN(bugprone-macro-parentheses): `code` is a string of instructions
/* A mode that executes `code` with rax, rcx, rdx and rdi zero; returning is a failure. */
#define INSTRUCTION(name, code)                                                                \
    static int name(uint64_t argument)                                                         \
    {                                                                                          \
        uint64_t rax = 0;                                                                      \
        uint64_t rcx = 0;                                                                      \
        uint64_t rdx = 0;                                                                      \
                                                                                               \
        (void)argument;                                                                        \
        __asm__ volatile(code                                                                  \
                         : "+a"(rax), "+c"(rcx), "+d"(rdx)                                     \
                         : "D"((uint64_t)0)                                                    \
                         : "rsi", "r11", "memory");                                            \
        return 1;                                                                              \
    }
// NOLINTEND(bugprone-macro-parentheses)

INSTRUCTION(port_in, "inb $0x10, %%al")
INSTRUCTION(port_out, "outb %%al, $0x10")
INSTRUCTION(port_outs, "leaq 0(%%rsp), %%rsi\n\tmovl $0x12, %%edx\n\toutsb")
INSTRUCTION(halt, "hlt")
INSTRUCTION(disable_interrupts, "cli")
INSTRUCTION(interrupt_3, "int3")
INSTRUCTION(interrupt_14, "int $14")
INSTRUCTION(undefined, "ud2")
INSTRUCTION(read_counter, "rdpmc")
INSTRUCTION(read_msr, "movl $0xc0000082, %%ecx\n\trdmsr")
INSTRUCTION(write_msr, "movl $0xc0000082, %%ecx\n\twrmsr")
INSTRUCTION(read_cr3, "movq %%cr3, %%rax")
INSTRUCTION(write_cr3, "movq %%rax, %%cr3")
INSTRUCTION(write_cr0, "movq %%rax, %%cr0")
INSTRUCTION(write_dr7, "movq %%rax, %%dr7")
INSTRUCTION(load_gdt, "lgdt -16(%%rsp)")
INSTRUCTION(load_idt, "lidt -16(%%rsp)")
INSTRUCTION(load_task, "ltr %%ax")
INSTRUCTION(flush_page, "invlpg (%%rsp)")
INSTRUCTION(flush_caches, "wbinvd")
INSTRUCTION(swap_gs, "swapgs")
INSTRUCTION(clear_task_switched, "clts")
INSTRUCTION(fast_enter, "sysenter")
/* Each of the next three would arrive behind itself, so that its success shows. */
INSTRUCTION(fast_exit, "leaq 1f(%%rip), %%rdx\n\tmovq %%rsp, %%rcx\n\tsysexitq\n1:")
INSTRUCTION(fast_return, "leaq 1f(%%rip), %%rcx\n\tmovl $0x202, %%r11d\n\tsysretq\n1:")
INSTRUCTION(
    load_code_segment, "pushq $0x10\n\tleaq 1f(%%rip), %%rax\n\tpushq %%rax\n\tlretq\n1:")
INSTRUCTION(set_xcr, "movl $7, %%eax\n\txsetbv")
/* Selectors of layout.h: 0x10 and 0x18 are the kernel's, 0x38 is the task's. */
INSTRUCTION(
    return_to_kernel,
    "pushq $0x18\n\tpushq %%rsp\n\tpushq $0x3202\n\tpushq $0x10\n\tpushq $0\n\tiretq")
INSTRUCTION(load_stack_segment, "movl $0x18, %%eax\n\tmovl %%eax, %%ss")
INSTRUCTION(call_gate, "movabsq $0x3800000000, %%rax\n\tpushq %%rax\n\tlcall *(%%rsp)")

/* The 32-bit way of Linux: getpid by 20.  The laboratory does not have it. */
static int interrupt_80(uint64_t argument)
{
    int64_t rax = 20;

    (void)argument;
    __asm__ volatile("int $0x80" : "+a"(rax) : : "memory", "r8", "r9", "r10", "r11");
    return rax > 0 ? 0 : 1;
}

static uint64_t read_flags(void)
{
    uint64_t flags;

    __asm__ volatile("pushfq\n\tpopq %0" : "=r"(flags));
    return flags;
}

static void set_flags(uint64_t flags)
{
    __asm__ volatile("pushq %0\n\tpopfq" : : "r"(flags) : "cc", "memory");
}

static int single_step(uint64_t argument)
{
    (void)argument;
    set_flags(read_flags() | RFLAGS_TF);
    __asm__ volatile("nop");
    return 1;
}

static int check_alignment(uint64_t argument)
{
    uint64_t words[2] = {0};
    uint64_t value;

    (void)argument;
    set_flags(read_flags() | RFLAGS_AC);
    __asm__ volatile("movq 1(%1), %0" : "=r"(value) : "r"(words) : "memory");
    set_flags(read_flags() & ~RFLAGS_AC);
    return 1;
}

/* NT makes iret fail: the kernel's own, if it keeps the flag.  A fault and a request each
 * return. */
static int nested_task(uint64_t argument)
{
    int64_t base;

    (void)argument;
    set_flags(read_flags() | RFLAGS_NT);
    base = sys_mmap(0, PAGE_BYTES, SYS_PROT_READ | SYS_PROT_WRITE, 0);
    if (sys_failed(base)) {
        return 1;
    }
    *(volatile uint8_t *)base = 1; // NOLINT: an address by number
    set_flags(read_flags() & ~RFLAGS_NT);
    return 0;
}

/* popf in ring 3 must leave IOPL alone, silently. */
static int raise_iopl(uint64_t argument)
{
    (void)argument;
    set_flags(read_flags() | RFLAGS_IOPL);
    return (read_flags() & RFLAGS_IOPL) == 0 ? 0 : 1;
}

/* DF across a fault and a request: the kernel must neither be misled nor lose it. */
static int set_direction(uint64_t argument)
{
    int64_t base = sys_mmap(0, PAGE_BYTES, SYS_PROT_READ | SYS_PROT_WRITE, 0);
    uint64_t flags;

    (void)argument;
    if (sys_failed(base)) {
        return 1;
    }
    set_flags(read_flags() | RFLAGS_DF);
    *(volatile uint8_t *)base = 1; // NOLINT: an address by number
    sys_call(__NR_getpid, 0, 0, 0, 0, 0, 0);
    flags = read_flags();
    set_flags(flags & ~RFLAGS_DF);
    return (flags & RFLAGS_DF) != 0 ? 0 : 1;
}

/* A load of ss holds the single-step trap back by one instruction, which here is `syscall`. */
static int step_over_syscall(uint64_t argument)
{
    uint64_t flags = read_flags() | RFLAGS_TF;
    uint64_t selector;
    int64_t rax = __NR_getpid;

    (void)argument;
    __asm__ volatile("movq %%ss, %0" : "=r"(selector));
    __asm__ volatile("pushq %1\n\t"
                     "popfq\n\t"
                     "movl %k2, %%ss\n\t"
                     "syscall\n\t"
                     "nop\n\t"
                     "nop"
                     : "+a"(rax)
                     : "r"(flags), "r"(selector)
                     : "rcx", "r11", "memory", "cc");
    return 1;
}

static int sse_exception(uint64_t argument)
{
    uint32_t control = 0; /* nothing is masked */

    (void)argument;
    __asm__ volatile("ldmxcsr %0\n\t"
                     "xorps %%xmm0, %%xmm0\n\t"
                     "divss %%xmm0, %%xmm0"
                     :
                     : "m"(control)
                     : "xmm0");
    return 1;
}

static int x87_exception(uint64_t argument)
{
    uint16_t control = 0x0340; /* nothing is masked */

    (void)argument;
    __asm__ volatile("fninit\n\t"
                     "fldcw %0\n\t"
                     "fldz\n\t"
                     "fldz\n\t"
                     "fdivp\n\t"
                     "fwait"
                     :
                     : "m"(control)
                     : "st", "st(1)");
    return 1;
}

const struct hostile_mode hostile_instructions[] = {
    {"in", port_in},
    {"out", port_out},
    {"outs", port_outs},
    {"hlt", halt},
    {"cli", disable_interrupts},
    {"int-80", interrupt_80},
    {"int-3", interrupt_3},
    {"int-14", interrupt_14},
    {"ud2", undefined},
    {"rdpmc", read_counter},
    {"rdmsr", read_msr},
    {"wrmsr", write_msr},
    {"read-cr3", read_cr3},
    {"write-cr3", write_cr3},
    {"write-cr0", write_cr0},
    {"write-dr7", write_dr7},
    {"lgdt", load_gdt},
    {"lidt", load_idt},
    {"ltr", load_task},
    {"invlpg", flush_page},
    {"wbinvd", flush_caches},
    {"swapgs", swap_gs},
    {"clts", clear_task_switched},
    {"sysenter", fast_enter},
    {"sysexit", fast_exit},
    {"sysret", fast_return},
    {"xsetbv", set_xcr},
    {"iret-kernel", return_to_kernel},
    {"load-cs", load_code_segment},
    {"load-ss", load_stack_segment},
    {"call-gate", call_gate},
    {"single-step", single_step},
    {"alignment", check_alignment},
    {"nested-task", nested_task},
    {"iopl", raise_iopl},
    {"direction", set_direction},
    {"mov-ss-syscall", step_over_syscall},
    {"sse-exception", sse_exception},
    {"x87-exception", x87_exception},
    {NULL, NULL},
};
