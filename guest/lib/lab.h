/*
 * The laboratory's own requests (include/abi.h) as functions, and what stands for them under a
 * plain Linux: there faults are counted by getrusage, without kinds, and figures go to stderr.
 * It refuses to know what a program measures.  Read guest/prog/guest.c for the use of it all.
 */
#ifndef LAB_H
#define LAB_H

#include <stdbool.h>
#include <stdint.h>

#include "abi.h"

struct print;

/* Whether the program runs in the laboratory: a Linux kernel does not know LAB_VERSION. */
bool lab_present(void);

/* Marks the start of a phase.  name: 1 to 63 bytes of printable ASCII.  Nothing under Linux. */
void lab_phase(const char *name);

/* Reports one named figure, name as above; under Linux as a line "result NAME=VALUE" on stderr. */
void lab_result(const char *name, int64_t value);

/* What the page tables say of an address.  False, and *walk is untouched, under Linux. */
bool lab_walk(uint64_t address, struct lab_walk *walk);

/*
 * Faults so far.  True: from the host.  False: from getrusage, with total, minor and major
 * alone. Two calls around an experiment count the experiment exactly if the same code ran
 * before on memory that was already there, so that its own text, data and stack are in.
 */
bool lab_counts(struct lab_counts *counts);

/* *difference = after - before, figure by figure; it may be either of the two. */
void lab_counts_subtract(
    const struct lab_counts *after,
    const struct lab_counts *before,
    struct lab_counts *difference);

/*
 * Reports the figures "PREFIX.faults" and, for each kind that occurred, "PREFIX.KIND".  prefix:
 * up to 40 bytes; empty: the names stand alone.
 */
void lab_report_faults(const char *prefix, const struct lab_counts *faults);

/*
 * The same with "PREFIX.total" instead of "PREFIX.faults": for a count that a plain Linux would
 * not have, because it maps more than what is touched or keeps pages that the laboratory evicts.
 */
void lab_report_total(const char *prefix, const struct lab_counts *faults);

/* Appends " (2 demand-zero, 1 file-load)", or that the count is getrusage's. */
void lab_print_kinds(struct print *out, const struct lab_counts *faults);

/* The kind's name as it stands in traces and in figures; "?" where there is no such kind. */
const char *lab_kind_name(enum fault_kind kind);

#endif
