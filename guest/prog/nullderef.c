/*
 * Question: what happens at address 0?
 * Method: load through a null pointer.  No region begins below LAYOUT_USER_BEGIN, so the load
 * must fault; Linux says SIGSEGV with SEGV_MAPERR.
 *
 * expect: nullderef | exit=139 | run.unmapped=1 | stdout=reading address 0
 */
#include <stdint.h>

#include "print.h"
#include "start.h"

int main(int argc, char **argv, char **envp)
{
    uint64_t value;

    (void)argc;
    (void)argv;
    (void)envp;
    print_to(1, "reading address 0\n");
    /* In assembly, as to the compiler a null dereference is undefined. */
    __asm__ volatile("movq (%1), %0" : "=r"(value) : "r"((uint64_t)0) : "memory");
    print_to(1, "it holds %#lx\n", value);
    return 1;
}
