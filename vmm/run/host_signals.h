/*
 * Signals for vmm itself while a run lasts: what ends it, its time limit, the clock of time slices and
 * that of samples.  They are blocked and fetched, so none is lost and none needs a handler.  Signals of
 * programs are linux/signals.h; read run.c for when they are fetched.
 */
#ifndef RUN_HOST_SIGNALS_H
#define RUN_HOST_SIGNALS_H

#include <stdbool.h>

#include "base/err.h"

struct lab;

/* Block them in this thread, make what waits for them, and start the time limit of lab->config.  Fails
 * with ERR_ENVIRONMENT. */
MUST_CHECK bool host_signals_begin(struct lab *lab, struct err *err);

/* Take one that is pending, if there is one; it may end the run. */
void host_signals_take(struct lab *lab);

/* The way back: the caller's signal mask, and no signal left behind.  Fails with ERR_ENVIRONMENT. */
MUST_CHECK bool host_signals_end(struct lab *lab, struct err *err);

#endif
