/*
 * The vCPU's state before its first instruction; see cpu.h.  It knows long mode, not the run
 * loop. Read machine.c next.
 */
#include "kvm/cpu.h"

#include <errno.h>
#include <linux/kvm.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#define CPUID_ENTRIES 256

struct cpuid_table {
    struct kvm_cpuid2 header;
    struct kvm_cpuid_entry2 entries[CPUID_ENTRIES];
};

static const struct kvm_cpuid_entry2 *
cpuid_leaf(const struct cpuid_table *table, uint32_t function, uint32_t index)
{
    static const struct kvm_cpuid_entry2 absent;

    for (uint32_t i = 0; i < table->header.nent; i++) {
        const struct kvm_cpuid_entry2 *entry = &table->entries[i];
        if (entry->function == function && entry->index == index) {
            return entry;
        }
    }
    return &absent;
}

/* CPUID leaf 0xD: state components that ring 3 may use without asking (SDM volume 1, "Managing
 * State Using the XSAVE Feature Set"): x87, SSE, AVX and AVX-512.  PKRU would need CR4.PKE, AMX
 * a permission, MPX is gone. */
#define XCR0_WANTED 0xe7u
#define XCR0_AVX512 0xe0u

static void read_xsave(const struct cpuid_table *table, struct machine_cpu *cpu)
{
    const struct kvm_cpuid_entry2 *d = cpuid_leaf(table, 0xd, 0);

    cpu->xsave = (cpuid_leaf(table, 1, 0)->ecx >> 26 & 1) != 0;
    cpu->xsave_bytes = 512 + 64;
    if (!cpu->xsave) {
        return;
    }
    cpu->xcr0 = d->eax & XCR0_WANTED;
    if ((cpu->xcr0 & XCR0_AVX512) != XCR0_AVX512) {
        cpu->xcr0 &= ~(uint64_t)XCR0_AVX512;
    }
    for (uint32_t i = 2; i < 8; i++) {
        const struct kvm_cpuid_entry2 *component = cpuid_leaf(table, 0xd, i);
        if ((cpu->xcr0 >> i & 1) != 0 && component->ebx + component->eax > cpu->xsave_bytes) {
            cpu->xsave_bytes = component->ebx + component->eax;
        }
    }
}

#define HWCAP2_FSGSBASE 0x2u

static void read_features(const struct cpuid_table *table, struct machine_cpu *cpu)
{
    const struct kvm_cpuid_entry2 *one = cpuid_leaf(table, 1, 0);
    const struct kvm_cpuid_entry2 *seven = cpuid_leaf(table, 7, 0);
    const struct kvm_cpuid_entry2 *extended = cpuid_leaf(table, 0x80000001, 0);
    unsigned bits = cpuid_leaf(table, 0x80000008, 0)->eax & 0xff;

    /* Without the leaf the architecture's minimum applies (SDM volume 3, "4-Level Paging"). */
    cpu->physical_bits = bits != 0 ? bits : 36;
    cpu->no_execute = (extended->edx >> 20 & 1) != 0;
    cpu->giant_pages = (extended->edx >> 26 & 1) != 0;
    cpu->fsgsbase = (seven->ebx & 1) != 0;
    cpu->smep = (seven->ebx >> 7 & 1) != 0;
    cpu->smap = (seven->ebx >> 20 & 1) != 0;
    cpu->hwcap = one->edx;
    cpu->hwcap2 = cpu->fsgsbase ? HWCAP2_FSGSBASE : 0;
    read_xsave(table, cpu);
}

bool cpu_set_cpuid(int kvm, int vcpu, struct machine_cpu *cpu, struct err *err)
{
    struct cpuid_table *table = calloc(1, sizeof(*table));
    bool ok = false;

    if (table == NULL) {
        return err_set_errno(err, ERR_ENVIRONMENT, "CPUID table");
    }
    table->header.nent = CPUID_ENTRIES;
    if (ioctl(kvm, KVM_GET_SUPPORTED_CPUID, table) < 0) {
        err_set_errno(err, ERR_ENVIRONMENT, "KVM_GET_SUPPORTED_CPUID");
        goto out;
    }
    if ((cpuid_leaf(table, 0x80000001, 0)->edx >> 29 & 1) == 0) {
        err_set(err, ERR_ENVIRONMENT, "this KVM offers no 64-bit guest (CPUID 0x80000001, LM)");
        goto out;
    }
    if (ioctl(vcpu, KVM_SET_CPUID2, table) < 0) {
        err_set_errno(err, ERR_ENVIRONMENT, "KVM_SET_CPUID2");
        goto out;
    }
    read_features(table, cpu);
    ok = true;
out:
    free(table);
    return ok;
}

/* Descriptor formats: SDM volume 3, "Segment Descriptors", "TSS Descriptor in 64-bit mode",
 * "64-Bit Mode IDT".  Accessed and busy bits are set beforehand, so that the page can be
 * read-only. */
static void write_gdt(uint64_t *gdt, uint64_t tss)
{
    gdt[LAYOUT_KERNEL_CS / 8] = UINT64_C(0x00af9b000000ffff);
    gdt[LAYOUT_KERNEL_SS / 8] = UINT64_C(0x00cf93000000ffff);
    gdt[LAYOUT_USER_SS / 8] = UINT64_C(0x00cff3000000ffff);
    gdt[LAYOUT_USER_CS / 8] = UINT64_C(0x00affb000000ffff);
    gdt[LAYOUT_TSS / 8] = (LAYOUT_TSS_BYTES - 1) | (tss & 0xffffff) << 16 |
                          UINT64_C(0x8b) << 40 | (tss >> 24 & 0xff) << 56;
    gdt[LAYOUT_TSS / 8 + 1] = tss >> 32;
}

static void write_tss(uint8_t *tss)
{
    const uint64_t rsp0 = LAYOUT_STACK + PAGE_BYTES;
    const uint64_t ist1 = LAYOUT_IST + PAGE_BYTES;
    /* Beyond the limit: then ring 3 reaches no port.  0 would mean "the bitmap is the TSS
     * itself", which a zeroed TSS allows (SDM volume 1, "I/O Permission Bit Map"). */
    const uint16_t io_base = 0xffff;

    memcpy(tss + 4, &rsp0, sizeof(rsp0));
    memcpy(tss + 36, &ist1, sizeof(ist1));
    memcpy(tss + 102, &io_base, sizeof(io_base));
}

#define GATE_INTERRUPT UINT64_C(0x8e)
#define GATE_DPL3      UINT64_C(0x60)

/* What may arrive while rsp is not the kernel's: #DB too, as a program's `mov ss` holds its trap
 * back over its `syscall`, to ring 0 (SDM volume 3, "Masking Exceptions and Interrupts When
 * Switching Stacks"; CVE-2018-8897). */
static bool wants_own_stack(unsigned vector)
{
    return vector == VECTOR_DF || vector == VECTOR_NMI || vector == VECTOR_MC ||
           vector == VECTOR_DB;
}

static void write_idt(uint64_t *idt, const struct abi_kernel *kernel)
{
    for (unsigned vector = 0; vector < VECTOR_COUNT; vector++) {
        uint64_t stub = kernel->vector[vector];
        uint64_t ist = wants_own_stack(vector) ? 1 : 0;
        uint64_t type = GATE_INTERRUPT;

        if (vector == VECTOR_BP || vector == VECTOR_OF) {
            type |= GATE_DPL3; /* int3 and into are for programs */
        }
        idt[2 * (size_t)vector] = (stub & 0xffff) | (uint64_t)LAYOUT_KERNEL_CS << 16 |
                                  ist << 32 | type << 40 | (stub >> 16 & 0xffff) << 48;
        idt[2 * (size_t)vector + 1] = stub >> 32;
    }
}

void cpu_write_descriptors(uint8_t *page, const struct abi_kernel *kernel)
{
    uint64_t gdt[LAYOUT_GDT_BYTES / 8] = {0};
    uint8_t tss[LAYOUT_TSS_BYTES] = {0};
    uint64_t idt[2 * VECTOR_COUNT] = {0};

    write_gdt(gdt, LAYOUT_DESCRIPTORS + LAYOUT_TSS_OFFSET);
    write_tss(tss);
    write_idt(idt, kernel);
    memcpy(page + LAYOUT_GDT_OFFSET, gdt, sizeof(gdt));
    memcpy(page + LAYOUT_TSS_OFFSET, tss, sizeof(tss));
    memcpy(page + LAYOUT_IDT_OFFSET, idt, sizeof(idt));
}

static uint64_t cr4_value(const struct machine_cpu *cpu)
{
    return CR4_PAE | CR4_OSFXSR | CR4_OSXMMEXCPT | (cpu->fsgsbase ? CR4_FSGSBASE : 0) |
           (cpu->xsave ? CR4_OSXSAVE : 0) | (cpu->smep ? CR4_SMEP : 0) |
           (cpu->smap ? CR4_SMAP : 0);
}

void cpu_fill_kernel_segments(struct kvm_sregs *sregs)
{
    sregs->cs = (struct kvm_segment){
        .limit = 0xffffffff,
        .selector = LAYOUT_KERNEL_CS,
        .type = 11,
        .present = 1,
        .s = 1,
        .l = 1,
        .g = 1};
    sregs->ss = (struct kvm_segment){
        .limit = 0xffffffff,
        .selector = LAYOUT_KERNEL_SS,
        .type = 3,
        .present = 1,
        .s = 1,
        .db = 1,
        .g = 1};
}

static void fill_segments(struct kvm_sregs *sregs)
{
    const struct kvm_segment unusable = {.unusable = 1};

    cpu_fill_kernel_segments(sregs);
    sregs->ds = sregs->es = sregs->fs = sregs->gs = sregs->ldt = unusable;
    sregs->tr = (struct kvm_segment){
        .base = LAYOUT_DESCRIPTORS + LAYOUT_TSS_OFFSET,
        .limit = LAYOUT_TSS_BYTES - 1,
        .selector = LAYOUT_TSS,
        .type = 11, /* busy: VMX insists */
        .present = 1};
    sregs->gdt = (struct kvm_dtable){
        .base = LAYOUT_DESCRIPTORS + LAYOUT_GDT_OFFSET, .limit = LAYOUT_GDT_BYTES - 1};
    sregs->idt = (struct kvm_dtable){
        .base = LAYOUT_DESCRIPTORS + LAYOUT_IDT_OFFSET, .limit = LAYOUT_IDT_BYTES - 1};
}

static bool
set_system_registers(int vcpu, const struct machine_cpu *cpu, struct gpa root, struct err *err)
{
    struct kvm_sregs sregs;

    if (ioctl(vcpu, KVM_GET_SREGS, &sregs) < 0) {
        return err_set_errno(err, ERR_ENVIRONMENT, "KVM_GET_SREGS");
    }
    fill_segments(&sregs);
    sregs.cr0 = CR0_PE | CR0_MP | CR0_ET | CR0_NE | CR0_WP | CR0_AM | CR0_PG;
    sregs.cr3 = root.value;
    sregs.cr4 = cr4_value(cpu);
    sregs.efer = EFER_SCE | EFER_LME | EFER_LMA | (cpu->no_execute ? EFER_NXE : 0);
    if (ioctl(vcpu, KVM_SET_SREGS, &sregs) < 0) {
        return err_set_errno(err, ERR_ENVIRONMENT, "KVM_SET_SREGS");
    }
    return true;
}

static bool set_msrs(int vcpu, const struct abi_kernel *kernel, struct err *err)
{
    struct {
        struct kvm_msrs header;
        struct kvm_msr_entry entries[3];
    } msrs = {.header = {.nmsrs = 3}};

    msrs.entries[0] = (struct kvm_msr_entry){
        .index = MSR_STAR,
        .data = (uint64_t)LAYOUT_SYSRET_BASE << 48 | (uint64_t)LAYOUT_KERNEL_CS << 32};
    msrs.entries[1] = (struct kvm_msr_entry){.index = MSR_LSTAR, .data = kernel->syscall_entry};
    msrs.entries[2] = (struct kvm_msr_entry){
        .index = MSR_SFMASK,
        .data = RFLAGS_TF | RFLAGS_IF | RFLAGS_DF | RFLAGS_IOPL | RFLAGS_NT | RFLAGS_AC};
    int set = ioctl(vcpu, KVM_SET_MSRS, &msrs);
    if (set < 0) {
        return err_set_errno(err, ERR_ENVIRONMENT, "KVM_SET_MSRS");
    }
    if (set != 3) {
        return err_set(
            err, ERR_ENVIRONMENT, "KVM refuses MSR 0x%x, which `syscall` needs",
            msrs.entries[set].index);
    }
    return true;
}

static bool set_fpu(int vcpu, const struct machine_cpu *cpu, struct err *err)
{
    /* As Linux starts a program: all exceptions masked, double-extended precision. */
    struct kvm_fpu fpu = {.fcw = 0x37f, .mxcsr = 0x1f80};

    if (ioctl(vcpu, KVM_SET_FPU, &fpu) < 0) {
        return err_set_errno(err, ERR_ENVIRONMENT, "KVM_SET_FPU");
    }
    if (!cpu->xsave) {
        return true;
    }
    struct kvm_xcrs xcrs = {.nr_xcrs = 1, .xcrs[0] = {.xcr = 0, .value = cpu->xcr0}};
    if (ioctl(vcpu, KVM_SET_XCRS, &xcrs) < 0) {
        return err_set_errno(
            err, ERR_ENVIRONMENT, "KVM_SET_XCRS 0x%llx", (unsigned long long)cpu->xcr0);
    }
    return true;
}

bool cpu_set_state(
    int vcpu,
    const struct machine_cpu *cpu,
    const struct abi_kernel *kernel,
    struct gpa root,
    struct err *err)
{
    return set_system_registers(vcpu, cpu, root, err) && set_msrs(vcpu, kernel, err) &&
           set_fpu(vcpu, cpu, err);
}
