/*
 * Question: does a fork cost what is mapped, or what page tables there are for it?
 * Method: `forks TABLES PAGES ROUNDS` maps TABLES times 2 MiB, writes PAGES pages in each of these, and
 * forks ROUNDS times a child that ends at once; it prints what the parent waits for each fork.
 */
#include "lab.h"
#include "mem.h"
#include "print.h"
#include "series.h"
#include "start.h"
#include "sys.h"
#include "touch_pages.h"

#define TABLE_BYTES 0x200000ul
#define TABLE_PAGES 512ul

static uint64_t map_tables(uint64_t tables)
{
    int64_t base = sys_mmap(0, (tables + 1) * TABLE_BYTES, SYS_PROT_READ | SYS_PROT_WRITE, 0);

    if (sys_failed(base)) {
        print_to(2, "forks: no room for %lu tables\n", tables);
        sys_exit(2);
    }
    uint64_t aligned = ((uint64_t)base + TABLE_BYTES - 1) / TABLE_BYTES * TABLE_BYTES;
    if (!lab_present()) {
        sys_madvise(aligned, tables * TABLE_BYTES, MADV_NOHUGEPAGE);
    }
    return aligned;
}

static uint32_t fork_once(void)
{
    int status = 0;
    uint64_t before = touch_pages_clock();
    int64_t child = sys_fork();

    if (child == 0) {
        sys_exit(0);
    }
    uint64_t ticks = touch_pages_clock() - before;
    if (sys_failed(child) || sys_wait(child, &status) != child) {
        print_to(2, "forks: no child: error %ld\n", (long)-child);
        sys_exit(2);
    }
    return (uint32_t)ticks;
}

int main(int argc, char **argv, char **envp)
{
    uint64_t tables;
    uint64_t pages;
    uint64_t rounds;

    (void)envp;
    if (argc != 4 || mem_parse_number(argv[1], &tables) != 0 ||
        mem_parse_number(argv[2], &pages) != 0 || mem_parse_number(argv[3], &rounds) != 0 ||
        tables == 0 || pages == 0 || pages > TABLE_PAGES || rounds == 0) {
        print_to(2, "usage: forks TABLES PAGES ROUNDS, PAGES up to %lu\n", TABLE_PAGES);
        return 2;
    }
    uint32_t *ticks = series_alloc(rounds * sizeof(ticks[0]));
    uint64_t base = map_tables(tables);
    for (uint64_t i = 0; i < tables * pages; i++) {
        uint64_t address = base + i / pages * TABLE_BYTES + i % pages * 4096;
        *(volatile uint8_t *)address = 1; // NOLINT: an address by number
    }
    struct series_span span = series_now();
    for (uint64_t i = 0; i < rounds; i++) {
        ticks[i] = fork_once();
    }
    series_span_end(&span);
    series_print("forks", ticks, rounds, &span);
    return 0;
}
