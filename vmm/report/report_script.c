/*
 * One function for each plot; see report_script.h.  Names that a guest or a file chose are cut
 * down to letters that mean nothing to gnuplot.
 */
#include "report/report_script.h"

#include <inttypes.h>
#include <string.h>

#include "base/clock.h"
#include "report/report_text.h"

/* Of middle brightness, so that they stand out on white as on black. */
static const char *const colours[] = {"#4e79a7", "#f28e2b", "#59a14f", "#e15759", "#b07aa1",
                                      "#76b7b2", "#d4a017", "#9c755f", "#ff7fa0", "#7f8fa6"};
#define COLOURS (sizeof(colours) / sizeof(colours[0]))

static const char *const titles[REPORT_PLOTS] = {
    [REPORT_PLOT_FAULTS] = "Faults over time, by kind",
    [REPORT_PLOT_MAP] = "Where and when: addresses of faults over time",
    [REPORT_PLOT_WORKING] = "Working set over time",
    [REPORT_PLOT_MISSES] = "Miss ratio by memory size",
    [REPORT_PLOT_SERVICE] = "Service time of faults",
    [REPORT_PLOT_TABLES] = "Page tables by how full they are",
};

const char *report_plot_title(enum report_plot plot)
{
    return titles[plot];
}

struct unit {
    const char *name;
    double ns;
};

static struct unit unit_of(uint64_t duration_ns)
{
    if (duration_ns >= 10 * NS_PER_SECOND) {
        return (struct unit){"s", 1e9};
    }
    return duration_ns >= 10000000 ? (struct unit){"ms", 1e6} : (struct unit){"us", 1e3};
}

static void put_name(FILE *out, const char *name)
{
    fputc('"', out);
    for (unsigned i = 0; i < 40 && name[i] != '\0'; i++) {
        const char *plain =
            "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 .-+()/";
        fputc(strchr(plain, name[i]) != NULL ? name[i] : '_', out);
    }
    fputc('"', out);
}

static void begin_plot(FILE *out, const char *folder, enum report_plot plot, unsigned height)
{
    fprintf(
        out,
        "reset\n"
        "set terminal svg size 900,%u dynamic noenhanced font \"sans-serif,13\"\n"
        "set output \"%s/%u.svg\"\n"
        "set border 3\n"
        "set tics nomirror\n"
        "set grid lc rgb \"#888888\" lw 0.5\n"
        "set key outside top left horizontal Left reverse samplen 1\n"
        "set style fill solid noborder\n"
        "set format y \"%%.0f\"\n",
        height, folder, (unsigned)plot);
}

static void label_time(FILE *out, const struct report *report, const struct unit *unit)
{
    fprintf(
        out, "set xlabel \"time, %s\"\nset xrange [0:%.9g]\n", unit->name,
        (double)report->pages.slice_ns * REPORT_SLICES / unit->ns);
}

static double slice_middle(const struct report *report, unsigned slice, const struct unit *unit)
{
    return ((double)slice + 0.5) * (double)report->pages.slice_ns / unit->ns;
}

/* Counts are whole numbers, which the tics of few would not be. */
static void label_counts(FILE *out, const char *name, uint64_t most)
{
    fprintf(out, "set ylabel \"%s\"\nset yrange [0:]\n", name);
    if (most <= 8) {
        fputs("set ytics 1\n", out);
    }
}

/* Bars on top of each other: each is drawn from zero, the highest sum first. */
static void plot_faults(FILE *out, const struct report *report, const struct unit *unit)
{
    unsigned kinds[FAULT_KINDS] = {0}, count = 0;
    uint64_t most = 0;

    for (unsigned kind = 0; kind < FAULT_KINDS; kind++) {
        if (report->counts->kind[kind].faults > 0) {
            kinds[count++] = kind;
        }
    }
    fputs("$faults << END\n", out);
    for (unsigned slice = 0; slice < REPORT_SLICES; slice++) {
        uint64_t sum = 0;
        fprintf(out, "%.9g", slice_middle(report, slice, unit));
        for (unsigned i = 0; i < count; i++) {
            sum += report->by_slice[slice][kinds[i]];
            fprintf(out, " %" PRIu64, sum);
        }
        fputc('\n', out);
        most = sum > most ? sum : most;
    }
    fputs("END\n", out);
    label_time(out, report, unit);
    label_counts(out, "faults", most);
    fprintf(out, "set boxwidth %.9g\nplot ", (double)report->pages.slice_ns / unit->ns);
    for (unsigned i = count; i-- > 0;) {
        fprintf(
            out, "$faults using 1:%u with boxes lc rgb \"%s\" title ", i + 2,
            colours[kinds[i] % COLOURS]);
        put_name(out, record_kind_name((enum fault_kind)kinds[i]));
        fputs(i > 0 ? ", " : "\n", out);
    }
}

/* In the middle of each band; a name that would be written over the one before is left out. */
static void label_bands(FILE *out, const struct report *report, const struct report_map *map)
{
    double last = -(double)map->rows;
    const char *before = "";

    for (unsigned i = 0; i < map->band_count; i++) {
        const struct report_band *band = &map->bands[i];
        unsigned end = i + 1 < map->band_count ? map->bands[i + 1].row : map->rows;
        double middle = (band->row + end - 1) / 2.0;
        const struct session_region *said = &band->region->said;
        char name[96], whose[16] = "";

        if ((middle - last) * 25 < map->rows) {
            continue;
        }
        if (report_has_processes(report)) {
            snprintf(whose, sizeof(whose), "pid %u ", said->process);
        }
        snprintf(
            name, sizeof(name), "%s%.14s %" PRIx64, whose, report_region_name(said), band->low);
        fputs(before, out);
        put_name(out, name);
        fprintf(out, " %.1f", middle);
        before = ", ";
        last = middle;
    }
}

/* Logarithms, as a few hot pages would leave all others invisible; empty bins stay transparent. */
static void plot_map(
    FILE *out,
    const struct report *report,
    const struct report_map *map,
    const struct unit *unit)
{
    double width = (double)report->pages.slice_ns / unit->ns;
    uint32_t most = 10;

    fputs("$map << END\n", out);
    for (unsigned row = 0; row < map->rows; row++) {
        for (unsigned slice = 0; slice < REPORT_SLICES; slice++) {
            uint32_t count = map->bin[row][slice];
            fprintf(out, count > 0 ? "%u " : "NaN ", count);
            most = count > most ? count : most;
        }
        fputc('\n', out);
    }
    fputs("END\nset ytics (", out);
    label_bands(out, report, map);
    fputs(")\n", out);
    label_time(out, report, unit);
    fprintf(
        out,
        "unset grid\n"
        "unset key\n"
        "set yrange [-0.5:%u.5]\n"
        "set logscale cb\n"
        "set cbrange [1:%u]\n"
        "set format cb \"%%.0f\"\n"
        "set cblabel \"faults\"\n"
        "set palette defined (0 \"#5e6fd8\", 0.5 \"#1fa187\", 1 \"#e8a21a\")\n",
        map->rows > 0 ? map->rows - 1 : 0, most);
    for (unsigned i = 1; i < map->band_count; i++) {
        fprintf(
            out,
            "set arrow from graph 0,first %u-0.5 to graph 1,first %u-0.5 nohead lc rgb "
            "\"#888888\" dt 2\n",
            map->bands[i].row, map->bands[i].row);
    }
    fprintf(out, "plot $map matrix using (($1+0.5)*%.9g):2:3 with image\n", width);
}

static void plot_working(FILE *out, const struct report *report, const struct unit *unit)
{
    const struct report_pages *pages = &report->pages;
    uint64_t fresh = 0, mapped = 0, evicted = 0;

    fputs("$working << END\n", out);
    for (unsigned slice = 0; slice < REPORT_SLICES; slice++) {
        fresh += pages->fresh[slice];
        mapped += report->mapped[slice];
        evicted += report->evicted[slice];
        fprintf(
            out, "%.9g %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 "\n",
            slice_middle(report, slice, unit), pages->touched[slice], pages->window[slice],
            fresh, mapped > evicted ? mapped - evicted : 0);
    }
    fputs("END\n", out);
    label_time(out, report, unit);
    label_counts(out, "pages of 4 KiB", mapped > fresh ? mapped : fresh);
    fprintf(
        out,
        "plot $working using 1:5 with lines lw 2 lc rgb \"%s\" title \"mapped\", "
        "$working using 1:4 with lines lw 2 dt 2 lc rgb \"%s\" title \"with a fault so far\", "
        "$working using 1:3 with lines lw 2 lc rgb \"%s\" title \"in the last %d slices\", "
        "$working using 1:2 with lines lw 1 lc rgb \"%s\" title \"in the slice\"\n",
        colours[0], colours[1], colours[2], REPORT_WINDOW, colours[3]);
}

/* The curve as a line; the other policies at the numbers of frames that were tried. */
static void plot_misses(FILE *out, const struct report_misses *misses)
{
    const struct replay_plan *plan = &misses->plan;
    const struct replay_size *size = &misses->result.sizes[0];

    fputs("$misses << END\n", out);
    for (size_t i = 0; i < misses->points; i++) {
        fprintf(
            out, "%" PRIu64 " %.9g\n", misses->point[i].frames,
            report_misses_ratio(misses, misses->point[i].faults));
    }
    fputs("END\n$policies << END\n", out);
    for (size_t j = 0; j < size->frame_count; j++) {
        fprintf(out, "%" PRIu32, size->frames[j]);
        for (size_t i = 0; i < plan->policy_count; i++) {
            fprintf(out, " %.9g", report_misses_ratio(misses, size->faults[i][j]));
        }
        fputc('\n', out);
    }
    fprintf(
        out,
        "END\nset xlabel \"frames of 4 KiB\"\nset ylabel \"miss ratio\"\n"
        "set xrange [0:%" PRIu32 "]\nset yrange [0:1.02]\nset format y \"%%g\"\n"
        "plot $misses using 1:2 with steps lw 2 lc rgb \"%s\" title \"lru\"",
        size->pages, colours[0]);
    for (size_t i = 0; i < plan->policy_count; i++) {
        if (plan->policies[i] != &sim_lru) {
            fprintf(
                out,
                ", $policies using 1:%zu with linespoints dt 3 pt %zu ps 0.8 lc rgb \"%s\" "
                "title \"%s\"",
                i + 2, i + 4, colours[1 + i % (COLOURS - 1)], plan->policies[i]->name);
        }
    }
    fputc('\n', out);
}

/* Four bars for each power of two, in microseconds. */
static void plot_service(FILE *out, const struct report *report)
{
    uint64_t most = 0;

    fputs("$service << END\n", out);
    for (uint64_t octave = 64; octave < UINT64_C(1) << 32; octave *= 2) {
        for (uint64_t quarter = 0; quarter < 4; quarter++) {
            uint64_t from = octave + quarter * octave / 4, to = from + octave / 4;
            uint64_t begin = from == 64 ? 0 : from;
            uint64_t count = report_count_service(report, begin, to);
            most = count > most ? count : most;
            if (count > 0) {
                fprintf(
                    out, "%.9g %" PRIu64 " %.9g\n", (double)(from + to) / 2e3, count,
                    (double)(to - from) / 1e3);
            }
        }
    }
    fputs("END\n", out);
    label_counts(out, "faults", most);
    fprintf(
        out,
        "set xlabel \"service time, us\"\nset logscale x\nunset key\n"
        "plot $service using 1:2:3 with boxes lc rgb \"%s\"\n",
        colours[0]);
}

static void plot_tables(FILE *out, const struct report *report)
{
    static const char *const fills[REPORT_FILLS] = {
        "1 to 8 entries in use", "9 to 64", "65 to 256", "257 to 512"};

    fputs("$tables << END\n", out);
    for (unsigned level = 1; level <= 4; level++) {
        const struct report_tables *tables = &report->pages.tables[level];
        fprintf(out, "\"level %u (%" PRIu64 ")\"", level, tables->tables);
        for (unsigned fill = 0; fill < REPORT_FILLS; fill++) {
            fprintf(
                out, " %.9g",
                tables->tables > 0 ? 100.0 * (double)tables->fill[fill] / (double)tables->tables
                                   : 0.0);
        }
        fputc('\n', out);
    }
    fputs(
        "END\nset style data histograms\nset style histogram rowstacked\nset boxwidth 0.6\n"
        "set xlabel \"level and number of its tables\"\n"
        "set ylabel \"tables, %\"\nset yrange [0:100]\nplot ",
        out);
    for (unsigned fill = 0; fill < REPORT_FILLS; fill++) {
        fprintf(
            out, "$tables using %u:xtic(1) lc rgb \"%s\" title \"%s\"%s", fill + 2,
            colours[fill], fills[fill], fill + 1 < REPORT_FILLS ? ", " : "\n");
    }
}

void report_print_script(
    FILE *out,
    const char *folder,
    const struct report *report,
    const struct report_map *map,
    const struct report_misses *misses)
{
    struct unit unit = unit_of(report->info->duration_ns);

    /* gnuplot stops at a plot without a point. */
    if (report->counts->total > 0) {
        begin_plot(out, folder, REPORT_PLOT_FAULTS, 320);
        plot_faults(out, report, &unit);
        begin_plot(out, folder, REPORT_PLOT_WORKING, 320);
        plot_working(out, report, &unit);
        begin_plot(out, folder, REPORT_PLOT_SERVICE, 320);
        plot_service(out, report);
        begin_plot(out, folder, REPORT_PLOT_TABLES, 320);
        plot_tables(out, report);
    }
    if (map->rows > 0) {
        begin_plot(out, folder, REPORT_PLOT_MAP, 520);
        plot_map(out, report, map, &unit);
    }
    if (misses->points > 0) {
        begin_plot(out, folder, REPORT_PLOT_MISSES, 320);
        plot_misses(out, misses);
    }
    fputs("set output\n", out);
}
