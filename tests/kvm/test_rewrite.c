/*
 * What the edit list and the announcements rest on: how this KVM learns that a live page table has
 * changed.  The guest's own store of what the host has stored already is enough for one entry; a
 * store across two entries with a reload of CR3 is enough for a whole table that the host has
 * rewritten.  (A back end that shadows page tables sees nothing of the host's stores by themselves.)
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>

#include <cmocka.h>

#include "kvm/machine_private.h"
#include "kvm_ring.h"

#define CODE   UINT64_C(0x10000)
#define DATA   UINT64_C(0x40000000)
#define PAGES  16
#define ROUNDS 300

/* read: mov (%rdi),%al; ud2   write: mov %al,(%rdi); ud2 */
static const uint8_t code[] = {0x8a, 0x07, 0x0f, 0x0b, 0x88, 0x07, 0x0f, 0x0b};
#define WRITE_OFFSET 4

struct stage {
    struct machine *machine;
    struct ptab tables;
    uint64_t no_execute;
    uint32_t frame[2][PAGES]; /* page i of each set holds its own byte */
};

static uint8_t byte_of(unsigned set, unsigned page)
{
    return (uint8_t)(0x10 * (set + 1) + page);
}

static uint32_t new_frame(struct stage *stage, int fill)
{
    uint32_t frame = frames_alloc_zeroed(machine_frames(stage->machine), FRAME_DATA);

    assert_int_not_equal(frame, FRAMES_NONE);
    memset(frames_hva(machine_frames(stage->machine), frame), fill, PAGE_BYTES);
    return frame;
}

static struct ptab_slot slot_of(struct stage *stage, uint64_t address)
{
    struct ptab_slot slot;

    assert_true(ptab_prepare(&stage->tables, gva_of(address), 1, &slot));
    return slot;
}

static uint64_t page_address(unsigned page)
{
    return DATA + page * PAGE_BYTES;
}

static int set_up(void **state)
{
    struct stage *stage = calloc(1, sizeof(*stage));
    const struct machine_config config = {
        .kvm_path = KVM_DEVICE_PATH, .mem_bytes = UINT64_C(64) << 20};
    struct err err;

    assert_non_null(stage);
    assert_true(machine_create(&stage->machine, &config, &err));
    assert_true(ptab_create(&stage->tables, machine_pool(stage->machine), &err));
    stage->no_execute = machine_cpu(stage->machine)->no_execute ? PTE_NO_EXECUTE : 0;
    uint32_t text = new_frame(stage, 0);
    memcpy(frames_hva(machine_frames(stage->machine), text), code, sizeof(code));
    ptab_commit(
        &stage->tables, slot_of(stage, CODE), frames_gpa(text).value | PTE_PRESENT | PTE_USER);
    for (unsigned page = 0; page < PAGES; page++) {
        stage->frame[0][page] = new_frame(stage, byte_of(0, page));
        stage->frame[1][page] = new_frame(stage, byte_of(1, page));
        ptab_commit(
            &stage->tables, slot_of(stage, page_address(page)),
            frames_gpa(stage->frame[0][page]).value | PTE_PRESENT | PTE_USER | PTE_WRITABLE |
                stage->no_execute);
    }
    assert_true(machine_use_tables(stage->machine, &stage->tables, &err));
    *state = stage;
    return 0;
}

static int tear_down(void **state)
{
    struct stage *stage = *state;

    ptab_destroy(&stage->tables);
    machine_destroy(stage->machine);
    free(stage);
    return 0;
}

/* What ring 3 read, or -1 if it faulted. */
static int access_page(struct stage *stage, unsigned page, bool write, uint8_t value)
{
    struct machine *machine = stage->machine;
    struct machine_trap trap;

    *machine->frame = (struct abi_frame){
        .rax = value,
        .rip = CODE + (write ? WRITE_OFFSET : 0),
        .cs = LAYOUT_USER_CS,
        .rflags = RFLAGS_FIXED,
        .rsp = CODE,
        .ss = LAYOUT_USER_SS};
    *machine_regs(machine) = (struct kvm_regs){
        .rdi = page_address(page),
        .rip = machine->kernel.trap_return,
        .rsp = FRAME_ADDRESS,
        .rflags = RFLAGS_FIXED};
    machine->resume = machine->kernel.trap_return;
    machine_regs_changed(machine);
    enum machine_event event = machine_run(machine, &trap);
    if (event == MACHINE_FAULT) {
        assert_int_equal(trap.address.value, page_address(page));
        return -1;
    }
    assert_int_equal(event, MACHINE_EXCEPTION);
    assert_int_equal(trap.vector, VECTOR_UD);
    return (int)(machine->frame->rax & 0xff);
}

/* The entries of a round: which set, writable or not, some pages absent. */
static uint64_t entry_of(const struct stage *stage, unsigned round, unsigned page)
{
    if ((round + page) % 7 == 6) {
        return 0;
    }
    return frames_gpa(stage->frame[round & 1][page]).value | PTE_PRESENT | PTE_USER |
           stage->no_execute | ((round & 2) != 0 ? PTE_WRITABLE : 0);
}

static void check_round(struct stage *stage, unsigned round)
{
    for (unsigned page = 0; page < PAGES; page++) {
        uint64_t entry = entry_of(stage, round, page);
        uint8_t byte = byte_of(round & 1, page);
        int read = access_page(stage, page, false, 0);
        int written = access_page(stage, page, true, byte);

        assert_int_equal(read, entry != 0 ? byte : -1);
        assert_int_equal(written, (entry & PTE_WRITABLE) != 0 ? byte : -1);
    }
}

static void test_rewrite_is_seen_when_the_guest_stores_the_same_value(void **state)
{
    struct stage *stage = *state;
    struct edits *edits = machine_edits(stage->machine);

    for (unsigned round = 0; round < ROUNDS; round++) {
        for (unsigned page = 0; page < PAGES; page++) {
            edits_add(
                edits, slot_of(stage, page_address(page)), entry_of(stage, round, page),
                gva_of(page_address(page)));
        }
        check_round(stage, round);
    }
}

static void test_rewrite_of_a_table_is_seen_when_announced(void **state)
{
    struct stage *stage = *state;
    struct edits *edits = machine_edits(stage->machine);

    for (unsigned round = 0; round < ROUNDS; round++) {
        for (unsigned page = 0; page < PAGES; page++) {
            *slot_of(stage, page_address(page)).entry = entry_of(stage, round, page);
        }
        edits_announce(edits, slot_of(stage, DATA).entry_gpa);
        check_round(stage, round);
    }
}

/*
 * A frame exchanged under a read-only entry, by the host alone: the write that faulted and is tried
 * again finds the new one, and so does every read after it.  Other pages are read in between, as what
 * was translated before stays.
 */
static void test_rewrite_is_seen_by_the_write_that_is_tried_again(void **state)
{
    struct stage *stage = *state;

    for (unsigned round = 0; round < ROUNDS; round++) {
        unsigned page = round % PAGES, from = round / PAGES % 2;
        uint8_t written = (uint8_t)(0x80 + round % 64);
        struct ptab_slot slot = slot_of(stage, page_address(page));
        uint64_t bits = PTE_PRESENT | PTE_USER | stage->no_execute;

        edits_add(
            machine_edits(stage->machine), slot,
            frames_gpa(stage->frame[from][page]).value | bits, gva_of(page_address(page)));
        int before = access_page(stage, page, false, 0);
        assert_int_equal(access_page(stage, page, true, written), -1);
        *slot.entry = frames_gpa(stage->frame[!from][page]).value | bits | PTE_WRITABLE;
        assert_int_equal(access_page(stage, page, true, written), written);
        assert_int_equal(access_page(stage, page, false, 0), written);
        const uint8_t *old =
            frames_hva(machine_frames(stage->machine), stage->frame[from][page]);
        const uint8_t *new =
            frames_hva(machine_frames(stage->machine), stage->frame[!from][page]);
        assert_int_equal(*new, written);
        assert_int_equal(*old, before);
    }
}

/* A permission that an upper level takes away and gives back. */
static void test_rewrite_of_an_upper_level_is_seen_when_announced(void **state)
{
    struct stage *stage = *state;
    struct ptab_walk walk;

    ptab_walk(&stage->tables, gva_of(DATA), &walk);
    for (unsigned round = 0; round < 30; round++) {
        for (unsigned level = 2; level <= 4; level++) {
            uint64_t *entry = gmem_hva(machine_mem(stage->machine), walk.entry_gpa[level]);
            *entry &= ~PTE_WRITABLE;
            edits_announce(machine_edits(stage->machine), walk.entry_gpa[level]);
            assert_int_equal(access_page(stage, round % PAGES, true, 1), -1);
            assert_int_not_equal(access_page(stage, round % PAGES, false, 0), -1);
            *entry |= PTE_WRITABLE;
            edits_announce(machine_edits(stage->machine), walk.entry_gpa[level]);
            assert_int_equal(access_page(stage, round % PAGES, true, 1), 1);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            test_rewrite_is_seen_when_the_guest_stores_the_same_value, set_up, tear_down),
        cmocka_unit_test_setup_teardown(
            test_rewrite_is_seen_by_the_write_that_is_tried_again, set_up, tear_down),
        cmocka_unit_test_setup_teardown(
            test_rewrite_of_a_table_is_seen_when_announced, set_up, tear_down),
        cmocka_unit_test_setup_teardown(
            test_rewrite_of_an_upper_level_is_seen_when_announced, set_up, tear_down),
    };

    return kvm_ring_run("kvm/rewrite", tests, sizeof(tests) / sizeof(tests[0]));
}
