/*
 * Question: what do `invlpg`, a load of CR3, a flip of CR4.PGE and a switch of PCID cost, and what
 * do they cost afterwards, by the translations that they destroy?
 * Hypothesis: the operation has a price of its own; then every page that was in the TLB and is
 * touched again costs a walk.
 * Control: the same request to the kernel without the operation; the same reload without it.
 * Expected shape: operation: a constant; reload: a line in the number of pages.
 */
#include "chase.h"

void exp_flush(struct exp_args *args);

static inline void request(uint64_t number)
{
    __asm__ volatile("syscall" : "+a"(number) : : "rcx", "r11", "memory");
}

/*
 * A window: warm the chain of `warm` loads at start[0], ask the kernel (which does what the host
 * has arranged), then time `loads` loads of the same chain.  parameter[0]: EXP_FLUSH_REQUEST: the
 * window is the request itself instead; EXP_FLUSH_WARM: the loads without any request.
 */
void exp_flush(struct exp_args *args)
{
    uint64_t *results = exp_results();
    uint64_t at = args->start[0];

    exp_calibrate(args);
    for (uint64_t i = 0; i < args->windows; i++) {
        if (args->warm != 0) {
            at = exp_chase(at, args->warm);
        }
        uint64_t begin = exp_now();
        if (args->parameter[0] != EXP_FLUSH_WARM) {
            request(EXP_REQUEST_EMPTY);
        }
        if (args->parameter[0] != EXP_FLUSH_REQUEST) {
            begin = exp_now();
            at = exp_chase(at, args->loads);
        }
        results[i] = exp_now() - begin;
    }
}
