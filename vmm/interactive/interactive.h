/*
 * A run that stops at faults and obeys commands: a watcher of the run (run/watch.h).  It knows the
 * whole laboratory, which does not know it.  Read console.h for the prompt, run/run.c for who calls.
 */
#ifndef INTERACTIVE_INTERACTIVE_H
#define INTERACTIVE_INTERACTIVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "base/err.h"
#include "run/watch.h"

struct console;

struct interactive_config {
    const char *script;        /* commands from this file first; NULL: none; borrows */
    int input;                 /* then from this descriptor; -1: none; borrows */
    const char *const *breaks; /* of --break; borrows */
    size_t break_count;
    FILE *out; /* borrows */
};

/* ERR_INPUT: the script cannot be read; ERR_USAGE: a break is wrong; ERR_ENVIRONMENT: no memory. */
MUST_CHECK bool interactive_create(
    struct console **console, const struct interactive_config *config, struct err *err);
void interactive_destroy(struct console *console); /* accepts NULL */

/* The console, to watch a run; it stays its creator's. */
struct watch interactive_watch(struct console *console);

#endif
