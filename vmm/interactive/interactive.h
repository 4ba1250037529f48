/*
 * A run that stops at faults and obeys commands: what the run loop calls of it, at each trap.  The
 * hooks stand beside what they replace or follow; a run without it costs one test at each.  It knows
 * the whole laboratory; nothing below run/ knows it.  Read console.h for the prompt, run/run.c for
 * who calls.
 *
 * A step is the trap flag in the frame by which ring 3 goes on: single-stepping through KVM does not
 * reach ring 3 on every back end.  The flag is there for one instruction at a time, and a program
 * finds it neither in what pushf stores nor in r11 behind a `syscall`.
 */
#ifndef INTERACTIVE_INTERACTIVE_H
#define INTERACTIVE_INTERACTIVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/err.h"

struct console;
struct lab;
struct machine_trap;
struct fault_record;
struct pager_signal;
struct region;

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

/* Before ring 3 is entered: stops that are due, and the trap flag where a step wants it.  The run may
 * have an outcome afterwards. */
void interactive_enter(struct lab *lab);

/* As pager_fault, after the user was asked if the fault is one to stop at; observed. */
bool interactive_fault(
    struct lab *lab,
    const struct machine_trap *trap,
    struct fault_record *record,
    struct pager_signal *signal,
    struct region **region);
/* The words for a signal that was decided at the prompt; else text stays. */
void interactive_describe(const struct lab *lab, char *text, size_t bytes);

/* A request comes, before it is served. */
void interactive_request(struct lab *lab, const struct machine_trap *trap);
/* True: the exception is the end of a step, and not the program's. */
bool interactive_exception(struct lab *lab, const struct machine_trap *trap);
/* A signal for vmm is pending.  True: the program is where a trap leaves it. */
bool interactive_interrupted(struct lab *lab);
/* Whether an instruction is being stepped: the process must not be exchanged. */
bool interactive_is_in_flight(const struct lab *lab);

/* The run has an outcome. */
void interactive_end(struct lab *lab);

#endif
