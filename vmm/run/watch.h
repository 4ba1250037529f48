/*
 * Who watches a run from within: what the run loop calls of it, at each trap.  The hooks stand beside
 * what they replace or follow; a run has one watcher at most, and one without costs a test at each
 * place.  It refuses to know who watches: recording.h and interactive/interactive.h do.
 */
#ifndef RUN_WATCH_H
#define RUN_WATCH_H

#include <stdbool.h>
#include <stddef.h>

struct fault_record;
struct lab;
struct machine_trap;
struct pager_signal;
struct region;

/* Each may be NULL but for fault; what that stands for is said at each. */
struct watch_ops {
    /* The program is loaded, and about to run. */
    void (*start)(struct lab *lab);

    /* Before ring 3 is entered; the run may have an outcome afterwards. */
    void (*enter)(struct lab *lab);

    /* In place of pager_fault and observe_fault: arguments and result as for pager_fault. */
    bool (*fault)(
        struct lab *lab,
        const struct machine_trap *trap,
        struct fault_record *record,
        struct pager_signal *signal,
        struct region **region);

    /* The program will hear of the fault: text, which says why, may be replaced. */
    void (*describe)(const struct lab *lab, char *text, size_t bytes);

    /* A request came, and is served next. */
    void (*request)(struct lab *lab, const struct machine_trap *trap);

    /* exec: the process is about to leave its program for the one in the file at `path`. */
    void (*executed)(struct lab *lab, int process, const char *path);

    /* True: the exception was the watcher's own, and is none of the program's.  NULL: false. */
    bool (*exception)(struct lab *lab, const struct machine_trap *trap);

    /* In place of host_signals_take: a signal for vmm is pending.  True: the program is where a trap
     * leaves it. */
    bool (*interrupted)(struct lab *lab);

    /* Whether an instruction is in flight, so that the process must not be exchanged: that takes one
     * more entry at most.  NULL: never. */
    bool (*in_flight)(const struct lab *lab);

    /* The run has an outcome. */
    void (*end)(struct lab *lab);

    /* With the laboratory.  NULL: its maker does. */
    void (*destroy)(void *context);
};

struct watch {
    const struct watch_ops *ops; /* borrows; NULL: nobody watches */
    void *context;               /* the watcher's own, which finds it by the lab */
};

#endif
