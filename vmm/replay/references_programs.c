/* A number for each process and program; see references_programs.h. */
#include "replay/references_programs.h"

#include <stdlib.h>
#include <string.h>

#define PROCESSES     (UINT16_MAX + 1)
#define PROCESSES_MAX 32768 /* below: numbers of processes themselves (linux/table.c) */

uint16_t
references_programs_process(const struct references_programs *programs, uint16_t process)
{
    return programs->of != NULL && programs->of[process] != 0 ? programs->of[process] : process;
}

void references_programs_forget(struct references_programs *programs)
{
    if (programs->of != NULL) {
        memset(programs->of, 0, PROCESSES * sizeof(*programs->of));
    }
    programs->next = UINT16_MAX;
}

bool references_programs_see(
    struct references_programs *programs, const struct session_event *event)
{
    if (event->kind == SESSION_PROCESS_START && programs->of != NULL) {
        programs->of[event->of.start->process] = 0; /* a number that is given again */
    }
    if (event->kind != SESSION_EXEC) {
        return true;
    }
    if (programs->of == NULL) {
        programs->of = calloc(PROCESSES, sizeof(*programs->of));
        programs->next = UINT16_MAX;
    }
    if (programs->of == NULL) {
        return false;
    }
    programs->of[event->of.exec->process] = programs->next;
    if (programs->next > PROCESSES_MAX) {
        programs->next--;
    }
    return true;
}

void references_programs_destroy(struct references_programs *programs)
{
    free(programs->of);
    *programs = (struct references_programs){0};
}
