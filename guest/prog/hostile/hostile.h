/*
 * What the files of the program `hostile` share: a mode is a name and a function that attacks
 * the machine under it in one way.  It refuses to know how an attack should end: the
 * expectations in
 * ../hostile.c do.  Read flow.c, instructions.c, processes.c and requests.c next.
 */
#ifndef HOSTILE_H
#define HOSTILE_H

#include <stdint.h>

struct hostile_mode {
    const char *name;
    int (*run)(uint64_t argument); /* the exit status, where the attack lets it return */
};

/* Each table ends with a mode without a name. */
extern const struct hostile_mode hostile_flow[];
extern const struct hostile_mode hostile_instructions[];
extern const struct hostile_mode hostile_processes[];
extern const struct hostile_mode hostile_requests[];

#endif
