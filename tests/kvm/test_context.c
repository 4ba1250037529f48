/*
 * Two programs on the one vCPU: what the exchange of state and tables rests on.  Each address
 * space shows a page of its own at the same address; registers, bases of segments and vector
 * registers go with the program; and an entry that is edited while another space is current is
 * seen when its own is loaded again, also where the CPU tags translations.
 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>

#include <cmocka.h>

#include "kvm/machine_private.h"
#include "kvm_ring.h"

#define CODE   UINT64_C(0x10000)
#define DATA   UINT64_C(0x40000000)
#define SPACES 2
#define ROUNDS 200

/* mov (%rdi),%al; movq %rbx,%xmm3; ud2; movq %xmm3,%rbx; ud2; jmp . */
static const uint8_t code[] = {0x8a, 0x07, 0x66, 0x48, 0x0f, 0x6e, 0xdb, 0x0f, 0x0b,
                               0x66, 0x48, 0x0f, 0x7e, 0xdb, 0x0f, 0x0b, 0xeb, 0xfe};
#define READ_BACK 9
#define SPIN      16

struct stage {
    struct machine *machine;
    struct ptab tables[SPACES];
    struct machine_context *context[SPACES];
    uint32_t frame[SPACES][2];
    uint64_t no_execute;
};

static uint8_t byte_of(unsigned space, unsigned which)
{
    return (uint8_t)(0x41 + 2 * space + which);
}

static uint32_t new_frame(struct stage *stage, int fill)
{
    uint32_t frame = frames_alloc_zeroed(machine_frames(stage->machine), FRAME_DATA);

    assert_int_not_equal(frame, FRAMES_NONE);
    memset(frames_hva(machine_frames(stage->machine), frame), fill, PAGE_BYTES);
    return frame;
}

static struct ptab_slot slot_of(struct stage *stage, unsigned space, uint64_t address)
{
    struct ptab_slot slot;

    assert_true(ptab_prepare(&stage->tables[space], gva_of(address), 1, &slot));
    return slot;
}

static uint64_t data_entry(const struct stage *stage, unsigned space, unsigned which)
{
    return frames_gpa(stage->frame[space][which]).value | PTE_PRESENT | PTE_USER |
           PTE_ACCESSED | stage->no_execute;
}

static void make_space(struct stage *stage, unsigned space, uint32_t text)
{
    struct err err;

    assert_true(ptab_create(&stage->tables[space], machine_pool(stage->machine), &err));
    ptab_commit(
        &stage->tables[space], slot_of(stage, space, CODE),
        frames_gpa(text).value | PTE_PRESENT | PTE_USER | PTE_ACCESSED);
    for (unsigned which = 0; which < 2; which++) {
        stage->frame[space][which] = new_frame(stage, byte_of(space, which));
    }
    ptab_commit(
        &stage->tables[space], slot_of(stage, space, DATA), data_entry(stage, space, 0));
    stage->context[space] = machine_context_create();
    assert_non_null(stage->context[space]);
    assert_true(machine_save(stage->machine, stage->context[space]));
    *machine_context_registers(stage->context[space]) = (struct registers){
        .rip = CODE,
        .rsp = CODE,
        .rdi = DATA,
        .rbx = UINT64_C(0x1111222233334444) * (space + 1),
        .r15 = space,
        .rflags = RFLAGS_FIXED};
}

static int set_up(void **state)
{
    struct stage *stage = calloc(1, sizeof(*stage));
    const struct machine_config config = {
        .kvm_path = KVM_DEVICE_PATH, .mem_bytes = UINT64_C(64) << 20};
    struct err err;

    assert_non_null(stage);
    assert_true(machine_create(&stage->machine, &config, &err));
    stage->no_execute = machine_cpu(stage->machine)->no_execute ? PTE_NO_EXECUTE : 0;
    uint32_t text = new_frame(stage, 0);
    memcpy(frames_hva(machine_frames(stage->machine), text), code, sizeof(code));
    assert_true(machine_start(stage->machine, gva_of(CODE), gva_of(CODE), &err));
    for (unsigned space = 0; space < SPACES; space++) {
        make_space(stage, space, text);
    }
    assert_true(machine_use_tables(stage->machine, &stage->tables[0], &err));
    *state = stage;
    return 0;
}

static int tear_down(void **state)
{
    struct stage *stage = *state;

    for (unsigned space = 0; space < SPACES; space++) {
        machine_context_destroy(stage->context[space]);
        ptab_destroy(&stage->tables[space]);
    }
    machine_destroy(stage->machine);
    free(stage);
    return 0;
}

static void load(struct stage *stage, unsigned space, bool stale)
{
    const struct machine_tables tables = {
        .root = stage->tables[space].root, .tag = space + 1, .stale = stale};

    machine_drain_edits(stage->machine);
    assert_true(machine_load(stage->machine, stage->context[space], &tables));
}

/* From its beginning: the byte that the program reads, with its registers as they were set. */
static int read_byte(struct stage *stage, unsigned space)
{
    struct machine_trap trap;
    struct registers registers;

    assert_int_equal(machine_run(stage->machine, &trap), MACHINE_EXCEPTION);
    assert_int_equal(trap.vector, VECTOR_UD);
    machine_read_registers(stage->machine, &registers);
    assert_int_equal(registers.r15, space);
    assert_int_equal(registers.rdi, DATA);
    return (int)(registers.rax & 0xff);
}

static void test_context_goes_with_its_tables(void **state)
{
    struct stage *stage = *state;

    for (unsigned round = 0; round < ROUNDS; round++) {
        unsigned space = round % SPACES;
        load(stage, space, round < SPACES);
        assert_int_equal(read_byte(stage, space), byte_of(space, 0));
    }
}

/* Each edits the other one's page while it is not current. */
static void test_context_sees_edits_made_while_it_was_away(void **state)
{
    struct stage *stage = *state;
    unsigned shown[SPACES] = {0};

    for (unsigned round = 0; round < ROUNDS; round++) {
        unsigned space = round % SPACES, other = 1 - space;
        load(stage, space, true);
        assert_int_equal(read_byte(stage, space), byte_of(space, shown[space]));
        shown[other] = 1 - shown[other];
        edits_add(
            machine_edits(stage->machine), slot_of(stage, other, DATA),
            data_entry(stage, other, shown[other]), gva_of(DATA));
    }
}

/* Its own edits are invalidated under its own tag: no flush is needed when it comes back. */
static void test_context_keeps_its_own_edits_without_a_flush(void **state)
{
    struct stage *stage = *state;

    for (unsigned round = 0; round < ROUNDS; round++) {
        unsigned space = round % SPACES;
        unsigned which = round / SPACES & 1;
        load(stage, space, round < SPACES);
        assert_int_equal(read_byte(stage, space), byte_of(space, which));
        edits_add(
            machine_edits(stage->machine), slot_of(stage, space, DATA),
            data_entry(stage, space, 1 - which), gva_of(DATA));
    }
}

static void test_context_keeps_vector_registers_and_bases(void **state)
{
    struct stage *stage = *state;
    struct machine_trap trap;
    struct registers registers;
    struct gva base;

    for (unsigned space = 0; space < SPACES; space++) {
        load(stage, space, true);
        assert_true(
            machine_set_fs_base(stage->machine, gva_of(UINT64_C(0x1000) * (space + 1))));
        assert_true(
            machine_set_gs_base(stage->machine, gva_of(UINT64_C(0x7000) * (space + 1))));
        (void)read_byte(stage, space);
        assert_true(machine_save(stage->machine, stage->context[space]));
    }
    for (unsigned round = 0; round < 10; round++) {
        unsigned space = round % SPACES;
        load(stage, space, round < SPACES);
        assert_true(machine_get_fs_base(stage->machine, &base));
        assert_int_equal(base.value, 0x1000 * (space + 1));
        assert_true(machine_get_gs_base(stage->machine, &base));
        assert_int_equal(base.value, 0x7000 * (space + 1));
        machine_read_registers(stage->machine, &registers);
        registers.rip = CODE + READ_BACK;
        registers.rbx = 0;
        machine_write_registers(stage->machine, &registers);
        assert_int_equal(machine_run(stage->machine, &trap), MACHINE_EXCEPTION);
        machine_read_registers(stage->machine, &registers);
        assert_int_equal(registers.rbx, UINT64_C(0x1111222233334444) * (space + 1));
    }
}

/* A program that spins is stopped by a signal, in ring 3 or on the way there, and goes on later. */
static void test_context_can_be_taken_over_from_ring_3(void **state)
{
    struct stage *stage = *state;
    const struct timespec at_once = {0};
    struct machine_trap trap;
    struct registers registers;
    sigset_t blocked, open;
    struct err err;

    sigemptyset(&blocked);
    sigaddset(&blocked, SIGALRM);
    assert_int_equal(sigprocmask(SIG_BLOCK, &blocked, &open), 0);
    sigdelset(&open, SIGALRM);
    assert_true(machine_set_signal_mask(stage->machine, &open, &err));
    const struct itimerval often = {.it_value.tv_usec = 5000, .it_interval.tv_usec = 5000};
    machine_context_registers(stage->context[0])->rip = CODE + SPIN;
    load(stage, 0, true);
    assert_int_equal(setitimer(ITIMER_REAL, &often, NULL), 0);
    for (unsigned taken = 0; taken < 10;) {
        assert_int_equal(machine_run(stage->machine, &trap), MACHINE_INTERRUPTED);
        (void)sigtimedwait(&blocked, NULL, &at_once);
        if (!machine_take_over(stage->machine)) {
            continue;
        }
        taken++;
        machine_read_registers(stage->machine, &registers);
        assert_int_equal(registers.rip, CODE + SPIN);
        assert_int_equal(registers.rdi, DATA);
        assert_true(machine_save(stage->machine, stage->context[0]));
        load(stage, 1, true);
        do {
            (void)sigtimedwait(&blocked, NULL, &at_once);
        } while (machine_run(stage->machine, &trap) == MACHINE_INTERRUPTED);
        machine_read_registers(stage->machine, &registers);
        assert_int_equal(registers.rax & 0xff, byte_of(1, 0));
        load(stage, 0, true);
    }
    const struct itimerval never = {.it_value.tv_usec = 0};
    assert_int_equal(setitimer(ITIMER_REAL, &never, NULL), 0);
    (void)sigtimedwait(&blocked, NULL, &at_once);
    assert_int_equal(sigprocmask(SIG_UNBLOCK, &blocked, NULL), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_context_goes_with_its_tables, set_up, tear_down),
        cmocka_unit_test_setup_teardown(
            test_context_sees_edits_made_while_it_was_away, set_up, tear_down),
        cmocka_unit_test_setup_teardown(
            test_context_keeps_its_own_edits_without_a_flush, set_up, tear_down),
        cmocka_unit_test_setup_teardown(
            test_context_keeps_vector_registers_and_bases, set_up, tear_down),
        cmocka_unit_test_setup_teardown(
            test_context_can_be_taken_over_from_ring_3, set_up, tear_down),
    };

    return kvm_ring_run("kvm/context", tests, sizeof(tests) / sizeof(tests[0]));
}
