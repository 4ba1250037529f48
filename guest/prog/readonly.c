/*
 * Question: what happens to a program that writes to a page it may only read?
 * Method: store to a constant in .rodata.  The linker puts it in a segment without W, so the
 * store must fault however often the page was read before; Linux says SIGSEGV with SEGV_ACCERR.
 *
 * expect: readonly | exit=139 | run.read-only=1 | stdout=reading it is fine: 42
 */
#include "print.h"
#include "start.h"

/* Not volatile: gcc keeps a volatile constant in .data. */
static const int constant = 42;

int main(int argc, char **argv, char **envp)
{
    volatile int *alias;

    (void)argc;
    (void)argv;
    (void)envp;
    /* Through a register, so that the compiler does not see a store to a constant. */
    __asm__("" : "=r"(alias) : "0"(&constant));
    print_to(1, "reading it is fine: %d\n", *alias);
    *alias = 43;
    print_to(1, "the write went through: %d\n", *alias);
    return 1;
}
