/*
 * The contract between the host (vmm/) and what runs in the guest (guest/kernel, guest/lib, any
 * program): the ports by which the kernel stub reaches the host, the header of the kernel
 * image, the list of entry edits, and the laboratory's own requests.  Everything here is
 * versioned, and numbers are never reused.  Usable from C and from assembly; read
 * guest/kernel/kernel.S next.
 */
#ifndef ABI_H
#define ABI_H

#include "layout.h"

#define ABI_VERSION 1

/*
 * Ports.  Only ring 0 can reach one (the TSS has its I/O-permission base beyond its limit).  At
 * an exit from a port rip is *at* the `out` on some back ends and *behind* it on others, so the
 * host never computes from it: it either leaves rip alone or sets it to a label of struct
 * abi_kernel.
 */
#define ABI_PORT_FAULT     0x10 /* #PF: rax = cr2, frame on the stack */
#define ABI_PORT_EXCEPTION 0x11 /* any other vector: rax = the vector, frame on the stack */
#define ABI_PORT_SYSCALL   0x12 /* ring 3 executed `syscall`; rcx = rip, r11 = rflags */
#define ABI_PORT_EDITED    0x13 /* the edit list was carried out and the host asked to know */

/* The list of entry edits at LAYOUT_EDITS: ABI_EDIT_CAPACITY records, then zeros. */
#define ABI_EDIT_BYTES    32
#define ABI_EDIT_CAPACITY (LAYOUT_EDITS_BYTES / ABI_EDIT_BYTES - 1)
#define ABI_EDIT_ENTRY    0
#define ABI_EDIT_VALUE    8
#define ABI_EDIT_ADDRESS  16

/* "VMMKERN1" */
#define ABI_KERNEL_MAGIC X86_U64(0x314e52454b4d4d56)

/*
 * The laboratory's requests: `syscall` with the number in rax and arguments in rdi, rsi, rdx,
 * r10, as for a Linux system call; an error is returned as -errno.
 *
 * LAB_VERSION ()                           -> ABI_VERSION.  A Linux kernel answers -ENOSYS, so a
 *                                             program can tell whether it is in the laboratory.
 * LAB_PHASE   (const char *name)           -> 0.  Marks the start of a phase.  name: 1 to 63
 *                                             bytes of printable ASCII and a NUL, else -EINVAL.
 * LAB_RESULT  (const char *name, i64)      -> 0.  Reports one named figure; name as above.
 * LAB_WALK    (addr, struct lab_walk *)    -> 0.  What the page tables say of an address.
 * LAB_COUNTS  (struct lab_counts *)        -> 0.  Faults so far, by kind (enum fault_kind).
 * LAB_FRAMES  (u64 n)                      -> 0.  From now on programs have n frames beyond those
 *                                             that mlock keeps; what is more is evicted.  -EINVAL
 *                                             for 0, -ENOMEM where less can go.
 */
#define LAB_FIRST   0x1000
#define LAB_VERSION 0x1000
#define LAB_PHASE   0x1001
#define LAB_RESULT  0x1002
#define LAB_WALK    0x1003
#define LAB_COUNTS  0x1004
#define LAB_FRAMES  0x1005

#define LAB_NAME_BYTES 64 /* with the NUL */

#ifndef __ASSEMBLER__

/* First bytes of the kernel image, filled in by guest/kernel/kernel.S.  Addresses are virtual. */
struct abi_kernel {
    uint64_t magic;
    uint32_t version;
    uint32_t text_bytes;
    uint64_t vector[VECTOR_COUNT]; /* what the IDT points to */
    uint64_t syscall_entry;        /* LSTAR */
    uint64_t trap_return;         /* behind the `out` of a fault or exception: pop rax, iretq */
    uint64_t syscall_return;      /* behind the `out` of a system call: sysretq */
    uint64_t edit_and_return;     /* carry the edit list out, then as trap_return */
    uint64_t edit_and_report;     /* carry the edit list out, then ABI_PORT_EDITED */
    uint64_t announce_and_report; /* the list: addresses of tables; announce, ABI_PORT_EDITED */
    uint64_t switch_and_report;   /* load CR3 from rax, FS and GS base from rcx and rdx */
    uint64_t reload_and_report;   /* rcx times: load CR3 from rax, then from rdx */
    uint64_t toggle_and_report;   /* the same with CR4 */
};

/* One downgrade: store value at entry (an address in the tables window), then invlpg address.
 * entry == 0 ends the list. */
struct abi_edit {
    uint64_t entry;
    uint64_t value;
    uint64_t address;
    uint64_t reserved;
};
_Static_assert(sizeof(struct abi_edit) == ABI_EDIT_BYTES, "kernel.S steps by this");

/*
 * What is on the fault stack at an exit by ABI_PORT_FAULT or ABI_PORT_EXCEPTION: the saved rax
 * pushed by the stub, then what the CPU pushed (a zero stands for the error code where the
 * vector has none).  It ends at the end of the stack page, as ring 3 always enters by TSS.RSP0.
 */
struct abi_frame {
    uint64_t rax;
    uint64_t error_code;
    uint64_t rip;
    uint64_t cs;
    uint64_t rflags;
    uint64_t rsp;
    uint64_t ss;
};

/* Kinds of fault, by what they turned out to be; the numbers are part of the trace format. */
enum fault_kind {
    FAULT_DEMAND_ZERO = 0,    /* anonymous page, first touch */
    FAULT_STACK_GROWTH = 1,   /* as above, below the stack's lowest page so far */
    FAULT_FILE_LOAD = 2,      /* page with contents from a file, first touch */
    FAULT_COW_COPY = 3,       /* write to a shared frame of a private region */
    FAULT_COW_REUSE = 4,      /* as above, but no other sharer is left */
    FAULT_SWAP_IN = 5,        /* contents had been written to swap */
    FAULT_SAMPLING = 6,       /* the host had taken the page away to see a reference */
    FAULT_SPURIOUS = 7,       /* the tables allow the access: a stale translation */
    FAULT_UNMAPPED = 8,       /* no region there: SEGV_MAPERR */
    FAULT_READ_ONLY = 9,      /* write to a region that is not writable: SEGV_ACCERR */
    FAULT_NO_EXECUTE = 10,    /* fetch from a region that is not executable: SEGV_ACCERR */
    FAULT_NO_ACCESS = 11,     /* PROT_NONE or guard page: SEGV_ACCERR */
    FAULT_KERNEL_PAGE = 12,   /* ring 3 on the upper half: SEGV_MAPERR, as Linux says */
    FAULT_STACK_LIMIT = 13,   /* stack growth beyond its limit: SEGV_MAPERR */
    FAULT_OUT_OF_MEMORY = 14, /* no frame left: SIGKILL */
    FAULT_SHARED = 15,        /* page of a shared mapping that is in memory already */
    FAULT_KINDS = 16
};

struct lab_counts {
    uint64_t total;
    uint64_t minor;
    uint64_t major;
    uint64_t host; /* of the total: found by the host on behalf of a request */
    uint64_t by_kind[28];
};
_Static_assert(FAULT_KINDS <= 28, "lab_counts has room");

/* level[i] is level 4 - i; `levels` of them were read; the last one is a leaf, or not present. */
struct lab_walk {
    uint32_t levels;
    uint32_t page_bytes; /* size of the leaf, 0 where the walk fails */
    struct {
        uint64_t entry_gpa; /* where the entry is */
        uint64_t entry;
    } level[4];
    uint64_t gpa; /* the address translated, 0 where the walk fails */
};

#endif
#endif
