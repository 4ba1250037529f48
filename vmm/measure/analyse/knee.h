/*
 * Capacities out of a staircase: cost against size, where each step up is a level that has run
 * out.  Finds the steps, says how exactly each is known, asks for the size to measure next, and
 * refuses where a control or the shape forbids a claim.  Read ways.h next, for capacities that
 * are too soft to be read off.
 */
#ifndef ANALYSE_KNEE_H
#define ANALYSE_KNEE_H

#include <stddef.h>
#include <stdint.h>

#include "measure/analyse/segment.h"
#include "measure/analyse/verdict.h"

#define KNEE_POINTS_MAX SEGMENT_POINTS_MAX
#define KNEE_COUNT_MAX  4

/* One measured size: points are ascending in size, each size once. */
struct knee_point {
    uint64_t size; /* pages, tables, ways: whatever the experiment counts; >= 1 */
    double cost;   /* a low quantile of its windows (windows_summary.low.value) */
    double noise;  /* its standard error, same unit; 0 when not known */
};

struct knee_options {
    double rise_min;           /* least relative step: (above - below) / below */
    double rise_min_cost;      /* least step in units of cost */
    double noise_floor;        /* relative noise below which no measurement is believed */
    size_t plateau_points_min; /* least points of a plateau between or above steps */
    size_t first_points_min;   /* the same for the plateau below the first step */
    double resolution;         /* a soft knee's bracket is not halved below this share of it */
};

enum knee_kind {
    KNEE_UNRESOLVED, /* a step, but its bracket is wide: knee_next_size() has a wish */
    KNEE_SHARP,      /* adjacent sizes: `below` is the capacity */
    KNEE_SOFT,       /* a band */
};

struct knee {
    enum knee_kind kind;
    struct verdict verdict; /* undecided: no claim from this step (control, shape, bracket) */
    uint64_t below;         /* the last size that costs what the lower plateau does */
    uint64_t above;         /* the first measured size beyond it */
    uint64_t half;          /* the first measured size at half height or more */
    uint64_t ninety;        /* the first measured size at 90 % of the height or more */
    double low_band;        /* where the rise can have begun unseen, <= below */
    double cost_below, cost_above; /* of the plateaus */
    double control_rise;           /* of the control over the same sizes; 0 without one */
};

struct knee_report {
    struct verdict verdict; /* undecided: nothing in `knee` is to be used */
    size_t count;           /* of knees; 0 and decided: the series is flat */
    struct knee knee[KNEE_COUNT_MAX];
    struct segment_fit fit;
    double noise;          /* relative noise that was assumed, of the cost */
    uint64_t suspect_size; /* a lone point above both neighbours, to be measured again; or 0 */
};

/* For page counts on a logarithmic scale: 8 % rise, 0.5 % noise floor, 3 points, 2 %. */
struct knee_options knee_default_options(void);

/* For small counts that are all measured (ways): the first plateau may be a single point. */
struct knee_options knee_dense_options(void);

/*
 * Find the steps of a series.  points: count of them, at most KNEE_POINTS_MAX.
 *
 * Noise of a point: the greatest of its own, the series' (segment_noise) and the floor.  The fit
 * of segment.h gives pieces; pieces of fewer points than a plateau needs belong to the rise
 * between plateaus; neighbouring plateaus that differ by less than rise_min are one.  A point
 * is off the lower plateau when it and all later ones up to the next plateau exceed it by 4
 * standard errors and 3 % of the height.  Rejected, as undecided: fewer than 6 points, a cost
 * that falls again by more than rise_min (a bump is not a capacity), a rise without a plateau
 * at its lower or upper end, more than KNEE_COUNT_MAX steps.
 *
 * Sharp: `above` = `below` + 1.  Soft: the rise is gradual, and the sizes within
 * the resolution are all measured; low_band is `below` less the size over which a linear rise to
 * `half` would have stayed under the threshold.  Otherwise unresolved.
 */
void knee_find(
    const struct knee_point *points,
    size_t count,
    const struct knee_options *options,
    struct knee_report *report);

/*
 * Hold the knees against a control series that must be flat: a knee over whose sizes (lower
 * plateau's middle to upper plateau's middle) the control rises by more than a quarter of the
 * knee's height becomes undecided, and so does one whose sizes the control does not reach.
 */
void knee_apply_control(
    struct knee_report *report, const struct knee_point *control, size_t count);

/*
 * The size to measure next: a suspect one again, else the middle of the first unresolved
 * bracket.  False when there is no wish left: take the report as it is.
 */
bool knee_next_size(const struct knee_report *report, uint64_t *size);

/*
 * Insert in order of size.  A size that is there already keeps the lower cost (a disturbance
 * only adds).  capacity: of the array.  False, nothing changed, when it is full.
 */
bool knee_insert_point(
    struct knee_point *points, size_t *count, size_t capacity, struct knee_point point);

/*
 * The capacity that a decided knee stands for.  Sharp: exactly `below`.  Soft: value `half`, from
 * low_band to `ninety`.
 */
struct estimate knee_capacity(const struct knee *knee);

#endif
