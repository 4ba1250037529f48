/*
 * Question: where do forks end, and is everything there again afterwards?
 * Method: `forkbomb MODE LIMIT`.  `wide`: fork children that wait until fork says EAGAIN, or LIMIT
 * of them are there; let them go, wait for each, and do it all again: as many must fit the second
 * time.  `deep`: each process forks two children, LIMIT generations deep, most of which fail; every
 * process waits for its own until there is none left.
 *
 * Exit 0: the only refusal was EAGAIN and all children were reaped, 1: not so, 2: usage.
 *
 * expect: forkbomb wide 64 | options=--max-processes=16 | exit=0 | children=15 | again=15
 *   | stdout=forkbomb: all reaped
 * expect: forkbomb wide 4 | options=--max-processes=16 | exit=0 | children=4 | again=4
 *   | stdout=forkbomb: all reaped
 * expect: forkbomb wide 8 | options=--max-processes=1 | exit=0 | children=0 | again=0
 *   | stdout=forkbomb: all reaped
 * expect: forkbomb deep 6 | options=--max-processes=20 | exit=0 | stdout=forkbomb: all reaped
 * expect: forkbomb | exit=2
 */
#include "check.h"
#include "lab.h"
#include "mem.h"
#include "print.h"
#include "start.h"
#include "sys.h"

#define LIMIT_MAX 1000

/* Waits for children until there is none; how many came.  Each must have ended with status 0. */
static uint64_t reap(void)
{
    uint64_t count = 0;
    int status = 0;
    int64_t child;

    while (!sys_failed(child = sys_wait(-1, &status))) {
        CHECK_EQ(status, 0);
        count++;
    }
    CHECK_EQ(child, -ECHILD);
    return count;
}

/* Ends when the pipe's other end is closed. */
static void wait_for_release(const int gate[2])
{
    char byte;

    sys_close(gate[1]);
    sys_exit(sys_read(gate[0], &byte, 1) == 0 ? 0 : 1);
}

static uint64_t fork_wide(uint64_t limit)
{
    uint64_t children = 0;
    int64_t child = 1;
    int gate[2] = {0};

    CHECK_EQ(sys_pipe(gate), 0);
    while (children < limit) {
        child = sys_fork();
        if (child == 0) {
            wait_for_release(gate);
        }
        if (sys_failed(child)) {
            CHECK_EQ(child, -EAGAIN);
            break;
        }
        children++;
    }
    sys_close(gate[1]);
    CHECK_EQ(reap(), children);
    sys_close(gate[0]);
    return children;
}

/* A child goes on as this function does, one generation further down. */
static void fork_deep(uint64_t generations)
{
    unsigned forked = 0;

    while (generations > 0 && forked < 2) {
        int64_t child = sys_fork();

        if (child == 0) {
            generations--;
            forked = 0;
            continue;
        }
        if (sys_failed(child)) {
            CHECK_EQ(child, -EAGAIN);
            break;
        }
        forked++;
    }
    CHECK_EQ(reap(), forked);
}

int main(int argc, char **argv, char **envp)
{
    uint64_t limit = 0;
    uint64_t first;
    int64_t self = sys_call(__NR_getpid, 0, 0, 0, 0, 0, 0);
    bool deep = argc == 3 && strcmp(argv[1], "deep") == 0;

    (void)envp;
    if (argc != 3 || (!deep && strcmp(argv[1], "wide") != 0) ||
        mem_parse_number(argv[2], &limit) != 0 || limit > (deep ? 8 : LIMIT_MAX)) {
        print_to(2, "usage: forkbomb wide CHILDREN | forkbomb deep GENERATIONS\n");
        return 2;
    }
    if (deep) {
        fork_deep(limit);
        if (sys_call(__NR_getpid, 0, 0, 0, 0, 0, 0) != self) {
            return 0;
        }
    } else {
        first = fork_wide(limit);
        lab_result("children", (int64_t)first);
        lab_result("again", (int64_t)fork_wide(limit));
        print_to(1, "%lu children at once\n", first);
    }
    print_to(1, "forkbomb: all reaped\n");
    return 0;
}
