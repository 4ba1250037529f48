/*
 * The floor: the smallest program that serves demand-zero faults in a KVM guest.  It builds one
 * address space of four levels, lets ring 3 touch pages, and at each fault writes one entry and
 * runs the guest again; it refuses to know regions, policies, records, limits and recovery, and
 * any surprise ends it.  What vmm takes beyond this is vmm's own: read bench/run for the
 * comparison.
 *
 *   floor PAGES [RAM_MIB]
 *
 * Prints "ready", then what the faults took as NAME=VALUE, a line each; with 0 pages only "ready".
 */
#include <fcntl.h>
#include <linux/kvm.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "abi.h"

#include "touch_pages.h"

/* The lower half of the guest.  Nothing is ever mapped at USER_CALL: touching its byte n is how
 * ring 3 calls the host, at the cost of one fault on every back end. */
#define USER_TEXT  0x10000
#define USER_STACK 0x20000
#define USER_CALL  0x30000
#define USER_TICKS 0x40000000
#define USER_PAGES 0x80000000        /* the start of a page directory */
#define PAGES_MAX  UINT64_C(0x40000) /* which covers as many */

enum { CALL_READY = 0, CALL_DONE = 1, CALL_EXIT = 2, CALL_BYTES = 2 };

#define TABLE_BITS (PTE_PRESENT | PTE_WRITABLE | PTE_USER | PTE_ACCESSED)
#define DATA_BITS  (TABLE_BITS | PTE_DIRTY)
#define CODE_BITS  (PTE_PRESENT | PTE_ACCESSED)

/*
 * What runs in the guest.  The six instructions around a fault are those of guest/kernel/kernel.S.
 * The program in ring 3 is entered with rdi, rsi and rdx as touch_pages wants them, its address in
 * rbp and USER_CALL in rbx; each call is an instruction of CALL_BYTES, which the host skips.
 */
__asm__(".pushsection .rodata\n"
        "stub:        push %rax\n"
        "             mov  %cr2, %rax\n"
        "             out  %al, $0x10\n" /* ABI_PORT_FAULT */
        "stub_return: pop  %rax\n"
        "             add  $8, %rsp\n"
        "             iretq\n"
        "stub_end:\n"
        "program:     mov  %al, (%rbx)\n" /* CALL_READY */
        "             call *%rbp\n"
        "             inc  %rbx\n"
        "             mov  %al, (%rbx)\n" /* CALL_DONE */
        "             inc  %rbx\n"
        "             mov  %al, (%rbx)\n" /* CALL_EXIT */
        "program_end:\n"
        ".popsection\n");
extern const uint8_t stub[], stub_return[], stub_end[], program[], program_end[];

struct floor {
    int kvm, vm, vcpu;
    struct kvm_run *run;
    uint8_t *ram;
    uint64_t ram_bytes;
    uint64_t next;           /* offset in ram of the next frame */
    uint64_t root;           /* offset of the PML4 */
    uint64_t *entries;       /* level-1 entries of the pages, all in a row */
    struct abi_frame *frame; /* end of the fault stack */
    uint32_t *ticks;
    uint64_t pages;
    uint64_t begin_ns, begin_cycles; /* at CALL_READY, for the length of a cycle */
};

_Noreturn static void fail(const char *what)
{
    perror(what);
    exit(1);
}

static int checked(int result, const char *what)
{
    if (result < 0) {
        fail(what);
    }
    return result;
}

/* The addresses may be those of different objects to the compiler: labels of an assembly text. */
static uint64_t distance(const uint8_t *from, const uint8_t *to)
{
    return (uintptr_t)to - (uintptr_t)from;
}

static uint64_t now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

/* --- memory and tables --- */

static uint64_t take_frame(struct floor *f)
{
    uint64_t frame = f->next;

    if (frame == f->ram_bytes) {
        fprintf(
            stderr, "floor: %llu MiB of RAM are used up\n",
            (unsigned long long)(f->ram_bytes >> 20));
        exit(1);
    }
    f->next += PAGE_BYTES;
    return frame;
}

/* The entry of an address at a level, with the tables above it. */
static uint64_t *find_entry(struct floor *f, uint64_t address, int level)
{
    uint64_t table = f->root;

    for (int at = 4;; at--) {
        uint64_t index = address >> (PAGE_SHIFT + 9 * (at - 1)) & (PTE_ENTRIES - 1);
        uint64_t *entry = (uint64_t *)(void *)(f->ram + table) + index;

        if (at == level) {
            return entry;
        }
        if (*entry == 0) {
            *entry = (LAYOUT_RAM_BASE + take_frame(f)) | TABLE_BITS;
        }
        table = (*entry & PTE_ADDRESS) - LAYOUT_RAM_BASE;
    }
}

/* Maps pages from address on, all frames in a row; returns where the host sees the first. */
static uint8_t *map_pages(struct floor *f, uint64_t address, uint64_t count, uint64_t bits)
{
    for (uint64_t i = 0; i < count; i += PTE_ENTRIES) {
        find_entry(f, address + i * PAGE_BYTES, 1); /* tables first: no frame in between */
    }
    uint64_t first = f->next;
    for (uint64_t i = 0; i < count; i++) {
        *find_entry(f, address + i * PAGE_BYTES, 1) = (LAYOUT_RAM_BASE + take_frame(f)) | bits;
    }
    return f->ram + first;
}

/* Tables for the pages to touch, in a row, so that an entry is found by its number alone. */
static void prepare_entries(struct floor *f)
{
    find_entry(f, USER_PAGES, 2);
    f->entries = (uint64_t *)(void *)(f->ram + f->next);
    for (uint64_t i = 0; i < f->pages; i += PTE_ENTRIES) {
        find_entry(f, USER_PAGES + i * PAGE_BYTES, 1);
    }
}

static void write_descriptors(uint64_t *page)
{
    uint64_t *gdt = page + LAYOUT_GDT_OFFSET / 8;
    uint8_t *tss = (uint8_t *)page + LAYOUT_TSS_OFFSET;
    uint64_t *gate = page + LAYOUT_IDT_OFFSET / 8 + 2 * (size_t)VECTOR_PF;
    const uint64_t rsp0 = LAYOUT_STACK + PAGE_BYTES;
    const uint16_t no_ports = 0xffff;

    gdt[LAYOUT_KERNEL_CS / 8] = UINT64_C(0x00af9b000000ffff);
    gdt[LAYOUT_KERNEL_SS / 8] = UINT64_C(0x00cf93000000ffff);
    gdt[LAYOUT_USER_SS / 8] = UINT64_C(0x00cff3000000ffff);
    gdt[LAYOUT_USER_CS / 8] = UINT64_C(0x00affb000000ffff);
    memcpy(tss + 4, &rsp0, sizeof(rsp0));
    memcpy(tss + 102, &no_ports, sizeof(no_ports));
    gate[0] = (LAYOUT_TEXT & 0xffff) | (uint64_t)LAYOUT_KERNEL_CS << 16 | UINT64_C(0x8e) << 40 |
              (LAYOUT_TEXT >> 16 & 0xffff) << 48;
    gate[1] = LAYOUT_TEXT >> 32;
}

static void build_guest(struct floor *f)
{
    const uint64_t tick_pages = (f->pages * sizeof(uint32_t) + PAGE_BYTES - 1) / PAGE_BYTES;
    const uint64_t program_bytes = distance(program, program_end);
    const uint8_t *touch = (const uint8_t *)(uintptr_t)touch_pages;

    f->root = take_frame(f);
    memcpy(map_pages(f, LAYOUT_TEXT, 1, CODE_BITS), stub, distance(stub, stub_end));
    write_descriptors((uint64_t *)(void *)map_pages(f, LAYOUT_DESCRIPTORS, 1, CODE_BITS));
    uint8_t *stack = map_pages(f, LAYOUT_STACK, 1, DATA_BITS & ~PTE_USER);
    f->frame = (struct abi_frame *)(void *)(stack + PAGE_BYTES) - 1;
    uint8_t *text = map_pages(f, USER_TEXT, 1, CODE_BITS | PTE_USER);
    memcpy(text, program, program_bytes);
    memcpy(text + program_bytes, touch, distance(touch, touch_pages_end));
    map_pages(f, USER_STACK, 1, DATA_BITS);
    f->ticks = (uint32_t *)(void *)map_pages(f, USER_TICKS, tick_pages, DATA_BITS);
    memset(f->ticks, 0, tick_pages * PAGE_BYTES);
    prepare_entries(f);
}

/* --- the machine --- */

static void create_machine(struct floor *f)
{
    f->kvm = checked(open("/dev/kvm", O_RDWR | O_CLOEXEC), "/dev/kvm");
    f->vm = checked(ioctl(f->kvm, KVM_CREATE_VM, 0L), "KVM_CREATE_VM");
    checked(ioctl(f->vm, KVM_SET_TSS_ADDR, 0xfffbd000L), "KVM_SET_TSS_ADDR");
    uint8_t *ram = mmap(
        NULL, f->ram_bytes + LARGE_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
        -1, 0);
    if (ram == MAP_FAILED) {
        fail("guest RAM");
    }
    f->ram = ram + (LARGE_BYTES - (uintptr_t)ram % LARGE_BYTES) % LARGE_BYTES;
    struct kvm_userspace_memory_region slot = {
        .guest_phys_addr = LAYOUT_RAM_BASE,
        .memory_size = f->ram_bytes,
        .userspace_addr = (uint64_t)f->ram};
    checked(ioctl(f->vm, KVM_SET_USER_MEMORY_REGION, &slot), "KVM_SET_USER_MEMORY_REGION");
    f->vcpu = checked(ioctl(f->vm, KVM_CREATE_VCPU, 0L), "KVM_CREATE_VCPU");
    int bytes = checked(ioctl(f->kvm, KVM_GET_VCPU_MMAP_SIZE, 0L), "KVM_GET_VCPU_MMAP_SIZE");
    f->run = mmap(NULL, (size_t)bytes, PROT_READ | PROT_WRITE, MAP_SHARED, f->vcpu, 0);
    if (f->run == MAP_FAILED) {
        fail("run page");
    }
    f->run->kvm_valid_regs = KVM_SYNC_X86_REGS;
}

static void set_cpuid(struct floor *f)
{
    struct kvm_cpuid2 *cpuid = calloc(1, sizeof(*cpuid) + 256 * sizeof(cpuid->entries[0]));

    if (cpuid == NULL) {
        fail("CPUID");
    }
    cpuid->nent = 256;
    checked(ioctl(f->kvm, KVM_GET_SUPPORTED_CPUID, cpuid), "KVM_GET_SUPPORTED_CPUID");
    checked(ioctl(f->vcpu, KVM_SET_CPUID2, cpuid), "KVM_SET_CPUID2");
    free(cpuid);
}

static void set_system_registers(struct floor *f)
{
    const struct kvm_segment unusable = {.unusable = 1};
    struct kvm_sregs s;

    checked(ioctl(f->vcpu, KVM_GET_SREGS, &s), "KVM_GET_SREGS");
    s.cs = (struct kvm_segment){
        .limit = 0xffffffff,
        .selector = LAYOUT_KERNEL_CS,
        .type = 11,
        .present = 1,
        .s = 1,
        .l = 1,
        .g = 1};
    s.ss = (struct kvm_segment){
        .limit = 0xffffffff,
        .selector = LAYOUT_KERNEL_SS,
        .type = 3,
        .present = 1,
        .s = 1,
        .db = 1,
        .g = 1};
    s.ds = s.es = s.fs = s.gs = s.ldt = unusable;
    s.tr = (struct kvm_segment){
        .base = LAYOUT_DESCRIPTORS + LAYOUT_TSS_OFFSET,
        .limit = LAYOUT_TSS_BYTES - 1,
        .selector = LAYOUT_TSS,
        .type = 11,
        .present = 1};
    s.gdt = (struct kvm_dtable){
        .base = LAYOUT_DESCRIPTORS + LAYOUT_GDT_OFFSET, .limit = LAYOUT_GDT_BYTES - 1};
    s.idt = (struct kvm_dtable){
        .base = LAYOUT_DESCRIPTORS + LAYOUT_IDT_OFFSET, .limit = LAYOUT_IDT_BYTES - 1};
    s.cr0 = CR0_PE | CR0_MP | CR0_ET | CR0_NE | CR0_WP | CR0_PG;
    s.cr3 = LAYOUT_RAM_BASE + f->root;
    s.cr4 = CR4_PAE | CR4_OSFXSR | CR4_OSXMMEXCPT;
    s.efer = EFER_LME | EFER_LMA;
    checked(ioctl(f->vcpu, KVM_SET_SREGS, &s), "KVM_SET_SREGS");
}

/* Enters ring 3 the way every fault does: by the second half of the stub. */
static void set_start(struct floor *f)
{
    struct kvm_regs regs = {
        .rip = LAYOUT_TEXT + distance(stub, stub_return),
        .rsp = LAYOUT_STACK + PAGE_BYTES - sizeof(struct abi_frame),
        .rflags = RFLAGS_FIXED,
        .rdi = USER_PAGES,
        .rsi = f->pages,
        .rdx = USER_TICKS,
        .rbp = USER_TEXT + distance(program, program_end),
        .rbx = USER_CALL};

    *f->frame = (struct abi_frame){
        .rip = USER_TEXT,
        .cs = LAYOUT_USER_CS,
        .rflags = RFLAGS_FIXED,
        .rsp = USER_STACK + PAGE_BYTES,
        .ss = LAYOUT_USER_SS};
    checked(ioctl(f->vcpu, KVM_SET_REGS, &regs), "KVM_SET_REGS");
}

/* --- serving --- */

static int compare_ticks(const void *a, const void *b)
{
    const uint32_t *left = a, *right = b;

    return (*left > *right) - (*left < *right);
}

static double quantile(const struct floor *f, uint64_t per_mille)
{
    uint64_t rank = f->pages * per_mille / 1000;

    return f->ticks[rank];
}

/* The figures in the form that guest/bench/pages.c prints too. */
static void print_figures(struct floor *f, uint64_t elapsed_ns, uint64_t elapsed_cycles)
{
    const double ns = (double)elapsed_ns / (double)elapsed_cycles;
    const uint64_t n = f->pages;

    qsort(f->ticks, n, sizeof(f->ticks[0]), compare_ticks);
    printf("pages=%llu\n", (unsigned long long)n);
    printf("min_ns=%.0f\n", f->ticks[0] * ns);
    printf("median_ns=%.0f\n", quantile(f, 500) * ns);
    printf("p99_ns=%.0f\n", quantile(f, 990) * ns);
    printf("mean_ns=%.0f\n", (double)elapsed_ns / (double)n);
}

/* Returns whether the guest goes on. */
static int serve_call(struct floor *f, uint64_t call)
{
    f->frame->rip += CALL_BYTES;
    if (call == CALL_READY) {
        printf("ready\n");
        fflush(stdout);
        f->begin_ns = now_ns();
        f->begin_cycles = touch_pages_clock();
    } else if (call == CALL_DONE && f->pages > 0) {
        uint64_t cycles = touch_pages_clock() - f->begin_cycles;
        print_figures(f, now_ns() - f->begin_ns, cycles);
    }
    return call != CALL_EXIT;
}

static void serve_faults(struct floor *f)
{
    const struct kvm_run *run = f->run;

    for (;;) {
        checked(ioctl(f->vcpu, KVM_RUN, 0L), "KVM_RUN");
        if (run->exit_reason != KVM_EXIT_IO || run->io.port != ABI_PORT_FAULT) {
            fprintf(stderr, "floor: unexpected KVM exit %u\n", run->exit_reason);
            exit(1);
        }
        uint64_t address = run->s.regs.regs.rax;
        uint64_t page = (address - USER_PAGES) >> PAGE_SHIFT;
        if (page < f->pages) {
            f->entries[page] = (LAYOUT_RAM_BASE + take_frame(f)) | DATA_BITS;
        } else if (address - USER_CALL > CALL_EXIT) {
            fprintf(stderr, "floor: fault at 0x%llx\n", (unsigned long long)address);
            exit(1);
        } else if (!serve_call(f, address - USER_CALL)) {
            return;
        }
    }
}

int main(int argc, char **argv)
{
    struct floor f = {0};

    if (argc < 2 || (f.pages = strtoull(argv[1], NULL, 0)) > PAGES_MAX) {
        fprintf(
            stderr, "usage: floor PAGES [RAM_MIB], at most %llu pages\n",
            (unsigned long long)PAGES_MAX);
        return 2;
    }
    f.ram_bytes = (argc > 2 ? strtoull(argv[2], NULL, 0) : 1024) << 20;
    create_machine(&f);
    build_guest(&f);
    set_cpuid(&f);
    set_system_registers(&f);
    set_start(&f);
    serve_faults(&f);
    return 0;
}
