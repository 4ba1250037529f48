/*
 * Whether the program gets on: from fault to fault, and through the instruction that waits for its
 * pages.  A changed register is the proof.  It refuses to know what becomes of a program that does not;
 * read run.c for that.
 */
#ifndef RUN_PROGRESS_H
#define RUN_PROGRESS_H

#include <stdbool.h>

#include "kvm/machine.h"
#include "trace/record.h"

struct lab;

/* A program that faults this often in a row at one place, with nothing in between, will not stop. */
#define PROGRESS_REPEATS_MAX 10000

/* Count a fault that was served; false: it is one too many at one place. */
bool progress_is_made(struct lab *lab, const struct fault_record *record);

/* A fault comes.  Where frames are limited, what one instruction needs must stay until it is done: it
 * is, when any register has changed. */
void progress_let_go(struct lab *lab);

/* The pager awaits the write of a page that it has just copied: from where. */
void progress_await_retry(struct lab *lab);

/* The guest came back: whether that write was made; then a register has changed.  Without a trap it is
 * still awaited. */
void progress_see_retry(struct lab *lab, enum machine_event event);

#endif
