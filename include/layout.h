/*
 * Where things are in a guest: the halves of its virtual address space, the kernel window in
 * the upper half, selectors, and where guest-physical memory begins.  It refuses to know how
 * any of it is set up (vmm/kvm, vmm/paging).  Usable from C and from assembly; read abi.h next.
 */
#ifndef LAYOUT_H
#define LAYOUT_H

#include "x86.h"

/*
 * Guest RAM is one slot from 4 GiB on.  Below lie the pages that KVM itself may claim (the
 * three TSS pages for a VMX without unrestricted guest, the local APIC page): starting above
 * them leaves one slot without a hole, whatever --mem says.
 */
#define LAYOUT_RAM_BASE X86_U64(0x100000000)

/* Lower half: the program.  The last page stays free, so that the address after a `syscall` is
 * always canonical (sysret with a non-canonical rcx faults in ring 0 on Intel). */
#define LAYOUT_USER_BEGIN      X86_U64(0x10000) /* mmap_min_addr of a stock Linux */
#define LAYOUT_USER_END        X86_U64(0x7ffffffff000)
#define LAYOUT_STACK_TOP       X86_U64(0x7ffffffde000) /* end of the initial stack */
#define LAYOUT_PIE_BASE        X86_U64(0x555555554000) /* static PIE; as Linux without ASLR */
#define LAYOUT_STACK_GAP_BYTES X86_U64(0x100000)       /* 256 pages: Linux's stack_guard_gap */

/*
 * Kernel window: two entries of the PML4, the same in every address space, supervisor only.
 * Slot 511 holds the kernel's few pages; slot 256 shows the pages that hold page tables, so
 * that the guest itself can store the downgrades that the host lists (DESIGN: rules of paging).
 */
#define LAYOUT_KERNEL_BASE X86_U64(0xffffffff80000000)
/* Plus the offset of the table in guest RAM. */
#define LAYOUT_TABLES_BASE X86_U64(0xffff800000000000)

/* Pages of the kernel, in order from LAYOUT_KERNEL_BASE.  Below each stack is an absent page. */
#define LAYOUT_TEXT        (LAYOUT_KERNEL_BASE + 0x0000) /* r-x, LAYOUT_TEXT_BYTES */
#define LAYOUT_TEXT_BYTES  0x1000
#define LAYOUT_DESCRIPTORS (LAYOUT_KERNEL_BASE + 0x2000) /* r--: GDT, IDT, TSS */
#define LAYOUT_EDITS       (LAYOUT_KERNEL_BASE + 0x4000) /* r--: the list of entry edits */
#define LAYOUT_EDITS_BYTES 0x4000
#define LAYOUT_STACK       (LAYOUT_KERNEL_BASE + 0xa000) /* rw-: one page, TSS.RSP0 at its end */
#define LAYOUT_IST         (LAYOUT_KERNEL_BASE + 0xc000) /* rw-: one page, TSS.IST1 at its end */
#define LAYOUT_KERNEL_END  (LAYOUT_KERNEL_BASE + 0xd000)

/* Within the descriptor page. */
#define LAYOUT_GDT_OFFSET 0x000
#define LAYOUT_GDT_BYTES  0x048
#define LAYOUT_TSS_OFFSET 0x100
#define LAYOUT_TSS_BYTES  0x068
#define LAYOUT_IDT_OFFSET 0x200
#define LAYOUT_IDT_BYTES  (VECTOR_COUNT * 16)

/* Selectors, in the order that syscall and sysret imply (SDM volume 2, "SYSRET"); the same
 * numbers as Linux, which some programs look at. */
#define LAYOUT_KERNEL_CS   0x10
#define LAYOUT_KERNEL_SS   0x18
#define LAYOUT_SYSRET_BASE 0x23 /* STAR[63:48]: SS is +8, 64-bit CS is +16 */
#define LAYOUT_USER_SS     0x2b
#define LAYOUT_USER_CS     0x33
#define LAYOUT_TSS         0x38

#endif
