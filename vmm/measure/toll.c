/* Divides costs; see toll.h.  Read experiment/nested.c for the use. */
#include "measure/toll.h"

#include <string.h>

/* Room that other figures of the same result may need. */
#define SPARE_FIGURES 8

bool toll_ratio(struct estimate native, struct estimate guest, struct estimate *ratio)
{
    if (!(native.low > 0)) {
        return false;
    }
    *ratio = (struct estimate){
        guest.value / native.value, guest.low / native.high, guest.high / native.low};
    return true;
}

static bool is_cost(const struct result_figure *figure)
{
    return strcmp(figure->unit, "cycles") == 0 || strcmp(figure->unit, "ns") == 0 ||
           strcmp(figure->unit, "ticks") == 0;
}

static int decimals(double value)
{
    return value < 100 ? 2 : 0;
}

static void divide(const struct result_figure *from, struct result_figure *figure)
{
    const struct figure_side *native = &from->side[SIDE_NATIVE];
    const struct figure_side *guest = &from->side[SIDE_GUEST];
    struct estimate ratio;

    if (!native->verdict.decided || !guest->verdict.decided) {
        const struct figure_side *open = native->verdict.decided ? guest : native;
        figure_refuse(
            figure, SIDE_GUEST, "%s is undecided: %.100s",
            native->verdict.decided ? "the guest" : "native", open->verdict.reason);
    } else if (!toll_ratio(native->value, guest->value, &ratio)) {
        figure_refuse(figure, SIDE_GUEST, "the native cost may be nothing");
    } else {
        figure_decide(figure, SIDE_GUEST, ratio);
        figure_read(
            figure, "%.*f %s against %.*f", decimals(guest->value.value), guest->value.value,
            from->unit, decimals(native->value.value), native->value.value);
    }
}

size_t toll_add(const struct result *from, struct result *into)
{
    size_t before = into->figure_count;

    for (size_t i = 0; i < from->figure_count; i++) {
        const struct result_figure *figure = &from->figures[i];
        if (into->figure_count + SPARE_FIGURES < RESULT_FIGURES_MAX && is_cost(figure) &&
            figure->side[SIDE_NATIVE].measured && figure->side[SIDE_GUEST].measured) {
            divide(
                figure,
                result_add_figure(into, "times", "%s: %s", from->experiment, figure->name));
        }
    }
    return into->figure_count - before;
}
