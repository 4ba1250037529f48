/*
 * What the options say of memory, made: swap, policy, limit and pager of a laboratory.
 */
#ifndef RUN_SETUP_H
#define RUN_SETUP_H

#include "run/lab.h"

/*
 * Make lab->swap, policy, memory and pager by lab->config; the machine exists.  spaces: address
 * spaces at most.  Fails with ERR_INPUT (swap file, policy) or ERR_ENVIRONMENT; what was made is
 * lab_destroy's to take apart.
 */
MUST_CHECK bool setup_memory(struct lab *lab, unsigned spaces, struct err *err);

/* Memory has run out: add to text why, and which process holds what. */
void setup_describe_shortage(const struct lab *lab, char *text, size_t bytes);

#endif
