/*
 * Runs `./vmm` as a user does, and gathers what came out: output, exit status, and the JSON
 * trace's figures and faults.  It judges nothing.  Read launch.c next.
 */
#ifndef LAUNCH_H
#define LAUNCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct launch_figure {
    char name[80];
    int64_t value;
};

#define LAUNCH_FIGURES 256

struct launch_result {
    int status;   /* exit status; 128 + signal if vmm itself was killed, as a shell says */
    char *output; /* owns; standard output, NUL-terminated */
    char *errors; /* owns; standard error */
    /* Named results of the program in order, then "run.KIND" for each kind of fault. */
    struct launch_figure figure[LAUNCH_FIGURES];
    unsigned figures;
};

/*
 * argv: NULL-terminated, argv[0] is the program to run.  input: path of standard input, NULL:
 * empty. trace: path of the JSON Lines file that argv makes vmm write, or NULL.  Aborts the
 * test program when the host cannot do it (no fork, no pipe).
 */
void launch(
    struct launch_result *result, char *const *argv, const char *input, const char *trace);
void launch_free(struct launch_result *result);

/* The last value reported under a name; false if there is none. */
bool launch_figure(const struct launch_result *result, const char *name, int64_t *value);

/* --- the same in steps, for what happens meanwhile --- */

struct launch_setup {
    char *const *argv;
    int input;          /* descriptor to read from, 0: /dev/null; borrows */
    bool deaf;          /* nobody reads standard output: the pipe is closed at the other end */
    const char *folder; /* working directory, or NULL: as here */
    bool powerless;     /* without root's way around the permissions of files */
};

struct launch_stream {
    int fd; /* -1: at its end */
    char *text;
    size_t used;
};

struct launch_child {
    pid_t pid;
    struct launch_stream stream[2]; /* standard output, standard error */
};

/* Start it.  launch_end must follow. */
void launch_start(struct launch_child *child, const struct launch_setup *setup);
/* Wait until a text has come out on standard output; false if that ended before. */
bool launch_await(struct launch_child *child, const char *text);
/* Wait for the end, and gather what came out; release *result with launch_free. */
void launch_end(struct launch_child *child, struct launch_result *result);

#endif
