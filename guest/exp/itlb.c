/*
 * Question: how many translations does each level of the instruction TLB hold?
 * Hypothesis: a chain of jumps, one to a page, costs a constant until the pages outnumber a level.
 * Jumps that are always the same are predicted and cost next to nothing, so that they show the first level
 * best.  Beyond some hundred the predictor has limits of its own, which pose as steps: so the second level is
 * asked with jumps that nothing can predict, each to one of eight places in its line at random.
 * Control: as many jumps in the same lines through 1/64 of the pages, which has the same load of
 * branch predictor and instruction cache: it must be flat where the chain steps.
 * Expected shape: a staircase, above the cost of a jump.
 */
#include "chase.h"

void exp_itlb(struct exp_args *args);
void exp_itlb_random(struct exp_args *args);

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

/* Each place holds `add $8, %rsi; jmp *-8(%rsi)`, which the host writes.  Jumps to the first `count`
 * addresses of the list; the word behind them is set to lead back. */
static inline uint64_t *follow_list(uint64_t *list, uint64_t count)
{
    __asm__ volatile("lea 1f(%%rip), %%rdx\n\t"
                     "mov %%rdx, (%0, %1, 8)\n\t"
                     "add $8, %0\n\t"
                     "jmp *-8(%0)\n"
                     "1:"
                     : "+S"(list)
                     : "r"(count)
                     : "rdx", "cc", "memory");
    return list;
}

/* EXP_LIST: warm addresses and a free word; then loads addresses and a free word for each window. */
void exp_itlb_random(struct exp_args *args)
{
    uint64_t *results = exp_results();
    uint64_t *list = (uint64_t *)EXP_LIST;

    exp_calibrate(args);
    list = follow_list(list, args->warm);
    for (uint64_t i = 0; i < args->windows; i++) {
        uint64_t begin = exp_now();
        list = follow_list(list, args->loads);
        results[i] = exp_now() - begin;
    }
    exp_calibrate(args);
}
