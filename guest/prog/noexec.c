/*
 * Question: may a program execute its data?
 * Method: put a `ret` into .data and call it.  The page is writable, hence its entry has NX set
 * and the fetch must fault; Linux says SIGSEGV with SEGV_ACCERR.
 *
 * expect: noexec | exit=139 | run.no-execute=1 | stdout=calling a byte of data
 */
#include <stdint.h>

#include "print.h"
#include "start.h"

static volatile uint8_t code[] = {0xc3}; /* ret */

int main(int argc, char **argv, char **envp)
{
    void (*call)(void) = (void (*)(void))(uintptr_t)code;

    (void)argc;
    (void)argv;
    (void)envp;
    code[0] = 0xc3; /* the page is in memory and writable: only the fetch can fault */
    print_to(1, "calling a byte of data\n");
    call();
    print_to(1, "the call returned\n");
    return 1;
}
