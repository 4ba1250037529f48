/*
 * What an experiment found: figures with a verdict and an uncertainty a side, controls, series for
 * the plots, remarks.  Pure data, filled by the experiments and read by every form of output; it
 * refuses to print.
 */
#ifndef MEASURE_RESULT_H
#define MEASURE_RESULT_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "measure/analyse/verdict.h"
#include "measure/side.h"

#define RESULT_FIGURES_MAX  64
#define RESULT_SERIES_MAX   24
#define RESULT_CONTROLS_MAX 40
#define RESULT_NOTES_MAX    24
#define RESULT_TEXT_BYTES   VERDICT_REASON_BYTES
#define RESULT_NAME_BYTES   48

/* CPUID's word on a figure. */
enum claim_kind {
    CLAIM_NONE,   /* CPUID says nothing about such a figure */
    CLAIM_HIDDEN, /* the leaf is absent or zero: a hypervisor hides it, or it cannot be coded */
    CLAIM_AGREE,
    CLAIM_DISAGREE,
    CLAIM_OPEN, /* CPUID has a claim, but nothing was decided */
};

struct figure_side {
    bool measured; /* false: this side was not asked for, or cannot have this figure */
    struct verdict verdict;
    struct estimate value; /* only if the verdict is decided */
    bool counted;
    struct estimate counter; /* the same by the hardware counters, decided or not; if counted */
};

struct result_figure {
    char name[RESULT_NAME_BYTES];
    char unit[16];
    struct figure_side side[SIDE_COUNT];
    enum claim_kind claim;
    double claimed;                  /* CLAIM_AGREE, DISAGREE, OPEN */
    char reading[RESULT_TEXT_BYTES]; /* one sentence, or "" */
};

enum series_kind {
    SERIES_STAIRCASE, /* y against x, x on a logarithmic scale */
    SERIES_HEAT,      /* curves are rows */
    SERIES_LADDER,    /* bars, x is a level or a step */
    SERIES_HISTOGRAM, /* counts against x */
    SERIES_BREAKDOWN, /* parts that add up, one curve a bar */
};

#define SERIES_CURVES_MAX 24
#define SERIES_MARKS_MAX  2

struct result_series {
    char name[RESULT_NAME_BYTES];
    enum series_kind kind;
    char x_name[RESULT_NAME_BYTES];
    char y_name[RESULT_NAME_BYTES];
    double mark[SERIES_MARKS_MAX]; /* values of x that CPUID claims */
    size_t mark_count;
    size_t points, curves;
    char curve[SERIES_CURVES_MAX][RESULT_NAME_BYTES];
    double *x; /* owns; points, or NULL: 0, 1, 2 … */
    double *y; /* owns; curve by curve; NAN: not measured */
};

struct result_control {
    char text[RESULT_TEXT_BYTES];
    bool flat; /* it is as it must be */
};

struct result {
    const char *experiment; /* borrows: its name */
    bool ran;               /* false: `failure` says why not */
    char failure[ERR_TEXT_BYTES];
    struct result_figure figures[RESULT_FIGURES_MAX];
    size_t figure_count;
    struct result_series series[RESULT_SERIES_MAX];
    size_t series_count;
    struct result_control controls[RESULT_CONTROLS_MAX];
    size_t control_count;
    char notes[RESULT_NOTES_MAX][RESULT_TEXT_BYTES * 2];
    size_t note_count;
    uint64_t elapsed_ns;
    uint64_t exits; /* of the guest during the experiment; UINT64_MAX: KVM does not say */
    uint64_t exits_unasked;
    uint64_t spoilt;        /* windows thrown away for them */
    uint64_t windows;       /* windows used */
    double disturbed_share; /* greatest share of disturbed windows in a point */
};

/* Returns a figure to fill in; never NULL: there is room for all that an experiment has. */
struct result_figure *
result_add_figure(struct result *result, const char *unit, const char *name, ...)
    __attribute__((format(printf, 3, 4)));

/* Decide a side of a figure, or refuse it with a reason. */
void figure_decide(struct result_figure *figure, enum side side, struct estimate value);
void figure_refuse(struct result_figure *figure, enum side side, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* What the counters say of a side; it survives a later refusal or decision. */
void figure_count(struct result_figure *figure, enum side side, struct estimate counter);
void figure_read(struct result_figure *figure, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Hold the figure against CPUID; entries 0 is a hidden claim. */
void figure_claim(struct result_figure *figure, uint64_t entries);

/* A series of curves x points, all NAN; NULL when there is no memory (nothing is added). */
struct result_series *result_add_series(
    struct result *result,
    enum series_kind kind,
    size_t curves,
    size_t points,
    const char *name,
    ...) __attribute__((format(printf, 5, 6)));
void series_name_axes(struct result_series *series, const char *x, const char *y);
/* Name the curves of a series of one curve a side; a side that was not measured keeps its name. */
void series_name_sides(struct result_series *series);
/* Mark where CPUID puts a step; entries 0 is a hidden claim and leaves no mark. */
void series_mark(struct result_series *series, uint64_t entries);
void series_set(struct result_series *series, size_t curve, size_t point, double value);

void result_add_control(struct result *result, bool flat, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void result_note(struct result *result, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* The figure of that name, or NULL. */
const struct result_figure *result_find_figure(const struct result *result, const char *name);

void result_destroy(struct result *result);

#endif
