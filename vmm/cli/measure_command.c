/* One run of `vmm measure`; see measure_command.h. */
#include "cli/measure_command.h"

#include <stdio.h>
#include <unistd.h>

#include "cli/options.h"
#include "kvm/open.h"
#include "measure/csv.h"
#include "measure/print_text.h"
#include "measure/session.h"

#define SEED UINT64_C(0x5eed)

static int fail(const struct err *err)
{
    fprintf(stderr, "vmm: %s\n", err->text);
    return OPTIONS_STATUS_FAILED;
}

int measure_command(const struct measure_options *options)
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
    struct session session;
    struct err err = {0};

    if (options->list) {
        print_text_list(stdout);
        return 0;
    }
    if (!session_run(&session, &config, &err)) {
        return fail(&err);
    }
    print_text_session(stdout, &session);
    if (options->csv != NULL && !csv_write(options->csv, &session, &err)) {
        session_destroy(&session);
        return fail(&err);
    }
    int status = session_all_ran(&session) ? 0 : 1;
    session_destroy(&session);
    return status;
}
