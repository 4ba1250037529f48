/*
 * Capacities out of a staircase: cost against size, where each step up is a level that has run
 * out.  Finds the steps, says how exactly each is known, asks for the size to measure next, and
 * refuses where a control or the shape forbids a claim.  Read ways.h next, for capacities that
 * are too soft to be read off.
 */
#ifndef ANALYSE_KNEE_H
#define ANALYSE_KNEE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "measure/analyse/segment.h"
#include "measure/analyse/verdict.h"

#define KNEE_POINTS_MAX SEGMENT_POINTS_MAX
#define KNEE_COUNT_MAX  4
/* A size that matters is not believed to cost more than its neighbours before so many times. */
#define KNEE_TAKEN_ENOUGH 3

/* One measured size: points are ascending in size, each size once. */
struct knee_point {
    uint64_t size;  /* pages, tables, ways: whatever the experiment counts; >= 1 */
    double cost;    /* a low quantile of its windows (windows_summary.low.value) */
    double noise;   /* its standard error, same unit; 0 when not known */
    unsigned taken; /* how often it was measured; 0 counts as once */
};

struct knee_options {
    double rise_min;           /* least relative step: (above - below) / below */
    double noise_floor;        /* relative noise below which no measurement is believed */
    size_t plateau_points_min; /* least points of a plateau between or above steps */
    double plateau_span_min;   /* and its least extent: last size / first size */
    size_t first_points_min;   /* least points of the plateau below the first step */
    double resolution;         /* a soft knee's bracket is not halved below this share of it */
    bool
        open_top; /* a last rise counts without a plateau above: its last piece is the height */
};

enum knee_kind {
    KNEE_UNRESOLVED, /* a step, but its bracket is wide: knee_next_size() has a wish */
    KNEE_SHARP,      /* adjacent sizes: `below` is the capacity */
    KNEE_SOFT,       /* a band */
};

struct knee {
    enum knee_kind kind;
    struct verdict verdict; /* undecided: no claim from this step (shape, control, bracket) */
    uint64_t below;         /* the last size that costs what the lower plateau does */
    uint64_t above;         /* the next measured size, beyond it */
    unsigned above_taken;   /* how often that one was measured */
    uint64_t half;          /* the first measured size from which on half the height is kept */
    uint64_t ninety;        /* the same for 90 % */
    double onset;           /* soft: where a line through the rise meets the lower plateau */
    double onset_low;       /* soft: where the rise can have begun unseen, <= below */
    double cost_below, cost_above; /* of the plateaus */
    uint64_t from, to;             /* middle sizes of the two plateaus */
    double control_rise;           /* of the control from there to there; 0 without one */
};

struct knee_report {
    struct verdict verdict; /* undecided: nothing in `knee` is to be used */
    size_t count;           /* of steps, also undecided ones; 0 and decided: flat */
    struct knee knee[KNEE_COUNT_MAX];
    struct segment_fit fit;
    double noise;          /* relative noise that was assumed, of the cost */
    uint64_t suspect_size; /* a lone point above later ones, to be measured again; or 0 */
};

/* For page counts on a logarithmic scale, six sizes an octave or more: 8 % rise, 0.3 % noise
 * floor, plateaus of 3 points and 12 % extent, resolution 2 %. */
struct knee_options knee_default_options(void);

/* For small counts that are all measured (ways): the first plateau may be a single point, and the
 * last rise is open, for only where it begins is asked. */
struct knee_options knee_dense_options(void);

/*
 * Find the steps of a series.  points: count of them, at most KNEE_POINTS_MAX.
 *
 * Noise of a point: the greatest of its own, the series' (segment_noise of the logarithms) and the
 * floor.  A lone point that exceeds both neighbours is bridged (a disturbance only adds), and asked
 * for again until it was taken three times.  The pieces of segment.h become plateaus by
 * plateau.h; a step is what lies between neighbouring plateaus.  A size is off the lower plateau
 * when it and all later ones up to the next plateau exceed it by the threshold: the
 * greater of 4 standard errors (or 4 x 1.4826 x the median deviation on the lower plateau, which
 * shows drift) and 2 % of the height.
 *
 * Sharp: `above` is `below` + 1, and exceeds the lower plateau by 3 thresholds and 6 % of the
 * height, so that no rise
 * can have begun unseen at a smaller size (a linear one would have crossed the threshold there).
 * Soft: within the resolution the rise is less than that; onset_low = below - (half - below) x
 * 2 t / (h / 2 - 2 t), with t the threshold and h the height, and at least 1 % below `below`.  Otherwise unresolved, and undecided.
 *
 * Undecided as a whole: fewer than 6 points, a series without a plateau at its beginning, more
 * than KNEE_COUNT_MAX steps.  Undecided steps: one that a later fall undoes by half or more (a
 * bump is not a capacity), a last rise without a plateau above it (unless open_top).
 */
void knee_find(
    const struct knee_point *points,
    size_t count,
    const struct knee_options *options,
    struct knee_report *report);

/*
 * Hold the knees against a control series that must be flat: a knee over whose sizes (from ..
 * to) the control rises by more than a quarter of the knee's height becomes undecided, and
 * so does one without a control point on both sides (from .. below, above .. to).  control: ascending
 * in size; lone points are bridged as in knee_find().
 */
void knee_apply_control(
    struct knee_report *report, const struct knee_point *control, size_t count);

/*
 * The size to measure next: a suspect one again, else the middle of the first unresolved
 * bracket, else the size just beyond a knee again, until it was taken three times: one
 * disturbance there would take the last entry away.  False when there is no wish left: take the
 * report as it is.
 */
bool knee_next_size(const struct knee_report *report, uint64_t *size);

/*
 * Insert in order of size.  A size that is there already keeps the lower cost (a disturbance
 * only adds), and `taken` counts both.  capacity: of the array.  False, nothing changed, when it is full.
 */
bool knee_insert_point(
    struct knee_point *points, size_t *count, size_t capacity, struct knee_point point);

/* More pages cannot cost less: each size takes the least cost of its own and all greater ones.  out:
 * count of them; it may be `points`. */
void knee_lower_envelope(const struct knee_point *points, size_t count, struct knee_point *out);

/* Whether the rise ends where it began or later: sizes beyond its end that still cost what the lower
 * plateau does contradict it, and such a step stands for no capacity and no height. */
bool knee_is_ordered(const struct knee *knee);

/*
 * The capacity that a decided knee stands for.  Sharp: exactly `below`.  Soft: value
 * `onset`, from onset_low to `ninety`.  A knee that is not decided: all zero.
 */
struct estimate knee_capacity(const struct knee *knee);

#endif
