/*
 * Question: who copies in a chain of forks, in which each process changes one page?
 * Method: `forkchain [LENGTH]` (50 by default) writes LENGTH pages and forks; process n of the
 * chain writes page n and forks process n + 1, the last one adds all pages up.  Each write copies,
 * as every ancestor still has the page.  When its child has ended, each process writes the page
 * that the child had written: the first process is the last sharer by then and takes it back, any
 * other one has ancestors that share it and copies.  The counts are added up in a shared page.
 *
 * Exit 0: all sums right, 1: not, 2: usage.
 *
 * expect: forkchain | exit=0 | predicted=100 | faults=100 | cow-copy=99 | cow-reuse=1
 *   | sum=51225 | stdout=50 forks: sum 51225
 * expect: forkchain 1 | exit=0 | predicted=2 | faults=2 | cow-copy=1 | cow-reuse=1 | sum=1000
 * expect: forkchain 2 | exit=0 | predicted=4 | faults=4 | cow-copy=3 | cow-reuse=1
 * expect: forkchain 0 | exit=2
 */
#include "area.h"
#include "check.h"
#include "family.h"
#include "mem.h"
#include "print.h"
#include "start.h"
#include "sys.h"

#define LENGTH_MAX 1000
#define NEW_VALUE  1000 /* of page n, plus n */
#define LAST_VALUE 9999

struct chain {
    uint64_t length;
    uintptr_t area;
    struct lab_counts *counts; /* shared by all */
    uint64_t *sum;             /* the last one's, shared */
};

static void add_counts(struct lab_counts *sum, const struct lab_counts *faults)
{
    sum->total += faults->total;
    for (size_t i = 0; i < FAULT_KINDS; i++) {
        sum->by_kind[i] += faults->by_kind[i];
    }
}

static void write_page(const struct chain *chain, uint64_t page, uint64_t value)
{
    struct lab_counts faults;

    area_write_counted(chain->area + page * PAGE_BYTES, 1, value, &faults);
    add_counts(chain->counts, &faults);
}

static uint64_t sum_of(const struct chain *chain)
{
    uint64_t sum = 0;

    for (uint64_t i = 0; i < chain->length; i++) {
        sum += *(volatile uint64_t *)(chain->area + i * PAGE_BYTES); // NOLINT: by number
    }
    return sum;
}

/* Forks process `page` of the chain, which writes that page and goes on. */
static void go_on(const struct chain *chain, uint64_t page, const void *top)
{
    int status = 0;
    int64_t child = sys_fork();

    CHECK(!sys_failed(child));
    area_warm_up(top);
    if (child != 0) {
        CHECK_EQ(sys_wait(child, &status), child);
        CHECK_EQ(family_status(status), 0);
        /* What the descendants wrote is theirs. */
        CHECK_EQ(
            area_count(chain->area + page * PAGE_BYTES, chain->length - page, page),
            chain->length - page);
        write_page(chain, page, LAST_VALUE);
        return;
    }
    write_page(chain, page, NEW_VALUE + page);
    if (page + 1 < chain->length) {
        go_on(chain, page + 1, top);
    } else {
        *chain->sum = sum_of(chain);
    }
    sys_exit(0);
}

static void report(const struct chain *chain)
{
    uint64_t n = chain->length;
    uint64_t right = n * NEW_VALUE + n * (n - 1) / 2;

    lab_result("predicted", (int64_t)(2 * n));
    lab_report_faults("", chain->counts);
    lab_result("sum", (int64_t)*chain->sum);
    print_to(1, "%lu forks: sum %lu\n", n, *chain->sum);
    CHECK_EQ(*chain->sum, right);
}

int main(int argc, char **argv, char **envp)
{
    struct chain chain = {.length = 50};

    (void)envp;
    if (argc > 2 || (argc == 2 && mem_parse_number(argv[1], &chain.length) != 0) ||
        chain.length == 0 || chain.length > LENGTH_MAX) {
        print_to(2, "usage: forkchain [LENGTH], 1 to %d\n", LENGTH_MAX);
        return 2;
    }
    uintptr_t shared = area_map_shared(1);
    chain.counts = (struct lab_counts *)shared;                   // NOLINT: by number
    chain.sum = (uint64_t *)(shared + sizeof(struct lab_counts)); // NOLINT: by number
    chain.area = area_map(chain.length);
    area_write(chain.area, chain.length, 0);
    go_on(&chain, 0, &chain);
    report(&chain);
    return 0;
}
