/*
 * The x86-64 architecture as both sides need it: bits of control registers, page-table entries,
 * error codes, selectors and vectors.  It knows nothing of this project's choices (see layout.h
 * and abi.h for those) and is usable from C and from assembly.  Names and meanings: Intel SDM
 * volume 3, "Paging" and "Interrupt and Exception Handling"; AMD APM volume 2, "Page
 * Translation and Protection" and "Exceptions and Interrupts".
 */
#ifndef X86_H
#define X86_H

#ifdef __ASSEMBLER__
#define X86_U64(x) x
#else
#include <stdint.h>
#define X86_U64(x) UINT64_C(x)
#endif

/* Page-table entries.  Levels are 4 (PML4), 3 (PDPT), 2 (PD), 1 (PT). */
#define PTE_PRESENT      X86_U64(0x1)
#define PTE_WRITABLE     X86_U64(0x2)
#define PTE_USER         X86_U64(0x4)
#define PTE_PWT          X86_U64(0x8)
#define PTE_PCD          X86_U64(0x10)
#define PTE_ACCESSED     X86_U64(0x20)
#define PTE_DIRTY        X86_U64(0x40) /* leaf only */
#define PTE_PAGE_SIZE    X86_U64(0x80) /* levels 3 and 2: the entry is a leaf */
#define PTE_PAT          X86_U64(0x80) /* level 1 */
#define PTE_GLOBAL       X86_U64(0x100)
#define PTE_LARGE_PAT    X86_U64(0x1000) /* leaf at level 3 or 2 */
#define PTE_NO_EXECUTE   X86_U64(0x8000000000000000)
#define PTE_ADDRESS      X86_U64(0x000ffffffffff000)
#define PTE_ENTRIES      512
#define PAGE_SHIFT       12
#define PAGE_BYTES       X86_U64(0x1000)
#define LARGE_SHIFT      21
#define LARGE_BYTES      X86_U64(0x200000)
#define GIANT_SHIFT      30
#define GIANT_BYTES      X86_U64(0x40000000)
#define PML4_ENTRY_BYTES X86_U64(0x8000000000) /* what one entry at level 4 covers */

/* Error code of #PF: SDM volume 3, "Page-Fault Exceptions". */
#define PF_PRESENT  0x1 /* 0: not present, 1: protection */
#define PF_WRITE    0x2
#define PF_USER     0x4
#define PF_RESERVED 0x8
#define PF_FETCH    0x10
#define PF_PKEY     0x20

#define CR0_PE         X86_U64(0x1)
#define CR0_MP         X86_U64(0x2)
#define CR0_ET         X86_U64(0x10)
#define CR0_NE         X86_U64(0x20)
#define CR0_WP         X86_U64(0x10000)
#define CR0_AM         X86_U64(0x40000)
#define CR0_PG         X86_U64(0x80000000)
#define CR4_PAE        X86_U64(0x20)
#define CR4_PGE        X86_U64(0x80)
#define CR4_OSFXSR     X86_U64(0x200)
#define CR4_OSXMMEXCPT X86_U64(0x400)
#define CR4_FSGSBASE   X86_U64(0x10000)
#define CR4_PCIDE      X86_U64(0x20000)
#define CR4_OSXSAVE    X86_U64(0x40000)
#define CR4_SMEP       X86_U64(0x100000)
#define CR4_SMAP       X86_U64(0x200000)
#define CR3_NO_FLUSH   X86_U64(0x8000000000000000) /* of a mov to CR3, with CR4.PCIDE */
#define EFER_SCE       X86_U64(0x1)
#define EFER_LME       X86_U64(0x100)
#define EFER_LMA       X86_U64(0x400)
#define EFER_NXE       X86_U64(0x800)

#define RFLAGS_FIXED X86_U64(0x2)
#define RFLAGS_TF    X86_U64(0x100)
#define RFLAGS_IF    X86_U64(0x200)
#define RFLAGS_DF    X86_U64(0x400)
#define RFLAGS_IOPL  X86_U64(0x3000)
#define RFLAGS_NT    X86_U64(0x4000)
#define RFLAGS_AC    X86_U64(0x40000)

#define MSR_STAR    0xc0000081
#define MSR_LSTAR   0xc0000082
#define MSR_SFMASK  0xc0000084
#define MSR_FS_BASE 0xc0000100
#define MSR_GS_BASE 0xc0000101

/* Exception vectors: SDM volume 3, "Exception and Interrupt Vectors". */
#define VECTOR_DE    0
#define VECTOR_DB    1
#define VECTOR_NMI   2
#define VECTOR_BP    3
#define VECTOR_OF    4
#define VECTOR_BR    5
#define VECTOR_UD    6
#define VECTOR_NM    7
#define VECTOR_DF    8
#define VECTOR_TS    10
#define VECTOR_NP    11
#define VECTOR_SS    12
#define VECTOR_GP    13
#define VECTOR_PF    14
#define VECTOR_MF    16
#define VECTOR_AC    17
#define VECTOR_MC    18
#define VECTOR_XM    19
#define VECTOR_VE    20
#define VECTOR_CP    21
#define VECTOR_COUNT 32
/* Vectors whose delivery pushes an error code. */
#define VECTORS_WITH_ERROR_CODE X86_U64(0x60227d00) /* 8 10-14 17 21 29 30 */

#endif
