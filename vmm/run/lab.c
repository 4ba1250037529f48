/*
 * The parts of a laboratory and their wiring: what a process, a page access or the edit list
 * needs from the machine goes through the small functions here.  Read run.c next.
 */
#include "run/lab.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fault/writeback.h"
#include "run/observe.h"
#include "run/setup.h"

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

static void get_registers(void *context, struct registers *registers)
{
    machine_read_registers(((struct lab *)context)->machine, registers);
}

static void set_registers(void *context, const struct registers *registers)
{
    machine_write_registers(((struct lab *)context)->machine, registers);
}

static bool get_xstate(void *context, void *state)
{
    return machine_read_xstate(((struct lab *)context)->machine, state);
}

static bool set_xstate(void *context, const void *state)
{
    return machine_write_xstate(((struct lab *)context)->machine, state);
}

static bool copy_cpu(void *context, struct process *child, const struct registers *registers)
{
    struct lab *lab = context;

    child->cpu = machine_context_create();
    if (child->cpu == NULL || !machine_save(lab->machine, child->cpu)) {
        return false;
    }
    *machine_context_registers(child->cpu) = *registers;
    return true;
}

static void free_cpu(void *context __attribute__((unused)), struct process *process)
{
    machine_context_destroy(process->cpu);
    process->cpu = NULL;
}

/* Tables that the vCPU is on must stay until it is on others (schedule.c). */
static void release_space(void *context, struct space *space)
{
    struct lab *lab = context;

    if (space == lab->loaded_space) {
        lab->doomed_space = space;
    } else {
        space_destroy(space);
    }
}

/*
 * The tables are exchanged as between processes.  A first turn on them has an unused tag, so it begins
 * stale; what the old tables still have to be told is carried out before.
 */
static void enter_program(
    void *context,
    struct process *process,
    struct space *space,
    const struct program_entry *entry)
{
    struct lab *lab = context;

    pager_end_retry(lab->pager, false);
    if (!schedule_enter(lab, space, entry)) {
        outcome_set(
            &lab->outcome, OUTCOME_STOPPED, 0, "no way to start a program in process %d",
            process->pid);
    }
    if (process == lab->processes.first) {
        lab->space = space;
    }
}

static unsigned max_processes(const struct lab_config *config)
{
    return config->max_processes != 0 ? config->max_processes : LAB_MAX_PROCESSES;
}

static bool create_space(struct lab *lab, struct err *err)
{
    /* And one that has just ended, while the vCPU is still on its tables; or the next one of a process that
     * executes a program. */
    return setup_memory(lab, max_processes(lab->config) + 1, err) &&
           space_create(&lab->space, lab->memory, err);
}

static void wire_table(struct lab *lab)
{
    const struct machine_cpu *cpu = machine_cpu(lab->machine);
    struct process_table *table = &lab->processes;

    table->hooks = (struct process_hooks){
        .context = lab,
        .set_fs_base = set_fs_base,
        .get_fs_base = get_fs_base,
        .set_gs_base = set_gs_base,
        .get_gs_base = get_gs_base,
        .get_registers = get_registers,
        .set_registers = set_registers,
        .get_xstate = get_xstate,
        .set_xstate = set_xstate,
        .copy_cpu = copy_cpu,
        .free_cpu = free_cpu,
        .release_space = release_space,
        .enter_program = enter_program,
        .phase = observe_phase,
        .result = observe_result,
        .unknown = observe_unknown_request,
        .started = observe_started,
        .ended = observe_ended,
        .executed = observe_executed,
        .refused = observe_refused,
        .killed = observe_killed};
    table->outcome = &lab->outcome;
    table->counts = lab->counts;
    table->xcr0 = cpu->xcr0;
    table->machine = (struct program_machine){
        .stack_bytes = lab->config->stack_bytes,
        .hwcap = cpu->hwcap,
        .hwcap2 = cpu->hwcap2,
        .xstate_bytes = cpu->xsave_bytes};
}

static bool create_processes(struct lab *lab, struct err *err)
{
    struct process_table *table = &lab->processes;

    if (!process_table_create(table, max_processes(lab->config), err)) {
        return false;
    }
    wire_table(lab);
    struct process *first = process_create_first(table);
    if (first == NULL) {
        return err_set(err, ERR_ENVIRONMENT, "no memory for the first process");
    }
    first->exe = realpath(lab_program(lab->config), NULL);
    if (first->exe == NULL) {
        return err_set_errno(err, ERR_INPUT, "cannot open %s", lab_program(lab->config));
    }
    const char *slash = strrchr(first->exe, '/');
    snprintf(first->comm, sizeof(first->comm), "%s", slash != NULL ? slash + 1 : first->exe);
    first->access =
        (struct access){.space = lab->space, .on_fault = observe_host_fault, .context = lab};
    lab->space->process = (uint16_t)first->pid;
    observe_start(lab);
    lab->loaded_space = lab->space;
    table->current = first;
    return true;
}

/* Before anything is made for it. */
static bool check_program(const struct lab *lab, struct err *err)
{
    return access(lab_program(lab->config), F_OK) == 0 ||
           err_set_errno(err, ERR_INPUT, "cannot open %s", lab_program(lab->config));
}

static bool build(struct lab *lab, struct err *err)
{
    const struct machine_config machine = {
        .kvm_path = lab->config->kvm_path, .mem_bytes = lab->config->mem_bytes};

    if (!check_program(lab, err) || !machine_create(&lab->machine, &machine, err) ||
        !create_space(lab, err) || !create_processes(lab, err)) {
        return false;
    }
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
    made->watch = config->watch;
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

/* Each one once: a vfork child has its parent's. */
static void destroy_spaces(struct lab *lab)
{
    struct process_table *table = &lab->processes;

    for (unsigned i = 0; table->slot != NULL && i < table->max; i++) {
        struct process *process = table->slot[i];
        struct space *space = process != NULL ? process->access.space : NULL;
        if (space != NULL && space != lab->space && --space->users == 0) {
            space_destroy(space);
        }
    }
    space_destroy(lab->doomed_space);
    space_destroy(lab->space);
}

void lab_write_files_back(struct lab *lab)
{
    size_t used = strlen(lab->outcome.reason);

    lab->memory->closing = true; /* the vCPU does not run again */
    lab->lost_error = writeback_all(lab->pager);
    if (lab->lost_error != 0) {
        snprintf(
            lab->outcome.reason + used, sizeof(lab->outcome.reason) - used,
            "; what was written to a mapped file is lost: %s", strerror(lab->lost_error));
    }
}

void lab_destroy(struct lab *lab)
{
    if (lab == NULL) {
        return;
    }
    if (lab->memory != NULL) {
        lab->memory->closing = true; /* the vCPU does not run again */
    }
    destroy_spaces(lab);
    process_table_destroy(&lab->processes);
    schedule_destroy(&lab->schedule);
    pager_destroy(lab->pager);
    if (lab->watch.ops != NULL && lab->watch.ops->destroy != NULL) {
        lab->watch.ops->destroy(lab->watch.context);
    }
    sampling_destroy(lab->sampling);
    memory_destroy(lab->memory);
    policy_destroy(lab->policy);
    swap_destroy(lab->swap);
    machine_destroy(lab->machine);
    free(lab->counts);
    free(lab);
}
