/*
 * One run of `vmm measure`: output is tried before anything is measured, so that a path that
 * cannot be written costs no three minutes.  Read measure/session.c next.
 */
#include "cli/measure_command.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/measure_options.h"
#include "cli/options.h"
#include "cli/output_file.h"
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
    struct output_file json, html;
    bool json_only; /* JSON is on standard output, in place of the table */
};

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
try_outputs(struct outputs *outputs, const struct measure_options *options, struct err *err)
{
    *outputs =
        (struct outputs){.json_only = options->json != NULL && strcmp(options->json, "-") == 0};
    return output_file_try(
               &outputs->json, "--json", outputs->json_only ? NULL : options->json, err) &&
           output_file_try(&outputs->html, "--html", options->html, err) &&
           prepare_directory(options->csv, err);
}

typedef bool write_function(FILE *out, const struct session *session, struct err *err);

static bool write_file(
    struct output_file *file,
    write_function *write,
    const struct session *session,
    struct err *err)
{
    if (file->path == NULL) {
        return true;
    }
    FILE *out = output_file_open(file, err);
    return out != NULL && output_file_close(file, write(out, session, err), err);
}

/* Whatever can be written is: what was measured cost minutes.  The first error is told.  The table
 * comes last: its reader may be gone. */
static bool write_outputs(
    struct outputs *outputs,
    const struct measure_options *options,
    const struct session *session,
    struct err *err)
{
    struct err errs[3] = {0};
    bool ok[3] = {
        write_file(&outputs->json, json_write, session, &errs[0]),
        write_file(&outputs->html, html_write, session, &errs[1]),
        options->csv == NULL || csv_write(options->csv, session, &errs[2])};

    for (size_t i = 0; i < 3; i++) {
        if (!ok[i]) {
            *err = errs[i];
            break;
        }
    }
    bool all = ok[0] && ok[1] && ok[2];
    if (outputs->json_only) {
        struct err last = {0};
        bool written = json_write(stdout, session, all ? err : &last);
        return (written || ferror(stdout) != 0 /* main tells it */) && all;
    }
    print_text_session(stdout, session);
    return all;
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

    bool ok = try_outputs(&outputs, options, &err) && session_run(&session, &config, &err) &&
              write_outputs(&outputs, options, &session, &err);
    if (ok && session_all_ran(&session)) {
        status = 0;
    }
    session_destroy(&session);
    output_file_abandon(&outputs.json);
    output_file_abandon(&outputs.html);
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

    /* Both are errors of a write, or of making memory larger, and are told as such. */
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN);
    if (!measure_options_parse(&options, argc, argv, &err)) {
        return fail(&err);
    }
    int status = carry_out(&options);
    measure_options_destroy(&options);
    return status;
}
