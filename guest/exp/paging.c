/*
 * Question: does the processor walk the guest's own tables (nested paging), or a shadow that the
 * hypervisor keeps?
 * Hypothesis: with nested paging an entry that the host rewrites in place is seen as soon as the
 * TLB has lost the old translation; a shadow is not told, and keeps the old page.
 * Control: a page whose entry is left alone must show the same word before and after.
 * Expected shape: a yes or no; no timing.
 */
#include "chase.h"

void exp_paging(struct exp_args *args);

/*
 * start[0]: the page whose entry changes, start[1]: the control, start[2]: a chain over more
 * pages than any TLB holds, loads long.  Called before and after; value: the two words as read
 * before the TLB was swept, and after.
 */
void exp_paging(struct exp_args *args)
{
    const volatile uint64_t *changed = (const volatile uint64_t *)args->start[0];
    const volatile uint64_t *control = (const volatile uint64_t *)args->start[1];

    args->value[0] = *changed;
    args->value[1] = *control;
    if (args->loads != 0) {
        exp_chase(args->start[2], args->loads);
    }
    args->value[2] = *changed;
    args->value[3] = *control;
}
