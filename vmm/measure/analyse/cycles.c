/*
 * A line through the shortest windows of each chain length, and the signs by which a clock shows
 * that no core stands behind it.  Read cycles.h for the formulas.
 */
#include "measure/analyse/cycles.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>

#include "measure/analyse/windows.h"

#define SLOPES_MAX     (CYCLES_LENGTHS_MAX * (CYCLES_LENGTHS_MAX - 1) / 2)
#define SLOPE_LEAST    0.05
#define SLOPE_MOST     20.0
#define SLOPE_SPREAD   0.1
#define QUANTUM_MOST   256
#define STALLED_SHARE  0.01
#define DRIFT_FIRST    8
#define DRIFT_SEQUENCE 3

/* The least ticks of each length, ascending in length. */
struct lengths {
    size_t count;
    double adds[CYCLES_LENGTHS_MAX];
    double tsc[CYCLES_LENGTHS_MAX];
};

/* False when there are too many lengths. */
static bool add_run(struct lengths *lengths, const struct cycles_run *run)
{
    size_t i = 0;

    while (i < lengths->count && lengths->adds[i] < (double)run->adds) {
        i++;
    }
    if (i < lengths->count && lengths->adds[i] == (double)run->adds) {
        lengths->tsc[i] = fmin(lengths->tsc[i], (double)run->tsc);
        return true;
    }
    if (lengths->count == CYCLES_LENGTHS_MAX) {
        return false;
    }
    for (size_t j = lengths->count; j > i; j--) {
        lengths->adds[j] = lengths->adds[j - 1];
        lengths->tsc[j] = lengths->tsc[j - 1];
    }
    lengths->adds[i] = (double)run->adds;
    lengths->tsc[i] = (double)run->tsc;
    lengths->count++;
    return true;
}

static bool gather_lengths(
    const struct cycles_run *runs,
    size_t count,
    struct lengths *lengths,
    struct verdict *verdict)
{
    lengths->count = 0;
    for (size_t i = 0; i < count; i++) {
        if (!add_run(lengths, &runs[i])) {
            verdict_refuse(verdict, "more than %d chain lengths", CYCLES_LENGTHS_MAX);
            return false;
        }
    }
    if (lengths->count < 3) {
        verdict_refuse(verdict, "%zu chain lengths are too few for a line", lengths->count);
        return false;
    }
    for (size_t i = 1; i < lengths->count; i++) {
        if (lengths->tsc[i] <= lengths->tsc[i - 1]) {
            verdict_refuse(
                verdict, "%.0f additions take no longer than %.0f (%.0f and %.0f ticks)",
                lengths->adds[i], lengths->adds[i - 1], lengths->tsc[i], lengths->tsc[i - 1]);
            return false;
        }
    }
    return true;
}

static void fit_line(const struct lengths *lengths, struct cycles_clock *clock)
{
    double slope[SLOPES_MAX];
    double floor_tsc[CYCLES_LENGTHS_MAX];
    size_t count = 0;

    for (size_t i = 0; i < lengths->count; i++) {
        for (size_t j = i + 1; j < lengths->count; j++) {
            slope[count++] =
                (lengths->tsc[j] - lengths->tsc[i]) / (lengths->adds[j] - lengths->adds[i]);
        }
    }
    windows_sort(slope, count);
    clock->tsc_per_cycle = (struct estimate){
        .value = windows_quantile(slope, count, 0.5),
        .low = windows_quantile(slope, count, 0.05),
        .high = windows_quantile(slope, count, 0.95),
    };
    for (size_t i = 0; i < lengths->count; i++) {
        floor_tsc[i] = lengths->tsc[i] - clock->tsc_per_cycle.value * lengths->adds[i];
    }
    windows_sort(floor_tsc, lengths->count);
    clock->floor_tsc = windows_quantile(floor_tsc, lengths->count, 0.5);
}

/* Ticks a ns: the median over the windows of the longest chain that have both clocks. */
static double relate_clocks(const struct cycles_run *runs, size_t count, double longest)
{
    double best = 0;
    uint64_t least_tsc = UINT64_MAX;

    for (size_t i = 0; i < count; i++) {
        if ((double)runs[i].adds == longest && runs[i].ns > 0 && runs[i].tsc < least_tsc) {
            least_tsc = runs[i].tsc;
            best = (double)runs[i].tsc / (double)runs[i].ns;
        }
    }
    return best;
}

void cycles_calibrate(const struct cycles_run *runs, size_t count, struct cycles_clock *clock)
{
    struct lengths lengths;

    *clock = (struct cycles_clock){0};
    if (!gather_lengths(runs, count, &lengths, &clock->verdict)) {
        return;
    }
    fit_line(&lengths, clock);
    double slope = clock->tsc_per_cycle.value;
    double spread = clock->tsc_per_cycle.high - clock->tsc_per_cycle.low;

    clock->tsc_per_ns = relate_clocks(runs, count, lengths.adds[lengths.count - 1]);
    clock->cycles_per_ns = clock->tsc_per_ns / slope;
    if (slope < SLOPE_LEAST || slope > SLOPE_MOST) {
        verdict_refuse(&clock->verdict, "%.3f ticks an addition: no core does that", slope);
    } else if (spread > SLOPE_SPREAD * slope) {
        verdict_refuse(
            &clock->verdict, "ticks an addition from %.3f to %.3f: not one clock",
            clock->tsc_per_cycle.low, clock->tsc_per_cycle.high);
    } else {
        verdict_decide(&clock->verdict, "%s", "");
    }
}

static uint64_t common_divisor(uint64_t a, uint64_t b)
{
    while (b != 0) {
        uint64_t rest = a % b;

        a = b;
        b = rest;
    }
    return a;
}

static const struct cycles_check *
find_unbelievable(const struct cycles_check *checks, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (!(checks[i].measured >= checks[i].least && checks[i].measured <= checks[i].most)) {
            return &checks[i];
        }
    }
    return NULL;
}

#define SAY(result, ...) (void)snprintf((result)->reason, sizeof((result)->reason), __VA_ARGS__)

void cycles_detect_emulation(
    const struct cycles_clock *clock,
    const uint64_t *floor,
    size_t count,
    const struct cycles_check *checks,
    size_t check_count,
    struct cycles_emulated *result)
{
    uint64_t quantum = 0;
    size_t stalled = 0;
    const struct cycles_check *wrong = find_unbelievable(checks, check_count);

    *result = (struct cycles_emulated){.emulated = true};
    for (size_t i = 0; i < count; i++) {
        quantum = common_divisor(quantum, floor[i]);
        stalled += floor[i] == 0;
    }
    result->quantum_tsc = (double)quantum;
    if (!clock->verdict.decided) {
        SAY(result, "%s", clock->verdict.reason);
    } else if ((double)stalled > STALLED_SHARE * (double)count) {
        SAY(result, "the clock stood still in %zu of %zu windows", stalled, count);
    } else if (quantum > QUANTUM_MOST) {
        SAY(result, "the clock advances in steps of %.0f ticks", result->quantum_tsc);
    } else if (wrong != NULL) {
        SAY(result, "%s: %.2f, on a real core %.2f to %.2f", wrong->name, wrong->measured,
            wrong->least, wrong->most);
    } else {
        result->emulated = false;
    }
}

void cycles_check_drift(
    const double *tsc_per_cycle, size_t count, double tolerance, struct cycles_drift *drift)
{
    double first[DRIFT_FIRST];
    size_t used = count < DRIFT_FIRST ? count : DRIFT_FIRST;
    size_t slow = 0;

    assert(count >= 4);
    for (size_t i = 0; i < used; i++) {
        first[i] = tsc_per_cycle[i];
    }
    windows_sort(first, used);
    double reference = windows_quantile(first, used, 0.5);

    *drift = (struct cycles_drift){.least = tsc_per_cycle[0], .most = tsc_per_cycle[0]};
    for (size_t i = 0; i < count; i++) {
        drift->least = fmin(drift->least, tsc_per_cycle[i]);
        drift->most = fmax(drift->most, tsc_per_cycle[i]);
        slow = tsc_per_cycle[i] > (1 + tolerance) * reference ? slow + 1 : 0;
        bool fast = tsc_per_cycle[i] < (1 - tolerance) * reference;

        if (!drift->changed && (fast || slow == DRIFT_SEQUENCE)) {
            drift->changed = true;
            drift->first_changed = fast ? i : i + 1 - DRIFT_SEQUENCE;
        }
    }
}
