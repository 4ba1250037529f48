/*
 * One instruction of the program, and the prompt again: the trap flag in the frame by which ring 3 goes
 * on, as single-stepping through KVM does not reach ring 3 on every back end.  The flag is there for one
 * instruction at a time, and a program finds it neither in what pushf stores nor in r11 behind a
 * `syscall`.  It refuses to know how many steps there are; read interactive.c for that.
 */
#ifndef INTERACTIVE_STEP_H
#define INTERACTIVE_STEP_H

#include <stdbool.h>

struct console;
struct machine_trap;

/* The next instruction of ring 3 is in flight: console->go says so until it has come to its end, or to
 * what comes instead; then go.done is set. */
void step_begin(struct console *console);

/* It faulted, and is tried again later; nothing where none is in flight. */
void step_abandon(struct console *console);

/* A request came: its `syscall` is over. */
void step_see_request(struct console *console);

/* An exception came.  True: it was the end of a step, and not the program's. */
bool step_see_exception(struct console *console, const struct machine_trap *trap);

#endif
