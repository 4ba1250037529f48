/*
 * What a page fault costs without a guest: Linux's own minor fault, a fault that a program handles
 * by SIGSEGV and mprotect, and one that a thread handles by userfaultfd.  The touching routine is
 * the guest's (guest/exp/fault.c), natively.
 */
#ifndef MEASURE_NATIVE_FAULTS_H
#define MEASURE_NATIVE_FAULTS_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "exp.h"

/* Where the touched pages are, on both sides; far from every layout. */
#define FAULTS_BASE (EXP_PAGES + (UINT64_C(16) << 39))

enum native_fault {
    NATIVE_FAULT_MINOR,
    NATIVE_FAULT_SIGNAL,      /* SIGSEGV and mprotect */
    NATIVE_FAULT_USERFAULTFD, /* UFFDIO_COPY by a thread on the same processor */
};

/*
 * Touch `count` pages (at most EXP_RESULT_COUNT / 2), one fault each.  stamps: 2 * count, begin and
 * end in ticks; then the pages are touched again: again, count of 2, as the control (NULL: not).
 * ERR_ENVIRONMENT: the kernel does not offer it.
 */
MUST_CHECK bool native_faults_take(
    enum native_fault kind,
    size_t count,
    struct exp_args *args,
    uint64_t *stamps,
    uint64_t *again,
    struct err *err);

#endif
