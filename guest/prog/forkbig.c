/*
 * Question: what does the fork of a large address space cost, and what does it copy?
 * Method: `forkbig [MIB]` (16 by default) touches MIB MiB of 4 KiB pages and forks a child that
 * waits.  In the laboratory the frames that went are counted: beside those of the faults on the
 * stack they must be for page tables, which are taken 512 frames at a time, and no more than the
 * addresses in use need.  No page of the area faults while both only read; the child's first write
 * copies one.  Then a fork is timed: the figure fork-ns.  With 1024, 1 GiB, it brings in 512 pages at
 * a fault, as its question begins behind that.
 *
 * Exit 0: as predicted, 1: different, 2: usage.
 *
 * expect: forkbig | exit=0 | pages-copied=0 | child-read.faults=0
 *   | child-write.faults=1 | child-write.cow-copy=1 | parent-read.faults=0
 * expect: forkbig 1 | exit=0 | pages-copied=0 | child-read.faults=0 | child-write.faults=1
 *   | child-write.cow-copy=1 | parent-read.faults=0
 * expect: forkbig 128 | emulated=no | exit=0 | pages-copied=0 | child-read.faults=0
 *   | child-write.faults=1 | child-write.cow-copy=1 | parent-read.faults=0
 * expect: forkbig 1024 | emulated=no | options=--mem=2G --fault-around=512 | exit=0
 *   | pages-copied=0 | child-read.faults=0 | child-write.faults=1 | child-write.cow-copy=1
 *   | parent-read.faults=0
 * expect: forkbig 0 | exit=2
 */
#include <linux/sysinfo.h>

#include "area.h"
#include "check.h"
#include "family.h"
#include "mem.h"
#include "print.h"
#include "start.h"
#include "sys.h"

#define MIB_MAX      65536
#define VALUE        77
#define CHUNK        512 /* frames that the laboratory takes for tables at a time */
#define PAGES_OF_MIB (0x100000 / PAGE_BYTES)

static uint64_t free_frames(void)
{
    struct sysinfo info = {0};

    CHECK_EQ(sys_call(__NR_sysinfo, (uintptr_t)&info, 0, 0, 0, 0, 0), 0);
    return info.freeram / PAGE_BYTES;
}

/* The most tables that the child can have: those under the area and its two ends, and three under
 * each of text, data, heap and stack, and the one of level 4. */
static uint64_t most_tables(uint64_t bytes)
{
    return (bytes >> 21) + 2 + (bytes >> 30) + 2 + (bytes >> 39) + 2 + UINT64_C(4) * 3 + 1;
}

static void child(const struct family *family, uintptr_t area, uint64_t pages)
{
    struct lab_counts faults;

    CHECK_EQ(area_count_counted(area, pages, VALUE, &faults), pages);
    lab_report_faults("child-read", &faults);
    area_write_counted(area + (pages - 1) * PAGE_BYTES, 1, 1, &faults);
    lab_report_faults("child-write", &faults);
    family_leave(family, 0);
}

/* Faults that take a frame. */
static uint64_t frames_of(const struct lab_counts *faults)
{
    return faults->by_kind[FAULT_COW_COPY] + faults->by_kind[FAULT_DEMAND_ZERO] +
           faults->by_kind[FAULT_STACK_GROWTH] + faults->by_kind[FAULT_FILE_LOAD];
}

static void report_frames(uint64_t bytes, uint64_t frames, const struct lab_counts *faults)
{
    uint64_t beyond = frames - frames_of(faults);
    uint64_t most = (most_tables(bytes) + CHUNK - 1) / CHUNK * CHUNK;

    lab_result("pages-copied", (int64_t)(beyond % CHUNK));
    print_to(1, "%lu frames went for tables\n", beyond);
    CHECK_EQ(beyond % CHUNK, 0);
    CHECK_LE(beyond, most);
}

static void run(uintptr_t area, uint64_t pages, const void *top)
{
    struct family family;
    struct lab_counts before;
    struct lab_counts after;
    uint64_t frames;

    lab_counts(&before);
    frames = free_frames();
    if (!family_fork(&family, top)) {
        child(&family, area, pages);
    }
    lab_counts(&after);
    if (lab_present()) {
        lab_counts_subtract(&after, &before, &after);
        report_frames(pages * PAGE_BYTES, frames - free_frames(), &after);
    }
    CHECK_EQ(family_join(&family), 0);
    CHECK_EQ(area_count_counted(area, pages, VALUE, &after), pages);
    lab_report_faults("parent-read", &after);
}

/* On its own, as a program would do it; the child is gone before anything else happens. */
static void time_fork(uint64_t mib)
{
    int status = 0;
    uint64_t begin_ns = sys_clock_ns();
    int64_t child = sys_fork();

    if (child == 0) {
        sys_exit(0);
    }
    uint64_t fork_ns = sys_clock_ns() - begin_ns;
    CHECK(!sys_failed(child));
    CHECK_EQ(sys_wait(child, &status), child);
    uint64_t all_ns = sys_clock_ns() - begin_ns;
    lab_result("fork-ns", (int64_t)fork_ns);
    lab_result("fork-exit-wait-ns", (int64_t)all_ns);
    print_to(
        1, "fork of %lu MiB: %lu ns; with the child's end: %lu ns\n", mib, fork_ns, all_ns);
}

int main(int argc, char **argv, char **envp)
{
    uint64_t mib = 16;
    uintptr_t area;

    (void)envp;
    if (argc > 2 || (argc == 2 && mem_parse_number(argv[1], &mib) != 0) || mib == 0 ||
        mib > MIB_MAX) {
        print_to(2, "usage: forkbig [MIB], 1 to %d\n", MIB_MAX);
        return 2;
    }
    area = area_map(mib * PAGES_OF_MIB);
    area_write(area, mib * PAGES_OF_MIB, VALUE);
    area_warm_up(&area);
    run(area, mib * PAGES_OF_MIB, &area); /* first: tables that were given back are kept */
    time_fork(mib);
    return 0;
}
