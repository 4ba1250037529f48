/* Writes figures out; see format.h. */
#include "measure/format.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* Decimals so that the last digit is about a tenth of the half width, at most 3. */
static int decimals_for(double half, double value)
{
    if (half <= 0) {
        return value == rint(value) ? 0 : fabs(value) < 10 ? 2 : 1;
    }
    int decimals = (int)ceil(-log10(half)) + 1;

    return decimals < 0 ? 0 : decimals > 3 ? 3 : decimals;
}

void format_estimate(char text[FORMAT_BYTES], const struct estimate *estimate)
{
    double below = estimate->value - estimate->low;
    double above = estimate->high - estimate->value;
    double half = below > above ? below : above;
    int decimals = decimals_for(half, estimate->value);

    if (half <= 0) {
        snprintf(text, FORMAT_BYTES, "%.*f", decimals, estimate->value);
    } else if (fabs(below - above) <= half / 3 || half < 0.02 * fabs(estimate->value)) {
        decimals = decimals > 2 ? 2 : decimals;
        snprintf(
            text, FORMAT_BYTES, "%.*f \u00b1%.*f", decimals, estimate->value, decimals,
            fmax(half, 0.5 * pow(10, -decimals)));
    } else {
        decimals = fabs(estimate->value) >= 100 ? 0 : decimals > 1 ? 1 : decimals;
        snprintf(
            text, FORMAT_BYTES, "%.*f (%.*f to %.*f)", decimals, estimate->value, decimals,
            estimate->low, decimals, estimate->high);
    }
}

void format_side(char text[FORMAT_BYTES], const struct figure_side *side)
{
    if (!side->measured) {
        snprintf(text, FORMAT_BYTES, "-");
    } else if (!side->verdict.decided) {
        snprintf(text, FORMAT_BYTES, "undecided");
    } else {
        format_estimate(text, &side->value);
    }
}

void format_claim(char text[FORMAT_BYTES], const struct result_figure *figure)
{
    switch (figure->claim) {
    case CLAIM_NONE:
        text[0] = '\0';
        return;
    case CLAIM_HIDDEN:
        snprintf(text, FORMAT_BYTES, "hidden");
        return;
    case CLAIM_AGREE:
        snprintf(text, FORMAT_BYTES, "agree %g", figure->claimed);
        return;
    case CLAIM_DISAGREE:
        snprintf(text, FORMAT_BYTES, "disagree %g", figure->claimed);
        return;
    case CLAIM_OPEN:
        snprintf(text, FORMAT_BYTES, "says %g", figure->claimed);
        return;
    }
}

void format_counter(char text[FORMAT_COUNTER_BYTES], const struct result_figure *figure)
{
    char of[SIDE_COUNT][FORMAT_BYTES];
    bool any = false;

    for (enum side side = 0; side < SIDE_COUNT; side++) {
        const struct figure_side *at = &figure->side[side];
        snprintf(of[side], FORMAT_BYTES, "%s", at->measured ? "-" : "");
        if (at->counted) {
            format_estimate(of[side], &at->counter);
            any = true;
        }
    }
    bool one = of[SIDE_NATIVE][0] == '\0' || of[SIDE_GUEST][0] == '\0' ||
               strcmp(of[SIDE_NATIVE], of[SIDE_GUEST]) == 0;
    const char *single = of[SIDE_NATIVE][0] != '\0' ? of[SIDE_NATIVE] : of[SIDE_GUEST];
    snprintf(
        text, FORMAT_COUNTER_BYTES, "%s%s%s",
        !any  ? ""
        : one ? single
              : of[SIDE_NATIVE],
        any && !one ? " / " : "", any && !one ? of[SIDE_GUEST] : "");
}

size_t format_columns(const char *text)
{
    size_t columns = 0;

    for (; *text != '\0'; text++) {
        columns += ((unsigned char)*text & 0xc0) != 0x80;
    }
    return columns;
}
