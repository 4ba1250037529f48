/* Builds and writes the JSON of a session; see json.h. */
#include "measure/json.h"

#include <jansson.h>
#include <math.h>

#include "measure/print_text.h"

static const char *const claim_names[] = {
    [CLAIM_NONE] = "none",         [CLAIM_HIDDEN] = "hidden", [CLAIM_AGREE] = "agree",
    [CLAIM_DISAGREE] = "disagree", [CLAIM_OPEN] = "open",
};

static const char *const kind_names[] = {
    [SERIES_STAIRCASE] = "staircase", [SERIES_HEAT] = "heat",
    [SERIES_LADDER] = "ladder",       [SERIES_HISTOGRAM] = "histogram",
    [SERIES_BREAKDOWN] = "breakdown",
};

/* jansson refuses what JSON has no word for. */
static json_t *number(double value)
{
    return isfinite(value) ? json_real(value) : json_null();
}

static json_t *side_object(const struct figure_side *side)
{
    if (!side->measured) {
        return json_null();
    }
    if (!side->verdict.decided) {
        return json_pack("{s:b, s:s}", "decided", 0, "reason", side->verdict.reason);
    }
    return json_pack(
        "{s:b, s:o, s:o, s:o}", "decided", 1, "value", number(side->value.value), "low",
        number(side->value.low), "high", number(side->value.high));
}

static json_t *counter_object(const struct figure_side *side)
{
    return side->counted ? json_pack(
                               "{s:o, s:o, s:o}", "value", number(side->counter.value), "low",
                               number(side->counter.low), "high", number(side->counter.high))
                         : json_null();
}

static json_t *figure_object(const struct result_figure *figure)
{
    bool claimed = figure->claim >= CLAIM_AGREE;

    return json_pack(
        "{s:s, s:s, s:o, s:o, s:{s:s, s:o}, s:{s:o, s:o}, s:s}", "name", figure->name, "unit",
        figure->unit, "native", side_object(&figure->side[SIDE_NATIVE]), "guest",
        side_object(&figure->side[SIDE_GUEST]), "cpuid", "verdict", claim_names[figure->claim],
        "value", claimed ? number(figure->claimed) : json_null(), "counter", "native",
        counter_object(&figure->side[SIDE_NATIVE]), "guest",
        counter_object(&figure->side[SIDE_GUEST]), "reading", figure->reading);
}

static json_t *series_object(const struct result_series *series)
{
    json_t *x = json_array();
    json_t *curves = json_array();

    for (size_t p = 0; p < series->points; p++) {
        json_array_append_new(x, number(series->x[p]));
    }
    for (size_t c = 0; c < series->curves; c++) {
        json_t *y = json_array();
        for (size_t p = 0; p < series->points; p++) {
            json_array_append_new(y, number(series->y[c * series->points + p]));
        }
        json_array_append_new(
            curves, json_pack("{s:s, s:o}", "name", series->curve[c], "y", y));
    }
    return json_pack(
        "{s:s, s:s, s:s, s:s, s:o, s:o}", "name", series->name, "kind",
        kind_names[series->kind], "x_name", series->x_name, "y_name", series->y_name, "x", x,
        "curves", curves);
}

static json_t *result_object(const struct result *result)
{
    json_t *figures = json_array();
    json_t *series = json_array();
    json_t *controls = json_array();
    json_t *notes = json_array();

    for (size_t i = 0; i < result->figure_count; i++) {
        json_array_append_new(figures, figure_object(&result->figures[i]));
    }
    for (size_t i = 0; i < result->series_count; i++) {
        json_array_append_new(series, series_object(&result->series[i]));
    }
    for (size_t i = 0; i < result->control_count; i++) {
        json_array_append_new(
            controls, json_pack(
                          "{s:s, s:b}", "text", result->controls[i].text, "flat",
                          (int)result->controls[i].flat));
    }
    for (size_t i = 0; i < result->note_count; i++) {
        json_array_append_new(notes, json_string(result->notes[i]));
    }
    return json_pack(
        "{s:s, s:b, s:s, s:f, s:I, s:I, s:o, s:I, s:f, s:o, s:o, s:o, s:o}", "experiment",
        result->experiment, "ran", (int)result->ran, "failure", result->failure, "seconds",
        (double)result->elapsed_ns / 1e9, "windows", (json_int_t)result->windows,
        "windows_spoilt", (json_int_t)result->spoilt, "exits",
        result->exits == UINT64_MAX ? json_null() : json_integer((json_int_t)result->exits),
        "exits_unasked", (json_int_t)result->exits_unasked, "disturbed_share_max",
        result->disturbed_share, "figures", figures, "controls", controls, "series", series,
        "notes", notes);
}

/* The names of what is counted on a side. */
static json_t *kinds_array(const struct counters_probe *probe, enum side side)
{
    json_t *names = json_array();

    for (enum counter_kind kind = 0; kind < COUNTER_KINDS; kind++) {
        if (probe->has[side][kind]) {
            json_array_append_new(names, json_string(counter_kinds[kind].name));
        }
    }
    return names;
}

static json_t *host_object(const struct session *session)
{
    const struct lab_found *found = &session->lab.found;
    char sizes[120];

    print_text_page_sizes(session, sizes, sizeof(sizes));
    return json_pack(
        "{s:s, s:s, s:b, s:s, s:s, s:s, s:b, s:s, s:f, s:f, s:f, s:s, s:{s:o, s:o}, s:o, s:i, "
        "s:i}",
        "cpu", session->lab.claims.brand, "vendor", session->lab.claims.vendor,
        "in_virtual_machine", (int)session->lab.claims.in_guest, "backend",
        kvm_backend_name(session->facts.backend), "paging", print_text_paging(session),
        "page_sizes", sizes, "clock_emulated", (int)found->emulated, "clock_emulated_reason",
        found->emulated_why, "core_ghz", found->cycles_per_ns, "tsc_ghz", found->ticks_per_ns,
        "frequency_drift", session->drift, "counters", session->counters.text, "counted",
        "native", kinds_array(&session->counters, SIDE_NATIVE), "guest",
        kinds_array(&session->counters, SIDE_GUEST), "steal_share",
        session->steal_share < 0 ? json_null() : json_real(session->steal_share),
        "pinned_to_cpu", session->cpu, "processors", (int)session->processors);
}

bool json_write(FILE *out, const struct session *session, struct err *err)
{
    json_t *results = json_array();

    for (size_t i = 0; i < session->count; i++) {
        json_array_append_new(results, result_object(&session->results[i]));
    }
    json_t *root = json_pack(
        "{s:s, s:i, s:s, s:s, s:b, s:f, s:o, s:o}", "schema", JSON_SCHEMA, "version",
        JSON_VERSION, "vmm", VMM_VERSION, "start", session->start, "quick",
        (int)session->lab.quick, "seconds", session->elapsed_seconds, "host",
        host_object(session), "results", results);
    if (root == NULL) {
        return err_set(err, ERR_ENVIRONMENT, "no memory for the JSON of the results");
    }
    bool ok = json_dumpf(root, out, JSON_INDENT(1) | JSON_REAL_PRECISION(9)) == 0;
    json_decref(root);
    ok = ok && fputc('\n', out) != EOF && fflush(out) == 0;
    return ok || err_set_errno(err, ERR_ENVIRONMENT, "cannot write the results");
}
