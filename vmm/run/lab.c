/*
 * The parts of a laboratory and their wiring: what a process, a page access or the edit list
 * needs from the machine goes through the small functions here.  Read run.c next.
 */
#include "run/lab.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "run/observe.h"

static void drain(void *context)
{
    struct lab *lab = context;

    machine_drain_edits(lab->machine);
}

static bool set_fs_base(void *context, struct gva base)
{
    return machine_set_fs_base(((struct lab *)context)->machine, base);
}

static bool get_fs_base(void *context, struct gva *base)
{
    return machine_get_fs_base(((struct lab *)context)->machine, base);
}

static bool set_gs_base(void *context, struct gva base)
{
    return machine_set_gs_base(((struct lab *)context)->machine, base);
}

static bool get_gs_base(void *context, struct gva *base)
{
    return machine_get_gs_base(((struct lab *)context)->machine, base);
}

static bool create_space(struct lab *lab, struct err *err)
{
    const struct memory_config config = {
        .frames = machine_frames(lab->machine),
        .pool = machine_pool(lab->machine),
        .edits = machine_edits(lab->machine),
        .drain = drain,
        .context = lab,
        .no_execute = machine_cpu(lab->machine)->no_execute,
        .limit_frames = UINT64_MAX};

    if (!memory_create(&lab->memory, &config, err)) {
        return false;
    }
    const struct pager_config pager = {.memory = lab->memory, .around_pages = 1};
    return pager_create(&lab->pager, &pager, err) &&
           space_create(&lab->space, lab->memory, err);
}

static void wire_process(struct lab *lab)
{
    struct process *process = &lab->process;

    process->access =
        (struct access){.space = lab->space, .on_fault = observe_host_fault, .context = lab};
    process->hooks = (struct process_hooks){
        .context = lab,
        .set_fs_base = set_fs_base,
        .get_fs_base = get_fs_base,
        .set_gs_base = set_gs_base,
        .get_gs_base = get_gs_base,
        .phase = observe_phase,
        .result = observe_result,
        .unknown = observe_unknown_request};
    process->outcome = &lab->outcome;
    process->counts = lab->counts;
    process->stack_limit_bytes = lab->config->stack_bytes;
    process->exe = lab->exe;
    const char *slash = strrchr(lab->exe, '/');
    snprintf(process->comm, sizeof(process->comm), "%s", slash != NULL ? slash + 1 : lab->exe);
}

static bool find_exe(struct lab *lab, struct err *err)
{
    lab->exe = realpath(lab->config->program[0], NULL);
    return lab->exe != NULL ||
           err_set_errno(err, ERR_INPUT, "cannot open %s", lab->config->program[0]);
}

static bool build(struct lab *lab, struct err *err)
{
    const struct machine_config machine = {
        .kvm_path = lab->config->kvm_path, .mem_bytes = lab->config->mem_bytes};

    if (!find_exe(lab, err) || !machine_create(&lab->machine, &machine, err) ||
        !create_space(lab, err)) {
        return false;
    }
    wire_process(lab);
    return lab_load(lab, err) && machine_use_tables(lab->machine, &lab->space->ptab, err);
}

bool lab_create(struct lab **lab, const struct lab_config *config, struct err *err)
{
    struct lab *made = calloc(1, sizeof(*made));

    *lab = NULL;
    if (made == NULL) {
        return err_set_errno(err, ERR_ENVIRONMENT, "laboratory");
    }
    made->config = config;
    made->start_ns = UINT64_MAX; /* not begun: what the loader does has time 0 */
    made->counts = calloc(1, sizeof(*made->counts));
    if (made->counts == NULL) {
        free(made);
        return err_set_errno(err, ERR_ENVIRONMENT, "counts");
    }
    if (!build(made, err)) {
        lab_destroy(made);
        return false;
    }
    *lab = made;
    return true;
}

void lab_destroy(struct lab *lab)
{
    if (lab == NULL) {
        return;
    }
    if (lab->memory != NULL) {
        lab->memory->closing = true; /* the vCPU does not run again */
    }
    space_destroy(lab->space);
    pager_destroy(lab->pager);
    memory_destroy(lab->memory);
    machine_destroy(lab->machine);
    free(lab->counts);
    free(lab->exe);
    free(lab);
}
