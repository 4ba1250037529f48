/*
 * The options that say how memory is managed: policy, frames, swap, page size, processes.  It
 * owns their ranges and messages, and refuses to load a policy or to open a file.  Read
 * cli/options.h for the struct that they fill in.
 */
#ifndef CLI_PAGING_OPTIONS_H
#define CLI_PAGING_OPTIONS_H

#include "cli/options.h"

enum paging_option {
    PAGING_POLICY,
    PAGING_FRAMES,
    PAGING_RESIDENT,
    PAGING_SWAP,
    PAGING_FAULT_AROUND,
    PAGING_PAGE_SIZE,
    PAGING_MAX_PROCESSES,
};

/* Defaults, before any option is read. */
void paging_options_init(struct options *options);
/* One option with its value.  ERR_USAGE: not allowed, or it contradicts an earlier one (the text
 * says what is allowed); ERR_ENVIRONMENT: no memory. */
MUST_CHECK bool paging_options_parse(
    struct options *options, enum paging_option option, const char *text, struct err *err);
void paging_options_destroy(struct options *options);

#endif
