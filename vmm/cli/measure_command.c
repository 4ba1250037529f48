/*
 * One run of `vmm measure`: output is opened before anything is measured, so that a path that
 * cannot be written costs no three minutes.  Read measure/session.c next.
 */
#include "cli/measure_command.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/measure_options.h"
#include "cli/options.h"
#include "kvm/open.h"
#include "measure/compare_files.h"
#include "measure/csv.h"
#include "measure/html.h"
#include "measure/json.h"
#include "measure/print_text.h"
#include "measure/session.h"

#define SEED UINT64_C(0x5eed)

static int fail(const struct err *err)
{
    fprintf(stderr, "vmm: %s\n", err->text);
    return OPTIONS_STATUS_FAILED;
}

struct outputs {
    FILE *json, *html; /* own; NULL: not asked for */
    bool json_only;    /* JSON is on standard output, in place of the table */
};

static bool open_file(FILE **out, const char *option, const char *path, struct err *err)
{
    if (path == NULL) {
        return true;
    }
    *out = fopen(path, "we");
    return *out != NULL || err_set_errno(err, ERR_INPUT, "%s: cannot write %s", option, path);
}

/* A directory that is there, or can be made, and takes files. */
static bool prepare_directory(const char *path, struct err *err)
{
    if (path == NULL) {
        return true;
    }
    if (mkdir(path, 0777) != 0 && errno != EEXIST) {
        return err_set_errno(err, ERR_INPUT, "--csv: cannot make %s", path);
    }
    struct stat status;
    if (stat(path, &status) == 0 && !S_ISDIR(status.st_mode)) {
        return err_set(err, ERR_INPUT, "--csv: %s is not a directory", path);
    }
    return access(path, W_OK | X_OK) == 0 ||
           err_set_errno(err, ERR_INPUT, "--csv: cannot write into %s", path);
}

static bool
open_outputs(struct outputs *outputs, const struct measure_options *options, struct err *err)
{
    *outputs =
        (struct outputs){.json_only = options->json != NULL && strcmp(options->json, "-") == 0};
    return open_file(
               &outputs->json, "--json", outputs->json_only ? NULL : options->json, err) &&
           open_file(&outputs->html, "--html", options->html, err) &&
           prepare_directory(options->csv, err);
}

static bool close_file(FILE *out, const char *path, struct err *err)
{
    return out == NULL || fclose(out) == 0 ||
           err_set_errno(err, ERR_ENVIRONMENT, "cannot write %s", path);
}

static bool
close_outputs(struct outputs *outputs, const struct measure_options *options, struct err *err)
{
    bool ok = close_file(outputs->json, options->json, err);

    return close_file(outputs->html, options->html, err) && ok;
}

static bool write_outputs(
    const struct outputs *outputs,
    const struct measure_options *options,
    const struct session *session,
    struct err *err)
{
    bool ok = true;

    if (outputs->json_only) {
        ok = json_write(stdout, session, err);
    } else {
        print_text_session(stdout, session);
    }
    ok = ok && (outputs->json == NULL || json_write(outputs->json, session, err));
    ok = ok && (outputs->html == NULL || html_write(outputs->html, session, err));
    return ok && (options->csv == NULL || csv_write(options->csv, session, err));
}

static int measure(const struct measure_options *options)
{
    const struct session_config config = {
        .kvm_path = KVM_DEVICE_PATH,
        .experiments = options->experiments,
        .experiment_count = options->experiment_count,
        .native = options->native,
        .guest = options->guest,
        .quick = options->quick,
        .seed = SEED,
        .progress = isatty(STDERR_FILENO) ? stderr : NULL};
    struct session session = {0};
    struct outputs outputs;
    struct err err = {0};
    int status = 1;

    bool ok = open_outputs(&outputs, options, &err) && session_run(&session, &config, &err) &&
              write_outputs(&outputs, options, &session, &err);
    if (ok && session_all_ran(&session)) {
        status = 0;
    }
    session_destroy(&session);
    struct err late = {0};
    if (!close_outputs(&outputs, options, &late) && ok) {
        return fail(&late);
    }
    return ok ? status : fail(&err);
}

static int carry_out(const struct measure_options *options)
{
    struct err err = {0};
    bool differs;

    if (options->help) {
        measure_options_print_help(stdout);
        return 0;
    }
    if (options->list) {
        print_text_list(stdout);
        return 0;
    }
    if (options->compare[0] == NULL) {
        return measure(options);
    }
    if (!compare_files(stdout, options->compare[0], options->compare[1], &differs, &err)) {
        return fail(&err);
    }
    return differs ? 1 : 0;
}

int measure_command(int argc, char **argv)
{
    struct measure_options options;
    struct err err = {0};

    if (!measure_options_parse(&options, argc, argv, &err)) {
        return fail(&err);
    }
    int status = carry_out(&options);
    measure_options_destroy(&options);
    return status;
}
