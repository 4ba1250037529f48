/*
 * Question: what does a page fault cost from the access to its retry, and which part is whose?
 * Hypothesis: delivery and exit, the host's work, and re-entry with the retry add up to the time
 * that ring 3 sees; a bare request costs the same without the fault's delivery.
 * Control: the same touches again, now that the pages are there.
 * Expected shape: a distribution with a sharp lower edge and a long tail.
 */
#include "chase.h"

void exp_fault(struct exp_args *args);
void exp_request(struct exp_args *args);
void exp_stamp(struct exp_args *args);

/*
 * Touch args->windows pages from start[0] on, parameter[0] bytes apart; parameter[1] pages to a
 * window.  Two results a window: begin and end, as absolute ticks.
 */
void exp_fault(struct exp_args *args)
{
    uint64_t *results = exp_results();
    uint64_t at = args->start[0];

    exp_calibrate(args);
    for (uint64_t i = 0; i < args->windows; i++) {
        results[2 * i] = exp_now();
        for (uint64_t page = 0; page < args->parameter[1]; page++) {
            *(volatile uint64_t *)at = i;
            at += args->parameter[0];
        }
        results[2 * i + 1] = exp_now();
    }
}

/* args->windows requests that ask for nothing: two results each, as above. */
void exp_request(struct exp_args *args)
{
    uint64_t *results = exp_results();

    exp_calibrate(args);
    for (uint64_t i = 0; i < args->windows; i++) {
        uint64_t number = EXP_REQUEST_EMPTY;
        results[2 * i] = exp_now();
        __asm__ volatile("syscall" : "+a"(number) : : "rcx", "r11", "memory");
        results[2 * i + 1] = exp_now();
    }
}

/* value[0]: the time stamp counter, for the host to compare its own with. */
void exp_stamp(struct exp_args *args)
{
    args->value[0] = exp_now();
}
