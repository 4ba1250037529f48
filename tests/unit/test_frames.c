/* Guest memory and the frame table. */
/* cmocka.h wants the four in front of it. */
/* clang-format off */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "memory/frames.h"
#include "memory/gmem.h"

#define BLOCKS 8
#define COUNT  (BLOCKS * UINT64_C(512))

struct fixture {
    struct gmem mem;
    struct frames *frames;
};

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    struct err err;

    assert_non_null(f);
    assert_true(gmem_create(&f->mem, BLOCKS * LARGE_BYTES, &err));
    assert_true(frames_create(&f->frames, &f->mem, &err));
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;

    frames_destroy(f->frames);
    gmem_destroy(&f->mem);
    free(f);
    return 0;
}

static bool reads_zero(const struct frames *frames, uint32_t index, uint64_t pages)
{
    const uint8_t *bytes = frames_hva(frames, index);

    return bytes[0] == 0 && memcmp(bytes, bytes + 1, pages * PAGE_BYTES - 1) == 0;
}

/* --- guest memory ------------------------------------------------------------------------ */

static void test_gmem_is_aligned_and_reads_zero(void **state)
{
    struct fixture *f = *state;

    assert_int_equal((uintptr_t)f->mem.hva % LARGE_BYTES, 0);
    assert_int_equal(f->mem.bytes, BLOCKS * LARGE_BYTES);
    assert_true(reads_zero(f->frames, 0, COUNT));
}

static void test_gmem_contains_no_range_that_wraps(void **state)
{
    struct fixture *f = *state;
    uint64_t base = LAYOUT_RAM_BASE;

    assert_true(gmem_contains(&f->mem, gpa_of(base), f->mem.bytes));
    assert_true(gmem_contains(&f->mem, gpa_of(base + f->mem.bytes), 0));
    assert_false(gmem_contains(&f->mem, gpa_of(base), f->mem.bytes + 1));
    assert_false(gmem_contains(&f->mem, gpa_of(base - 1), 1));
    assert_false(gmem_contains(&f->mem, gpa_of(base + 4096), UINT64_MAX));
    assert_false(gmem_contains(&f->mem, gpa_of(UINT64_MAX), 1));
}

static void test_gmem_refuses_more_than_the_host_has(void **state)
{
    struct gmem mem;
    struct err err;

    (void)state;
    assert_false(gmem_create(&mem, UINT64_C(1) << 60, &err));
    assert_int_equal(err.kind, ERR_ENVIRONMENT);
    assert_non_null(strstr(err.text, "1099511627776 MiB"));
    assert_false(gmem_create(&mem, UINT64_MAX - LARGE_BYTES + 1, &err));
    assert_int_equal(err.kind, ERR_ENVIRONMENT);
    gmem_destroy(&mem); /* left zeroed: nothing happens */
}

/* --- frames ------------------------------------------------------------------------------ */

static void test_frames_create_refuses_more_than_it_can_number(void **state)
{
    struct gmem mem = {.bytes = UINT64_C(1) << 44};
    struct frames *frames;
    struct err err;

    (void)state;
    assert_false(frames_create(&frames, &mem, &err));
    assert_int_equal(err.kind, ERR_ENVIRONMENT);
    assert_null(frames);
    frames_destroy(NULL);
}

static uint64_t resident_pages(void)
{
    FILE *file = fopen("/proc/self/statm", "r");
    unsigned long size = 0;
    unsigned long resident = 0;

    assert_non_null(file);
    assert_int_equal(fscanf(file, "%lu %lu", &size, &resident), 2);
    fclose(file);
    return resident;
}

static void test_frames_of_16_gib_cost_little_before_use(void **state)
{
    struct gmem mem = {.bytes = UINT64_C(16) << 30}; /* never looked at */
    struct frames *frames;
    struct err err;
    uint64_t before = resident_pages();

    (void)state;
    assert_true(frames_create(&frames, &mem, &err));
    assert_int_equal(frames_total(frames), 4 << 20);
    assert_true(frames_alloc(frames, FRAME_DATA) != FRAMES_NONE);
    assert_true(resident_pages() - before < 256); /* 1 MiB */
    frames_destroy(frames);
}

static void test_frames_addresses_go_to_and_fro(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(frames_gpa(0).value, LAYOUT_RAM_BASE);
    assert_int_equal(frames_gpa(COUNT - 1).value, LAYOUT_RAM_BASE + (COUNT - 1) * PAGE_BYTES);
    assert_int_equal(frames_index(gpa_of(LAYOUT_RAM_BASE + 3 * PAGE_BYTES + 17)), 3);
    assert_ptr_equal(frames_hva(f->frames, 5), f->mem.hva + 5 * PAGE_BYTES);
}

static void test_frames_alloc_hands_out_each_frame_once(void **state)
{
    struct fixture *f = *state;
    static bool seen[COUNT];

    memset(seen, 0, sizeof(seen));
    for (unsigned i = 0; i < COUNT; i++) {
        uint32_t index = frames_alloc(f->frames, FRAME_DATA);
        assert_true(index < COUNT);
        assert_false(seen[index]);
        seen[index] = true;
        assert_int_equal(frames_record(f->frames, index)->references, 1);
        assert_int_equal(frames_record(f->frames, index)->use, FRAME_DATA);
        assert_int_equal(frames_record(f->frames, index)->owner, 0);
    }
    assert_int_equal(frames_alloc(f->frames, FRAME_DATA), FRAMES_NONE);
    assert_int_equal(frames_alloc_zeroed(f->frames, FRAME_DATA), FRAMES_NONE);
    assert_int_equal(frames_alloc_large(f->frames, FRAME_DATA), FRAMES_NONE);
    assert_int_equal(frames_used(f->frames), COUNT);
}

static void test_frames_alloc_large_is_aligned_and_exhausts(void **state)
{
    struct fixture *f = *state;

    for (unsigned i = 0; i < BLOCKS; i++) {
        uint32_t index = frames_alloc_large(f->frames, FRAME_DATA);
        assert_true(index < COUNT);
        assert_int_equal(index % 512, 0);
    }
    assert_int_equal(frames_alloc_large_zeroed(f->frames, FRAME_DATA), FRAMES_NONE);
    assert_int_equal(frames_alloc(f->frames, FRAME_DATA), FRAMES_NONE);
}

static void test_frames_alloc_large_wants_a_whole_block(void **state)
{
    struct fixture *f = *state;
    uint32_t single = frames_alloc(f->frames, FRAME_DATA);

    for (unsigned i = 0; i < BLOCKS - 1; i++) {
        assert_true(frames_alloc_large(f->frames, FRAME_DATA) != FRAMES_NONE);
    }
    assert_int_equal(frames_alloc_large(f->frames, FRAME_DATA), FRAMES_NONE);
    frames_release(f->frames, single);
    assert_int_equal(frames_alloc_large(f->frames, FRAME_DATA), round_down(single, 512));
}

static void test_frames_release_keeps_a_shared_frame(void **state)
{
    struct fixture *f = *state;
    uint32_t index = frames_alloc(f->frames, FRAME_DATA);

    frames_record(f->frames, index)->references = 2;
    frames_release(f->frames, index);
    assert_int_equal(frames_used(f->frames), 1);
    assert_int_equal(frames_record(f->frames, index)->use, FRAME_DATA);
    frames_release(f->frames, index);
    assert_int_equal(frames_used(f->frames), 0);
    assert_int_equal(frames_record(f->frames, index)->use, FRAME_FREE);
}

static void test_frames_alloc_zeroed_clears_a_used_frame(void **state)
{
    struct fixture *f = *state;
    uint32_t keep = frames_alloc(f->frames, FRAME_DATA); /* the block stays partly used */
    uint32_t index = frames_alloc(f->frames, FRAME_DATA);

    memset(frames_hva(f->frames, index), 0xaa, PAGE_BYTES);
    frames_release(f->frames, index);
    assert_int_equal(frames_alloc_zeroed(f->frames, FRAME_DATA), index);
    assert_true(reads_zero(f->frames, index, 1));
    frames_release(f->frames, keep);
}

static void test_frames_alloc_zeroed_leaves_an_untouched_frame_alone(void **state)
{
    struct fixture *f = *state;

    /* Told by a mark that only a needless clearing would remove. */
    memset(f->mem.hva, 0x55, f->mem.bytes);
    for (unsigned i = 0; i < COUNT; i++) {
        uint32_t index = frames_alloc_zeroed(f->frames, FRAME_DATA);
        assert_int_equal(((uint8_t *)frames_hva(f->frames, index))[77], 0x55);
    }
}

static void test_frames_alloc_large_zeroed_clears_just_what_was_used(void **state)
{
    struct fixture *f = *state;
    uint32_t one = frames_alloc(f->frames, FRAME_DATA);
    uint32_t two = frames_alloc(f->frames, FRAME_DATA);

    memset(f->mem.hva, 0x55, f->mem.bytes);
    frames_release(f->frames, one);
    frames_release(f->frames, two);
    uint32_t run = frames_alloc_large_zeroed(f->frames, FRAME_DATA);
    assert_int_equal(run, 0);
    assert_true(reads_zero(f->frames, run, 2));
    assert_int_equal(((uint8_t *)frames_hva(f->frames, run + 2))[0], 0x55);
    memset(frames_hva(f->frames, run), 0xaa, LARGE_BYTES);
    frames_release(f->frames, run);
    assert_int_equal(frames_alloc_large_zeroed(f->frames, FRAME_DATA), run);
    assert_true(reads_zero(f->frames, run, 512));
}

static void test_frames_of_a_released_run_are_cleared_one_by_one(void **state)
{
    struct fixture *f = *state;
    uint32_t run = frames_alloc_large(f->frames, FRAME_DATA);

    memset(frames_hva(f->frames, run), 0xaa, LARGE_BYTES);
    frames_release(f->frames, run);
    for (unsigned i = 0; i < 512; i++) {
        uint32_t index = frames_alloc_zeroed(f->frames, FRAME_DATA);
        assert_int_equal(index / 512, run / 512);
        assert_true(reads_zero(f->frames, index, 1));
    }
}

static void test_frames_split_run_is_released_one_by_one(void **state)
{
    struct fixture *f = *state;
    uint32_t run = frames_alloc_large(f->frames, FRAME_DATA);

    frames_record(f->frames, run)->references = 2;
    frames_split(f->frames, run);
    assert_int_equal(frames_used(f->frames), 512);
    for (uint32_t i = 0; i < 512; i++) {
        assert_int_equal(frames_record(f->frames, run + i)->references, 2);
        assert_int_equal(frames_record(f->frames, run + i)->use, FRAME_DATA);
        assert_int_equal(frames_record(f->frames, run + i)->order, 0);
        frames_release(f->frames, run + i);
        frames_release(f->frames, run + i);
        assert_int_equal(frames_used(f->frames), 511 - i);
    }
    assert_int_equal(frames_alloc_large(f->frames, FRAME_TABLE), run);
}

static void test_frames_used_counts_by_use_and_peak(void **state)
{
    struct fixture *f = *state;
    uint32_t run = frames_alloc_large(f->frames, FRAME_DATA);
    uint32_t table = frames_alloc(f->frames, FRAME_TABLE);

    assert_true(frames_alloc(f->frames, FRAME_KERNEL) != FRAMES_NONE);
    assert_int_equal(frames_used_as(f->frames, FRAME_DATA), 512);
    assert_int_equal(frames_used_as(f->frames, FRAME_TABLE), 1);
    assert_int_equal(frames_used_as(f->frames, FRAME_KERNEL), 1);
    frames_release(f->frames, run);
    frames_release(f->frames, table);
    assert_int_equal(frames_used_as(f->frames, FRAME_DATA), 0);
    assert_int_equal(frames_used_as(f->frames, FRAME_TABLE), 0);
    assert_int_equal(frames_used(f->frames), 1);
    assert_int_equal(frames_used_peak(f->frames), 514);
    assert_int_equal(frames_total(f->frames), COUNT);
}

/* --- against a model --------------------------------------------------------------------- */

struct model {
    uint8_t order[COUNT]; /* 1: single, 2: first of a run, 3: inside a run */
    uint8_t value[COUNT]; /* what the test wrote into the frame */
    unsigned used;
};

static uint64_t next_random(uint64_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    return *seed;
}

static unsigned whole_blocks(const struct model *model)
{
    unsigned count = 0;

    for (unsigned i = 0; i < COUNT; i += 512) {
        unsigned j = 0;
        while (j < 512 && model->order[i + j] == 0) {
            j++;
        }
        count += j == 512;
    }
    return count;
}

static void model_alloc(struct fixture *f, struct model *model, bool large, uint8_t value)
{
    uint32_t span = large ? 512 : 1;
    uint32_t index = large ? frames_alloc_large_zeroed(f->frames, FRAME_DATA)
                           : frames_alloc_zeroed(f->frames, FRAME_DATA);

    if (index == FRAMES_NONE) {
        assert_int_equal(large ? whole_blocks(model) : COUNT - model->used, 0);
        return;
    }
    assert_int_equal(index % span, 0);
    assert_true(index + span <= COUNT);
    assert_true(reads_zero(f->frames, index, span));
    for (uint32_t i = 0; i < span; i++) {
        assert_int_equal(model->order[index + i], 0);
        model->order[index + i] = !large ? 1 : i == 0 ? 2 : 3;
        model->value[index + i] = value;
        memset(frames_hva(f->frames, index + i), value, 64);
    }
    model->used += span;
}

static void model_release(struct fixture *f, struct model *model, uint32_t index)
{
    uint32_t span = model->order[index] == 2 ? 512 : 1;

    for (uint32_t i = 0; i < span; i++) {
        assert_int_equal(*(uint8_t *)frames_hva(f->frames, index + i), model->value[index + i]);
        model->order[index + i] = 0;
    }
    model->used -= span;
    frames_release(f->frames, index);
}

/* The next frame from index on that can be released; COUNT if none is in use. */
static uint32_t next_in_use(const struct model *model, uint32_t index)
{
    for (uint32_t i = 0; i < COUNT; i++) {
        uint8_t order = model->order[(index + i) % COUNT];
        if (order == 1 || order == 2) {
            return (index + i) % COUNT;
        }
    }
    return COUNT;
}

static void test_frames_agree_with_a_model(void **state)
{
    struct fixture *f = *state;
    struct model *model = calloc(1, sizeof(*model));
    uint64_t seed = 0x9e3779b97f4a7c15;
    unsigned times_empty = 0;

    assert_non_null(model);
    for (unsigned step = 0; step < 40000; step++) {
        uint64_t r = next_random(&seed);
        /* Tides: mostly taking, then mostly giving back. */
        bool taking = r % 100 < (step / 5000 % 2 == 0 ? 70U : 10U);
        uint32_t index = next_in_use(model, (uint32_t)(r >> 32) % COUNT);
        if (taking) {
            model_alloc(f, model, (r >> 8) % 256 == 0, (uint8_t)(1 + (r >> 16) % 255));
        } else if (index < COUNT && model->order[index] == 2 && (r >> 8) % 4 == 0) {
            frames_split(f->frames, index);
            memset(&model->order[index], 1, 512);
        } else if (index < COUNT) {
            model_release(f, model, index);
        }
        times_empty += model->used == 0;
        assert_int_equal(frames_used(f->frames), model->used);
    }
    assert_true(times_empty > 10);
    free(model);
}

int main(void)
{
#define WITH_FIXTURE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        WITH_FIXTURE(test_gmem_is_aligned_and_reads_zero),
        WITH_FIXTURE(test_gmem_contains_no_range_that_wraps),
        cmocka_unit_test(test_gmem_refuses_more_than_the_host_has),
        cmocka_unit_test(test_frames_create_refuses_more_than_it_can_number),
        cmocka_unit_test(test_frames_of_16_gib_cost_little_before_use),
        WITH_FIXTURE(test_frames_addresses_go_to_and_fro),
        WITH_FIXTURE(test_frames_alloc_hands_out_each_frame_once),
        WITH_FIXTURE(test_frames_alloc_large_is_aligned_and_exhausts),
        WITH_FIXTURE(test_frames_alloc_large_wants_a_whole_block),
        WITH_FIXTURE(test_frames_release_keeps_a_shared_frame),
        WITH_FIXTURE(test_frames_alloc_zeroed_clears_a_used_frame),
        WITH_FIXTURE(test_frames_alloc_zeroed_leaves_an_untouched_frame_alone),
        WITH_FIXTURE(test_frames_alloc_large_zeroed_clears_just_what_was_used),
        WITH_FIXTURE(test_frames_of_a_released_run_are_cleared_one_by_one),
        WITH_FIXTURE(test_frames_split_run_is_released_one_by_one),
        WITH_FIXTURE(test_frames_used_counts_by_use_and_peak),
        WITH_FIXTURE(test_frames_agree_with_a_model),
    };
    return cmocka_run_group_tests_name("frames", tests, NULL, NULL);
}
