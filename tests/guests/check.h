/*
 * What the self-checks of the C-library guests share: a check that says where it failed, and the
 * choice of a mode by name.  It refuses to know what is checked.  Read processes.c for its use.
 */
#ifndef CHECK_H
#define CHECK_H

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CHECK(condition) ((condition) ? (void)0 : check_fail(__FILE__, __LINE__, #condition))

static inline void check_fail(const char *file, int line, const char *expression)
{
    fprintf(
        stderr, "%s:%d: process %d: check failed: %s (errno %d: %s)\n", file, line,
        (int)getpid(), expression, errno, strerror(errno));
    _exit(1);
}

struct check_mode {
    const char *name;
    void (*run)(void);
};

/* Runs the mode that argv[1] names and prints "NAME: ok". */
static inline int check_run(int argc, char **argv, const struct check_mode *modes)
{
    for (; argc == 2 && modes->name != NULL; modes++) {
        if (strcmp(argv[1], modes->name) == 0) {
            modes->run();
            printf("%s: ok\n", modes->name);
            return fflush(stdout) == 0 ? 0 : 1;
        }
    }
    fprintf(stderr, "usage: %s MODE\n", argv[0]);
    return 2;
}

#endif
