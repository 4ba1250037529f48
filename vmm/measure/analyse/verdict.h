/*
 * What every analysis answers with: a number with the interval it is known to lie in, and a
 * verdict that is either "decided" or "undecided" with one line of reason.  Knows nothing of
 * what was measured, and never prints.  Read windows.h next: where the numbers come from.
 */
#ifndef ANALYSE_VERDICT_H
#define ANALYSE_VERDICT_H

#include <stdbool.h>

#define VERDICT_REASON_BYTES 160

/* low <= value <= high; all three equal where the number is exact. */
struct estimate {
    double value;
    double low;
    double high;
};

/* Zeroed, it is undecided without a reason.  The reason of a decided one is "" or a remark. */
struct verdict {
    bool decided;
    char reason[VERDICT_REASON_BYTES];
};

/* Make it decided or undecided, with a text (cut, never overrun).  A decided verdict without a
 * remark takes "" through "%s". */
void verdict_decide(struct verdict *verdict, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void verdict_refuse(struct verdict *verdict, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
