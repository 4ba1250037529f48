/*
 * Runs the chosen experiments one after the other and keeps what they found.  Read catalogue.c for
 * the list and cli/measure_command.c for who calls it.
 */
#include "measure/session.h"

#include <math.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "measure/steady.h"

/* --- the host --- */

/* Stay on one processor, so that no window is cut by a migration.  *allowed: where this thread may
 * run, for unpin. */
static void pin(struct session *session, cpu_set_t *allowed)
{
    cpu_set_t one;
    int cpu = sched_getcpu();

    session->cpu = -1;
    if (cpu < 0 || sched_getaffinity(0, sizeof(*allowed), allowed) != 0) {
        return;
    }
    session->processors = (unsigned)CPU_COUNT(allowed);
    CPU_ZERO(&one);
    CPU_SET((size_t)cpu, &one);
    if (sched_setaffinity(0, sizeof(one), &one) == 0) {
        session->cpu = cpu;
    }
}

static void unpin(const struct session *session, const cpu_set_t *allowed)
{
    if (session->cpu >= 0) {
        /* It was allowed before, and if it is not any more, to stay is right. */
        (void)sched_setaffinity(0, sizeof(*allowed), allowed);
    }
}

/* Stolen and total jiffies of all processors. */
static bool read_steal(uint64_t *steal, uint64_t *total)
{
    FILE *file = fopen("/proc/stat", "re");
    char line[256];

    if (file == NULL) {
        return false;
    }
    bool ok = fgets(line, sizeof(line), file) != NULL && strncmp(line, "cpu ", 4) == 0;
    fclose(file);
    char *at = line + 4;
    *total = 0;
    for (unsigned field = 0; ok && field < 8; field++) {
        char *end;
        uint64_t value = strtoull(at, &end, 10);
        ok = end != at;
        *total += value;
        *steal = value;
        at = end;
    }
    return ok;
}

/* --- the experiments --- */

static void want(bool *wanted, const char *name)
{
    const struct experiment *experiment = catalogue_find(name);

    wanted[experiment - catalogue] = true;
    if (experiment->needs != NULL) {
        want(wanted, experiment->needs);
    }
}

/* What was asked for and what that needs, in the catalogue's order; `clock` always, because
 * nothing means anything without it, and `paging`, which belongs beside every figure. */
static bool
choose(struct session *session, const struct session_config *config, struct err *err)
{
    bool *wanted = calloc(catalogue_count, sizeof(*wanted));

    session->chosen = calloc(catalogue_count, sizeof(const struct experiment *));
    session->results = calloc(catalogue_count, sizeof(*session->results));
    if (session->chosen == NULL || session->results == NULL || wanted == NULL) {
        free(wanted);
        return err_set(err, ERR_ENVIRONMENT, "no memory for the results");
    }
    want(wanted, "clock");
    want(wanted, "paging");
    for (size_t i = 0; i < config->experiment_count; i++) {
        want(wanted, config->experiments[i]);
    }
    for (size_t i = 0; i < catalogue_count; i++) {
        if (wanted[i] || config->experiment_count == 0) {
            session->chosen[session->count++] = &catalogue[i];
        }
    }
    free(wanted);
    return true;
}

static void run_one(struct session *session, size_t i)
{
    const struct experiment *experiment = session->chosen[i];
    struct result *result = &session->results[i];
    uint64_t begin = clock_now_ns();
    struct err err = {0};

    progress_enter(
        &session->progress, experiment->name, experiment->seconds[session->lab.quick ? 1 : 0]);
    session->lab.result = result;
    session->lab.earlier = session->results;
    session->lab.earlier_count = i;
    result->experiment = experiment->name;
    result->ran = experiment->run(&session->lab, result, &err);
    if (!result->ran) {
        memcpy(result->failure, err.text, sizeof(result->failure));
    }
    session->lab.result = NULL;
    result->elapsed_ns = clock_now_ns() - begin;
    progress_leave(&session->progress);
}

/* Every run calibrates itself, so a changed frequency spoils no figure; it is told all the same. */
struct turn {
    struct session *session;
    size_t i;
};

static double calibrate_now(void *context)
{
    struct exp_args args = {.windows = 0};

    (void)context;
    native_run(EXP_ROUTINE_clock, &args);
    return sample_ticks_per_cycle(&args);
}

static void run_turn(void *context)
{
    const struct turn *turn = context;

    run_one(turn->session, turn->i);
}

static void discard_turn(void *context)
{
    const struct turn *turn = context;
    struct result *result = &turn->session->results[turn->i];

    result_destroy(result);
    *result = (struct result){0};
}

static bool clock_is_real(void *context)
{
    const struct turn *turn = context;

    return !turn->session->lab.found.emulated;
}

/* Run it, and once more if the frequency was another one afterwards; if it still is, say so. */
static void run_steadily(struct session *session, size_t i, double *least, double *most)
{
    struct turn turn = {session, i};
    uint64_t begin = clock_now_ns();
    struct steady steady = steady_run(&(struct steady_work){
        .calibrate = calibrate_now,
        .run = run_turn,
        .discard = discard_turn,
        .is_real = clock_is_real,
        .context = &turn});

    *least = fmin(*least, steady.least);
    *most = fmax(*most, steady.most);
    if (steady.changed) {
        result_note(
            &session->results[i],
            "the core's frequency changed by %.0f %% while this ran, and again when it was "
            "repeated",
            steady.change * 100);
    }
    session->results[i].elapsed_ns = clock_now_ns() - begin;
}

static void run_all(struct session *session)
{
    double total = 0;
    double least = INFINITY;
    double most = 0;

    for (size_t i = 0; i < session->count; i++) {
        total += session->chosen[i]->seconds[session->lab.quick ? 1 : 0];
    }
    progress_begin(&session->progress, session->progress.out, total);
    for (size_t i = 0; i < session->count; i++) {
        run_steadily(session, i, &least, &most);
    }
    session->drift = least > 0 && most > 0 ? most / least : 1;
    progress_end(&session->progress);
}

static bool
open_kvm(struct session *session, const struct session_config *config, struct err *err)
{
    kvm_probe(&session->facts, config->kvm_path);
    if (!config->guest || session->facts.diagnosis.device == KVM_DEVICE_READY) {
        return true;
    }
    err_set(
        err, ERR_ENVIRONMENT, "%s%s%s (without a guest: vmm measure --native)",
        session->facts.diagnosis.trouble,
        session->facts.diagnosis.remedy[0] != '\0' ? ": " : "",
        session->facts.diagnosis.remedy);
    return false;
}

bool session_run(struct session *session, const struct session_config *config, struct err *err)
{
    uint64_t steal[2] = {0};
    uint64_t total[2] = {0};
    uint64_t begin = clock_now_ns();
    time_t now = time(NULL);
    struct tm local;
    cpu_set_t allowed;
    struct counter_source source;

    *session = (struct session){
        .lab =
            {.wanted = {config->native, config->guest},
             .quick = config->quick,
             .kvm_path = config->kvm_path,
             .seed = config->seed},
        .steal_share = -1,
        .progress = {.out = config->progress}};
    session->lab.progress = &session->progress;
    if (!choose(session, config, err) || !open_kvm(session, config, err) || !native_open(err)) {
        session_destroy(session);
        return false;
    }
    strftime(session->start, sizeof(session->start), "%FT%T%z", localtime_r(&now, &local));
    pin(session, &allowed);
    claims_read(&session->lab.claims);
    counter_source_begin(&source);
    counters_open(
        &session->lab.counters, config->counters != NULL ? config->counters : &source);
    counters_describe(&session->lab.counters, &session->counters);
    bool known = read_steal(&steal[0], &total[0]);
    run_all(session);
    if (known && read_steal(&steal[1], &total[1]) && total[1] > total[0]) {
        session->steal_share = (double)(steal[1] - steal[0]) / (double)(total[1] - total[0]);
    }
    counters_close(&session->lab.counters);
    counter_source_end(&source);
    native_close();
    unpin(session, &allowed);
    session->elapsed_seconds = (double)(clock_now_ns() - begin) / (double)NS_PER_SECOND;
    return true;
}

bool session_all_ran(const struct session *session)
{
    for (size_t i = 0; i < session->count; i++) {
        if (!session->results[i].ran) {
            return false;
        }
    }
    return true;
}

void session_destroy(struct session *session)
{
    for (size_t i = 0; session->results != NULL && i < session->count; i++) {
        result_destroy(&session->results[i]);
    }
    free(session->results);
    free(session->chosen);
    *session = (struct session){0};
}
