/*
 * Reads the lists of vmm replay: policies, numbers of frames, page sizes, TLBs, a range, kinds
 * of access.  Each word of a list is judged alone, and the message names it.  It refuses to know
 * argp.  Read cli/replay_options.c for the user.
 */
#ifndef CLI_REPLAY_LISTS_H
#define CLI_REPLAY_LISTS_H

#include "base/err.h"
#include "replay/replay.h"

/*
 * Each sets its part of *plan from a list apart by commas, in that order, without the
 * repetitions; on failure that part is undefined.  ERR_USAGE: an empty list, a word that is not
 * allowed (the text says what is), too many of them.
 */
MUST_CHECK bool
replay_parse_policies(struct replay_plan *plan, const char *text, struct err *err);
MUST_CHECK bool
replay_parse_frames(struct replay_plan *plan, const char *text, struct err *err);
MUST_CHECK bool
replay_parse_page_sizes(struct replay_plan *plan, const char *text, struct err *err);
MUST_CHECK bool replay_parse_tlbs(struct replay_plan *plan, const char *text, struct err *err);
MUST_CHECK bool
replay_parse_access(struct replay_plan *plan, const char *text, struct err *err);

/* BEGIN-END, hexadecimal with or without 0x, END not included. */
MUST_CHECK bool replay_parse_range(struct replay_plan *plan, const char *text, struct err *err);

/* A decimal number of up to 64 bits. */
MUST_CHECK bool replay_parse_seed(struct replay_plan *plan, const char *text, struct err *err);

#endif
