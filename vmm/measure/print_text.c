/* Prints a session as text; see print_text.h. */
#include "measure/print_text.h"

#include <string.h>

#include "measure/format.h"

#define NAME_COLUMNS 30 /* of a figure, at least */

void print_text_list(FILE *out)
{
    for (size_t i = 0; i < catalogue_count; i++) {
        fprintf(out, "%-9s %s\n", catalogue[i].name, catalogue[i].question);
    }
}

const char *print_text_paging(const struct session *session)
{
    switch (session->lab.found.paging) {
    case LAB_PAGING_NESTED:
        return "nested (found by test)";
    case LAB_PAGING_SHADOW:
        return "shadow (found by test)";
    case LAB_PAGING_UNKNOWN:
        return kvm_paging_name(session->facts.paging);
    }
    return "";
}

static const char *size_name(unsigned kilobytes)
{
    return kilobytes == 4 ? "4K" : kilobytes == 2048 ? "2M" : kilobytes == 1048576 ? "1G" : "?";
}

void print_text_page_sizes(const struct session *session, char *text, size_t bytes)
{
    static const char *const names[2] = {"2M", "1G"};
    size_t used = (size_t)snprintf(text, bytes, "4K");

    for (unsigned i = 0; i < 2; i++) {
        unsigned kilobytes = session->lab.found.effective_bytes[i];
        if (kilobytes != 0 && used < bytes) {
            used += (size_t)snprintf(
                text + used, bytes - used, ", requested %s effective %s", names[i],
                size_name(kilobytes));
        }
    }
}

void print_text_noise(const struct session *session, char *text, size_t bytes)
{
    char steal[32] = "";

    if (session->steal_share >= 0) {
        snprintf(steal, sizeof(steal), "%.1f %% stolen, ", session->steal_share * 100);
    }
    if (session->cpu < 0) {
        snprintf(text, bytes, "%snot pinned to a CPU: the scheduler may move it", steal);
        return;
    }
    snprintf(
        text, bytes, "%spinned to CPU %d of %u%s", steal, session->cpu, session->processors,
        session->processors == 1 ? " (one alone: whatever else runs disturbs)" : "");
}

static void print_header(FILE *out, const struct session *session)
{
    const struct lab_found *found = &session->lab.found;
    char sizes[120];
    char noise[120];

    print_text_page_sizes(session, sizes, sizeof(sizes));
    fprintf(
        out, "CPU       %s (%s%s)\n", session->lab.claims.brand, session->lab.claims.vendor,
        session->lab.claims.in_guest ? ", itself in a virtual machine" : "");
    fprintf(
        out, "back end  %s, paging %s\n", kvm_backend_name(session->facts.backend),
        print_text_paging(session));
    fprintf(out, "pages     %s\n", sizes);
    if (found->emulated) {
        fprintf(
            out, "clock     emulated clock: figures not meaningful (%s)\n",
            found->emulated_why);
    } else if (found->cycles_per_ns > 0) {
        fprintf(
            out, "clock     core %.2f GHz, TSC %.2f GHz, changed by %.1f %% during the run\n",
            found->cycles_per_ns, found->ticks_per_ns, (session->drift - 1) * 100);
    }
    fprintf(out, "counters  %s\n", session->counters.text);
    print_text_noise(session, noise, sizeof(noise));
    fprintf(out, "noise     %s\n", noise);
    fprintf(
        out, "run       %s, %s, %.1f s\n\n", session->start,
        session->lab.quick ? "quick" : "full", session->elapsed_seconds);
}

static void print_padded(FILE *out, const char *text, size_t width)
{
    size_t columns = format_columns(text);

    fprintf(out, "%s%*s", text, columns < width ? (int)(width - columns) : 0, "");
    fprintf(out, " ");
}

static void print_reasons(FILE *out, const struct result_figure *figure)
{
    for (enum side side = 0; side < SIDE_COUNT; side++) {
        const struct figure_side *at = &figure->side[side];
        if (at->measured && !at->verdict.decided) {
            fprintf(out, "    undecided, %s: %s\n", side_name(side), at->verdict.reason);
        }
    }
}

/* As wide as the longest name of a result. */
static size_t find_name_columns(const struct result *result)
{
    size_t most = NAME_COLUMNS;

    for (size_t i = 0; i < result->figure_count; i++) {
        size_t columns = format_columns(result->figures[i].name);
        most = columns > most ? columns : most;
    }
    return most;
}

/* counters: there are some, so that there is a column for them. */
static void
print_figure(FILE *out, const struct result_figure *figure, size_t name_columns, bool counters)
{
    char text[FORMAT_COUNTER_BYTES];

    fprintf(out, "  ");
    print_padded(out, figure->name, name_columns);
    print_padded(out, figure->unit, 8);
    for (enum side side = 0; side < SIDE_COUNT; side++) {
        format_side(text, &figure->side[side]);
        print_padded(out, text, 20);
    }
    format_claim(text, figure);
    print_padded(out, text, 14);
    if (counters) {
        format_counter(text, figure);
        print_padded(out, text, 20);
    }
    fprintf(out, "%s\n", figure->reading);
    print_reasons(out, figure);
}

static void print_counts(FILE *out, const struct result *result)
{
    fprintf(
        out, "  %.1f s, %llu windows", (double)result->elapsed_ns / 1e9,
        (unsigned long long)result->windows);
    if (result->exits == UINT64_MAX) {
        fprintf(out, ", KVM does not count exits here");
    } else if (result->exits > 0) {
        fprintf(
            out, ", %llu exits (%llu unasked, %llu windows spoilt)",
            (unsigned long long)result->exits, (unsigned long long)result->exits_unasked,
            (unsigned long long)result->spoilt);
    }
    if (result->windows > 0) {
        fprintf(
            out, ", at most %.0f %% of a point's windows disturbed",
            result->disturbed_share * 100);
    }
    fprintf(out, "\n");
}

static void print_result(
    FILE *out, const struct experiment *experiment, const struct result *result, bool counters)
{
    fprintf(out, "%s: %s\n", experiment->name, experiment->question);
    if (!result->ran) {
        fprintf(out, "  could not run: %s\n\n", result->failure);
        return;
    }
    size_t name_columns = find_name_columns(result);
    if (result->figure_count > 0) {
        fprintf(
            out, "  %-*s %-8s %-20s %-20s %-14s%s\n", (int)name_columns, "figure", "unit",
            "native", "guest", "CPUID", counters ? " counter" : "");
    }
    for (size_t i = 0; i < result->figure_count; i++) {
        print_figure(out, &result->figures[i], name_columns, counters);
    }
    for (size_t i = 0; i < result->control_count; i++) {
        fprintf(
            out, "  control %s: %s\n", result->controls[i].flat ? "ok" : "NOT AS IT MUST BE",
            result->controls[i].text);
    }
    for (size_t i = 0; i < result->note_count; i++) {
        fprintf(out, "  note: %s\n", result->notes[i]);
    }
    print_counts(out, result);
    fprintf(out, "\n");
}

void print_text_session(FILE *out, const struct session *session)
{
    print_header(out, session);
    for (size_t i = 0; i < session->count; i++) {
        print_result(out, session->chosen[i], &session->results[i], session->counters.present);
    }
}
