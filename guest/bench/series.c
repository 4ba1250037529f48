/* Sorting and printing of measured series; see series.h. */
#include "series.h"

#include "print.h"
#include "sys.h"
#include "touch_pages.h"

struct series_span series_now(void)
{
    struct timespec now = {0};

    sys_call(__NR_clock_gettime, CLOCK_MONOTONIC, (uintptr_t)&now, 0, 0, 0, 0);
    return (struct series_span){
        .ns = (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec,
        .cycles = touch_pages_clock()};
}

void series_span_end(struct series_span *begin)
{
    struct series_span end = series_now();

    begin->ns = end.ns - begin->ns;
    begin->cycles = end.cycles - begin->cycles;
}

void *series_alloc(uint64_t bytes)
{
    int64_t base = sys_mmap(0, bytes, SYS_PROT_READ | SYS_PROT_WRITE, 0);

    if (sys_failed(base)) {
        print_to(2, "no memory for %lu bytes\n", bytes);
        sys_exit(2);
    }
    volatile uint8_t *memory = (volatile uint8_t *)base; // NOLINT: an address by number
    for (uint64_t i = 0; i < bytes; i += 4096) {
        memory[i] = 0;
    }
    return (void *)base; // NOLINT: an address by number
}

/* Heapsort: in place, no recursion, and no bad case. */
static void sift_down(uint32_t *heap, uint64_t root, uint64_t count)
{
    uint32_t value = heap[root];
    uint64_t child;

    while ((child = 2 * root + 1) < count) {
        if (child + 1 < count && heap[child + 1] > heap[child]) {
            child++;
        }
        if (heap[child] <= value) {
            break;
        }
        heap[root] = heap[child];
        root = child;
    }
    heap[root] = value;
}

static void sort(uint32_t *ticks, uint64_t count)
{
    for (uint64_t i = count / 2; i-- > 0;) {
        sift_down(ticks, i, count);
    }
    for (uint64_t i = count; i-- > 1;) {
        uint32_t largest = ticks[0];

        ticks[0] = ticks[i];
        ticks[i] = largest;
        sift_down(ticks, 0, i);
    }
}

static uint64_t in_ns(uint32_t ticks, const struct series_span *span)
{
    return (uint64_t)((double)ticks * (double)span->ns / (double)span->cycles + 0.5);
}

void series_print(
    const char *unit, uint32_t *ticks, uint64_t count, const struct series_span *span)
{
    struct print out;

    if (count == 0) {
        return;
    }
    sort(ticks, count);
    print_begin(&out, 1);
    print_format(&out, "%s=%lu\n", unit, count);
    print_format(&out, "min_ns=%lu\n", in_ns(ticks[0], span));
    print_format(&out, "median_ns=%lu\n", in_ns(ticks[count / 2], span));
    print_format(&out, "p99_ns=%lu\n", in_ns(ticks[count * 99 / 100], span));
    print_format(&out, "mean_ns=%lu\n", span->ns / count);
    print_flush(&out);
}
