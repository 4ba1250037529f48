/* Writes the page; see html.h.  Read plot.c for the drawings. */
#include "measure/html.h"

#include "measure/format.h"
#include "measure/plot.h"
#include "measure/print_text.h"
#include "report/html.h"

static const char head[] =
    "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n"
    "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
    "<title>vmm measure</title>\n<style>\n"
    ":root{color-scheme:light dark;--ink:#222;--paper:#fff;--dim:#5c5c5c;--line:#e4e4e4;"
    "--bad:#a33;--n0:#1f6fb4;--n1:#8fbfe3;--n2:#164b78;--g0:#d2691e;--g1:#f0b98a;"
    "--g2:#8a4310;--o0:#3a8f4a;--o1:#9fd0a8;--o2:#1f5a2a;--p3:#9a4fb0}\n"
    "@media(prefers-color-scheme:dark){:root{--ink:#ddd;--paper:#16181b;--dim:#a3a3a3;"
    "--line:#34383d;--bad:#f08a80;--n0:#5aa9ec;--n1:#2f5f88;--n2:#a9d3f7;--g0:#f08c40;"
    "--g1:#7d4b26;--g2:#ffc48f;--o0:#67c279;--o1:#2f6b3b;--o2:#b4e6be;--p3:#c98be0}}\n"
    "body{font:15px/1.45 system-ui,sans-serif;max-width:60em;margin:2em auto;padding:0 1em;"
    "color:var(--ink);background:var(--paper)}\n"
    "table{border-collapse:collapse;margin:.6em 0}td,th{padding:.15em .7em .15em 0;"
    "text-align:left;vertical-align:top;border-bottom:1px solid var(--line)}\n"
    /* A narrow screen scrolls what is wide; a plot that shrinks with it cannot be read. */
    "figure{margin:1em 0;overflow-x:auto}figcaption{font-weight:600;position:sticky;left:0}"
    "svg{width:100%;min-width:36em;height:auto}.wide{overflow-x:auto}"
    "svg text{font-size:11px;fill:var(--dim)}.grid{stroke:var(--line)}"
    ".mark{stroke:var(--dim);stroke-dasharray:2 3}\n"
    ".n0{--c:var(--n0)}.n1{--c:var(--n1)}.n2{--c:var(--n2)}.g0{--c:var(--g0)}"
    ".g1{--c:var(--g1)}.g2{--c:var(--g2)}.o0{--c:var(--o0)}.o1{--c:var(--o1)}"
    ".o2{--c:var(--o2)}.p0{--c:var(--n0)}.p1{--c:var(--g0)}.p2{--c:var(--o0)}"
    ".p3{--c:var(--p3)}\n"
    "rect[class]{fill:var(--c)}polyline{fill:none;stroke:var(--c);stroke-width:1.8}"
    "polyline[class^=g]{stroke-dasharray:6 5}\n"
    ".open{color:var(--bad)}.bad{color:var(--bad);font-weight:600}"
    ".small{color:var(--dim);font-size:13px}.wide td:last-child{min-width:14em}\n"
    "</style></head><body>\n<h1>vmm measure</h1>\n";

void html_print_text(FILE *out, const char *text)
{
    for (; *text != '\0'; text++) {
        html_put_char(out, *text);
    }
}

static void print_cell(FILE *out, const char *class, const char *text)
{
    fprintf(out, "<td class=\"%s\">", class);
    html_print_text(out, text);
    fprintf(out, "</td>");
}

static void print_row(FILE *out, const char *name, const char *text)
{
    fprintf(out, "<tr>");
    print_cell(out, "small", name);
    print_cell(out, "", text);
    fprintf(out, "</tr>\n");
}

static void print_host(FILE *out, const struct session *session)
{
    const struct lab_found *found = &session->lab.found;
    char text[512];

    fprintf(out, "<table>\n");
    print_row(out, "CPU", session->lab.claims.brand);
    snprintf(
        text, sizeof(text), "%s, paging %s", kvm_backend_name(session->facts.backend),
        print_text_paging(session));
    print_row(out, "back end", text);
    print_text_page_sizes(session, text, sizeof(text));
    print_row(out, "pages", text);
    if (found->emulated) {
        snprintf(
            text, sizeof(text), "emulated clock: figures not meaningful (%s)",
            found->emulated_why);
    } else {
        snprintf(
            text, sizeof(text), "core %.2f GHz, TSC %.2f GHz", found->cycles_per_ns,
            found->ticks_per_ns);
    }
    print_row(out, "clock", text);
    print_row(out, "counters", session->counters.text);
    print_text_noise(session, text, sizeof(text));
    print_row(out, "noise", text);
    snprintf(
        text, sizeof(text), "%s, %s, %.1f s", session->start,
        session->lab.quick ? "quick" : "full", session->elapsed_seconds);
    print_row(out, "run", text);
    fprintf(out, "</table>\n");
}

static void print_side(FILE *out, const struct figure_side *side)
{
    char text[FORMAT_BYTES];

    format_side(text, side);
    if (side->measured && !side->verdict.decided) {
        print_cell(out, "open", "undecided");
    } else {
        print_cell(out, "", text);
    }
}

/* The sentence of reading, and why a side is open: to be read without a mouse. */
static void print_reading(FILE *out, const struct result_figure *figure)
{
    fprintf(out, "<td class=\"small\">");
    html_print_text(out, figure->reading);
    for (enum side side = 0; side < SIDE_COUNT; side++) {
        const struct figure_side *at = &figure->side[side];
        if (at->measured && !at->verdict.decided) {
            fprintf(out, "<div class=\"open\">%s: ", side_name(side));
            html_print_text(out, at->verdict.reason);
            fprintf(out, "</div>");
        }
    }
    fprintf(out, "</td>");
}

static void print_figures(FILE *out, const struct result *result, bool counters)
{
    char text[FORMAT_COUNTER_BYTES];

    if (result->figure_count == 0) {
        return;
    }
    fprintf(
        out,
        "<div "
        "class=\"wide\"><table><tr><th>figure</th><th>unit</th><th>native</th><th>guest</th>"
        "<th>CPUID</th>%s<th></th></tr>\n",
        counters ? "<th>counter</th>" : "");
    for (size_t i = 0; i < result->figure_count; i++) {
        const struct result_figure *figure = &result->figures[i];
        fprintf(out, "<tr>");
        print_cell(out, "", figure->name);
        print_cell(out, "small", figure->unit);
        print_side(out, &figure->side[SIDE_NATIVE]);
        print_side(out, &figure->side[SIDE_GUEST]);
        format_claim(text, figure);
        print_cell(out, "small", text);
        if (counters) {
            format_counter(text, figure);
            print_cell(out, "", text);
        }
        print_reading(out, figure);
        fprintf(out, "</tr>\n");
    }
    fprintf(out, "</table></div>\n");
}

static void print_result(
    FILE *out, const struct experiment *experiment, const struct result *result, bool counters)
{
    fprintf(out, "<h2>%s</h2><p>", experiment->name);
    html_print_text(out, experiment->question);
    fprintf(out, "</p>\n");
    if (!result->ran) {
        fprintf(out, "<p class=\"bad\">could not run: ");
        html_print_text(out, result->failure);
        fprintf(out, "</p>\n");
        return;
    }
    print_figures(out, result, counters);
    for (size_t i = 0; i < result->control_count; i++) {
        fprintf(
            out, "<div class=\"%s\">control %s: ", result->controls[i].flat ? "small" : "bad",
            result->controls[i].flat ? "ok" : "not as it must be");
        html_print_text(out, result->controls[i].text);
        fprintf(out, "</div>\n");
    }
    for (size_t i = 0; i < result->note_count; i++) {
        fprintf(out, "<div class=\"small\">note: ");
        html_print_text(out, result->notes[i]);
        fprintf(out, "</div>\n");
    }
    for (size_t i = 0; i < result->series_count; i++) {
        plot_print(out, &result->series[i]);
    }
}

bool html_write(FILE *out, const struct session *session, struct err *err)
{
    fputs(head, out);
    print_host(out, session);
    for (size_t i = 0; i < session->count; i++) {
        print_result(out, session->chosen[i], &session->results[i], session->counters.present);
    }
    fputs("</body></html>\n", out);
    return (fflush(out) == 0 && !ferror(out)) ||
           err_set_errno(err, ERR_ENVIRONMENT, "cannot write the page");
}
