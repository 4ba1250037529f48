/*
 * The pages of a process that executes another program are other pages from then on, whatever their
 * addresses: they count as those of a process with a number of its own.  It refuses to know which
 * program it is.  Read references_session.c for its user.
 */
#ifndef REPLAY_REFERENCES_PROGRAMS_H
#define REPLAY_REFERENCES_PROGRAMS_H

#include <stdbool.h>
#include <stdint.h>

#include "session/reader.h"

/* Zero it to start. */
struct references_programs {
    uint16_t
        *of; /* owns: by process, what stands for it; 0: itself.  NULL: none has executed */
    uint16_t next; /* that is given, downwards; the last one again and again */
};

/* Any event, in the order of the session.  False: no memory. */
bool references_programs_see(
    struct references_programs *programs, const struct session_event *event);
/* The number for a process's pages, as of the events so far. */
uint16_t
references_programs_process(const struct references_programs *programs, uint16_t process);
/* The session begins again. */
void references_programs_forget(struct references_programs *programs);
void references_programs_destroy(struct references_programs *programs);

#endif
