/*
 * A fault decided by hand: what the user asks for instead of the default, checked against what the
 * fault is before anything changes, and carried out by the same functions that the pager uses.  So
 * a wrong answer is refused with its reason, and no answer can leave tables, frames and regions at
 * odds.  Read pager.h for the decisions that nobody makes by hand.
 */
#ifndef FAULT_ANSWER_H
#define FAULT_ANSWER_H

#include "base/err.h"
#include "fault/pager.h"

enum answer_kind {
    ANSWER_DEFAULT, /* what would happen without a question: pager_fault */
    ANSWER_ZERO,    /* a page of zeros of the program's own, whatever the page held */
    ANSWER_COPY, /* a page of its own with the contents: of the file, of swap, of the shared page */
    ANSWER_MAP,    /* the page in `frame`, shared until somebody writes, as fork would */
    ANSWER_SHARE,  /* the page that others have, written by all of them */
    ANSWER_REFUSE, /* SIGSEGV, SEGV_ACCERR, as when a policy refuses */
    ANSWER_SIGNAL, /* `signal` */
    ANSWER_KINDS
};

struct answer {
    enum answer_kind kind;
    uint32_t frame;
    int signal; /* one of the host's numbers, which are Linux's */
};

enum answer_result {
    ANSWER_RESOLVED, /* the access may be tried again */
    ANSWER_TOLD,     /* *signal is for the program */
    ANSWER_REFUSED,  /* err has the reason; nothing has changed */
};

/*
 * Decide one fault.  record, signal and region: as for pager_fault.  ANSWER_REFUSED (ERR_INPUT):
 * the answer does not fit the fault, `frame` holds no page that may be shown twice, or no frame is
 * left; record is to be used again for another answer.
 */
MUST_CHECK enum answer_result answer_fault(
    struct space *space,
    struct fault_record *record,
    const struct answer *answer,
    struct pager_signal *signal,
    struct region **region,
    struct err *err);

/* Whether a frame can be shown at one more page (ANSWER_MAP); false with the reason (ERR_INPUT). */
MUST_CHECK bool answer_check_frame(struct memory *memory, uint64_t frame, struct err *err);

/* "zero", "copy"…, as the user types them. */
const char *answer_name(enum answer_kind kind);

#endif
