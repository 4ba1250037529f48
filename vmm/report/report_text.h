/*
 * A report as text for a terminal.  It refuses to count: every number is in struct report.
 * Read report_json.h for the same for machines.
 */
#ifndef REPORT_REPORT_TEXT_H
#define REPORT_REPORT_TEXT_H

#include <stdio.h>

#include "report/report_session.h"
#include "report/report_source.h"

/* top: rows of a table at most, SIZE_MAX: all of them. */
void report_print_text(
    FILE *out, const struct report *report, const struct report_source *source, size_t top);

/* "1,234,567", into the buffer, which is returned. */
#define REPORT_NUMBER_BYTES 32
const char *report_number(uint64_t value, char buffer[REPORT_NUMBER_BYTES]);

/* Name of a region for people: its label or file, or "anonymous". */
const char *report_region_name(const struct session_region *region);

#define REPORT_ENDING_BYTES 32

/* More than one process, so that rows have to say whose they are. */
bool report_has_processes(const struct report *report);

/* The number of who forked a process ("-": nobody, or not recorded), into the buffer, which is
 * returned. */
const char *
report_parent(const struct report_process *process, char buffer[REPORT_ENDING_BYTES]);

/* How a process ended ("-": that was not recorded), into the buffer, which is returned. */
const char *
report_ending(const struct report_process *process, char buffer[REPORT_ENDING_BYTES]);

/* From the start of a process to its end, or to the end of the session. */
uint64_t report_lifetime_ns(const struct report *report, const struct report_process *process);

/* The region that holds a page, or NULL. */
const struct report_region *
report_find_region(const struct report *report, uint16_t process, uint64_t address);

/* Samples of all kinds with a service time in [from, to). */
uint64_t report_count_service(const struct report *report, uint64_t from_ns, uint64_t to_ns);
/* The quantile over all kinds, as histogram_quantile() has it. */
uint32_t report_service_quantile(const struct report *report, unsigned per_mille);

#endif
