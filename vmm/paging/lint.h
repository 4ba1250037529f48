/*
 * Checks page tables before a CPU is let loose on them: what would otherwise end in a
 * reserved-bit fault, a silent hole in protection or a failed VM entry is said in words.  Pure
 * reading.
 */
#ifndef PAGING_LINT_H
#define PAGING_LINT_H

#include "paging/ptab.h"

struct lint_cpu {
    unsigned physical_bits; /* MAXPHYADDR, CPUID 0x80000008 */
    bool no_execute;        /* EFER.NXE will be set */
    bool giant_pages;       /* CPUID has 1 GiB pages */
};

/*
 * Walk all tables under root.  On the first violation: false, with the rule, the level, the
 * address and the entry in *err (ERR_ENVIRONMENT).  Rules (DESIGN.md, rules of paging, 6): no
 * reserved bit, nothing beyond MAXPHYADDR or outside guest RAM; NX only with no_execute; 1 GiB
 * leaves only with giant_pages; large leaves aligned, no leaf bit at level 4; lower half: user
 * on the whole path; upper half: user nowhere; no leaf both writable and executable; no user
 * leaf over a frame that `frames` has as FRAME_TABLE or FRAME_KERNEL, but for tables that are
 * FRAME_SHOWN, by leaves of level 1 that only read.
 */
MUST_CHECK bool lint_tables(
    const struct gmem *mem,
    struct frames *frames,
    struct gpa root,
    const struct lint_cpu *cpu,
    struct err *err);

#endif
