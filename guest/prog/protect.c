/*
 * Question: do permissions hold page by page, and what does a handler see of an access that they
 * forbid?
 * Method: `protect MODE [PAGES]` (64 by default).
 *   every-other  every other page is made read-only by a call of its own, which cuts the area into
 *                PAGES regions; each page is read, each is written; a handler of SIGSEGV counts,
 *                makes the page writable and returns
 *   none         the same with PROT_NONE and a read
 *   guards       PROT_NONE pages between others: exactly these end an access
 *   untouched    every-other on pages that nobody has touched before: first the refusal, then,
 *                allowed, the page
 *   merge        every other page is protected and given back: the area is one region again, and a
 *                call on all of it works
 * What was allowed again is there without a further fault, as its entry is written at once.
 *
 * Exit 0: as said, 1: not, 2: usage.
 *
 * expect: protect every-other | exit=0 | total=32 | read-only=32 | signals=32
 * expect: protect every-other 2000 | exit=0 | total=1000 | read-only=1000 | signals=1000
 * expect: protect none | exit=0 | total=32 | no-access=32 | signals=32
 * expect: protect guards | exit=0 | total=32 | no-access=32 | signals=32
 * expect: protect untouched | exit=0 | total=96 | read-only=32 | demand-zero=64 | signals=32
 * expect: protect merge 2000 | exit=0 | total=0 | signals=0
 * expect: protect merge 20000 | emulated=no | exit=0 | total=0 | signals=0
 * expect: protect | exit=2
 */
#include <asm-generic/siginfo.h>

#include "area.h"
#include "check.h"
#include "mem.h"
#include "print.h"
#include "start.h"
#include "sys.h"
#include "trap.h"

#define PAGES_MAX 100000
#define VALUE     40

/* What the handler and the program share: on a page of its own, where no fault is counted. */
struct protect_state {
    volatile uintptr_t base, end;
    volatile int64_t signals;
    volatile bool repair; /* make the page writable, or leave the access out */
};
static struct protect_state state;

static void handle(int number, siginfo_t *info, struct ucontext *context)
{
    uintptr_t page = (uintptr_t)info->si_addr / PAGE_BYTES * PAGE_BYTES;

    CHECK_EQ(number, SIGSEGV);
    CHECK_EQ(info->si_code, SEGV_ACCERR);
    CHECK(page >= state.base && page < state.end);
    state.signals++;
    if (state.repair) {
        CHECK_EQ(sys_mprotect(page, PAGE_BYTES, SYS_PROT_READ | SYS_PROT_WRITE), 0);
    } else {
        trap_skip(context);
    }
}

static void protect_every_other(uintptr_t base, uint64_t pages, int protection)
{
    for (uint64_t i = 1; i < pages; i += 2) {
        CHECK_EQ(sys_mprotect(base + i * PAGE_BYTES, PAGE_BYTES, protection), 0);
    }
}

__attribute__((noinline)) static void
touch(uintptr_t base, uint64_t pages, bool write, struct lab_counts *faults)
{
    struct lab_counts before;

    lab_counts(&before);
    for (uint64_t i = 0; i < pages; i++) {
        uintptr_t address = base + i * PAGE_BYTES;
        int skipped = write ? trap_write(address, VALUE) : trap_read(address);

        CHECK(state.repair || (skipped == TRAP_SKIPPED) == (i % 2 == 1));
    }
    lab_counts(faults);
    lab_counts_subtract(faults, &before, faults);
}

/* Bring in what a signal needs: the handler, its stack, this code. */
static void warm_up(const void *top)
{
    struct lab_counts faults;

    area_warm_up(top);
    state.base = area_map(2);
    state.end = state.base + 2 * PAGE_BYTES;
    area_write(state.base, 2, VALUE);
    trap_catch(SIGSEGV, handle);
    for (unsigned write = 0; write < 2; write++) {
        for (unsigned repair = 0; repair < 2; repair++) {
            state.repair = repair != 0;
            protect_every_other(state.base, 2, write ? SYS_PROT_READ : SYS_PROT_NONE);
            touch(state.base, 2, write != 0, &faults);
        }
    }
    state.signals = 0;
}

static int run(const char *mode, uint64_t pages)
{
    bool none = strcmp(mode, "none") == 0 || strcmp(mode, "guards") == 0;
    bool merge = strcmp(mode, "merge") == 0;
    struct lab_counts faults;
    uintptr_t base = area_map(pages);

    state.base = base;
    state.end = base + pages * PAGE_BYTES;
    state.repair = strcmp(mode, "guards") != 0;
    if (strcmp(mode, "untouched") != 0) {
        area_write(base, pages, VALUE);
    }
    protect_every_other(base, pages, none ? SYS_PROT_NONE : SYS_PROT_READ);
    if (merge) {
        protect_every_other(base, pages, SYS_PROT_READ | SYS_PROT_WRITE);
        CHECK_EQ(sys_mprotect(base, pages * PAGE_BYTES, SYS_PROT_READ), 0);
        CHECK_EQ(sys_mprotect(base, pages * PAGE_BYTES, SYS_PROT_READ | SYS_PROT_WRITE), 0);
    }
    touch(base, pages, !none, &faults);
    lab_report_total("", &faults);
    lab_result("signals", state.signals);
    print_to(1, "%lu pages: %lu faults, %ld signals\n", pages, faults.total, state.signals);
    CHECK_EQ(state.signals, merge ? 0 : pages / 2);
    return 0;
}

int main(int argc, char **argv, char **envp)
{
    static const char *const modes[] = {"every-other", "none", "guards", "untouched", "merge"};
    uint64_t pages = 64;

    (void)envp;
    for (size_t i = 0; argc > 1 && i < sizeof(modes) / sizeof(modes[0]); i++) {
        if (strcmp(argv[1], modes[i]) == 0 &&
            (argc == 2 || (argc == 3 && mem_parse_number(argv[2], &pages) == 0)) &&
            pages <= PAGES_MAX) {
            warm_up(&pages);
            return run(argv[1], pages);
        }
    }
    print_to(2, "usage: protect every-other|none|guards|untouched|merge [PAGES]\n");
    return 2;
}
