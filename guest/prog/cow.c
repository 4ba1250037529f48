/*
 * Question: after a fork, which writes copy a page, and which just take it back?
 * Method: `cow CASE [PAGES]` writes PAGES pages (8 by default), forks, and lets one or both write
 * them again.  The first to write a page that two share copies it; the last sharer takes it back;
 * each must still see its own contents only.  The other one waits at a pipe meanwhile, so the
 * faults are the writer's.  CASE:
 *   parent        the parent alone writes, the child lives
 *   child         the child alone writes, the parent looks
 *   both          the child, then the parent
 *   parent-first  the parent, then the child
 *   ended         the parent writes when the child has ended without a write
 *   ended-written the same, after the child has written
 *   twice         the parent writes twice: the second time is free
 *
 * Exit 0: all contents right, 1: not, 2: usage.
 *
 * expect: cow parent | exit=0 | parent.faults=8 | parent.cow-copy=8
 * expect: cow parent 1 | exit=0 | parent.faults=1 | parent.cow-copy=1
 * expect: cow parent 1000 | exit=0 | parent.faults=1000 | parent.cow-copy=1000
 * expect: cow child | exit=0 | child.faults=8 | child.cow-copy=8 | look.faults=0
 * expect: cow child 1 | exit=0 | child.faults=1 | child.cow-copy=1 | look.faults=0
 * expect: cow both | exit=0 | child.faults=8 | child.cow-copy=8
 *   | parent.faults=8 | parent.cow-reuse=8
 * expect: cow both 1 | exit=0 | child.faults=1 | child.cow-copy=1
 *   | parent.faults=1 | parent.cow-reuse=1
 * expect: cow both 600 | exit=0 | child.faults=600 | child.cow-copy=600
 *   | parent.faults=600 | parent.cow-reuse=600
 * expect: cow parent-first | exit=0 | parent.faults=8 | parent.cow-copy=8
 *   | child.faults=8 | child.cow-reuse=8
 * expect: cow ended | exit=0 | parent.faults=8 | parent.cow-reuse=8
 * expect: cow ended-written | exit=0 | child.faults=8 | child.cow-copy=8
 *   | parent.faults=8 | parent.cow-reuse=8
 * expect: cow twice | exit=0 | parent.faults=8 | parent.cow-copy=8 | again.faults=0
 * expect: cow neither | exit=2
 */
#include "area.h"
#include "check.h"
#include "family.h"
#include "mem.h"
#include "print.h"
#include "start.h"

#define OLD_VALUE    1000
#define PARENT_VALUE 2000000
#define CHILD_VALUE  3000000

struct plan {
    const char *name;
    bool child_first, child_second; /* when the child writes, if it does */
    bool child_ends;                /* before the parent's turn */
    bool parent_writes, again;
};

static const struct plan plans[] = {
    {.name = "parent", .parent_writes = true},
    {.name = "child", .child_first = true},
    {.name = "both", .child_first = true, .parent_writes = true},
    {.name = "parent-first", .child_second = true, .parent_writes = true},
    {.name = "ended", .child_ends = true, .parent_writes = true},
    {.name = "ended-written", .child_first = true, .child_ends = true, .parent_writes = true},
    {.name = "twice", .parent_writes = true, .again = true},
};

struct experiment {
    const struct plan *plan;
    uintptr_t area;
    uint64_t pages;
};

static void
write_and_report(const struct experiment *experiment, const char *who, uint64_t value)
{
    struct lab_counts faults;

    area_write_counted(experiment->area, experiment->pages, value, &faults);
    lab_report_faults(who, &faults);
    print_to(1, "%s: %lu pages, %lu faults\n", who, experiment->pages, faults.total);
}

/* Whatever the parent has written meanwhile, the child has its own or the old values. */
static void child(const struct experiment *experiment, const struct family *family)
{
    const struct plan *plan = experiment->plan;
    uint64_t value = OLD_VALUE;

    if (plan->child_first) {
        write_and_report(experiment, "child", CHILD_VALUE);
        value = CHILD_VALUE;
    }
    if (!plan->child_ends) {
        family_pass(family);
        CHECK_EQ(area_count(experiment->area, experiment->pages, value), experiment->pages);
        if (plan->child_second) {
            write_and_report(experiment, "child", CHILD_VALUE);
            value = CHILD_VALUE;
        }
    }
    CHECK_EQ(area_count(experiment->area, experiment->pages, value), experiment->pages);
    family_leave(family, 0);
}

static void parent(const struct experiment *experiment, const struct family *family)
{
    const struct plan *plan = experiment->plan;
    struct lab_counts faults;

    if (plan->child_ends) {
        CHECK_EQ(family_join(family), 0);
    } else {
        family_pass(family);
    }
    CHECK_EQ(
        area_count_counted(experiment->area, experiment->pages, OLD_VALUE, &faults),
        experiment->pages);
    lab_report_faults("look", &faults);
    if (plan->parent_writes) {
        write_and_report(experiment, "parent", PARENT_VALUE);
    }
    if (plan->again) {
        write_and_report(experiment, "again", PARENT_VALUE);
    }
    if (!plan->child_ends) {
        CHECK_EQ(family_join(family), 0);
    }
    CHECK_EQ(
        area_count(
            experiment->area, experiment->pages,
            plan->parent_writes ? PARENT_VALUE : OLD_VALUE),
        experiment->pages);
}

static bool parse(int argc, char **argv, struct experiment *experiment)
{
    experiment->pages = 8;
    experiment->plan = NULL;
    for (size_t i = 0; argc > 1 && i < sizeof(plans) / sizeof(plans[0]); i++) {
        if (strcmp(argv[1], plans[i].name) == 0) {
            experiment->plan = &plans[i];
        }
    }
    return experiment->plan != NULL && argc <= 3 &&
           (argc < 3 || mem_parse_number(argv[2], &experiment->pages) == 0);
}

int main(int argc, char **argv, char **envp)
{
    struct experiment experiment;
    struct family family;

    (void)envp;
    if (!parse(argc, argv, &experiment)) {
        print_to(
            2, "usage: cow parent|child|both|parent-first|ended|ended-written|twice [PAGES]\n");
        return 2;
    }
    experiment.area = area_map(experiment.pages);
    area_write(experiment.area, experiment.pages, OLD_VALUE);
    if (family_fork(&family, &experiment)) {
        parent(&experiment, &family);
        return 0;
    }
    child(&experiment, &family);
    return 0;
}
