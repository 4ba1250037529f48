/*
 * The machine: set-up in the order that KVM wants, and tear-down in reverse.  The CPU's first
 * state is in cpu.c, the way in and out of ring 3 in machine_run.c.
 */
#include <cpuid.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "kvm/cpu.h"
#include "kvm/machine_private.h"
#include "kvm/open.h"

/* kernel_image.S */
extern const uint8_t kernel_image[];
extern const uint8_t kernel_image_end[];

struct gmem *machine_mem(struct machine *machine)
{
    return &machine->mem;
}

struct frames *machine_frames(struct machine *machine)
{
    return machine->frames;
}

struct ptab_pool *machine_pool(struct machine *machine)
{
    return machine->pool;
}

struct edits *machine_edits(struct machine *machine)
{
    return &machine->edits;
}

const struct machine_cpu *machine_cpu(const struct machine *machine)
{
    return &machine->cpu;
}

const struct abi_kernel *machine_kernel(const struct machine *machine)
{
    return &machine->kernel;
}

struct clock *machine_clock(struct machine *machine)
{
    return &machine->clock;
}

/* --- set-up --- */

static bool require(int vm, int capability, int bits, const char *name, struct err *err)
{
    int have = ioctl(vm, KVM_CHECK_EXTENSION, (long)capability);

    if (have <= 0 || (have & bits) != bits) {
        return err_set(
            err, ERR_ENVIRONMENT, "this KVM lacks %s, which vmm needs; see `vmm doctor`", name);
    }
    return true;
}

static bool open_vm(struct machine *machine, const char *kvm_path, struct err *err)
{
    if (!kvm_open(&machine->kvm, kvm_path, err)) {
        return false;
    }
    machine->vm = ioctl(machine->kvm, KVM_CREATE_VM, 0L);
    if (machine->vm < 0) {
        return err_set_errno(err, ERR_ENVIRONMENT, "KVM_CREATE_VM");
    }
    if (!require(machine->vm, KVM_CAP_USER_MEMORY, 0, "KVM_CAP_USER_MEMORY", err) ||
        !require(machine->vm, KVM_CAP_SYNC_REGS, KVM_SYNC_X86_REGS, "KVM_CAP_SYNC_REGS", err) ||
        !require(machine->vm, KVM_CAP_SET_TSS_ADDR, 0, "KVM_CAP_SET_TSS_ADDR", err)) {
        return false;
    }
    /* A VMX without unrestricted guest wants three pages for itself; others ignore it. */
    if (ioctl(machine->vm, KVM_SET_TSS_ADDR, 0xfffbd000L) < 0) {
        return err_set_errno(err, ERR_ENVIRONMENT, "KVM_SET_TSS_ADDR");
    }
    return true;
}

static bool add_memory(struct machine *machine, uint64_t bytes, struct err *err)
{
    if (!gmem_create(&machine->mem, bytes, err) ||
        !frames_create(&machine->frames, &machine->mem, err)) {
        return false;
    }
    struct kvm_userspace_memory_region slot = {
        .slot = 0,
        .guest_phys_addr = LAYOUT_RAM_BASE,
        .memory_size = bytes,
        .userspace_addr = (uint64_t)machine->mem.hva};
    if (ioctl(machine->vm, KVM_SET_USER_MEMORY_REGION, &slot) < 0) {
        return err_set_errno(
            err, ERR_ENVIRONMENT, "giving the guest %llu MiB of memory",
            (unsigned long long)(bytes >> 20));
    }
    return true;
}

/* The guest's counter is the host's: vmm never scales it, so its rate is the host's too. */
static void start_clock(struct machine *machine)
{
    unsigned eax, ebx, ecx, edx;
    /* APM volume 3, CPUID Fn8000_0007, bit 8 of edx; SDM volume 3, "Invariant TSC". */
    bool invariant =
        __get_cpuid(0x80000007, &eax, &ebx, &ecx, &edx) != 0 && (edx >> 8 & 1) != 0;
    int khz = invariant ? ioctl(machine->vcpu, KVM_GET_TSC_KHZ, 0L) : 0;

    clock_start(&machine->clock, khz > 0 ? (uint64_t)khz : 0);
}

static bool add_vcpu(struct machine *machine, struct err *err)
{
    machine->vcpu = ioctl(machine->vm, KVM_CREATE_VCPU, 0L);
    if (machine->vcpu < 0) {
        return err_set_errno(err, ERR_ENVIRONMENT, "KVM_CREATE_VCPU");
    }
    int bytes = ioctl(machine->kvm, KVM_GET_VCPU_MMAP_SIZE, 0L);
    if (bytes < (int)sizeof(struct kvm_run)) {
        return err_set_errno(err, ERR_ENVIRONMENT, "KVM_GET_VCPU_MMAP_SIZE");
    }
    void *run = mmap(NULL, (size_t)bytes, PROT_READ | PROT_WRITE, MAP_SHARED, machine->vcpu, 0);
    if (run == MAP_FAILED) {
        return err_set_errno(err, ERR_ENVIRONMENT, "mapping the vCPU's run page");
    }
    machine->run = run;
    machine->run_bytes = (size_t)bytes;
    machine->run->kvm_valid_regs = KVM_SYNC_X86_REGS;
    start_clock(machine);
    return cpu_set_cpuid(machine->kvm, machine->vcpu, &machine->cpu, err);
}

/* One page of the kernel window, on a fresh zeroed frame.  Accessed (and dirty where writable)
 * are set beforehand: the CPU need not write to these tables. */
static void *
map_kernel_page(struct machine *machine, struct ptab *ptab, uint64_t address, uint64_t bits)
{
    uint32_t index = frames_alloc_zeroed(machine->frames, FRAME_KERNEL);
    struct ptab_slot slot;

    if (index == FRAMES_NONE || !ptab_prepare(ptab, gva_of(address), 1, &slot)) {
        return NULL;
    }
    ptab_commit(
        ptab, slot, frames_gpa(index).value | PTE_PRESENT | PTE_ACCESSED | PTE_GLOBAL | bits);
    return frames_hva(machine->frames, index);
}

/* The edit list must be contiguous for the host too: its frames are taken as neighbours. */
static struct abi_edit *
map_edit_list(struct machine *machine, struct ptab *ptab, uint64_t no_execute)
{
    uint8_t *first = NULL;

    for (uint64_t offset = 0; offset < LAYOUT_EDITS_BYTES; offset += PAGE_BYTES) {
        uint8_t *page = map_kernel_page(machine, ptab, LAYOUT_EDITS + offset, no_execute);
        if (page == NULL || (first != NULL && page != first + offset)) {
            return NULL;
        }
        first = first == NULL ? page : first;
    }
    return (struct abi_edit *)(void *)first;
}

static bool copy_kernel_header(struct machine *machine, struct err *err)
{
    size_t bytes = (size_t)((uintptr_t)kernel_image_end - (uintptr_t)kernel_image);

    memcpy(&machine->kernel, kernel_image, sizeof(machine->kernel));
    if (machine->kernel.magic != ABI_KERNEL_MAGIC || machine->kernel.version != ABI_VERSION ||
        machine->kernel.text_bytes != bytes || bytes > LAYOUT_TEXT_BYTES) {
        return err_set(
            err, ERR_ENVIRONMENT,
            "the guest kernel in this vmm is not of its ABI version %d: rebuild it",
            ABI_VERSION);
    }
    return true;
}

/* The kernel window is common to all address spaces; `ptab` is only the first to show it. */
static bool install_kernel(struct machine *machine, struct ptab *ptab, struct err *err)
{
    const uint64_t no_execute = machine->cpu.no_execute ? PTE_NO_EXECUTE : 0;
    const uint64_t stack_bits = PTE_WRITABLE | PTE_DIRTY | no_execute;

    if (!copy_kernel_header(machine, err)) {
        return false;
    }
    struct abi_edit *list = map_edit_list(machine, ptab, no_execute);
    void *text = map_kernel_page(machine, ptab, LAYOUT_TEXT, 0);
    uint8_t *descriptors = map_kernel_page(machine, ptab, LAYOUT_DESCRIPTORS, no_execute);
    uint8_t *stack = map_kernel_page(machine, ptab, LAYOUT_STACK, stack_bits);
    uint8_t *ist = map_kernel_page(machine, ptab, LAYOUT_IST, stack_bits);
    if (list == NULL || text == NULL || descriptors == NULL || stack == NULL || ist == NULL) {
        return err_set(err, ERR_ENVIRONMENT, "guest memory is too small for the guest kernel");
    }
    memcpy(text, kernel_image, machine->kernel.text_bytes);
    cpu_write_descriptors(descriptors, &machine->kernel);
    machine->frame =
        (struct abi_frame *)(void *)(stack + PAGE_BYTES - sizeof(struct abi_frame));
    machine->ist_frame =
        (struct abi_frame *)(void *)(ist + PAGE_BYTES - sizeof(struct abi_frame));
    return edits_create(&machine->edits, list, err);
}

static bool
set_up(struct machine *machine, const struct machine_config *config, struct err *err)
{
    struct ptab first;

    if (!open_vm(machine, config->kvm_path, err) ||
        !add_memory(machine, config->mem_bytes, err) || !add_vcpu(machine, err)) {
        return false;
    }
    if (machine->cpu.physical_bits < 52 &&
        LAYOUT_RAM_BASE + config->mem_bytes > UINT64_C(1) << machine->cpu.physical_bits) {
        return err_set(
            err, ERR_ENVIRONMENT,
            "%llu MiB of guest memory do not fit %u physical address bits: give a smaller "
            "--mem",
            (unsigned long long)(config->mem_bytes >> 20), machine->cpu.physical_bits);
    }
    if (!ptab_pool_create(
            &machine->pool, &machine->mem, machine->frames, machine->cpu.no_execute, err) ||
        !ptab_create(&first, machine->pool, err)) {
        return false;
    }
    bool ok = install_kernel(machine, &first, err) &&
              cpu_set_state(machine->vcpu, &machine->cpu, &machine->kernel, first.root, err);
    ptab_destroy(&first);
    return ok;
}

bool machine_create(
    struct machine **machine, const struct machine_config *config, struct err *err)
{
    struct machine *made = calloc(1, sizeof(*made));

    *machine = NULL;
    if (made == NULL) {
        return err_set_errno(err, ERR_ENVIRONMENT, "machine");
    }
    made->kvm = made->vm = made->vcpu = -1;
    if (!set_up(made, config, err)) {
        machine_destroy(made);
        return false;
    }
    *machine = made;
    return true;
}

static void close_fd(int fd)
{
    if (fd >= 0) {
        close(fd);
    }
}

void machine_destroy(struct machine *machine)
{
    if (machine == NULL) {
        return;
    }
    edits_destroy(&machine->edits);
    ptab_pool_destroy(machine->pool);
    if (machine->run != NULL) {
        munmap(machine->run, machine->run_bytes);
    }
    close_fd(machine->vcpu);
    close_fd(machine->vm);
    close_fd(machine->kvm);
    frames_destroy(machine->frames);
    gmem_destroy(&machine->mem);
    free(machine);
}

bool machine_use_tables(struct machine *machine, const struct ptab *ptab, struct err *err)
{
    struct kvm_sregs sregs;
    struct lint_cpu lint = {
        .physical_bits = machine->cpu.physical_bits,
        .no_execute = machine->cpu.no_execute,
        .giant_pages = machine->cpu.giant_pages};

    if (!lint_tables(&machine->mem, machine->frames, ptab->root, &lint, err)) {
        return false;
    }
    if (ioctl(machine->vcpu, KVM_GET_SREGS, &sregs) < 0) {
        return err_set_errno(err, ERR_ENVIRONMENT, "KVM_GET_SREGS");
    }
    sregs.cr3 = ptab->root.value;
    if (ioctl(machine->vcpu, KVM_SET_SREGS, &sregs) < 0) {
        return err_set_errno(err, ERR_ENVIRONMENT, "KVM_SET_SREGS");
    }
    return true;
}

bool machine_start(struct machine *machine, struct gva rip, struct gva rsp, struct err *err)
{
    struct kvm_regs first = {
        .rip = machine->kernel.trap_return, .rsp = FRAME_ADDRESS, .rflags = RFLAGS_FIXED};

    *machine->frame = (struct abi_frame){
        .rip = rip.value,
        .cs = LAYOUT_USER_CS,
        .rflags = RFLAGS_RING3,
        .rsp = rsp.value,
        .ss = LAYOUT_USER_SS};
    machine->resume = machine->kernel.trap_return;
    if (ioctl(machine->vcpu, KVM_SET_REGS, &first) < 0) {
        return err_set_errno(err, ERR_ENVIRONMENT, "KVM_SET_REGS");
    }
    *machine_regs(machine) = first;
    return true;
}
