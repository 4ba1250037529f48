/*
 * The error value for what the environment or the user's input does wrong: a kind, the errno,
 * and one line of text with the values involved.  Functions that can fail take a `struct err *`
 * and return false; each caller may put its verb phrase in front.  Only main prints and exits.
 * What the *guest* does wrong is never an err: it is an outcome (vmm/fault/outcome.h).
 */
#ifndef BASE_ERR_H
#define BASE_ERR_H

#include <stdbool.h>

enum err_kind {
    ERR_NONE = 0,
    ERR_USAGE,       /* the command line */
    ERR_INPUT,       /* a file that the user named */
    ERR_ENVIRONMENT, /* this host: no /dev/kvm, a capability is missing, no memory */
};

#define ERR_TEXT_BYTES 512

struct err {
    enum err_kind kind;
    int errno_value; /* 0 where none applies */
    char text[ERR_TEXT_BYTES];
};

#define MUST_CHECK __attribute__((warn_unused_result))

/* Fill *err in; always return false, so that `return err_set(…)` reads well.  The text is cut,
 * never overrun.  err_set_errno appends ": " and strerror(errno). */
bool err_set(struct err *err, enum err_kind kind, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
bool err_set_errno(struct err *err, enum err_kind kind, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Put "phrase: " in front of the text; always returns false. */
bool err_prefix(struct err *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
