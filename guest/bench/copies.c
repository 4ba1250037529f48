/*
 * Question: what does the first write to a page cost that two processes share, and what the copy of a
 * page alone?
 * Method: `copies cow COUNT` writes COUNT pages, forks a child that waits, and writes one byte of
 * each page again, which copies it.  `copies plain COUNT` copies COUNT pages to COUNT others that are
 * all in memory: what one page copy takes, with as much of it in caches.
 */
#include "lab.h"
#include "mem.h"
#include "print.h"
#include "series.h"
#include "start.h"
#include "sys.h"
#include "touch_pages.h"

static uint64_t map_written(uint64_t count, uint32_t *ticks)
{
    int64_t base = sys_mmap(0, count * 4096, SYS_PROT_READ | SYS_PROT_WRITE, 0);

    if (sys_failed(base)) {
        print_to(2, "copies: no room for %lu pages\n", count);
        sys_exit(2);
    }
    if (!lab_present()) {
        sys_madvise((uintptr_t)base, count * 4096, MADV_NOHUGEPAGE);
    }
    touch_pages((uint64_t)base, count, ticks);
    return (uint64_t)base;
}

/* The child reads from a pipe until its parent closes the other end. */
static void measure_cow(uint64_t base, uint64_t count, uint32_t *ticks)
{
    int fds[2] = {0};
    int status = 0;
    char byte;

    if (sys_pipe(fds) != 0) {
        sys_exit(2);
    }
    int64_t child = sys_fork();
    if (child == 0) {
        sys_close(fds[1]);
        sys_read(fds[0], &byte, 1);
        sys_exit(0);
    }
    for (uint64_t i = 0; i < count; i++) {
        ticks[i] = 0; /* its own pages are shared as well: copied before the clock runs */
    }
    struct series_span span = series_now();
    touch_pages(base, count, ticks);
    series_span_end(&span);
    sys_close(fds[1]);
    if (sys_failed(child) || sys_wait(child, &status) != child) {
        print_to(2, "copies: no child: error %ld\n", (long)-child);
        sys_exit(2);
    }
    series_print("pages", ticks, count, &span);
}

static void measure_plain(uint64_t from, uint64_t to, uint64_t count, uint32_t *ticks)
{
    struct series_span span = series_now();

    for (uint64_t i = 0; i < count; i++) {
        uint64_t before = touch_pages_clock();
        void *target = (void *)(to + i * 4096);   // NOLINT: an address by number
        void *source = (void *)(from + i * 4096); // NOLINT: an address by number
        uint64_t words = 4096 / 8;

        __asm__ volatile("rep movsq" : "+D"(target), "+S"(source), "+c"(words)::"memory");
        ticks[i] = (uint32_t)(touch_pages_clock() - before);
    }
    series_span_end(&span);
    series_print("pages", ticks, count, &span);
}

int main(int argc, char **argv, char **envp)
{
    uint64_t count;

    (void)envp;
    if (argc != 3 || mem_parse_number(argv[2], &count) != 0 || count == 0 ||
        count > UINT32_MAX) {
        print_to(2, "usage: copies cow|plain COUNT\n");
        return 2;
    }
    uint32_t *ticks = series_alloc(count * sizeof(ticks[0]));
    uint64_t base = map_written(count, ticks);
    if (argv[1][0] == 'c') {
        measure_cow(base, count, ticks);
    } else {
        measure_plain(base, map_written(count, ticks), count, ticks);
    }
    return 0;
}
