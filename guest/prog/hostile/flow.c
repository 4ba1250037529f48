/*
 * Attacks by stack, jump, load and store, and programs that never end.  It refuses to use
 * anything of the machine but plain instructions.  Read instructions.c next.
 */
#include <stddef.h>

#include "layout.h"

#include "hostile.h"
#include "sys.h"

#define NONCANONICAL X86_U64(0x8000000000000000)

/* Sets rsp and pushes: the machine must not need the program's stack to tell what happened. */
#define PUSH_AT(address)                                                                       \
    __asm__ volatile("movq %0, %%rsp\n\tpushq $0\n\tud2" : : "r"((uint64_t)(address)));        \
    __builtin_unreachable()

#define JUMP_TO(address)                                                                       \
    __asm__ volatile("jmp *%0" : : "r"((uint64_t)(address)));                                  \
    __builtin_unreachable()

static int kill_stack(uint64_t argument)
{
    (void)argument;
    PUSH_AT(0);
}

static int kill_stack_noncanonical(uint64_t argument)
{
    (void)argument;
    PUSH_AT(NONCANONICAL);
}

static int kill_stack_kernel(uint64_t argument)
{
    (void)argument;
    PUSH_AT(LAYOUT_STACK + PAGE_BYTES);
}

static int stack_in_text(uint64_t argument)
{
    (void)argument;
    PUSH_AT((uintptr_t)stack_in_text + 16);
}

static int execute_stack(uint64_t argument)
{
    volatile uint8_t code[] = {0xc3}; /* ret */

    (void)argument;
    ((void (*)(void))(uintptr_t)code)();
    return 1;
}

static int jump_null(uint64_t argument)
{
    (void)argument;
    JUMP_TO(0);
}

static int jump_noncanonical(uint64_t argument)
{
    (void)argument;
    JUMP_TO(NONCANONICAL);
}

static int jump_kernel(uint64_t argument)
{
    (void)argument;
    JUMP_TO(LAYOUT_TEXT);
}

/* The last address of the lower half: the one after it is not canonical. */
static int jump_top(uint64_t argument)
{
    (void)argument;
    JUMP_TO(X86_U64(0x7fffffffffff));
}

static int load_noncanonical(uint64_t argument)
{
    (void)argument;
    (void)*(volatile uint8_t *)NONCANONICAL;
    return 1;
}

static int store_kernel(uint64_t argument)
{
    (void)argument;
    *(volatile uint8_t *)LAYOUT_DESCRIPTORS = 0;
    return 1;
}

static int store_tables(uint64_t argument)
{
    (void)argument;
    *(volatile uint8_t *)LAYOUT_TABLES_BASE = 0;
    return 1;
}

/* Pretends to be a system call: rip at the entry (or the kernel's first byte), rcx and r11 as
 * after `syscall`, and a request to exit with 7. */
static int jump_lstar(uint64_t argument)
{
    uint64_t target = argument != 0 ? argument : LAYOUT_TEXT;

    __asm__ volatile("leaq 1f(%%rip), %%rcx\n\t"
                     "movl $0x202, %%r11d\n\t"
                     "jmp *%0\n"
                     "1:\tud2"
                     :
                     : "r"(target), "a"(__NR_exit_group), "D"((uint64_t)7)
                     : "rcx", "r11", "memory");
    __builtin_unreachable();
}

static int unmap_self(uint64_t argument)
{
    (void)argument;
    sys_munmap(LAYOUT_USER_BEGIN, LAYOUT_USER_END - LAYOUT_USER_BEGIN);
    return 1;
}

static int protect_self(uint64_t argument)
{
    uintptr_t page = (uintptr_t)protect_self / PAGE_BYTES * PAGE_BYTES;

    (void)argument;
    sys_mprotect(page, 2 * PAGE_BYTES, SYS_PROT_NONE);
    return 1;
}

static int exit_300(uint64_t argument)
{
    (void)argument;
    return 300;
}

static int spin(uint64_t argument)
{
    // NOLINTNEXTLINE(bugprone-infinite-loop): that is the attack
    while (argument == 0) {
        __asm__ volatile("" : : : "memory");
    }
    return 1;
}

/* Faults for ever: each round maps, touches and unmaps a few pages. */
static int fault_loop(uint64_t argument)
{
    const size_t bytes = 16 * PAGE_BYTES;

    (void)argument;
    for (;;) {
        int64_t base = sys_mmap(0, bytes, SYS_PROT_READ | SYS_PROT_WRITE, 0);

        if (sys_failed(base)) {
            return 1;
        }
        for (size_t at = 0; at < bytes; at += PAGE_BYTES) {
            *(volatile uint8_t *)((uintptr_t)base + at) = 1;
        }
        sys_munmap((uintptr_t)base, bytes);
    }
}

static int syscall_loop(uint64_t argument)
{
    // NOLINTNEXTLINE(bugprone-infinite-loop)
    while (argument == 0) {
        sys_call(__NR_getpid, 0, 0, 0, 0, 0, 0);
    }
    return 1;
}

const struct hostile_mode hostile_flow[] = {
    {"killstack", kill_stack},
    {"killstack-noncanonical", kill_stack_noncanonical},
    {"killstack-kernel", kill_stack_kernel},
    {"stack-in-text", stack_in_text},
    {"execute-stack", execute_stack},
    {"jump-null", jump_null},
    {"jump-noncanonical", jump_noncanonical},
    {"jump-kernel", jump_kernel},
    {"jump-top", jump_top},
    {"load-noncanonical", load_noncanonical},
    {"store-kernel", store_kernel},
    {"store-tables", store_tables},
    {"lstar", jump_lstar},
    {"unmap-self", unmap_self},
    {"protect-self", protect_self},
    {"exit-300", exit_300},
    {"spin", spin},
    {"faultloop", fault_loop},
    {"syscall-loop", syscall_loop},
    {NULL, NULL},
};
