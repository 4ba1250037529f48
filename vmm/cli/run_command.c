/* One run from options to reports; see run_command.h. */
#include "cli/run_command.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/path.h"
#include "cli/environment.h"
#include "cli/find_program.h"
#include "cli/interactive_options.h"
#include "interactive/interactive.h"
#include "kvm/open.h"
#include "report/maps.h"
#include "report/summary.h"
#include "report/tables.h"
#include "run/lab.h"
#include "session/recorder.h"

static void complain(const struct err *err)
{
    fprintf(stderr, "vmm: %s\n", err->text);
}

static struct summary summarize(const struct lab *lab)
{
    const struct frames *frames = machine_frames(lab->machine);

    return (struct summary){
        .counts = lab->counts,
        .frames_data = frames_used_as(frames, FRAME_DATA),
        .frames_tables = ptab_pool_tables(machine_pool(lab->machine)),
        .frames_peak = frames_used_peak(frames),
        .frames_total = frames_total(frames),
        .requests = lab->requests,
        .exits = machine_runs(lab->machine),
        .policy = lab->policy != NULL ? policy_name(lab->policy) : NULL,
        .evictions = lab->pager->evictions,
        .write_backs = lab->pager->write_backs,
        .swap_used = lab->swap != NULL ? swap_used(lab->swap) : 0,
        .swap_total = lab->swap != NULL ? swap_total(lab->swap) : 0,
        .accesses = lab->accesses,
        .elapsed_ns = lab->elapsed_ns,
        .status = outcome_exit_status(&lab->outcome),
        .reason = lab->outcome.reason};
}

/* The JSON summary goes where the user said; "-" is standard output. */
static bool write_summary_file(const char *path, const struct summary *summary, struct err *err)
{
    bool to_stdout = strcmp(path, "-") == 0;
    FILE *out = to_stdout ? stdout : fopen(path, "we");

    if (out == NULL) {
        return err_set_errno(err, ERR_INPUT, "--summary: cannot write %s", path);
    }
    summary_print_json(out, summary);
    bool ok = fflush(out) == 0 && !ferror(out);
    ok = (to_stdout || fclose(out) == 0) && ok;
    return ok || err_set_errno(err, ERR_ENVIRONMENT, "--summary: cannot write %s", path);
}

static bool report(const struct options *options, struct lab *lab, struct err *err)
{
    struct summary summary = summarize(lab);

    if (options->maps) {
        maps_print(stderr, lab->space->regions, &lab->space->ptab);
    }
    if (options->tables) {
        tables_print(stderr, machine_mem(lab->machine), lab->space->ptab.root);
    }
    if (!options->quiet) {
        if (options->format == OPTIONS_FORMAT_JSON) {
            summary_print_json(stderr, &summary);
        } else {
            summary_print_text(stderr, &summary);
        }
    }
    return options->summary_file == NULL ||
           write_summary_file(options->summary_file, &summary, err);
}

/* An end that is not the program's own is said in one line, whatever --quiet says. */
static void say_end(const struct lab *lab, const char *program)
{
    if (lab->outcome.kind != OUTCOME_EXITED || lab->lost_error != 0) {
        fprintf(stderr, "vmm: %s: %s\n", path_base_name(program), lab->outcome.reason);
    }
}

static bool open_trace(const struct options *options, struct trace *trace, struct err *err)
{
    enum trace_format format = options->format == OPTIONS_FORMAT_JSON ? TRACE_JSON : TRACE_TEXT;

    if (!options->trace) {
        return true;
    }
    return options->trace_file != NULL
               ? trace_open_path(trace, options->trace_file, format, err)
               : trace_open_fd(trace, STDERR_FILENO, "standard error", format, err);
}

static enum memory_page_size page_size_of(enum options_page_size size)
{
    switch (size) {
    case OPTIONS_PAGE_4K:
        return MEMORY_PAGES_4K;
    case OPTIONS_PAGE_2M:
        return MEMORY_PAGES_2M;
    case OPTIONS_PAGE_AUTO:
        return MEMORY_PAGES_AUTO;
    }
    return MEMORY_PAGES_4K;
}

static enum lab_record record_of(enum options_record record)
{
    switch (record) {
    case OPTIONS_RECORD_FAULTS:
        return LAB_RECORD_FAULTS;
    case OPTIONS_RECORD_ACCESSES:
        return LAB_RECORD_ACCESSES;
    case OPTIONS_RECORD_SAMPLED:
        return LAB_RECORD_SAMPLED;
    }
    return LAB_RECORD_FAULTS;
}

static bool open_session(
    const struct options *options,
    const char *path,
    struct recorder_setup *setup,
    struct recorder **recorder,
    struct err *err)
{
    *recorder = NULL;
    *setup = (struct recorder_setup){
        .folder = options->session,
        .force = options->force,
        .program = path != NULL ? path : options->program[0],
        .argv = (const char *const *)options->program,
        .command = (const char *const *)options->words,
        .mem_bytes = options->mem_bytes,
        .stack_bytes = options->stack_bytes};
    return options->session == NULL || recorder_create(recorder, setup, err);
}

/* The summary as text, which the caller frees; NULL when there was no run, or no memory. */
static char *print_summary(const struct lab *lab)
{
    char *text = NULL;
    size_t bytes = 0;
    FILE *out = lab != NULL ? open_memstream(&text, &bytes) : NULL;

    if (out != NULL) {
        struct summary summary = summarize(lab);
        summary_print_json(out, &summary);
        fclose(out);
    }
    return text;
}

/* What could not be recorded is said, but the run and its status stand. */
static void close_session(struct recorder *recorder, const struct lab *lab)
{
    struct err err;
    char *summary = recorder != NULL ? print_summary(lab) : NULL;

    if (!recorder_close(recorder, summary, &err)) {
        complain(&err);
    }
    free(summary);
}

static bool run_lab(
    const struct options *options,
    const struct lab_config *config,
    int *status,
    struct err *err)
{
    struct lab *lab = NULL;
    bool ok = lab_create(&lab, config, err);

    if (ok) {
        ok = lab_run(lab, err);
    }
    if (ok) {
        trace_flush(config->trace);
        say_end(lab, options->program[0]);
        *status = outcome_exit_status(&lab->outcome);
        ok = report(options, lab, err);
    }
    close_session(config->recorder, lab);
    lab_destroy(lab);
    return ok;
}

/* The guest's standard input: what the user said, nothing where commands are read from it, or vmm's
 * own. *input: where commands are read from, a descriptor of its own; -1: nowhere. */
static bool place_input(const struct options *options, int *input, struct err *err)
{
    const char *path = options->stdin_file;

    *input = -1;
    if (options->interactive) {
        /* A closed one is the end of input. */
        *input = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3);
        path = path != NULL ? path : "/dev/null";
    }
    if (path == NULL) {
        return true;
    }
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return err_set_errno(err, ERR_INPUT, "--stdin: cannot read %s", path);
    }
    bool ok = fd == STDIN_FILENO || dup2(fd, STDIN_FILENO) >= 0;
    if (fd != STDIN_FILENO) {
        close(fd);
    }
    return ok || err_set_errno(err, ERR_ENVIRONMENT, "--stdin");
}

static bool open_console(
    const struct options *options,
    int *input,
    struct console **console,
    struct watch *watch,
    struct err *err)
{
    if (!place_input(options, input, err)) {
        return false;
    }
    const struct interactive_config config = {
        .script = options->script,
        .input = *input,
        .breaks = options->breaks,
        .break_count = options->break_count,
        .out = stderr};
    if (!interactive_options_are_given(options)) {
        return true;
    }
    if (!interactive_create(console, &config, err)) {
        return false;
    }
    *watch = interactive_watch(*console);
    return true;
}

int run_command(const struct options *options)
{
    struct trace trace = {0};
    struct recorder_setup setup;
    struct recorder *recorder = NULL;
    struct console *console = NULL;
    struct watch watch = {0};
    struct err err = {0};
    const char **environment = NULL;
    char *path = find_program(options->program[0], getenv("PATH"));
    int input = -1;
    int status = OPTIONS_STATUS_FAILED;
    bool ok = false;

    /* A closed pipe is an error of the write, for the guest's output as for our own. */
    signal(SIGPIPE, SIG_IGN);
    /* So is a limit on the size of files. */
    signal(SIGXFSZ, SIG_IGN);
    if (environment_build(options, environ, &environment, &err) &&
        open_console(options, &input, &console, &watch, &err) &&
        open_trace(options, &trace, &err) &&
        open_session(options, path, &setup, &recorder, &err)) {
        const struct lab_config config = {
            .kvm_path = KVM_DEVICE_PATH,
            .path = path,
            .program = options->program,
            .environment = environment,
            .mem_bytes = options->mem_bytes,
            .stack_bytes = options->stack_bytes,
            .timeout_ns = options->timeout_ns,
            .max_processes = (unsigned)options->max_processes,
            .limit_frames = options->frames,
            .policy = options->policy,
            .swap_file = options->swap_file,
            .swap_bytes = options->swap_bytes,
            .around_pages = (uint32_t)options->fault_around_pages,
            .around_adaptive = options->fault_around_adaptive,
            .page_size = page_size_of(options->page_size),
            .record = record_of(options->record),
            .record_regions = options->record_regions,
            .record_period_ns = options->record_period_ns,
            .verbose = options->verbose,
            .trace = &trace,
            .recorder = recorder,
            .watch = watch};
        ok = run_lab(options, &config, &status, &err);
    }
    if (!ok) {
        complain(&err);
        status = OPTIONS_STATUS_FAILED;
    }
    if (!trace_close(&trace, &err)) {
        complain(&err);
        status = OPTIONS_STATUS_FAILED;
    }
    interactive_destroy(console);
    if (input >= 0) {
        close(input);
    }
    free(environment);
    free(path);
    return status;
}
