/*
 * Question: how long is a core cycle in ticks of the TSC, what does reading it cost, and is this
 * clock that of a real core at all?
 * Hypothesis: N dependent additions take N cycles, so ticks against N is a straight line; its
 * slope is ticks a cycle, its intercept the cost of an empty window.
 * Control: `emulation` times what only a real core does: instructions that do nothing still cost
 * decoding, a dependent multiplication takes three or four cycles, a load from L1 three to seven.
 * Expected shape: a straight line within 1 %; on an emulated processor some check is far off.
 */
#include "chase.h"

void exp_clock(struct exp_args *args);
void exp_emulation(struct exp_args *args);

/* parameter[0]: additions a window. */
void exp_clock(struct exp_args *args)
{
    uint64_t *results = exp_results();

    exp_calibrate(args);
    for (uint64_t i = 0; i < args->windows; i++) {
        uint64_t begin = exp_now();
        if (args->parameter[0] != 0) {
            exp_add(args->parameter[0]);
        }
        results[i] = exp_now() - begin;
    }
}

static uint64_t least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static uint64_t time_multiply(void)
{
    uint64_t product = 3;
    uint64_t begin = exp_now();

    __asm__ volatile(".rept 1024\n\timul %0, %0\n\t.endr" : "+r"(product) : : "cc");
    return exp_now() - begin;
}

static uint64_t time_nothing(void)
{
    uint64_t begin = exp_now();

    __asm__ volatile(".rept 4096\n\tnop\n\t.endr");
    return exp_now() - begin;
}

static uint64_t time_loads(uint64_t at)
{
    uint64_t begin = exp_now();

    exp_chase(at, 1024);
    return exp_now() - begin;
}

/* value: least ticks of 1024 multiplications, 4096 `nop`, 1024 loads from start[0]. */
void exp_emulation(struct exp_args *args)
{
    exp_calibrate(args);
    args->value[0] = args->value[1] = args->value[2] = UINT64_MAX;
    for (unsigned i = 0; i < 32; i++) {
        args->value[0] = least(args->value[0], time_multiply());
        args->value[1] = least(args->value[1], time_nothing());
        args->value[2] = least(args->value[2], time_loads(args->start[0]));
    }
}
