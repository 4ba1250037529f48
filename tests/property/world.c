/* Setting a world up, one access in it, and its end; see world.h. */
#include "world.h"

#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define TRIES_MAX 64

bool world_fail(struct world *world, const char *format, ...)
{
    va_list args;

    if (world->failure[0] == '\0') {
        va_start(args, format);
        vsnprintf(world->failure, sizeof(world->failure), format, args);
        va_end(args);
    }
    return false;
}

void world_note(struct world *world, const char *format, ...)
{
    char *note = world->note[world->notes++ % WORLD_NOTES];
    int used = snprintf(note, WORLD_NOTE_BYTES, "%4u ", world->step);
    va_list args;

    va_start(args, format);
    vsnprintf(note + used, WORLD_NOTE_BYTES - (size_t)used, format, args);
    va_end(args);
}

/* splitmix64 */
uint64_t world_random(struct world *world, uint64_t below)
{
    uint64_t z = world->random += UINT64_C(0x9e3779b97f4a7c15);

    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return (z ^ z >> 31) % below;
}

/* Each step draws from a stream of its own, so that one can be left out without another changing. */
void world_seed_step(struct world *world, uint64_t seed, uint64_t step)
{
    world->random = seed * UINT64_C(0xd1342543de82ef95) + step * UINT64_C(0x2545f4914f6cdd1d);
    (void)world_random(world, 2);
}

/* --- assertions of the code under test --- */

static jmp_buf *escape; /* where to, while a sequence runs */
static char escape_text[256];

/* clang-format off */
_Noreturn void __wrap___assert_fail( /* NOLINT(bugprone-reserved-identifier): the linker's name */
    const char *expression, const char *file, unsigned line, const char *function);
/* clang-format on */

/* A failed assertion ends the sequence, not the program: so it can be made shorter and shown. */
_Noreturn void __wrap___assert_fail(
    const char *expression, const char *file, unsigned line, const char *function)
{
    snprintf(
        escape_text, sizeof(escape_text), "%s:%u: %s: assertion \"%s\" failed", file, line,
        function, expression);
    if (escape == NULL) {
        fprintf(stderr, "%s\n", escape_text);
        abort();
    }
    longjmp(*escape, 1);
}

/* --- spaces --- */

void world_map(
    struct world *world,
    unsigned space,
    unsigned first,
    unsigned count,
    const struct region_spec *spec,
    const struct model_page *like)
{
    struct gva begin = gva_of(model_address(first));
    struct gva end = gva_add(begin, count * PAGE_BYTES);
    int error = space_map(world->space[space], begin, end, spec);

    if (error != 0) {
        world_fail(world, "space_map of %u pages: %s", count, strerror(error));
        return;
    }
    model_map(world->model, space, first, count, like);
}

void world_new_space(struct world *world, unsigned space)
{
    const struct model_page like = {
        .source = MODEL_CODE, .permissions = MODEL_READ | MODEL_EXEC};
    struct region_spec spec = {
        .kind = REGION_FILE,
        .permissions = REGION_READ | REGION_EXEC,
        .page_shift = PAGE_SHIFT,
        .strict = true,
        .file_bytes = PAGE_BYTES};
    struct err err;

    if (!space_create(&world->space[space], world->memory, &err) ||
        !backing_create(&spec.backing, dup(world->code_fd), "code", &err)) {
        world_fail(world, "a new space: %s", err.text);
        return;
    }
    world->space[space]->process = (uint16_t)(space + 1);
    world->model->alive[space] = true;
    world_map(world, space, model_areas[MODEL_CODE_AREA].first, 1, &spec, &like);
    backing_put(spec.backing);
}

void world_end_space(struct world *world, unsigned space)
{
    world->cpu->leave(world->cpu, world->space[space]);
    space_destroy(world->space[space]);
    world->space[space] = NULL;
    model_destroy_space(world->model, space);
}

/* --- an access --- */

bool world_is_full(const struct world *world)
{
    const struct memory *memory = world->memory;
    bool room = memory_has_room(memory, 1) &&
                frames_used(world->cpu->frames) < frames_total(world->cpu->frames);
    bool swap_full = world->swap == NULL || swap_used(world->swap) == swap_total(world->swap);
    bool all_locked = memory->locked + 4 >= memory->config.limit_frames;

    return !room && (swap_full || all_locked);
}

static uint8_t wanted_of(const struct cpu_access *access)
{
    switch (access->verb) {
    case CPU_READ:
    case CPU_SUM:
        return MODEL_READ;
    case CPU_WRITE:
    case CPU_FILL:
        return MODEL_WRITE;
    case CPU_FETCH:
        return MODEL_EXEC;
    }
    return 0;
}

static void judge_result(
    struct world *world, unsigned space, unsigned page, const struct cpu_access *access)
{
    unsigned offset = (unsigned)(access->address.value % PAGE_BYTES);
    const uint8_t *bytes = model_read(world->model, space, page);
    uint64_t word;

    switch (access->verb) {
    case CPU_READ:
        memcpy(&word, bytes + offset, 8);
        if (word != access->value) {
            world_fail(
                world, "process %u reads 0x%llx at 0x%llx, where 0x%llx was written", space,
                (unsigned long long)access->value, (unsigned long long)access->address.value,
                (unsigned long long)word);
        }
        return;
    case CPU_WRITE:
        memcpy(model_write(world->model, space, page) + offset, &access->value, 8);
        return;
    case CPU_FILL:
        for (unsigned i = 0; i < CPU_WORDS; i++) {
            word = cpu_fill_word(access->value, i);
            memcpy(model_write(world->model, space, page) + 8 * (size_t)i, &word, 8);
        }
        return;
    case CPU_SUM:
        if (access->value != cpu_sum(bytes)) {
            world_fail(
                world, "process %u reads a page at 0x%llx that is not what was written", space,
                (unsigned long long)access->address.value);
        }
        check_page(world, space, page);
        return;
    case CPU_FETCH:
        return;
    }
}

static void judge_signal(
    struct world *world,
    unsigned space,
    enum model_verdict verdict,
    const struct pager_signal *signal,
    const struct fault_record *record)
{
    bool expected =
        (verdict == MODEL_MAPERR && signal->number == SIGSEGV && signal->code == SEGV_MAPERR) ||
        (verdict == MODEL_ACCERR && signal->number == SIGSEGV && signal->code == SEGV_ACCERR) ||
        (verdict == MODEL_BUS && signal->number == SIGBUS);

    if (signal->number == SIGKILL && (verdict == MODEL_OK || verdict == MODEL_BUS) &&
        world_is_full(world)) {
        world_note(world, "  process %u is killed: out of memory", space);
        world_end_space(world, space);
    } else if (!expected) {
        world_fail(
            world, "process %u gets signal %d code %d at 0x%llx (%s), the model says %d", space,
            signal->number, signal->code, (unsigned long long)record->address,
            record_kind_name((enum fault_kind)record->kind), (int)verdict);
    }
}

/* False: the access is over. */
static bool serve_fault(
    struct world *world,
    unsigned space,
    enum model_verdict verdict,
    const struct cpu_fault *fault)
{
    struct fault_record record = {
        .address = fault->address.value,
        .rip = CPU_CODE,
        .access = (uint8_t)(RECORD_USER |
                            ((fault->error_code & PF_WRITE) != 0 ? RECORD_WRITE : 0) |
                            ((fault->error_code & PF_FETCH) != 0 ? RECORD_FETCH : 0) |
                            ((fault->error_code & PF_PRESENT) != 0 ? RECORD_PROT : 0))};
    struct pager_signal signal;
    struct region *region;

    world->faults++;
    bool resolved = pager_fault(world->space[space], &record, &signal, &region);
    world->kinds[record.kind]++;
    if (resolved) {
        return true;
    }
    judge_signal(world, space, verdict, &signal, &record);
    return false;
}

void world_access(struct world *world, unsigned space, unsigned page, struct cpu_access *access)
{
    enum model_verdict verdict = model_judge(world->model, space, page, wanted_of(access));
    struct cpu_fault fault;

    world->accesses++;
    pager_let_go(world->pager);
    for (unsigned tries = 0; tries < TRIES_MAX; tries++) {
        access->again = tries > 0;
        switch (world->cpu->attempt(world->cpu, world->space[space], access, &fault)) {
        case CPU_DONE:
            if (verdict != MODEL_OK) {
                world_fail(
                    world, "process %u gets away with an access at 0x%llx, the model says %d",
                    space, (unsigned long long)access->address.value, (int)verdict);
                return;
            }
            judge_result(world, space, page, access);
            return;
        case CPU_BROKEN:
            world_fail(world, "%s", world->cpu->violation);
            return;
        case CPU_FAULT:
            if (!serve_fault(
                    world, space,
                    model_page_at(fault.address.value) == page ? verdict : MODEL_OK, &fault)) {
                return;
            }
        }
    }
    world_fail(
        world, "process %u makes no progress at 0x%llx", space,
        (unsigned long long)access->address.value);
}

static void run_steps(struct world *world, const struct world_config *config)
{
    for (unsigned step = 1; step <= config->steps && !world_has_failed(world); step++) {
        if (config->skip != NULL && config->skip[step - 1] != 0) {
            continue;
        }
        world->step = step;
        world_seed_step(world, config->seed, step);
        operations_step(world);
        if (world_random(world, 3) == 0 && !world_has_failed(world)) {
            check_accounts(world);
        }
    }
    if (!world_has_failed(world)) {
        world->step++;
        check_accounts(world);
        check_contents(world);
    }
    for (unsigned s = 0; s < MODEL_SPACES && !world_has_failed(world); s++) {
        if (world->space[s] != NULL) {
            world_end_space(world, s);
            check_accounts(world);
        }
    }
    if (!world_has_failed(world)) {
        check_nothing_left(world);
    }
}

bool world_run(struct world *world, const struct world_config *config)
{
    jmp_buf back;

    *world = (struct world){.shared_fd = -1, .private_fd = -1, .code_fd = -1};
    escape = &back;
    if (setjmp(back) != 0) {
        world_fail(world, "%s", escape_text);
    } else if (world_set_up(world, config)) {
        run_steps(world, config);
    }
    escape = NULL;
    return !world_has_failed(world);
}

/* After a failure nothing of the code under test can be trusted to come apart: it is left alone. */
void world_destroy(struct world *world)
{
    const int fds[] = {world->shared_fd, world->private_fd, world->code_fd};

    for (unsigned i = 0; i < 3; i++) {
        if (fds[i] >= 0) {
            close(fds[i]);
        }
    }
    if (!world_has_failed(world)) {
        pager_destroy(world->pager);
        policy_destroy(world->policy);
        memory_destroy(world->memory);
    }
    swap_destroy(world->swap);
    if (world->cpu != NULL) {
        world->cpu->destroy(world->cpu);
    }
    if (world->model != NULL) {
        model_free(world->model);
    }
    free(world->model);
    free(world->told);
}
