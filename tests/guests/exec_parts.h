/*
 * What the self-checks of exec share: they execute themselves, by the name /proc/self/exe, with the name of a
 * part as first argument.  Pages with a pattern show that memory is what it was, or all new.  Read exec.c
 * for the use.
 */
#ifndef EXEC_PARTS_H
#define EXEC_PARTS_H

#include <stdint.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "check.h"

#define SELF  "/proc/self/exe"
#define PAGE  ((size_t)4096)
#define PAGES ((size_t)100)

extern char **environ;

/* A part of a program: what is called in the program that was executed. */
struct exec_part {
    const char *name;
    int (*run)(int argc, char **argv);
};

static inline pid_t start(void)
{
    fflush(stdout);
    pid_t child = fork();

    CHECK(child >= 0);
    return child;
}

static inline int status_of(pid_t child)
{
    int status;

    CHECK(waitpid(child, &status, 0) == child);
    return status;
}

/* The child executes this program as that part; its exit status must be 0. */
static inline void expect_part(char *const *argv, char *const *environment)
{
    pid_t child = start();

    if (child == 0) {
        execve(SELF, argv, environment);
        CHECK(!"execve came back");
    }
    CHECK(status_of(child) == 0);
}

static inline uint8_t *map_pages(void)
{
    uint8_t *pages =
        mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    CHECK(pages != MAP_FAILED);
    return pages;
}

static inline void fill(uint8_t *pages, unsigned seed)
{
    for (size_t i = 0; i < PAGES; i++) {
        memset(pages + i * PAGE, (int)((i * 7 + seed) & 0xff), PAGE);
    }
}

static inline void check_filled(const uint8_t *pages, unsigned seed)
{
    for (size_t i = 0; i < PAGES; i++) {
        uint8_t wanted = (uint8_t)(i * 7 + seed);
        CHECK(pages[i * PAGE] == wanted && pages[i * PAGE + PAGE - 1] == wanted);
    }
}

/* The part that argv[1] names; argc as of main.  -1: none. */
static inline int run_part(int argc, char **argv, const struct exec_part *parts)
{
    for (; argc > 1 && parts->name != NULL; parts++) {
        if (strcmp(argv[1], parts->name) == 0) {
            return parts->run(argc, argv);
        }
    }
    return -1;
}

static inline int part_seven(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    return 7;
}

static inline void on_signal(int number)
{
    (void)number;
}

#endif
