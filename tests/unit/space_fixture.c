/* See space_fixture.h. */
/* cmocka.h wants the four in front of it. */
/* clang-format off */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */

#include "space_fixture.h"

#include <stdlib.h>

#include "../property/soft_cpu.h"
#include "fail_alloc.h"

#define TRIES_MAX 8

/* The CPU remembers what it has seen, and needs memory for that. */
static void drain(void *context)
{
    struct property_cpu *cpu = context;

    fail_alloc_pause();
    cpu->drain(cpu);
    fail_alloc_resume();
}

static enum cpu_result attempt(
    struct space_fixture *fixture,
    struct space *space,
    struct cpu_access *access,
    struct cpu_fault *fault)
{
    fail_alloc_pause();
    enum cpu_result result = fixture->cpu->attempt(fixture->cpu, space, access, fault);
    fail_alloc_resume();
    return result;
}

void fixture_create(struct space_fixture *fixture, const struct fixture_config *config)
{
    struct err err;

    *fixture = (struct space_fixture){
        .cpu = soft_cpu_create(
            (config->blocks != 0 ? config->blocks : 4) * LARGE_BYTES, UINT64_C(1))};
    assert_non_null(fixture->cpu);
    if (config->swap_pages != 0) {
        assert_true(swap_create(
            &fixture->swap, config->swap_path, config->swap_pages * PAGE_BYTES, &err));
    }
    const struct memory_config memory = {
        .frames = fixture->cpu->frames,
        .pool = fixture->cpu->pool,
        .edits = fixture->cpu->edits,
        .drain = drain,
        .context = fixture->cpu,
        .no_execute = true,
        .swap = fixture->swap,
        .limit_frames = config->limit_frames != 0 ? config->limit_frames : UINT64_MAX,
        .spaces = config->spaces != 0 ? config->spaces : 4,
        .page_size = config->page_size};
    assert_true(memory_create(&fixture->memory, &memory, &err));
    const struct pager_config pager = {.memory = fixture->memory, .around_pages = 1};
    assert_true(pager_create(&fixture->pager, &pager, &err));
    assert_true(space_create(&fixture->space, fixture->memory, &err));
}

void fixture_destroy(struct space_fixture *fixture)
{
    fixture_give_back(fixture);
    fixture->cpu->leave(fixture->cpu, fixture->space);
    space_destroy(fixture->space);
    assert_int_equal(memory_resident(fixture->memory), 0);
    pager_destroy(fixture->pager);
    memory_destroy(fixture->memory);
    if (fixture->swap != NULL) {
        assert_int_equal(swap_used(fixture->swap), 0);
    }
    swap_destroy(fixture->swap);
    assert_string_equal(fixture->cpu->violation, "");
    fixture->cpu->destroy(fixture->cpu);
}

struct gva fixture_page(uint64_t page)
{
    return gva_of(FIXTURE_BEGIN + page * PAGE_BYTES);
}

void fixture_map(struct space_fixture *fixture, uint64_t first, uint64_t pages)
{
    const struct region_spec spec = {
        .kind = REGION_ANONYMOUS,
        .permissions = REGION_READ | REGION_WRITE,
        .page_shift = PAGE_SHIFT};

    assert_int_equal(
        space_map(fixture->space, fixture_page(first), fixture_page(first + pages), &spec), 0);
}

static int touch(struct space_fixture *fixture, struct space *space, struct cpu_access *access)
{
    struct cpu_fault fault;

    pager_let_go(fixture->pager);
    for (unsigned tries = 0; tries < TRIES_MAX; tries++) {
        enum cpu_result result = attempt(fixture, space, access, &fault);
        if (result == CPU_DONE) {
            return 0;
        }
        assert_int_equal(result, CPU_FAULT);
        struct fault_record record = {
            .address = fault.address.value,
            .access = RECORD_USER | ((fault.error_code & PF_WRITE) != 0 ? RECORD_WRITE : 0)};
        struct pager_signal signal;
        struct region *region;
        if (!pager_fault(space, &record, &signal, &region)) {
            return signal.number;
        }
    }
    fail_msg("no progress at 0x%llx", (unsigned long long)access->address.value);
    return -1;
}

int fixture_write(
    struct space_fixture *fixture, struct space *space, uint64_t page, uint64_t value)
{
    struct cpu_access access = {
        .verb = CPU_WRITE, .address = fixture_page(page), .value = value};

    return touch(fixture, space, &access);
}

int fixture_read(
    struct space_fixture *fixture, struct space *space, uint64_t page, uint64_t *value)
{
    struct cpu_access access = {.verb = CPU_READ, .address = fixture_page(page)};
    int signal = touch(fixture, space, &access);

    if (signal == 0) {
        *value = access.value;
    }
    return signal;
}

uint32_t fixture_frame(struct space_fixture *fixture, struct space *space, uint64_t page)
{
    struct ptab_slot slot;

    (void)fixture;
    assert_true(ptab_find_leaf(&space->ptab, fixture_page(page), &slot));
    assert_true((*slot.entry & PTE_PRESENT) != 0);
    return frames_index(gpa_of(*slot.entry & PTE_ADDRESS));
}

static void take_tables(struct space_fixture *fixture, uint64_t but)
{
    struct ptab_pool *pool = fixture->cpu->pool;
    struct ptab_slot slot;
    struct err err;
    uint64_t address = FIXTURE_BEGIN;

    assert_true(ptab_create(&fixture->hog, pool, &err));
    while (PTE_ENTRIES - ptab_pool_tables(pool) > but) { /* the pool has 2 MiB of them */
        assert_true(ptab_prepare(&fixture->hog, gva_of(address), 1, &slot));
        address += LARGE_BYTES; /* in the same 1 GiB: one table more */
    }
    assert_int_equal(PTE_ENTRIES - ptab_pool_tables(pool), but);
}

void fixture_take_all(struct space_fixture *fixture, uint64_t but_tables)
{
    struct frames *frames = fixture->cpu->frames;

    memory_settle(fixture->memory);
    fixture->taken = calloc(frames_total(frames), sizeof(*fixture->taken));
    assert_non_null(fixture->taken);
    while (frames_used(frames) < frames_total(frames)) {
        uint32_t frame = frames_alloc(frames, FRAME_KERNEL);
        assert_int_not_equal(frame, FRAMES_NONE);
        fixture->taken[fixture->taken_count++] = frame;
    }
    take_tables(fixture, but_tables);
}

static void release_table(void *context, uint32_t frame)
{
    ptab_release_table(context, frame);
}

void fixture_give_back(struct space_fixture *fixture)
{
    if (fixture->taken == NULL) {
        return;
    }
    ptab_dismantle(&fixture->hog, release_table, fixture->cpu->pool);
    for (uint32_t i = 0; i < fixture->taken_count; i++) {
        frames_release(fixture->cpu->frames, fixture->taken[i]);
    }
    free(fixture->taken);
    fixture->taken = NULL;
    fixture->taken_count = 0;
}
