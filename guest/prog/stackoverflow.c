/*
 * Question: where does the growth of the stack end?
 * Method: recurse without an end.  The stack grows to its limit (8 MiB under a stock Linux),
 * then the touch below must fault for good; Linux says SIGSEGV with SEGV_MAPERR.
 *
 * expect: stackoverflow | exit=139 | run.stack-limit=1 | stdout=recursing without an end
 */
#include <stdint.h>

#include "print.h"
#include "start.h"

/* The result is used after the call and the frame is live across it: no tail call, no reuse. */
__attribute__((noinline, noclone)) static uint64_t recurse(uint64_t depth)
{
    volatile uint8_t frame[1024];

    frame[0] = (uint8_t)depth;
    if (depth ==
        UINT64_MAX) { /* never, but the compiler need not warn of a loop without an end */
        return 0;
    }
    return recurse(depth + 1) + frame[0];
}

int main(int argc, char **argv, char **envp)
{
    (void)argv;
    (void)envp;
    print_to(1, "recursing without an end\n");
    print_to(1, "it ended: %lu\n", recurse((uint64_t)argc));
    return 1;
}
