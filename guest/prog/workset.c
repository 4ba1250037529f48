/*
 * Question: which pages is a program working on?
 * Method: `workset PAGES PART MILLISECONDS` maps PAGES and writes to each of them (phase fill), then
 * reads the first PART of them again and again (phase first), then the PART behind those (phase
 * second), each for so long.  No fault tells the phases apart: only accessed bits do.  The range is
 * printed.
 *
 * Exit 0: done, 2: usage.
 *
 * expect: workset 16 4 1 | exit=0 | stdout=pages 16, of them 4 at a time
 * expect: workset 4 3 1 | exit=2
 */
#include <stdint.h>
#include <time.h>

#include "lab.h"
#include "mem.h"
#include "print.h"
#include "start.h"
#include "sys.h"

#define PAGE             4096
#define ROUNDS           20000 /* between two looks at the clock */
#define NS_PER_MS        1000000
#define NS_PER_S         1000000000
#define MILLISECONDS_MAX 60000

static uint64_t now_ns(void)
{
    struct timespec now = {0};

    sys_call(__NR_clock_gettime, CLOCK_MONOTONIC, (uint64_t)&now, 0, 0, 0, 0);
    return (uint64_t)now.tv_sec * NS_PER_S + (uint64_t)now.tv_nsec;
}

static void read_for(const volatile uint8_t *base, uint64_t pages, uint64_t ns)
{
    uint64_t end_ns = now_ns() + ns;

    do {
        for (unsigned round = 0; round < ROUNDS; round++) {
            for (uint64_t i = 0; i < pages; i++) {
                (void)base[i * PAGE];
            }
        }
    } while (now_ns() < end_ns);
}

int main(int argc, char **argv, char **envp)
{
    uint64_t pages, part, milliseconds;

    (void)envp;
    if (argc != 4 || mem_parse_number(argv[1], &pages) != 0 ||
        mem_parse_number(argv[2], &part) != 0 ||
        mem_parse_number(argv[3], &milliseconds) != 0 || pages > UINT32_MAX ||
        part > pages / 2 || milliseconds > MILLISECONDS_MAX) {
        print_to(2, "usage: workset PAGES PART MILLISECONDS, PART at most half of PAGES\n");
        return 2;
    }
    int64_t mapped = sys_mmap(0, pages * PAGE, SYS_PROT_READ | SYS_PROT_WRITE, 0);
    if (sys_failed(mapped)) {
        print_to(2, "workset: no room for %lu pages\n", pages);
        return 2;
    }
    volatile uint8_t *base = (volatile uint8_t *)mapped; // NOLINT: an address by number

    print_to(
        1, "pages %lu, of them %lu at a time\nrange 0x%lx-0x%lx\n", pages, part,
        (uint64_t)mapped, (uint64_t)mapped + pages * PAGE);
    lab_phase("fill");
    for (uint64_t i = 0; i < pages; i++) {
        base[i * PAGE] = 1;
    }
    lab_phase("first");
    read_for(base, part, milliseconds * NS_PER_MS);
    lab_phase("second");
    read_for(base + part * PAGE, part, milliseconds * NS_PER_MS);
    return 0;
}
