/*
 * Question: can more memory cause more faults?  (Belady, Nelson and Shedler, CACM 1969: with first
 * in, first out it can.)
 * Method: `belady FRAMES [REFERENCES]` locks what the program has, tells the laboratory how many
 * frames there are beside that, and writes to pages in the order of REFERENCES (each a letter, a to
 * z; by default their string, 1 2 3 4 1 2 5 1 2 3 4 5, as abcdabeabcde).  The faults must be those
 * of the textbook's fifo, of which the first touches are demand-zero and the others swap-in; the
 * figures lru and opt are what the textbook has for those.
 *
 * Clock spares what was used since it looked last.  In this string every page has been used at the
 * moments when that would matter, so clock does as fifo.  Nothing is claimed of live lru: it samples
 * accessed bits at faults, and learns which pages were used between two of them, not in which order.
 *
 * Exit 0: contents right, 1: not, 2: usage.
 *
 * expect: belady 3 | options=--policy=fifo --swap=1M | exit=0 | fifo=9 | lru=10 | opt=7
 *   | total=9 | demand-zero=5 | swap-in=4
 * expect: belady 4 | options=--policy=fifo --swap=1M | exit=0 | fifo=10 | lru=8 | opt=6
 *   | total=10 | demand-zero=5 | swap-in=5
 * expect: belady 3 | options=--policy=clock --swap=1M | exit=0 | total=9 | demand-zero=5
 *   | swap-in=4
 * expect: belady 4 | options=--policy=clock --swap=1M | exit=0 | total=10 | demand-zero=5
 *   | swap-in=5
 * expect: belady 5 | options=--policy=fifo --swap=1M | exit=0 | total=5 | demand-zero=5
 * expect: belady 1 | options=--policy=fifo --swap=1M | exit=0 | total=12 | demand-zero=5
 *   | swap-in=7
 * expect: belady 3 abcabcabc | options=--policy=fifo --swap=1M | exit=0 | total=3 | demand-zero=3
 * expect: belady 3 abcdabcdabcd | options=--policy=fifo --swap=1M | exit=0 | total=12
 *   | demand-zero=4 | swap-in=8
 * expect: belady 0 | exit=2
 */
#include "area.h"
#include "check.h"
#include "mem.h"
#include "model.h"
#include "print.h"
#include "start.h"
#include "sys.h"

#define PAGES          26
#define REFERENCES_MAX 200
#define DEFAULT_STRING "abcdabeabcde"

struct string {
    uint8_t page[REFERENCES_MAX];
    uint64_t count;
};

static volatile uint64_t *word_of(uintptr_t base, uint8_t page)
{
    return (volatile uint64_t *)(base + page * PAGE_BYTES); // NOLINT: an address by number
}

/* Adds one to a word of each page, in turn. */
__attribute__((noinline)) static void
refer(uintptr_t base, const struct string *string, struct lab_counts *faults)
{
    struct lab_counts before;

    lab_counts(&before);
    for (uint64_t i = 0; i < string->count; i++) {
        volatile uint64_t *word = word_of(base, string->page[i]);

        *word = *word + 1;
    }
    lab_counts(faults);
    lab_counts_subtract(faults, &before, faults);
}

static bool parse(const char *text, struct string *string)
{
    string->count = strlen(text);
    for (uint64_t i = 0; i < string->count && i < REFERENCES_MAX; i++) {
        if (text[i] < 'a' || text[i] > 'z') {
            return false;
        }
        string->page[i] = (uint8_t)(text[i] - 'a');
    }
    return string->count > 0 && string->count <= REFERENCES_MAX;
}

/* Each page holds how often it was referred to. */
static void check_contents(uintptr_t base, const struct string *string)
{
    for (uint8_t page = 0; page < PAGES; page++) {
        uint64_t references = 0;

        for (uint64_t i = 0; i < string->count; i++) {
            references += string->page[i] == page;
        }
        CHECK_EQ(references == 0 ? 0 : *word_of(base, page), references);
    }
}

static int run(const struct string *string, uint64_t frames)
{
    const struct string warm = {.count = 1};
    uint64_t fifo = model_faults(MODEL_FIFO, string->page, string->count, frames);
    uint64_t lru = model_faults(MODEL_LRU, string->page, string->count, frames);
    uint64_t opt = model_faults(MODEL_OPT, string->page, string->count, frames);
    uint64_t word = 0;
    struct lab_counts faults;

    area_warm_up(string);
    refer((uintptr_t)&word, &warm, &faults);
    print_to(
        1, "%lu references, %lu frames: fifo %lu, lru %lu, opt %lu faults by the textbook\n",
        string->count, frames, fifo, lru, opt);
    /* What the loop needs is there by now; the area is not. */
    CHECK_EQ(sys_mlockall(MCL_CURRENT), 0);
    uintptr_t base = area_map(PAGES);
    if (lab_present()) {
        CHECK_EQ(sys_call(LAB_FRAMES, frames, 0, 0, 0, 0, 0), 0);
    }
    refer(base, string, &faults);
    lab_report_total("", &faults);
    lab_result("fifo", (int64_t)fifo);
    lab_result("lru", (int64_t)lru);
    lab_result("opt", (int64_t)opt);
    print_to(1, "on the pages: %lu\n", faults.total);
    check_contents(base, string);
    return 0;
}

int main(int argc, char **argv, char **envp)
{
    struct string string;
    uint64_t frames = 0;

    (void)envp;
    if (argc < 2 || argc > 3 || mem_parse_number(argv[1], &frames) != 0 || frames == 0 ||
        !parse(argc == 3 ? argv[2] : DEFAULT_STRING, &string)) {
        print_to(2, "usage: belady FRAMES [REFERENCES], as in belady 3 " DEFAULT_STRING "\n");
        return 2;
    }
    return run(&string, frames);
}
