/*
 * Calls code that is not trusted to return: a crash in it, or an endless loop, ends the call and
 * is described, and the program goes on.  It refuses to undo what that code did before: memory
 * that it overwrote stays overwritten, and a lock that it held (malloc's, where it crashed by
 * destroying the heap) stays held.  Read policy/policy.c next, whose calls it makes.
 *
 * How: handlers for SIGSEGV, SIGBUS, SIGFPE, SIGILL and SIGABRT are there while a guard exists,
 * on an alternate stack, so that a stack overflow is caught too.  They jump out only from within
 * a guarded call, in its thread; any other signal of these gets the disposition it had before.
 * A call costs a sigsetjmp without the mask and two stores, no system call: the mask is put
 * right on the way out of a crash.
 *
 * A call that does not return is found by a thread that looks twice a second whether it is still
 * the same call, and after a number of such looks signals the calling thread (SIGVTALRM).  It
 * counts looks rather than time so that a stopped machine or a debugger does not end a call.
 */
#ifndef POLICY_GUARD_H
#define POLICY_GUARD_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

struct guard; /* opaque */

/* What ended a call. */
struct guard_crash {
    int signal;            /* 0: nothing happened; SIGVTALRM: it did not return in time */
    bool has_address;      /* the CPU raised it, and said where */
    uintptr_t address;     /* SIGSEGV, SIGBUS: the access; SIGFPE, SIGILL: the instruction */
    uintptr_t instruction; /* that was executed; 0: not known */
};

/*
 * All guards belong to threads: the one that creates it is the one that calls and destroys.
 * owner: borrows; what guard_owner returns within a call.  look_ns: between two looks at a call
 * that lasts; looks: how many it may last.  ERR_ENVIRONMENT: no memory, no thread.
 */
MUST_CHECK bool guard_create(
    struct guard **guard, void *owner, uint64_t look_ns, unsigned looks, struct err *err);
void guard_destroy(struct guard *guard); /* accepts NULL */

/* Call body(argument).  False when it crashed; then the guard remembers how.  Calls do not
 * nest. */
bool guard_call(struct guard *guard, void (*body)(void *argument), void *argument);
const struct guard_crash *guard_last_crash(const struct guard *guard);

/* Within a guarded call of this thread: the owner; NULL elsewhere. */
void *guard_owner(void);

/*
 * Around what the guarded code asks of its host, from within the call: in between a crash is not
 * the guarded code's, and a call that takes too long ends only behind guard_leave_host, so that
 * nothing of the host's is left half done.
 */
void guard_enter_host(struct guard *guard);
void guard_leave_host(struct guard *guard);

#endif
