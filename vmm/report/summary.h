/*
 * What a run comes to: the table of faults by kind, memory used, exits, time and the reason why
 * it ended, as text in 80 columns or as one JSON object.  It refuses to know where the figures
 * come from: the caller fills one plain struct.  The JSON is described in docs/trace-format.md.
 */
#ifndef REPORT_SUMMARY_H
#define REPORT_SUMMARY_H

#include <stdint.h>
#include <stdio.h>

#include "trace/counts.h"

struct summary {
    const struct counts *counts; /* borrows */
    /* Memory, in frames of 4 KiB.  Data and tables: at the end of the run; peak: of all frames
     * in use at one time, whatever their use. */
    uint64_t frames_data;
    uint64_t frames_tables;
    uint64_t frames_peak;
    uint64_t frames_total;
    /* Pages that had to go, where frames are limited. */
    const char *policy;             /* borrows: who chose them; NULL: nobody was asked to */
    uint64_t evictions;             /* pages evicted */
    uint64_t write_backs;           /* of them written, to swap or to their file */
    uint64_t swap_used, swap_total; /* in pages; 0, 0: no swap */
    uint64_t accesses;              /* recorded beside the faults, samples included */
    uint64_t requests;              /* system calls and laboratory calls served */
    uint64_t exits;                 /* of the vCPU, all reasons */
    uint64_t elapsed_ns;            /* from the first entry to the end */
    int status;                     /* exit status of vmm */
    const char *reason;             /* borrows, not NULL: why the run ended, in words */
};

/* Write the report to `out`; a failure is left in ferror(out).  Only kinds that occurred are
 * shown. */
void summary_print_text(FILE *out, const struct summary *summary);
/* One line with one object, of "type" "summary", so that it may follow a JSON trace. */
void summary_print_json(FILE *out, const struct summary *summary);

#endif
