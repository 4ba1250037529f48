/*
 * fault: what a page fault costs from the access to its retry, as a distribution and by parts;
 * beside it a bare exit, Linux's own minor fault, SIGSEGV with mprotect, userfaultfd.  The routine
 * is guest/exp/fault.c.  The host's work here is the least that serves a fault: a zeroed frame and
 * an entry; what the whole pager adds, bench/ measures.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "measure/catalogue.h"
#include "measure/distribution.h"
#include "measure/fault_parts.h"
#include "measure/native_faults.h"

#define COUNT_FULL  2000
#define COUNT_QUICK 300
#define AROUNDS     4

static const unsigned arounds[AROUNDS] = {1, 4, 16, 64};

/* Host time stamps of the faults of one run, and what serves them. */
struct service {
    struct lab *lab;
    uint64_t *exit, *entry; /* own; ticks */
    size_t count, capacity;
    unsigned around; /* pages brought at a time */
    uint64_t limit;  /* first address beyond the region */
};

static uint64_t read_ticks(void)
{
    uint32_t low, high;

    __asm__ volatile("lfence; rdtsc; lfence" : "=a"(low), "=d"(high) : : "memory");
    return (uint64_t)high << 32 | low;
}

/* The hook of the guest: bring the page and the ones behind it. */
static bool bring(void *context, struct virtual *guest, const struct machine_trap *trap)
{
    struct service *service = context;
    uint64_t exit = read_ticks();
    uint64_t address = gva_page(trap->address).value;

    for (unsigned i = 0; i < service->around && address < service->limit; i++) {
        uint32_t frame = frames_alloc_zeroed(machine_frames(guest->machine), FRAME_DATA);
        struct ptab_slot slot;
        if (address < FAULTS_BASE || frame == FRAMES_NONE ||
            !ptab_prepare(&guest->ptab, gva_of(address), 1, &slot)) {
            return false;
        }
        ptab_commit(&guest->ptab, slot, frames_gpa(frame).value | virtual_leaf_bits(guest));
        address += PAGE_BYTES;
    }
    if (service->count < service->capacity) {
        service->exit[service->count] = exit;
        service->entry[service->count++] = read_ticks();
    }
    return true;
}

static bool
service_create(struct service *service, struct lab *lab, size_t capacity, struct err *err)
{
    *service = (struct service){.lab = lab, .capacity = capacity};
    service->exit = calloc(capacity, sizeof(uint64_t));
    service->entry = calloc(capacity, sizeof(uint64_t));
    return (service->exit != NULL && service->entry != NULL) ||
           err_set(err, ERR_ENVIRONMENT, "no memory for time stamps");
}

static void service_destroy(struct service *service)
{
    free(service->exit);
    free(service->entry);
}

/* --- a guest with a layout that does not matter --- */

static bool open_guest(
    struct lab *lab, struct layout *layout, struct field *field, size_t pages, struct err *err)
{
    uint64_t *address = lab_addresses(pages, PAGE_BYTES, err);
    bool ok = address != NULL && layout_make_own(layout, address, pages, false, 1, err);

    free(address);
    if (ok && !lab_make_field_on(lab, SIDE_GUEST, field, layout, err)) {
        layout_destroy(layout);
        ok = false;
    }
    return ok;
}

/* --- figures --- */

struct figures {
    struct result_figure *least, *median, *p99;
};

static struct figures add_figures(struct result *result, const char *name)
{
    return (struct figures){
        .least = result_add_figure(result, "ns", "%s, minimum", name),
        .median = result_add_figure(result, "ns", "%s, median", name),
        .p99 = result_add_figure(result, "ns", "%s, 99 %%", name)};
}

static void fill(struct figures *figures, enum side side, struct distribution *distribution)
{
    double *sorted = distribution->ns;

    windows_sort(sorted, distribution->count);
    struct estimate least = windows_stepped_interval(sorted, distribution->count, 0);
    least.high = fmax(least.high, distribution->summary.p5);
    figure_decide(figures->least, side, least);
    figure_decide(
        figures->median, side, windows_stepped_interval(sorted, distribution->count, 0.5));
    figure_decide(
        figures->p99, side, windows_stepped_interval(sorted, distribution->count, 0.99));
}

static void refuse(struct figures *figures, enum side side, const char *why)
{
    figure_refuse(figures->least, side, "%s", why);
    figure_refuse(figures->median, side, "%s", why);
    figure_refuse(figures->p99, side, "%s", why);
}

/* --- taking them --- */

static bool take_guest_faults(
    struct lab *lab,
    struct field *field,
    struct service *service,
    size_t count,
    struct exp_args *args,
    uint64_t *stamps,
    struct err *err)
{
    uint64_t unexpected;

    *args = (struct exp_args){
        .start = {service->limit == 0 ? FAULTS_BASE : service->limit},
        .windows = count,
        .parameter = {PAGE_BYTES, service->around}};
    service->count = 0;
    service->limit = args->start[0] + count * service->around * PAGE_BYTES;
    field->guest.hooks = (struct virtual_hooks){.fault = bring, .context = service};
    (void)lab;
    return field_run(
        field, SIDE_GUEST, EXP_ROUTINE_fault, args, stamps, 2 * count, &unexpected, err);
}

static bool guest_faults(
    struct lab *lab,
    struct field *field,
    size_t count,
    uint64_t *stamps,
    struct figures *figures,
    struct result_series *histogram,
    struct result *result,
    struct err *err)
{
    struct service service;
    struct distribution distribution = {0};
    struct exp_args args;
    bool ok = service_create(&service, lab, count, err);

    service.around = 1;
    ok = ok && take_guest_faults(lab, field, &service, count, &args, stamps, err);
    if (ok &&
        distribution_make(&distribution, &args, lab->found.ticks_per_ns, stamps, count, 1)) {
        distribution_add_histogram(histogram, SIDE_GUEST, &distribution);
        fill(figures, SIDE_GUEST, &distribution);
        const struct fault_times times = {service.exit, service.entry, service.count};
        fault_parts_report(lab, &times, stamps, result);
        double fault = distribution.summary.median;
        distribution_destroy(&distribution);
        args.start[0] = FAULTS_BASE;
        uint64_t unexpected;
        ok = field_run(
            field, SIDE_GUEST, EXP_ROUTINE_fault, &args, stamps, 2 * count, &unexpected, err);
        if (ok && distribution_make(
                      &distribution, &args, lab->found.ticks_per_ns, stamps, count, 1)) {
            result_add_control(
                result, distribution.summary.median < fault / 5,
                "guest, the same pages touched again: %.0f ns", distribution.summary.median);
            distribution_destroy(&distribution);
        }
    }
    service_destroy(&service);
    return ok;
}

static bool guest_around(
    struct lab *lab,
    struct field *field,
    size_t count,
    uint64_t *stamps,
    struct result *result,
    struct err *err)
{
    struct result_series *series =
        result_add_series(result, SERIES_STAIRCASE, 1, AROUNDS, "fault-around");
    struct service service;
    bool ok = service_create(&service, lab, count, err);

    if (series != NULL) {
        series_name_axes(series, "pages brought a fault", "ns a page");
        snprintf(series->curve[0], RESULT_NAME_BYTES, "guest");
    }
    service.limit = FAULTS_BASE + count * PAGE_BYTES;
    for (size_t i = 0; ok && i < AROUNDS; i++) {
        struct distribution distribution;
        struct exp_args args;
        service.around = arounds[i];
        service.limit = round_up(service.limit, LARGE_BYTES);
        size_t faults = count / arounds[i] + 8;
        ok = take_guest_faults(lab, field, &service, faults, &args, stamps, err);
        if (!ok ||
            !distribution_make(
                &distribution, &args, lab->found.ticks_per_ns, stamps, faults, arounds[i])) {
            break;
        }
        struct result_figure *figure =
            result_add_figure(result, "ns", "a page, %u brought a fault", arounds[i]);
        double value = distribution.summary.median;
        windows_sort(distribution.ns, distribution.count);
        figure_decide(
            figure, SIDE_GUEST,
            windows_stepped_interval(distribution.ns, distribution.count, 0.5));
        distribution_destroy(&distribution);
        if (series != NULL) {
            series->x[i] = arounds[i];
            series_set(series, 0, i, value);
        }
    }
    service_destroy(&service);
    return ok;
}

static bool take_requests(
    struct lab *lab,
    enum side side,
    struct field *field,
    size_t count,
    uint64_t *stamps,
    struct figures *figures,
    struct err *err)
{
    struct exp_args args = {.windows = count};
    struct distribution distribution;
    uint64_t unexpected;

    if (side == SIDE_NATIVE) {
        native_run(EXP_ROUTINE_request, &args);
        memcpy(stamps, (const void *)EXP_RESULTS, 2 * count * sizeof(*stamps));
    } else if (!field_run(
                   field, side, EXP_ROUTINE_request, &args, stamps, 2 * count, &unexpected,
                   err)) {
        return false;
    }
    if (distribution_make(&distribution, &args, lab->found.ticks_per_ns, stamps, count, 1)) {
        fill(figures, side, &distribution);
        distribution_destroy(&distribution);
    }
    return true;
}

static void native_kind(
    struct lab *lab,
    enum native_fault kind,
    size_t count,
    uint64_t *stamps,
    struct figures *figures,
    struct result_series *histogram,
    struct result *result)
{
    struct exp_args args = {.windows = 0};
    struct distribution distribution;
    struct err err = {0};
    uint64_t *again = stamps + 2 * count;

    if (!native_faults_take(kind, count, &args, stamps, again, &err)) {
        refuse(figures, SIDE_NATIVE, err.text);
        return;
    }
    if (!distribution_make(&distribution, &args, lab->found.ticks_per_ns, stamps, count, 1)) {
        return;
    }
    double fault = distribution.summary.median;
    distribution_add_histogram(
        kind == NATIVE_FAULT_MINOR ? histogram : NULL, SIDE_NATIVE, &distribution);
    fill(figures, SIDE_NATIVE, &distribution);
    distribution_destroy(&distribution);
    if (kind == NATIVE_FAULT_MINOR &&
        distribution_make(&distribution, &args, lab->found.ticks_per_ns, again, count, 1)) {
        result_add_control(
            result, distribution.summary.median < fault / 5,
            "native, the same pages touched again: %.0f ns", distribution.summary.median);
        distribution_destroy(&distribution);
    }
}

static bool run_guest(
    struct lab *lab,
    size_t count,
    uint64_t *stamps,
    struct figures figures[2],
    struct result_series *histogram,
    struct result *result,
    struct err *err)
{
    struct layout layout;
    struct field field;

    if (!open_guest(lab, &layout, &field, 64, err)) {
        return false;
    }
    bool ok = take_requests(lab, SIDE_GUEST, &field, count, stamps, &figures[1], err) &&
              guest_faults(lab, &field, count, stamps, &figures[0], histogram, result, err) &&
              guest_around(lab, &field, count, stamps, result, err);
    lab_end_field(lab, &field);
    layout_destroy(&layout);
    return ok;
}

bool experiment_fault(struct lab *lab, struct result *result, struct err *err)
{
    size_t count = lab->quick ? COUNT_QUICK : COUNT_FULL;
    uint64_t *stamps = calloc(4 * count, sizeof(*stamps));
    struct result_series *histogram = result_add_series(
        result, SERIES_HISTOGRAM, SIDE_COUNT, DISTRIBUTION_BINS, "time of a fault");
    struct figures figures[2];
    bool ok = true;

    if (stamps == NULL) {
        return err_set(err, ERR_ENVIRONMENT, "no memory for time stamps");
    }
    figures[0] = add_figures(result, "fault");
    figures[1] = add_figures(result, "bare request");
    figure_read(figures[0].least, "native: Linux's minor fault; guest: by this host process");
    figure_read(figures[1].least, "native: a system call; guest: an exit to this process");
    if (histogram != NULL) {
        series_name_axes(histogram, "ns", "faults");
        series_name_sides(histogram);
    }
    if (lab->wanted[SIDE_NATIVE]) {
        struct figures more[2] = {
            add_figures(result, "SIGSEGV + mprotect"), add_figures(result, "userfaultfd copy")};
        ok = take_requests(lab, SIDE_NATIVE, NULL, count, stamps, &figures[1], err);
        native_kind(lab, NATIVE_FAULT_MINOR, count, stamps, &figures[0], histogram, result);
        native_kind(lab, NATIVE_FAULT_SIGNAL, count, stamps, &more[0], NULL, result);
        native_kind(lab, NATIVE_FAULT_USERFAULTFD, count, stamps, &more[1], NULL, result);
        lab_progress(lab, 0.4);
    }
    ok = ok && (!lab->wanted[SIDE_GUEST] ||
                run_guest(lab, count, stamps, figures, histogram, result, err));
    free(stamps);
    return ok;
}
