/*
 * The same sequences as tests/unit/test_property.c on the real CPU: ring 3 makes each access by a
 * few instructions, the pager serves its faults, and the guest kernel carries out the edits.  On
 * an emulated CPU there are fewer of them.  Read tests/property/world.h first.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "../property/batch.h"
#include "kvm/machine.h"
#include "kvm_ring.h"

/* Of each policy. */
#define SEQUENCES          60
#define STEPS              60
#define SEQUENCES_EMULATED 24
#define STEPS_EMULATED     20
#define FIRST_SEED         UINT64_C(100000000)

/* A policy may ask for a delay of a second at each fault. */
int __wrap_nanosleep(const struct timespec *delay, struct timespec *left);
int __wrap_nanosleep(const struct timespec *delay, struct timespec *left)
{
    (void)delay;
    (void)left;
    return 0;
}

/* --- the CPU --- */

#define IDLE_TAG (MODEL_SPACES + 1)

struct real_cpu {
    struct property_cpu cpu;    /* first */
    struct machine *machine;    /* owns */
    struct ptab idle;           /* what the vCPU is on while no process is */
    struct space *loaded;       /* borrows: the one that the vCPU is on, or NULL */
    bool has_run[MODEL_SPACES]; /* by space->slot: under this tag the CPU may keep some of it */
    /* Owns: the registers with which another space is entered. */
    struct machine_context *context;
};

static struct real_cpu *real_of(struct property_cpu *cpu)
{
    return (struct real_cpu *)(void *)cpu;
}

static enum cpu_result give_up(struct real_cpu *real, const char *what)
{
    snprintf(
        real->cpu.violation, sizeof(real->cpu.violation), "%s: %s", what,
        machine_stop_reason(real->machine));
    return CPU_BROKEN;
}

static void first_registers(const struct cpu_access *access, struct registers *registers)
{
    static const uint64_t code[] = {
        [CPU_READ] = CPU_CODE_READ,
        [CPU_WRITE] = CPU_CODE_WRITE,
        [CPU_FILL] = CPU_CODE_FILL,
        [CPU_SUM] = CPU_CODE_SUM};

    *registers = (struct registers){
        .rip = CPU_CODE + code[access->verb],
        .rax = access->verb == CPU_SUM ? 0 : access->value,
        .rdx = access->value,
        .rcx = CPU_WORDS,
        .rdi = access->address.value};
}

/* Onto other tables, or with NULL the idle ones: as the scheduler does it. */
static bool load(struct real_cpu *real, struct space *space)
{
    struct machine_tables tables = {.root = real->idle.root, .tag = IDLE_TAG};

    /* Under the tag of the space that the edits are mostly about: nothing is stale there. */
    machine_drain_edits(real->machine);
    if (real->loaded != NULL) {
        real->loaded->stale = false;
    }
    if (space != NULL) {
        tables = (struct machine_tables){
            .root = space->ptab.root,
            .tag = (unsigned)space->slot + 1,
            .stale = space->stale || !real->has_run[space->slot]};
    }
    if (!machine_load(real->machine, real->context, &tables)) {
        return false;
    }
    if (space != NULL) {
        real->has_run[space->slot] = true;
        space->stale = false;
    }
    real->loaded = space;
    return true;
}

/* Enter the space with new registers. */
static bool enter(struct real_cpu *real, struct space *space, const struct cpu_access *access)
{
    if (space == real->loaded) {
        struct registers registers;
        first_registers(access, &registers);
        machine_write_registers(real->machine, &registers);
        return true;
    }
    first_registers(access, machine_context_registers(real->context));
    return load(real, space);
}

static enum cpu_result attempt(
    struct property_cpu *cpu,
    struct space *space,
    struct cpu_access *access,
    struct cpu_fault *fault)
{
    struct real_cpu *real = real_of(cpu);
    struct registers registers;
    struct machine_trap trap;

    if (!access->again && !enter(real, space, access)) {
        return give_up(real, "another space cannot be entered");
    }
    switch (machine_run(real->machine, &trap)) {
    case MACHINE_FAULT:
        *fault = (struct cpu_fault){.address = trap.address, .error_code = trap.error_code};
        return CPU_FAULT;
    case MACHINE_EXCEPTION:
        if (trap.vector != VECTOR_UD || trap.rip < CPU_CODE ||
            trap.rip >= CPU_CODE + PAGE_BYTES) {
            return give_up(real, "an exception that no routine ends with");
        }
        machine_read_registers(real->machine, &registers);
        access->value =
            access->verb == CPU_READ || access->verb == CPU_SUM ? registers.rax : access->value;
        return CPU_DONE;
    case MACHINE_REQUEST:
    case MACHINE_INTERRUPTED:
    case MACHINE_STOPPED:
        break;
    }
    return give_up(real, "the machine has stopped");
}

static void drain(void *context)
{
    machine_drain_edits(((struct real_cpu *)context)->machine);
}

/* Another space may have its tag next. */
static void leave(struct property_cpu *cpu, const struct space *space)
{
    struct real_cpu *real = real_of(cpu);

    real->has_run[space->slot] = false;
    if (real->loaded == space && !load(real, NULL)) {
        (void)give_up(real, "the space cannot be left");
    }
}

static void destroy(struct property_cpu *cpu)
{
    struct real_cpu *real = real_of(cpu);

    machine_context_destroy(real->context);
    ptab_destroy(&real->idle);
    machine_destroy(real->machine);
    free(real);
}

static bool make_idle(struct real_cpu *real, struct err *err)
{
    real->context = machine_context_create();
    if (real->context == NULL || !ptab_create(&real->idle, real->cpu.pool, err) ||
        !machine_use_tables(real->machine, &real->idle, err) ||
        !machine_start(real->machine, gva_of(CPU_CODE), gva_of(CPU_CODE), err)) {
        return false;
    }
    return machine_save(real->machine, real->context);
}

static struct property_cpu *create(uint64_t mem_bytes, uint64_t seed)
{
    struct real_cpu *real = calloc(1, sizeof(*real));
    const struct machine_config config = {.kvm_path = KVM_DEVICE_PATH, .mem_bytes = mem_bytes};
    struct err err;

    (void)seed;
    assert_non_null(real);
    if (!machine_create(&real->machine, &config, &err)) {
        print_error("%s\n", err.text);
        free(real);
        return NULL;
    }
    real->cpu = (struct property_cpu){
        .mem = machine_mem(real->machine),
        .frames = machine_frames(real->machine),
        .pool = machine_pool(real->machine),
        .edits = machine_edits(real->machine),
        .no_execute = machine_cpu(real->machine)->no_execute,
        .attempt = attempt,
        .drain = drain,
        .leave = leave,
        .destroy = destroy};
    if (!make_idle(real, &err)) {
        print_error("%s\n", err.text);
        destroy(&real->cpu);
        return NULL;
    }
    return &real->cpu;
}

/* --- the tests --- */

/* tests/backends/README.md: everything takes a hundred times as long. */
static bool is_emulated(void)
{
    const char *emulated = getenv("VMM_RING_EMULATED");

    return emulated != NULL && strcmp(emulated, "1") == 0;
}

static void test_memory_is_what_the_model_has(void **state)
{
    const char *policy = *state;
    struct batch batch = {
        .policy = policy,
        .first_seed = FIRST_SEED,
        .sequences = is_emulated() ? SEQUENCES_EMULATED : SEQUENCES,
        .steps = is_emulated() ? STEPS_EMULATED : STEPS,
        .make_cpu = create};

    for (unsigned i = 0; strcmp(batch_policies[i], policy) != 0; i++) {
        batch.first_seed += 1000000;
    }
    assert_true(batch_run(&batch));
    batch_print(&batch);
}

int main(void)
{
    struct CMUnitTest tests[BATCH_POLICIES];

    for (unsigned i = 0; i < BATCH_POLICIES; i++) {
        tests[i] = (struct CMUnitTest){
            .name = batch_policies[i],
            .test_func = test_memory_is_what_the_model_has,
            .initial_state = (void *)(uintptr_t)batch_policies[i]};
    }
    return kvm_ring_run("kvm/property", tests, BATCH_POLICIES);
}
