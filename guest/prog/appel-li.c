/*
 * Question: what does user-level fault handling cost, by the measure of Appel and Li (Virtual Memory
 * Primitives for User Programs, ASPLOS 1991)?
 * Method: `appel-li [ROUNDS]` (1 by default) on 100 pages, the same in the laboratory and natively:
 *   trap    a handler for an access that is not allowed, and back: no change of permissions
 *   prot1   each page protected by a call of its own, then each touched in shuffled order; the
 *           handler allows the page: Prot1 + Trap + Unprot
 *   protn   all pages protected by one call, then the same: ProtN + Trap + Unprot
 * The figures NAME-ns are nanoseconds for each page; prot1-alone-ns, protn-alone-ns and unprot-alone-ns
 * are those of the calls without a trap.  Faults: one for each access that was refused, none for
 * the retry.
 *
 * Exit 0: each access trapped exactly once, 1: not, 2: usage.
 *
 * expect: appel-li | exit=0 | trap.total=100 | trap.no-access=100 | prot1.total=100
 *   | prot1.no-access=100 | protn.total=100 | protn.no-access=100
 * expect: appel-li 10 | emulated=no | exit=0 | trap.total=1000 | trap.no-access=1000 | prot1.total=1000
 *   | prot1.no-access=1000 | protn.total=1000 | protn.no-access=1000
 * expect: appel-li 0 | exit=2
 */
#include "area.h"
#include "check.h"
#include "mem.h"
#include "print.h"
#include "start.h"
#include "sys.h"
#include "trap.h"

#define PAGES      100
#define STEP       37 /* without a common factor with PAGES: visits each page once */
#define ROUNDS_MAX 100000
#define READ_WRITE (SYS_PROT_READ | SYS_PROT_WRITE)

enum method { METHOD_TRAP, METHOD_PROT1, METHOD_PROTN };
static const char *const names[] = {"trap", "prot1", "protn"};

static volatile uint64_t traps;

static void skip(int number, siginfo_t *info, struct ucontext *context)
{
    (void)number;
    (void)info;
    traps++;
    trap_skip(context);
}

static void unprotect(int number, siginfo_t *info, struct ucontext *context)
{
    (void)number;
    (void)context;
    traps++;
    CHECK_EQ(
        sys_mprotect(
            (uintptr_t)info->si_addr / PAGE_BYTES * PAGE_BYTES, PAGE_BYTES, READ_WRITE),
        0);
}

/* One call a page, or one for all. */
static void protect(uintptr_t base, enum method method, int protection)
{
    if (method == METHOD_PROTN) {
        CHECK_EQ(sys_mprotect(base, PAGES * PAGE_BYTES, protection), 0);
        return;
    }
    for (uint64_t i = 0; i < PAGES; i++) {
        CHECK_EQ(sys_mprotect(base + i * PAGE_BYTES, PAGE_BYTES, protection), 0);
    }
}

static void touch_shuffled(uintptr_t base)
{
    for (uint64_t i = 0; i < PAGES; i++) {
        trap_write(base + i * STEP % PAGES * PAGE_BYTES, 1);
    }
}

__attribute__((noinline)) static void
run(uintptr_t base, enum method method, uint64_t rounds, struct lab_counts *faults)
{
    struct lab_counts before;

    lab_counts(&before);
    for (uint64_t i = 0; i < rounds; i++) {
        if (method != METHOD_TRAP) {
            protect(base, method, SYS_PROT_NONE);
        }
        touch_shuffled(base);
    }
    lab_counts(faults);
    lab_counts_subtract(faults, &before, faults);
}

static void report_ns(const char *name, const char *suffix, uint64_t ns, uint64_t rounds)
{
    char full[LAB_NAME_BYTES] = {0};
    size_t used = strlen(name);

    CHECK(rounds != 0);
    memcpy(
        full, name, used); /* NOLINT(bugprone-not-null-terminated-result): the suffix follows */
    memcpy(full + used, suffix, strlen(suffix) + 1);
    lab_result(full, (int64_t)(ns / (rounds * PAGES)));
    print_to(1, "%s: %lu\n", full, ns / (rounds * PAGES));
}

static void measure(uintptr_t base, enum method method, uint64_t rounds)
{
    struct lab_counts faults;

    trap_catch(SIGSEGV, method == METHOD_TRAP ? skip : unprotect);
    protect(base, METHOD_PROTN, method == METHOD_TRAP ? SYS_PROT_NONE : READ_WRITE);
    run(base, method, 1, &faults); /* warms up */
    traps = 0;
    uint64_t ns = sys_clock_ns();
    run(base, method, rounds, &faults);
    ns = sys_clock_ns() - ns;
    lab_report_total(names[method], &faults);
    report_ns(names[method], "-ns", ns, rounds);
    CHECK_EQ(traps, rounds * PAGES);
    protect(base, METHOD_PROTN, READ_WRITE);
}

/* The calls by themselves: protect by this method, and allow page by page. */
static void measure_calls(uintptr_t base, enum method method, uint64_t rounds)
{
    uint64_t protect_ns = 0;
    uint64_t unprotect_ns = 0;

    for (uint64_t i = 0; i < rounds; i++) {
        uint64_t begin_ns = sys_clock_ns();

        protect(base, method, SYS_PROT_NONE);
        uint64_t middle_ns = sys_clock_ns();
        protect(base, METHOD_PROT1, READ_WRITE);
        protect_ns += middle_ns - begin_ns;
        unprotect_ns += sys_clock_ns() - middle_ns;
    }
    report_ns(names[method], "-alone-ns", protect_ns, rounds);
    if (method == METHOD_PROT1) {
        report_ns("unprot", "-alone-ns", unprotect_ns, rounds);
    }
}

int main(int argc, char **argv, char **envp)
{
    uint64_t rounds = 1;

    (void)envp;
    if (argc > 2 || (argc == 2 && mem_parse_number(argv[1], &rounds) != 0) || rounds == 0 ||
        rounds > ROUNDS_MAX) {
        print_to(2, "usage: appel-li [ROUNDS], 1 to %d\n", ROUNDS_MAX);
        return 2;
    }
    uintptr_t base = area_map(PAGES);

    area_warm_up(&rounds);
    area_write(base, PAGES, 1);
    measure(base, METHOD_TRAP, rounds);
    measure(base, METHOD_PROT1, rounds);
    measure(base, METHOD_PROTN, rounds);
    measure_calls(base, METHOD_PROT1, rounds);
    measure_calls(base, METHOD_PROTN, rounds);
    return 0;
}
