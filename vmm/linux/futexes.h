/* Futexes as far as processes without threads meet them: a wait for a wake by another one. */
#ifndef LINUX_FUTEXES_H
#define LINUX_FUTEXES_H

#include <stdint.h>

#include "linux/process.h"

/* Wake up to `most` processes that wait at the word; the number woken. */
unsigned futex_wake(struct process *process, uint64_t address, unsigned most);

#endif
