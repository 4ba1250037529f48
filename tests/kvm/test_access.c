/*
 * Every combination of present, writable, user and no-execute at each level, times read, write
 * and fetch, times ring 3 and ring 0: does this CPU (or this KVM, where it interprets) fault,
 * with which error code and CR2, and what becomes of the accessed and dirty bits?  Predicted by
 * paging_model.c.
 *
 * All tables exist before the first entry and are never changed in place, so that a
 * shadow-paging KVM needs no help.  An access that works ends at `ud2`: the same in both rings.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>

#include <cmocka.h>

#include "kvm/machine_private.h"
#include "kvm_ring.h"
#include "paging_model.h"

/* The eight settings of W, U, NX, and as the ninth an entry that is not present. */
#define SETTINGS     8
#define NOT_PRESENT  8
#define VARIANTS     9
#define FIRST_SLOT   8  /* slots 0 to 7 of a table are left alone */
#define SHARED_PAGES 64 /* frames that the leaves alias: few mappings each (rule 5) */
#define DATA_OFFSET  0x800
#define CODE_RING0   (LAYOUT_KERNEL_BASE + 0x10000)
#define CODE_RING3   UINT64_C(0x10000)

struct lab_of_bits {
    struct machine *machine;
    struct ptab tables;
    struct model_cpu cpu;
    uint32_t shared[SHARED_PAGES];
    uint32_t large;       /* a 2 MiB run */
    uint64_t leaf_offset; /* of `large` in a leaf of 1 GiB, which shows all of RAM; else 0 */
    unsigned checks;
    unsigned next_shared;
};

/* read: mov (%rdi),%al; ud2   write: mov %al,(%rdi); ud2   fetch: jmp *%rdi */
static const uint8_t code[] = {0x8a, 0x07, 0x0f, 0x0b, 0x88, 0x07, 0x0f, 0x0b, 0xff, 0xe7};
static const uint64_t code_offset[] = {[MODEL_READ] = 0, [MODEL_WRITE] = 4, [MODEL_FETCH] = 8};

static uint64_t setting_bits(unsigned setting)
{
    if (setting == NOT_PRESENT) {
        return 0;
    }
    return 1 | ((setting & 1) != 0 ? 2 : 0) | ((setting & 2) != 0 ? 4 : 0) |
           ((setting & 4) != 0 ? UINT64_C(1) << 63 : 0);
}

static uint64_t *table_at(struct lab_of_bits *lab, uint64_t gpa)
{
    return gmem_hva(machine_mem(lab->machine), gpa_of(gpa));
}

static uint64_t new_table(struct lab_of_bits *lab)
{
    uint32_t frame = frames_alloc_zeroed(machine_frames(lab->machine), FRAME_DATA);

    assert_int_not_equal(frame, FRAMES_NONE);
    return frames_gpa(frame).value;
}

static uint64_t leaf_address(struct lab_of_bits *lab, unsigned level)
{
    if (level == 1) {
        return frames_gpa(lab->shared[lab->next_shared++ % SHARED_PAGES]).value;
    }
    return level == 2 ? frames_gpa(lab->large).value : LAYOUT_RAM_BASE;
}

/* Fill `table` (of `level`) with the nine variants; the present ones lead down to `leaf_level`. */
static void build(struct lab_of_bits *lab, uint64_t table, unsigned level, unsigned leaf_level)
{
    for (unsigned setting = 0; setting < VARIANTS; setting++) {
        uint64_t target = 0;
        uint64_t size = 0;

        if (setting != NOT_PRESENT && level == leaf_level) {
            target = leaf_address(lab, level);
            size = level > 1 ? PTE_PAGE_SIZE : 0;
        } else if (setting != NOT_PRESENT) {
            target = new_table(lab);
            build(lab, target, level - 1, leaf_level);
        }
        table_at(lab, table)[FIRST_SLOT + setting] = target | size | setting_bits(setting);
    }
}

static void map_code(struct lab_of_bits *lab, uint64_t address, uint64_t bits)
{
    uint32_t frame = frames_alloc_zeroed(machine_frames(lab->machine), FRAME_DATA);
    struct ptab_slot slot;

    memcpy(frames_hva(machine_frames(lab->machine), frame), code, sizeof(code));
    assert_true(ptab_prepare(&lab->tables, gva_of(address), 1, &slot));
    ptab_commit(&lab->tables, slot, frames_gpa(frame).value | PTE_PRESENT | bits);
}

static void set_cr(struct lab_of_bits *lab, uint64_t cr3, uint64_t cr4_clear)
{
    struct kvm_sregs sregs;

    assert_int_equal(ioctl(lab->machine->vcpu, KVM_GET_SREGS, &sregs), 0);
    sregs.cr3 = cr3;
    sregs.cr4 &= ~cr4_clear;
    assert_int_equal(ioctl(lab->machine->vcpu, KVM_SET_SREGS, &sregs), 0);
    lab->cpu = (struct model_cpu){
        .nxe = (sregs.efer & EFER_NXE) != 0,
        .smep = (sregs.cr4 & CR4_SMEP) != 0,
        .smap = (sregs.cr4 & CR4_SMAP) != 0};
}

static void create(struct lab_of_bits *lab, uint64_t cr4_clear)
{
    const struct machine_config config = {
        .kvm_path = KVM_DEVICE_PATH, .mem_bytes = UINT64_C(64) << 20};
    struct err err;

    memset(lab, 0, sizeof(*lab));
    if (!machine_create(&lab->machine, &config, &err)) {
        fail_msg("%s", err.text);
    }
    assert_true(ptab_create(&lab->tables, machine_pool(lab->machine), &err));
    lab->large = frames_alloc_large_zeroed(machine_frames(lab->machine), FRAME_DATA);
    for (unsigned i = 0; i < SHARED_PAGES; i++) {
        lab->shared[i] = frames_alloc_zeroed(machine_frames(lab->machine), FRAME_DATA);
        /* Fetching from a page that allows it meets ud2 at once. */
        memcpy(frames_hva(machine_frames(lab->machine), lab->shared[i]), "\x0f\x0b", 2);
    }
    memcpy(frames_hva(machine_frames(lab->machine), lab->large), "\x0f\x0b", 2);
    map_code(lab, CODE_RING3, PTE_USER);
    map_code(lab, CODE_RING0, 0);
    set_cr(lab, lab->tables.root.value, cr4_clear);
}

static void destroy(struct lab_of_bits *lab)
{
    ptab_destroy(&lab->tables);
    machine_destroy(lab->machine);
}

struct seen {
    bool fault;
    uint32_t error_code;
    uint64_t cr2;
};

/* One access, by KVM_RUN alone; the stub reports what happened through its port. */
static struct seen
try_access(struct lab_of_bits *lab, uint64_t address, enum model_access access, bool user_mode)
{
    struct machine *machine = lab->machine;
    struct abi_frame *frame = machine->frame;
    uint64_t rip = (user_mode ? CODE_RING3 : CODE_RING0) + code_offset[access];
    struct kvm_regs regs = {.rdi = address, .rflags = RFLAGS_FIXED, .rsp = FRAME_ADDRESS};

    if (user_mode) {
        *frame = (struct abi_frame){
            .rip = rip,
            .cs = LAYOUT_USER_CS,
            .rflags = RFLAGS_FIXED,
            .rsp = CODE_RING3,
            .ss = LAYOUT_USER_SS};
        regs.rip = machine->kernel.trap_return;
    } else {
        regs.rip = rip;
        regs.rsp = LAYOUT_STACK + PAGE_BYTES; /* the CPU pushes the same frame from here */
    }
    machine->run->s.regs.regs = regs;
    machine_regs_changed(machine);
    assert_int_equal(ioctl(machine->vcpu, KVM_RUN, 0L), 0);
    assert_int_equal(machine->run->exit_reason, KVM_EXIT_IO);
    struct seen seen = {
        .fault = machine->run->io.port == ABI_PORT_FAULT,
        .error_code = (uint32_t)frame->error_code,
        .cr2 = machine_regs(machine)->rax};
    if (!seen.fault) {
        assert_int_equal(machine->run->io.port, ABI_PORT_EXCEPTION);
        assert_int_equal(machine_regs(machine)->rax, VECTOR_UD);
    }
    assert_int_equal(frame->cs & 3, user_mode ? 3 : 0);
    return seen;
}

/* The path of table entries to an address, by plain arithmetic. */
static unsigned read_path(struct lab_of_bits *lab, uint64_t address, uint64_t entries[4])
{
    uint64_t table = lab->tables.root.value;

    for (unsigned i = 0; i < 4; i++) {
        uint64_t index = address >> (39 - 9 * i) & 511;
        entries[i] = table_at(lab, table)[index];
        if ((entries[i] & 1) == 0 || (i > 0 && (entries[i] & 0x80) != 0)) {
            return i + 1;
        }
        table = entries[i] & UINT64_C(0x000ffffffffff000);
    }
    return 4;
}

static void check_bits_after(
    const uint64_t *before, const uint64_t *after, unsigned count, bool fault, bool write)
{
    for (unsigned i = 0; i < count; i++) {
        uint64_t changed = before[i] ^ after[i];
        assert_int_equal(changed & ~UINT64_C(0x60), 0); /* accessed and dirty, nothing else */
        if ((before[i] & 1) == 0) {
            assert_int_equal(changed, 0);
        } else if (!fault) {
            assert_true((after[i] & 0x20) != 0);
        }
    }
    /* Dirty: on the leaf, by a write that worked, and by nothing else. */
    if (fault || !write) {
        assert_int_equal((before[count - 1] ^ after[count - 1]) & 0x40, 0);
    } else {
        assert_true((after[count - 1] & 0x40) != 0);
    }
}

static void check_access(
    struct lab_of_bits *lab, uint64_t address, enum model_access access, bool user_mode)
{
    uint64_t before[4] = {0}, after[4] = {0};
    unsigned count = read_path(lab, address, before);
    struct model_result want = model_predict(&lab->cpu, before, count, access, user_mode);
    struct seen seen = try_access(lab, address, access, user_mode);

    if (seen.fault != want.fault ||
        (seen.fault && (seen.error_code != want.error_code || seen.cr2 != address))) {
        fail_msg(
            "%s of 0x%llx in ring %d (entries %llx %llx %llx %llx): fault %d error 0x%x cr2 "
            "0x%llx, the manual says fault %d error 0x%x",
            access == MODEL_READ ? "read" : (access == MODEL_WRITE ? "write" : "fetch"),
            (unsigned long long)address, user_mode ? 3 : 0, (unsigned long long)before[0],
            (unsigned long long)before[1], (unsigned long long)before[2],
            (unsigned long long)before[3], seen.fault, seen.error_code,
            (unsigned long long)seen.cr2, want.fault, want.error_code);
    }
    assert_int_equal(read_path(lab, address, after), count);
    check_bits_after(before, after, count, seen.fault, access == MODEL_WRITE);
    lab->checks++;
}

static void check_address(struct lab_of_bits *lab, uint64_t address)
{
    address += lab->leaf_offset;
    for (int user_mode = 1; user_mode >= 0; user_mode--) {
        /* Data away from the page's first bytes, which are code. */
        check_access(lab, address + DATA_OFFSET, MODEL_READ, user_mode != 0);
        check_access(lab, address, MODEL_FETCH, user_mode != 0);
        check_access(lab, address + DATA_OFFSET, MODEL_WRITE, user_mode != 0);
    }
}

/* Every address that a path of settings leads to; below an absent entry one is enough. */
static void
check_below(struct lab_of_bits *lab, uint64_t address, unsigned level, unsigned leaf_level)
{
    for (unsigned setting = 0; setting < VARIANTS; setting++) {
        uint64_t here = address | (uint64_t)(FIRST_SLOT + setting) << ptab_levels[level].shift;
        if (setting == NOT_PRESENT || level == leaf_level) {
            check_address(lab, here);
        } else {
            check_below(lab, here, level - 1, leaf_level);
        }
    }
}

static void check_all(unsigned leaf_level, uint64_t cr4_clear)
{
    struct lab_of_bits lab;

    create(&lab, cr4_clear);
    if (leaf_level == 3) {
        if (!machine_cpu(lab.machine)->giant_pages) {
            print_message("skipped: this KVM offers no 1 GiB pages (CPUID 0x80000001)\n");
            destroy(&lab);
            skip();
        }
        lab.leaf_offset = frames_gpa(lab.large).value - LAYOUT_RAM_BASE;
    }
    build(&lab, lab.tables.root.value, 4, leaf_level);
    check_below(&lab, 0, 4, leaf_level);
    print_message(
        "%u accesses to %s leaves, SMEP %d, SMAP %d: as the manual says\n", lab.checks,
        ptab_levels[leaf_level].name, lab.cpu.smep, lab.cpu.smap);
    destroy(&lab);
}

static void test_access_4k_leaf_is_as_the_manual_says(void **state)
{
    (void)state;
    check_all(1, 0);
}

static void test_access_2m_leaf_is_as_the_manual_says(void **state)
{
    (void)state;
    check_all(2, 0);
}

static void test_access_1g_leaf_is_as_the_manual_says(void **state)
{
    (void)state;
    check_all(3, 0);
}

static void test_access_2m_leaf_without_smep_and_smap_is_as_the_manual_says(void **state)
{
    (void)state;
    check_all(2, CR4_SMEP | CR4_SMAP);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_access_4k_leaf_is_as_the_manual_says),
        cmocka_unit_test(test_access_2m_leaf_is_as_the_manual_says),
        cmocka_unit_test(test_access_1g_leaf_is_as_the_manual_says),
        cmocka_unit_test(test_access_2m_leaf_without_smep_and_smap_is_as_the_manual_says),
    };

    return kvm_ring_run("kvm/access", tests, sizeof(tests) / sizeof(tests[0]));
}
