/* How a run ended; see outcome.h. */
#include "run/outcome.h"

#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int outcome_exit_status(const struct outcome *outcome)
{
    switch (outcome->kind) {
    case OUTCOME_EXITED:
        return outcome->status & 0xff;
    case OUTCOME_SIGNALLED:
    case OUTCOME_INTERRUPTED:
        return 128 + outcome->status;
    case OUTCOME_TIMED_OUT:
        return 124;
    case OUTCOME_RUNNING:
    case OUTCOME_STOPPED:
        return 125;
    }
    return 125;
}

const char *outcome_signal_name(int signal)
{
    static const char *const names[] = {
        [SIGHUP] = "SIGHUP",   [SIGINT] = "SIGINT",   [SIGQUIT] = "SIGQUIT",
        [SIGILL] = "SIGILL",   [SIGTRAP] = "SIGTRAP", [SIGABRT] = "SIGABRT",
        [SIGBUS] = "SIGBUS",   [SIGFPE] = "SIGFPE",   [SIGKILL] = "SIGKILL",
        [SIGUSR1] = "SIGUSR1", [SIGSEGV] = "SIGSEGV", [SIGUSR2] = "SIGUSR2",
        [SIGPIPE] = "SIGPIPE", [SIGALRM] = "SIGALRM", [SIGTERM] = "SIGTERM",
    };

    if (signal > 0 && (size_t)signal < sizeof(names) / sizeof(names[0]) &&
        names[signal] != NULL) {
        return names[signal];
    }
    return "signal";
}

void outcome_set(
    struct outcome *outcome, enum outcome_kind kind, int status, const char *format, ...)
{
    va_list args;

    if (outcome->kind != OUTCOME_RUNNING) {
        return;
    }
    outcome->kind = kind;
    outcome->status = status;
    va_start(args, format);
    vsnprintf(outcome->reason, sizeof(outcome->reason), format, args);
    va_end(args);
}
