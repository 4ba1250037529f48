/*
 * Question: what does a walk cost, by the first level that misses, and how many walks run at a
 * time?
 * Hypothesis: the further apart the pages, the more entries a walk reads anew; independent chains
 * overlap until the walkers are all busy.
 * Control: the same lines in the same number of chains through 1/64 of the pages.
 * Expected shape: time per load falls with the number of chains and levels off.
 *
 * Cold: what does a walk cost whose tables are in no cache near the core, from each level on?
 * Hypothesis: each level that no neighbour has just brought costs one more trip to memory.
 * Control: the same load of a line that is as far away, its translation in the TLB.
 * Expected shape: a staircase in the number of cold levels.
 */
#include "chase.h"

void exp_walk(struct exp_args *args);
void exp_cold(struct exp_args *args);

#define STEP(i) "mov (%" #i "), %" #i "\n\t"
#define CHASE_CASE(n, steps)                                                                   \
    case n:                                                                                    \
        __asm__ volatile("1:\n\t.rept 16\n\t" steps ".endr\n\tsub $16, %12\n\tjnz 1b"          \
                         : "+r"(p[0]), "+r"(p[1]), "+r"(p[2]), "+r"(p[3]), "+r"(p[4]),         \
                           "+r"(p[5]), "+r"(p[6]), "+r"(p[7]), "+r"(p[8]), "+r"(p[9]),         \
                           "+r"(p[10]), "+r"(p[11]), "+r"(left)                                \
                         :                                                                     \
                         : "cc", "memory");                                                    \
        break

/* One window: each of the chains makes `left` loads, in turn.  All chains are in registers. */
static inline void chase_many(uint64_t p[EXP_CHAINS_MAX], uint64_t chains, uint64_t left)
{
    switch (chains) {
        CHASE_CASE(1, STEP(0));
        CHASE_CASE(2, STEP(0) STEP(1));
        CHASE_CASE(3, STEP(0) STEP(1) STEP(2));
        CHASE_CASE(4, STEP(0) STEP(1) STEP(2) STEP(3));
        CHASE_CASE(5, STEP(0) STEP(1) STEP(2) STEP(3) STEP(4));
        CHASE_CASE(6, STEP(0) STEP(1) STEP(2) STEP(3) STEP(4) STEP(5));
        CHASE_CASE(7, STEP(0) STEP(1) STEP(2) STEP(3) STEP(4) STEP(5) STEP(6));
        CHASE_CASE(8, STEP(0) STEP(1) STEP(2) STEP(3) STEP(4) STEP(5) STEP(6) STEP(7));
        CHASE_CASE(9, STEP(0) STEP(1) STEP(2) STEP(3) STEP(4) STEP(5) STEP(6) STEP(7) STEP(8));
        CHASE_CASE(
            10,
            STEP(0) STEP(1) STEP(2) STEP(3) STEP(4) STEP(5) STEP(6) STEP(7) STEP(8) STEP(9));
        CHASE_CASE(
            11, STEP(0) STEP(1) STEP(2) STEP(3) STEP(4) STEP(5) STEP(6) STEP(7) STEP(8) STEP(9)
                    STEP(10));
        CHASE_CASE(
            12, STEP(0) STEP(1) STEP(2) STEP(3) STEP(4) STEP(5) STEP(6) STEP(7) STEP(8) STEP(9)
                    STEP(10) STEP(11));
    }
}

/* start[0 … chains): heads; loads: of each chain, a window. */
void exp_walk(struct exp_args *args)
{
    uint64_t *results = exp_results();
    uint64_t p[EXP_CHAINS_MAX];

    exp_calibrate(args);
    for (unsigned i = 0; i < EXP_CHAINS_MAX; i++) {
        p[i] = args->start[i];
    }
    if (args->warm != 0) {
        chase_many(p, args->chains, args->warm);
    }
    for (uint64_t i = 0; i < args->windows; i++) {
        uint64_t begin = exp_now();
        chase_many(p, args->chains, args->loads);
        results[i] = exp_now() - begin;
    }
    exp_calibrate(args);
}

static inline uint64_t load(uint64_t address)
{
    return *(const volatile uint64_t *)address;
}

/*
 * A window: read parameter[1] bytes from parameter[0] on, which drives everything else out; follow the
 * chain at start[0] for `warm` loads, which drives the upper entries out that the walker keeps; touch
 * start[1], if it is not 0, which brings the tables back that it shares with start[2]; time one
 * load of start[2].
 */
void exp_cold(struct exp_args *args)
{
    uint64_t *results = exp_results();

    exp_calibrate(args);
    for (uint64_t i = 0; i < args->windows; i++) {
        uint64_t end = args->parameter[0] + args->parameter[1];
        for (uint64_t at = args->parameter[0]; at < end; at += 64) {
            (void)load(at);
        }
        (void)exp_chase(args->start[0], args->warm);
        if (args->start[1] != 0) {
            (void)load(args->start[1]);
        }
        uint64_t begin = exp_now();
        (void)load(args->start[2]);
        results[i] = exp_now() - begin;
    }
    exp_calibrate(args);
}
