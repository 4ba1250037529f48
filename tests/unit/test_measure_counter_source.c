/*
 * The real source of counts: every event name is one that libpfm4 encodes for the cores that it is
 * meant for, as their makers' lists have it, and a group of real counters is opened, run and read
 * through the kernel.  No processor with counters is needed: the library is told which core to
 * take this one for, and the kernel counts page faults.
 */
#include <linux/perf_event.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "measure/counters.h"

#define FORCE      "LIBPFM_FORCE_PMU"
#define PAGES      100
#define PAGE_STEP  4096
#define NO_EVENT   0
#define STRAY_MOST 8 /* faults of the test itself, on its stack and in libraries */

/*
 * Event code and unit mask (and a counter mask of 1 for cycles with a walker busy).  Intel: event
 * lists of each core, "DTLB_LOAD_MISSES" and "ITLB_MISSES"; Zen: Processor Programming References,
 * PMCx045 (low half: reloads that hit the second level, high half: that missed it), PMCx084, PMCx085.
 */
static const struct {
    const char *core;
    uint64_t config[COUNTER_EVENTS];
} cores[] = {
    {"snb", {0x1008, 0x0208, 0x0408, 0x1085, 0x0285}},
    {"ivb", {0x045f, 0x8208, 0x8408, 0x1085, 0x0285}},
    {"hsw", {0x6008, 0x0e08, 0x1008, 0x6085, 0x0e85}},
    {"bdw", {0x6008, 0x0e08, 0x1008, 0x6085, 0x0e85}},
    {"skl", {0x2008, 0x0e08, 0x1001008, 0x2085, 0x0e85}},
    {"skx", {0x2008, 0x0e08, 0x1001008, 0x2085, 0x0e85}},
    {"clx", {0x2008, 0x0e08, 0x1001008, 0x2085, 0x0e85}},
    {"icl", {0x2008, 0x0e08, 0x1001008, 0x2085, 0x0e85}},
    {"icx", {0x2008, 0x0e08, 0x1001008, 0x2085, 0x0e85}},
    {"spr", {0x2012, 0x0e12, 0x1001012, 0x2011, 0x0e11}},
    {"amd64_fam17h_zen1", {0x0f45, 0xf045, NO_EVENT, 0x0084, 0x0785}},
    {"amd64_fam17h_zen2", {0x0f45, 0xf045, NO_EVENT, 0x0084, 0x0785}},
    {"amd64_fam19h_zen3", {0x0f45, 0xf045, NO_EVENT, 0x0084, 0x0f85}},
    {"amd64_fam19h_zen4", {0x0f45, 0xf045, NO_EVENT, 0x0084, 0x0f85}},
};

#define CORES (sizeof(cores) / sizeof(cores[0]))

/* What the library says when it is told to take this processor for a core. */
struct answer {
    char library[COUNTER_LIBRARY_BYTES];
    bool known[COUNTER_EVENTS][COUNTER_NAMES_MAX];
    struct counter_code code[COUNTER_EVENTS][COUNTER_NAMES_MAX];
};

static void ask(const char *core, struct answer *answer)
{
    struct counter_source source;

    setenv(FORCE, core, 1);
    counter_source_begin(&source);
    memcpy(answer->library, source.library, sizeof(answer->library));
    for (unsigned event = 0; event < COUNTER_EVENTS; event++) {
        for (unsigned n = 0; n < COUNTER_NAMES_MAX; n++) {
            const char *name = counter_events[event].names[n];
            answer->known[event][n] =
                name != NULL && source.encode(source.context, name, &answer->code[event][n]);
        }
    }
    counter_source_end(&source);
}

/* The library looks at the processor once in a process: so each core is asked in one of its own, before
 * any test has it look in this one. */
static int ask_all(void **state)
{
    struct answer *answers = mmap(
        NULL, CORES * sizeof(*answers), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
        0);

    if (answers == MAP_FAILED) {
        return -1;
    }
    for (size_t i = 0; i < CORES; i++) {
        int status = -1;
        pid_t child = fork();
        if (child == 0) {
            ask(cores[i].core, &answers[i]);
            _exit(0);
        }
        if (child < 0 || waitpid(child, &status, 0) != child || status != 0) {
            return -1;
        }
    }
    *state = answers;
    return 0;
}

static int forget_all(void **state)
{
    return munmap(*state, CORES * sizeof(struct answer));
}

/* The first of its names that the core has. */
static uint64_t first_config(const struct answer *answer, unsigned event)
{
    for (unsigned n = 0; n < COUNTER_NAMES_MAX; n++) {
        if (answer->known[event][n]) {
            const struct counter_code *code = &answer->code[event][n];
            assert_int_equal(code->type, PERF_TYPE_RAW);
            assert_true(code->config1 == 0 && code->config2 == 0);
            return code->config;
        }
    }
    return NO_EVENT;
}

static void test_counter_events_are_those_of_each_core(void **state)
{
    const struct answer *answers = *state;

    for (size_t i = 0; i < CORES; i++) {
        char library[COUNTER_LIBRARY_BYTES];
        snprintf(library, sizeof(library), "libpfm4 (%s)", cores[i].core);
        assert_string_equal(answers[i].library, library);
        for (unsigned event = 0; event < COUNTER_EVENTS; event++) {
            uint64_t config = first_config(&answers[i], event);
            if (config != cores[i].config[event]) {
                fail_msg(
                    "%s, event %u: 0x%llx where the core has 0x%llx", cores[i].core, event,
                    (unsigned long long)config, (unsigned long long)cores[i].config[event]);
            }
        }
    }
}

/* No name in the table is dead: some core takes each of them. */
static void test_counter_events_have_no_name_that_nobody_knows(void **state)
{
    const struct answer *answers = *state;

    for (unsigned event = 0; event < COUNTER_EVENTS; event++) {
        for (unsigned n = 0; n < COUNTER_NAMES_MAX; n++) {
            bool known = counter_events[event].names[n] == NULL;
            for (size_t i = 0; i < CORES; i++) {
                known = known || answers[i].known[event][n];
            }
            assert_true(known);
        }
    }
}

/* Page faults stand for walks, minor ones for hits; nothing stands for the rest. */
static bool encode_faults(void *context, const char *event, struct counter_code *code)
{
    (void)context;
    *code = (struct counter_code){.type = PERF_TYPE_SOFTWARE};
    if (strcmp(event, counter_events[COUNTER_EVENT_DATA_WALKS].names[0]) == 0) {
        code->config = PERF_COUNT_SW_PAGE_FAULTS;
        return true;
    }
    code->config = PERF_COUNT_SW_PAGE_FAULTS_MIN;
    return strcmp(event, counter_events[COUNTER_EVENT_DATA_HITS].names[0]) == 0;
}

static void touch_new_pages(void)
{
    size_t bytes = (size_t)PAGES * PAGE_STEP;
    volatile char *pages =
        mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    assert_true(pages != MAP_FAILED);
    (void)madvise((void *)pages, bytes, MADV_NOHUGEPAGE);
    for (size_t at = 0; at < bytes; at += PAGE_STEP) {
        pages[at] = 1;
    }
    munmap((void *)pages, bytes);
}

static bool is_about(double count, double expected)
{
    return count >= expected && count <= expected + STRAY_MOST;
}

static void test_counters_of_the_kernel_are_grouped_run_and_read(void **state)
{
    struct counter_source source;
    struct counters counters;
    struct counters_probe probe;
    struct counters_run run;
    double count[COUNTER_KINDS];

    (void)state;
    counter_source_begin(&source);
    source.encode = encode_faults;
    source.exercise = NULL;
    counters_open(&counters, &source);
    counters_describe(&counters, &probe);
    if (!probe.has[SIDE_NATIVE][COUNTER_DATA_MISSES]) {
        counters_close(&counters);
        counter_source_end(&source);
        print_message("no perf events at all here: %s\n", probe.text);
        skip();
    }
    const struct counter_slot *slots = counters.slot[SIDE_NATIVE];
    assert_int_equal(slots[COUNTER_EVENT_DATA_WALKS].leader, slots[COUNTER_EVENT_DATA_HITS].fd);
    for (unsigned i = 0; i < 3; i++) {
        touch_new_pages(); /* between the runs: not counted */
        counters_begin(&counters, SIDE_NATIVE, COUNTER_SET_DATA, &run);
        touch_new_pages();
        counters_end(&counters, SIDE_NATIVE, COUNTER_SET_DATA, &run, count);
        assert_true(is_about(count[COUNTER_DATA_WALKS], PAGES));
        assert_true(is_about(count[COUNTER_DATA_MISSES], 2.0 * PAGES));
        assert_true(isnan(count[COUNTER_DATA_WALK_CYCLES]));
        assert_true(isnan(count[COUNTER_CODE_WALKS]));
    }
    counters_close(&counters);
    counter_source_end(&source);
}

/* What proves a counter walks, and lets go of its pages. */
static void test_counter_source_exercise_takes_no_memory(void **state)
{
    struct counter_source source;

    (void)state;
    counter_source_begin(&source);
    assert_non_null(source.exercise);
    source.exercise(source.context);
    counter_source_end(&source);
    counter_source_end(&source); /* a zeroed one is nothing to end */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_counter_events_are_those_of_each_core),
        cmocka_unit_test(test_counter_events_have_no_name_that_nobody_knows),
        cmocka_unit_test(test_counters_of_the_kernel_are_grouped_run_and_read),
        cmocka_unit_test(test_counter_source_exercise_takes_no_memory),
    };

    return cmocka_run_group_tests(tests, ask_all, forget_all);
}
