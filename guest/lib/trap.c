/*
 * Signal handlers without a libc; see trap.h.  What a libc's sigaction adds is the return from the
 * handler: the kernel wants the address of code that requests it (SA_RESTORER).
 */
#include "trap.h"

#include "check.h"
#include "sys.h"

/* As the kernel has it, whatever the headers' sigaction looks like. */
struct action {
    void (*handler)(void);
    uint64_t flags;
    void (*restorer)(void);
    uint64_t mask;
};

void trap_return(void);
__asm__(".text\n"
        ".globl trap_return\n"
        ".type trap_return, @function\n"
        "trap_return:\n"
        "    movl $15, %eax\n" /* rt_sigreturn */
        "    syscall\n"
        "    ud2\n");

/* The accesses that can be skipped: the value in eax says what became of them. */
__asm__(".text\n"
        ".globl trap_read\n"
        ".type trap_read, @function\n"
        "trap_read:\n"
        "    movzbl (%rdi), %eax\n"
        "    ret\n"
        ".globl trap_write\n"
        ".type trap_write, @function\n"
        "trap_write:\n"
        "    xorl %eax, %eax\n"
        "    movb %sil, (%rdi)\n"
        "    ret\n"
        ".globl trap_skipped\n"
        "trap_skipped:\n"
        "    movl $0x100, %eax\n" /* TRAP_SKIPPED */
        "    ret\n");
void trap_skipped(void);

static void set(int number, const struct action *action)
{
    CHECK_EQ(sys_call(__NR_rt_sigaction, (uint64_t)number, (uintptr_t)action, 0, 8, 0, 0), 0);
}

void trap_catch(int number, trap_handler *handler)
{
    const struct action action = {
        .handler = (void (*)(void))handler,
        .flags = SA_SIGINFO | SA_RESTORER,
        .restorer = trap_return};

    set(number, &action);
}

void trap_release(int number)
{
    set(number, &(const struct action){0});
}

void trap_skip(struct ucontext *context)
{
    context->uc_mcontext.rip = (uintptr_t)trap_skipped;
}
