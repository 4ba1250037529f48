/*
 * Question: how many translations does each level of the instruction TLB hold?
 * Hypothesis: a chain of jumps, one to a page, costs a constant until the pages outnumber a level.
 * Control: as many jumps in the same lines through 1/64 of the pages, which has the same load of
 * branch predictor and instruction cache: it must be flat where the chain steps.
 * Expected shape: a staircase, above a control that steps where the predictor runs out.
 */
#include "chase.h"

void exp_itlb(struct exp_args *args);

/* The jumps end in `sub $1, %rcx; jz 1f; jmp first; 1: jmp *%rdx`, which the host writes. */
static inline void follow(uint64_t first, uint64_t rounds)
{
    __asm__ volatile("lea 1f(%%rip), %%rdx\n\t"
                     "jmp *%0\n"
                     "1:"
                     :
                     : "r"(first), "c"(rounds)
                     : "rdx", "cc", "memory");
}

/* start[0]: the first jump; loads: rounds a window; warm: rounds before. */
void exp_itlb(struct exp_args *args)
{
    uint64_t *results = exp_results();

    exp_calibrate(args);
    if (args->warm != 0) {
        follow(args->start[0], args->warm);
    }
    for (uint64_t i = 0; i < args->windows; i++) {
        uint64_t begin = exp_now();
        follow(args->start[0], args->loads);
        results[i] = exp_now() - begin;
    }
    exp_calibrate(args);
}
