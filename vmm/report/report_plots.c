/* gnuplot in a temporary folder; see report_plots.h. */
#include "report/report_plots.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define PATH_BYTES 256
#define SVG_MAX    (UINT64_C(1) << 20) /* a page of all plots stays within its bound */

static void name_file(char path[PATH_BYTES], const char *folder, const char *name)
{
    snprintf(path, PATH_BYTES, "%s/%s", folder, name);
}

static bool make_folder(char folder[PATH_BYTES], struct err *err)
{
    const char *root = getenv("TMPDIR");

    /* The script names the folder in quotes: one that would need quoting is not used. */
    if (root == NULL || strlen(root) > PATH_BYTES / 2 || strpbrk(root, "\"\\`$\n") != NULL) {
        root = "/tmp";
    }
    snprintf(folder, PATH_BYTES, "%s/vmm-report-XXXXXX", root);
    return mkdtemp(folder) != NULL ||
           err_set_errno(err, ERR_ENVIRONMENT, "cannot make the folder %s for plots", folder);
}

static void remove_folder(const char *folder)
{
    char path[PATH_BYTES], name[16];

    for (unsigned i = 0; i < REPORT_PLOTS; i++) {
        snprintf(name, sizeof(name), "%u.svg", i);
        name_file(path, folder, name);
        unlink(path);
    }
    name_file(path, folder, "script");
    unlink(path);
    rmdir(folder);
}

/* -d: whatever the user's own settings for gnuplot are. */
static bool run_gnuplot(const char *gnuplot, char *script, int *status)
{
    char default_settings[] = "-d", name[] = "gnuplot";
    char *argv[] = {name, default_settings, script, NULL};
    posix_spawn_file_actions_t actions;
    pid_t child;

    if (posix_spawn_file_actions_init(&actions) != 0) {
        return false;
    }
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
    posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0);
    int error = posix_spawnp(&child, gnuplot, &actions, NULL, argv, environ);
    posix_spawn_file_actions_destroy(&actions);
    if (error != 0) {
        return false;
    }
    while (waitpid(child, status, 0) < 0) {
        if (errno != EINTR) {
            return false;
        }
    }
    return true;
}

/* The file from "<svg" on: what stands before is for files of their own. */
static char *read_svg(const char *path)
{
    FILE *in = fopen(path, "re");
    char *text = in != NULL ? calloc(1, SVG_MAX + 1) : NULL;
    size_t bytes = text != NULL ? fread(text, 1, SVG_MAX + 1, in) : 0;

    if (in != NULL) {
        fclose(in);
    }
    char *start = bytes > 0 && bytes <= SVG_MAX ? strstr(text, "<svg") : NULL;
    char *svg = start != NULL && strstr(start, "</svg>") != NULL ? strdup(start) : NULL;
    free(text);
    return svg;
}

static void read_plots(struct report_plots *plots, const char *folder)
{
    char path[PATH_BYTES], name[16];

    for (unsigned i = 0; i < REPORT_PLOTS; i++) {
        snprintf(name, sizeof(name), "%u.svg", i);
        name_file(path, folder, name);
        plots->svg[i] = read_svg(path);
    }
}

bool report_plots_draw(
    struct report_plots *plots,
    const char *gnuplot,
    const struct report *report,
    const struct report_map *map,
    const struct report_misses *misses,
    struct err *err)
{
    char folder[PATH_BYTES], script[PATH_BYTES];
    int status = 0;

    *plots = (struct report_plots){0};
    if (!make_folder(folder, err)) {
        return false;
    }
    name_file(script, folder, "script");
    FILE *out = fopen(script, "we");
    bool ok = out != NULL;
    if (ok) {
        report_print_script(out, folder, report, map, misses);
        ok = ferror(out) == 0;
        ok = fclose(out) == 0 && ok;
    }
    if (!ok) {
        err_set_errno(err, ERR_ENVIRONMENT, "cannot write %s", script);
    } else if (
        !run_gnuplot(gnuplot != NULL ? gnuplot : "gnuplot", script, &status) ||
        (WIFEXITED(status) && WEXITSTATUS(status) == 127)) {
        snprintf(
            plots->missing, sizeof(plots->missing),
            "there is no gnuplot, so there are no plots: install it (Debian: apt-get install "
            "gnuplot-nox) and make the page again");
    } else if (status != 0) {
        snprintf(
            plots->missing, sizeof(plots->missing),
            "gnuplot failed, so plots are missing (is it older than 5.0?)");
    }
    if (ok) {
        read_plots(plots, folder);
    }
    remove_folder(folder);
    return ok;
}

void report_plots_destroy(struct report_plots *plots)
{
    for (unsigned i = 0; i < REPORT_PLOTS; i++) {
        free(plots->svg[i]);
        plots->svg[i] = NULL;
    }
}
