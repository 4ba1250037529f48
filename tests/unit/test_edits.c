/* The list of downgrades, carried out by a stand-in for the guest kernel that knows only the
 * ABI. */
/* cmocka.h wants the four in front of it. */
/* clang-format off */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */

#include <stdlib.h>
#include <string.h>

#include "memory/frames.h"
#include "memory/gmem.h"
#include "naive_walk.h"
#include "paging/edits.h"
#include "paging/ptab.h"

#define BLOCKS 48
#define LEAF   (PTE_PRESENT | PTE_USER | PTE_NO_EXECUTE)

struct fixture {
    struct gmem mem;
    struct frames *frames;
    struct ptab_pool *pool;
    struct ptab ptab;
    struct edits edits;
    struct abi_edit list[ABI_EDIT_CAPACITY + 1];
};

static void release(void *context, uint32_t frame)
{
    struct fixture *f = context;

    if (frames_record(f->frames, frame)->use == FRAME_TABLE) {
        ptab_release_table(f->pool, frame);
    } else {
        frames_release(f->frames, frame);
    }
}

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    struct err err;

    assert_non_null(f);
    memset(f->list, 0xff, sizeof(f->list));
    assert_true(gmem_create(&f->mem, BLOCKS * LARGE_BYTES, &err));
    assert_true(frames_create(&f->frames, &f->mem, &err));
    assert_true(ptab_pool_create(&f->pool, &f->mem, f->frames, true, &err));
    assert_true(ptab_create(&f->ptab, f->pool, &err));
    assert_true(edits_create(&f->edits, f->list, &err));
    edits_set_release(&f->edits, release, f);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;

    edits_destroy(&f->edits);
    ptab_destroy(&f->ptab);
    ptab_pool_destroy(f->pool);
    frames_destroy(f->frames);
    gmem_destroy(&f->mem);
    free(f);
    return 0;
}

static struct naive_walk look(const struct fixture *f, uint64_t va)
{
    return naive_walk(f->mem.hva, LAYOUT_RAM_BASE, f->mem.bytes, f->ptab.root.value, va);
}

static struct ptab_slot slot_of(const struct fixture *f, uint64_t entry_pa)
{
    return (struct ptab_slot){gmem_hva(&f->mem, gpa_of(entry_pa)), gpa_of(entry_pa), 1};
}

/* What the kernel stub does: up to the end mark, store through the tables window.  Its
 * translation is made by the naive walker, and must allow ring 0 to write. */
static unsigned carry_out(struct fixture *f)
{
    unsigned i = 0;
    bool pending;

    for (; f->list[i].entry != 0; i++) {
        struct naive_walk window = look(f, f->list[i].entry);
        assert_true(window.present && window.writable && !window.user);
        /* The latest edit of an entry is what memory has already; then the guest says it again. */
        pending = (i + 1 < f->edits.count && f->list[i + 1].entry == f->list[i].entry);
        assert_true(
            pending ||
            memcmp(f->mem.hva + (window.pa - LAYOUT_RAM_BASE), &f->list[i].value, 8) == 0);
        memcpy(f->mem.hva + (window.pa - LAYOUT_RAM_BASE), &f->list[i].value, 8);
    }
    return i;
}

static void drain(struct fixture *f)
{
    assert_int_equal(carry_out(f), f->edits.count);
    edits_done(&f->edits);
}

static uint32_t map_new_frame(struct fixture *f, uint64_t va, uint64_t bits)
{
    struct ptab_slot slot;
    uint32_t frame = frames_alloc(f->frames, FRAME_DATA);

    assert_true(frame != FRAMES_NONE);
    assert_true(ptab_prepare(&f->ptab, gva_of(va), 1, &slot));
    ptab_commit(&f->ptab, slot, frames_gpa(frame).value | bits);
    return frame;
}

/* Take the leaf at va away, with what it leaves empty. */
static void unmap(struct fixture *f, uint64_t va)
{
    struct ptab_walk walk;
    struct ptab_slot empty[3];

    ptab_walk(&f->ptab, gva_of(va), &walk);
    assert_true(walk.present);
    struct ptab_slot slot = {
        gmem_hva(&f->mem, walk.entry_gpa[walk.level]), walk.entry_gpa[walk.level], walk.level};
    unsigned count = ptab_forget(&f->ptab, gva_of(va), slot, empty);
    assert_true(edits_have_room(&f->edits, 1 + count, 1 + count));
    edits_add(&f->edits, slot, 0, gva_of(va));
    edits_release(
        &f->edits, frames_index(gpa_of(round_down(
                       walk.gpa.value, walk.level == 1 ? PAGE_BYTES : LARGE_BYTES))));
    for (unsigned i = 0; i < count; i++) {
        edits_release(&f->edits, frames_index(gpa_of(*empty[i].entry & PTE_ADDRESS)));
        edits_add(&f->edits, empty[i], 0, gva_of(va));
    }
}

static void test_edits_list_of_none_has_its_end_mark(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(f->edits.count, 0);
    assert_int_equal(carry_out(f), 0);
    edits_done(&f->edits);
    assert_int_equal(f->edits.total, 0);
}

static void test_edits_add_fills_in_what_the_guest_reads(void **state)
{
    struct fixture *f = *state;
    uint32_t frame = map_new_frame(f, 0x400000, LEAF | PTE_WRITABLE);
    struct naive_walk before = look(f, 0x400000);

    struct ptab_slot slot = slot_of(f, before.entry_pa);

    assert_false(edits_hold(&f->edits, slot.entry_gpa));
    edits_add(&f->edits, slot, before.entry & ~PTE_WRITABLE, gva_of(0x400000));
    assert_true(edits_hold(&f->edits, slot.entry_gpa));
    assert_false(edits_hold(&f->edits, gpa_of(before.entry_pa + 8)));
    assert_int_equal(f->list[0].entry, 0xffff800000000000 + before.entry_pa - LAYOUT_RAM_BASE);
    assert_int_equal(f->list[0].value, frames_gpa(frame).value | LEAF);
    assert_int_equal(f->list[0].address, 0x400000);
    assert_int_equal(f->list[0].reserved, 0);
    assert_int_equal(f->list[1].entry, 0);
    assert_false(look(f, 0x400000).writable); /* here and now, for the host */
    drain(f);
    assert_false(look(f, 0x400000).writable);
    assert_int_equal(f->edits.total, 1);
    assert_int_equal(f->list[0].entry, 0);
}

static void test_edits_room_ends_with_the_list(void **state)
{
    struct fixture *f = *state;

    map_new_frame(f, 0x400000, LEAF);
    struct naive_walk walk = look(f, 0x400000);
    assert_true(edits_have_room(&f->edits, ABI_EDIT_CAPACITY, 0));
    assert_false(edits_have_room(&f->edits, ABI_EDIT_CAPACITY + 1, 0));
    assert_false(edits_have_room(&f->edits, UINT32_MAX, 0));
    assert_true(edits_have_room(&f->edits, 0, EDITS_RELEASED));
    assert_false(edits_have_room(&f->edits, 0, EDITS_RELEASED + 1));
    for (unsigned i = 0; i < ABI_EDIT_CAPACITY; i++) {
        assert_true(edits_have_room(&f->edits, 1, 0));
        edits_add(&f->edits, slot_of(f, walk.entry_pa), walk.entry, gva_of(0x400000));
    }
    assert_false(edits_have_room(&f->edits, 1, 0));
    assert_true(edits_have_room(&f->edits, 0, 0));
    assert_int_equal(f->list[ABI_EDIT_CAPACITY].entry, 0);
    assert_int_equal(carry_out(f), ABI_EDIT_CAPACITY);
    edits_done(&f->edits);
    assert_int_equal(f->edits.total, ABI_EDIT_CAPACITY);
    assert_true(edits_have_room(&f->edits, ABI_EDIT_CAPACITY, 0));
}

static void test_edits_release_keeps_frames_until_done(void **state)
{
    struct fixture *f = *state;
    uint64_t tables = ptab_pool_tables(f->pool);
    uint32_t frame = map_new_frame(f, 0x400000, LEAF);

    assert_int_equal(ptab_pool_tables(f->pool), tables + 3);
    unmap(f, 0x400000);
    assert_int_equal(frames_record(f->frames, frame)->references, 1);
    assert_int_equal(ptab_pool_tables(f->pool), tables + 3);
    assert_false(look(f, 0x400000).present);
    drain(f);
    assert_int_equal(frames_record(f->frames, frame)->use, FRAME_FREE);
    assert_int_equal(ptab_pool_tables(f->pool), tables);
    assert_int_equal(look(f, 0x400000).level, 4);
}

static void test_edits_release_drops_one_reference_of_a_shared_frame(void **state)
{
    struct fixture *f = *state;
    uint32_t frame = map_new_frame(f, 0x400000, LEAF);

    frames_record(f->frames, frame)->references = 2;
    unmap(f, 0x400000);
    drain(f);
    assert_int_equal(frames_record(f->frames, frame)->references, 1);
    assert_int_equal(frames_record(f->frames, frame)->use, FRAME_DATA);
}

static void test_edits_announcements_replace_the_list(void **state)
{
    struct fixture *f = *state;
    uint64_t *words = (uint64_t *)(void *)f->list;

    map_new_frame(f, 0x400000, LEAF);
    uint64_t table = look(f, 0x400000).entry_pa & ~UINT64_C(0xfff);
    assert_false(edits_pending(&f->edits));
    edits_announce(&f->edits, gpa_of(table + 8));
    edits_announce(&f->edits, gpa_of(table + 4088)); /* the same table */
    edits_announce(&f->edits, f->ptab.root);
    assert_true(edits_pending(&f->edits));
    edits_write_announcements(&f->edits);
    assert_int_equal(words[0], 0xffff800000000000 + table - LAYOUT_RAM_BASE);
    assert_int_equal(words[1], 0xffff800000000000 + f->ptab.root.value - LAYOUT_RAM_BASE);
    assert_int_equal(words[2], 0);
    edits_done(&f->edits);
    assert_false(edits_pending(&f->edits));
    assert_int_equal(f->edits.total, 2);
}

/* --- against a model --------------------------------------------------------------------- */

/*
 * 64 stretches of 2 MiB, spread so that they share tables at every level; each holds one large
 * leaf or small ones at eight places.
 */
#define STRETCHES 64
#define PLACES    8

struct model {
    uint64_t large[STRETCHES];
    uint64_t small[STRETCHES][PLACES];
};

static uint64_t stretch_va(unsigned stretch)
{
    static const uint64_t top[] = {0, 1, 170, 255};
    static const uint64_t third[] = {0, 1, 300, 511};
    static const uint64_t second[] = {0, 2, 510, 511};

    return top[stretch % 4] << 39 | third[stretch / 4 % 4] << 30 | second[stretch / 16] << 21;
}

static uint64_t place_va(unsigned stretch, unsigned place)
{
    static const uint64_t page[PLACES] = {0, 1, 2, 100, 255, 256, 510, 511};

    return stretch_va(stretch) + page[place] * 4096;
}

static void check_place(
    const struct fixture *f, const struct model *model, unsigned stretch, unsigned place)
{
    uint64_t va = place_va(stretch, place);
    uint64_t large = model->large[stretch];
    uint64_t entry = large != 0 ? large : model->small[stretch][place];
    struct naive_walk naive = look(f, va);
    struct ptab_walk walk;

    ptab_walk(&f->ptab, gva_of(va), &walk);
    assert_int_equal(naive.present, entry != 0);
    assert_int_equal(walk.present, entry != 0);
    assert_int_equal(walk.level, naive.level);
    assert_int_equal(walk.gpa.value, naive.pa);
    if (entry == 0) {
        return;
    }
    assert_int_equal(naive.entry, entry);
    assert_int_equal(
        naive.pa, large != 0 ? (entry & 0x000fffffffe00000) + va % LARGE_BYTES
                             : (entry & 0x000ffffffffff000));
    assert_int_equal(naive.writable, (entry & PTE_WRITABLE) != 0);
    assert_int_equal(walk.writable, naive.writable);
}

static bool has_small(const struct model *model, unsigned stretch)
{
    for (unsigned place = 0; place < PLACES; place++) {
        if (model->small[stretch][place] != 0) {
            return true;
        }
    }
    return false;
}

/* How many tables the model needs below the PML4. */
static uint64_t tables_needed(const struct model *model)
{
    bool has[3][STRETCHES] = {{false}};
    uint64_t count = 0;

    for (unsigned s = 0; s < STRETCHES; s++) {
        if (model->large[s] != 0 || has_small(model, s)) {
            has[0][s] = has_small(model, s);
            has[1][s % 16] = true; /* PD */
            has[2][s % 4] = true;  /* PDPT */
        }
    }
    for (unsigned s = 0; s < STRETCHES; s++) {
        count += (uint64_t)has[0][s] + has[1][s] + has[2][s];
    }
    return count;
}

static void
step_map(struct fixture *f, struct model *model, unsigned stretch, unsigned place, bool large)
{
    struct ptab_slot slot;
    uint64_t *entry = large ? &model->large[stretch] : &model->small[stretch][place];
    bool blocked = large ? has_small(model, stretch) : model->large[stretch] != 0;

    if (*entry != 0) {
        assert_true(
            ptab_prepare(&f->ptab, gva_of(place_va(stretch, place)), large ? 2 : 1, &slot));
        assert_int_equal(*slot.entry, *entry);
        *entry |= PTE_WRITABLE;
        ptab_commit(&f->ptab, slot, *entry);
        return;
    }
    if (blocked) {
        assert_false(
            ptab_prepare(&f->ptab, gva_of(place_va(stretch, place)), large ? 2 : 1, &slot));
        return;
    }
    uint32_t frame =
        large ? frames_alloc_large(f->frames, FRAME_DATA) : frames_alloc(f->frames, FRAME_DATA);
    if (frame == FRAMES_NONE) {
        return;
    }
    *entry = frames_gpa(frame).value | LEAF | (large ? PTE_PAGE_SIZE : 0);
    assert_true(ptab_prepare(&f->ptab, gva_of(place_va(stretch, place)), large ? 2 : 1, &slot));
    ptab_commit(&f->ptab, slot, *entry);
}

struct sum {
    uint64_t leaves;
    uint64_t latest;
};

static bool add_leaf(void *context, struct gva address, struct ptab_slot slot)
{
    struct sum *sum = context;

    (void)slot;
    assert_true(sum->leaves == 0 || address.value > sum->latest);
    sum->leaves++;
    sum->latest = address.value;
    return true;
}

static void check_everything(struct fixture *f, const struct model *model, uint64_t base_tables)
{
    struct sum sum = {0};
    uint64_t leaves = 0;

    for (unsigned s = 0; s < STRETCHES; s++) {
        leaves += model->large[s] != 0;
        for (unsigned place = 0; place < PLACES; place++) {
            leaves += model->small[s][place] != 0;
            check_place(f, model, s, place);
        }
    }
    ptab_visit(&f->ptab, gva_of(0), gva_of(0x800000000000), add_leaf, &sum);
    assert_int_equal(sum.leaves, leaves);
    assert_int_equal(ptab_pool_tables(f->pool), base_tables + tables_needed(model));
}

static uint64_t next_random(uint64_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    return *seed;
}

static void test_edits_and_upgrades_agree_with_a_model(void **state)
{
    struct fixture *f = *state;
    struct model *model = calloc(1, sizeof(*model));
    uint64_t seed = 0x2545f4914f6cdd1d;
    uint64_t base_tables = ptab_pool_tables(f->pool);

    assert_non_null(model);
    for (unsigned step = 0; step < 20000; step++) {
        uint64_t r = next_random(&seed);
        unsigned stretch = (unsigned)(r >> 8) % STRETCHES;
        unsigned place = (unsigned)(r >> 20) % PLACES;
        uint64_t *entry =
            model->large[stretch] != 0 ? &model->large[stretch] : &model->small[stretch][place];
        /* Tides: mostly mapping, then mostly taking away, down to empty tables. */
        bool mapping = r % 100 < (step / 2500 % 2 == 0 ? 70U : 20U);

        if (mapping) {
            drain(f);
            step_map(f, model, stretch, place, (r >> 32) % 8 == 0);
        } else if (*entry != 0) {
            if (!edits_have_room(&f->edits, 4, 4)) {
                drain(f);
            }
            unmap(f, place_va(stretch, place));
            *entry = 0;
            /* Sometimes leave it to gather with others: nothing may map before the drain. */
            if ((r >> 40) % 4 == 0) {
                drain(f);
            }
        }
        if (f->edits.count == 0) {
            check_place(f, model, stretch, place);
        }
        if (step % 500 == 499) {
            drain(f);
            check_everything(f, model, base_tables);
        }
    }
    free(model);
}

int main(void)
{
#define WITH_FIXTURE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        WITH_FIXTURE(test_edits_list_of_none_has_its_end_mark),
        WITH_FIXTURE(test_edits_add_fills_in_what_the_guest_reads),
        WITH_FIXTURE(test_edits_room_ends_with_the_list),
        WITH_FIXTURE(test_edits_release_keeps_frames_until_done),
        WITH_FIXTURE(test_edits_release_drops_one_reference_of_a_shared_frame),
        WITH_FIXTURE(test_edits_announcements_replace_the_list),
        WITH_FIXTURE(test_edits_and_upgrades_agree_with_a_model),
    };
    return cmocka_run_group_tests_name("edits", tests, NULL, NULL);
}
