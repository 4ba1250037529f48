/*
 * A parent and its child that take turns, so that what each of them does to memory is done while
 * the other one waits, and the faults belong to it alone.  It refuses to know what they do.  Read
 * trap.h next.
 */
#ifndef FAMILY_H
#define FAMILY_H

#include <stdbool.h>
#include <stdint.h>

struct family {
    int64_t child; /* 0 in the child */
    int down[2];   /* pipe from the parent to the child */
    int up[2];
};

/*
 * Fork.  Returns in both, first in the parent, and the parent has the turn; false in the child,
 * once it got the turn.  top: a variable of main: both have made the stack up to there their own
 * (area_warm_up), so that the faults to come are those of the experiment.
 */
bool family_fork(struct family *family, const void *top);

/* Give the turn to the other one, and wait until it comes back. */
void family_pass(const struct family *family);

/* The child's end. */
_Noreturn void family_leave(const struct family *family, int status);

/* The parent gives the turn away for good, and waits for the child's end; its exit status, or 128
 * + the signal that ended it. */
int family_join(const struct family *family);

/* The same of a child that is waited for otherwise: from what wait4(2) gave. */
int family_status(int status);

#endif
