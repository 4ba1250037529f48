/*
 * How a run ended.  An outcome is what the guest did, not an error of ours: the host tidies up
 * and reports it.  It owns the mapping to exit statuses (DESIGN, "The three uses").
 */
#ifndef RUN_OUTCOME_H
#define RUN_OUTCOME_H

#include <stdbool.h>

enum outcome_kind {
    OUTCOME_RUNNING = 0,
    OUTCOME_EXITED,      /* status: its exit status, 0 to 255 */
    OUTCOME_SIGNALLED,   /* status: the signal */
    OUTCOME_TIMED_OUT,   /* --timeout */
    OUTCOME_INTERRUPTED, /* status: the signal that vmm itself got */
    OUTCOME_STOPPED,     /* the vCPU could not go on */
};

#define OUTCOME_REASON_BYTES 320

struct outcome {
    enum outcome_kind kind;
    int status;
    char reason[OUTCOME_REASON_BYTES]; /* one line, without a newline */
};

/* vmm's exit status: the program's; 128 + signal; 124 time-out; 125 vmm or the machine failed. */
int outcome_exit_status(const struct outcome *outcome);

/* "SIGSEGV" for 11; "signal" for one without a name here. */
const char *outcome_signal_name(int signal);

/* Fill in once: the first end of a run is the one that counts. */
void outcome_set(
    struct outcome *outcome, enum outcome_kind kind, int status, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

#endif
