/*
 * Question: what does a walk cost whose entry at one level, or whose entries from level 1 up to one, lie
 * in no cache?
 * Hypothesis: each flushed entry that the walk has to read costs a trip to memory; one that the
 * walker has kept costs nothing.
 * Control: the same flush with the translation left in the TLB, which must cost a hit; and the
 * invalidation with nothing flushed, which is a walk with all of its entries at hand.
 * Expected shape: a staircase in the number of flushed entries, from the cached walk upwards.
 */
#include "chase.h"

void exp_flushed(struct exp_args *args);

static inline uint64_t load(uint64_t address)
{
    return *(const volatile uint64_t *)address;
}

/* Read all entries, flush the chosen ones (bit n: that of level n), and time one load. */
static inline uint64_t time_load(const struct exp_args *args, uint64_t at)
{
    for (unsigned level = 1; level <= 4; level++) {
        (void)load(args->start[1 + level]);
    }
    for (unsigned level = 1; level <= 4; level++) {
        if ((args->parameter[0] >> level & 1) != 0) {
            __asm__ volatile("clflush (%0)" : : "r"(args->start[1 + level]) : "memory");
        }
    }
    __asm__ volatile("mfence" : : : "memory");
    uint64_t begin = exp_now();
    (void)load(at);
    return exp_now() - begin;
}

/*
 * start[0]: the target; start[1]: another name of its line, by tables of its own; start[1 + n]: a
 * name of the target's entry at level n.  A window: load the target; if parameter[1] is not 0, ask the kernel
 * (which invalidates the target's translation); do everything once with the other name, which brings
 * line and code back to the core; and time the load of the target.  value[n - 1]: the entry of
 * level n, as it is read here.
 */
void exp_flushed(struct exp_args *args)
{
    uint64_t *results = exp_results();

    exp_calibrate(args);
    for (uint64_t i = 0; i < args->windows; i++) {
        uint64_t left = 2;
        (void)load(args->start[0]);
        if (args->parameter[1] != 0) {
            uint64_t number = EXP_REQUEST_EMPTY;
            __asm__ volatile("syscall" : "+a"(number) : : "rcx", "r11", "memory");
        }
        /* One copy of the code for both, so that the second time finds it warm. */
        __asm__("" : "+r"(left));
        while (left-- != 0) {
            results[i] = time_load(args, args->start[left]);
        }
    }
    for (unsigned level = 1; level <= 4; level++) {
        args->value[level - 1] = load(args->start[1 + level]);
    }
    exp_calibrate(args);
}
