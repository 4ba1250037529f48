/*
 * The kernel in the guest, whole: vector stubs, the system-call entry and the edit loop.  It only
 * forwards to the host; it knows nothing of programs, pages or policies.  On some hosts every
 * instruction here is interpreted (about 0.7 us each), so count them; and no SSE, no `int n`, no
 * string instruction, which that interpreter refuses.  The contract is include/abi.h.
 */
#include "abi.h"

        .section .text
        .globl  kernel_begin
kernel_begin:                           /* struct abi_kernel */
        .quad   ABI_KERNEL_MAGIC
        .long   ABI_VERSION
        .long   kernel_end - kernel_begin
        .irp n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
        .quad   vector_\n
        .endr
        .quad   syscall_entry
        .quad   trap_return
        .quad   syscall_return
        .quad   edit_and_return
        .quad   edit_and_report
        .quad   announce_and_report
        .quad   switch_and_report
        .quad   reload_and_report
        .quad   toggle_and_report

/*
 * #PF, the path that counts: six instructions from fault to retry.  The CPU has pushed its frame at
 * the end of the stack page; with rax it becomes struct abi_frame.
 */
        .balign 16
vector_14:
        push    %rax
        mov     %cr2, %rax
        out     %al, $ABI_PORT_FAULT
trap_return:
        pop     %rax
        add     $8, %rsp                /* the error code */
        iretq

/* Every other vector: its number instead of cr2, and a zero where there is no error code. */
        .macro  vector n
        .balign 16
vector_\n:
        .if     ((VECTORS_WITH_ERROR_CODE >> \n) & 1) == 0
        push    $0
        .endif
        push    %rax
        mov     $\n, %eax
        out     %al, $ABI_PORT_EXCEPTION
        jmp     trap_return
        .endm
        .irp n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
        vector  \n
        .endr

/*
 * `syscall`: rcx = rip, r11 = rflags, rsp still the program's, so nothing may touch the stack.  The
 * host puts the result into rax.  (Where `syscall` stays in ring 3 the fetch from here is a #PF
 * instead, which the host takes for the system call that it is.)
 */
        .balign 16
syscall_entry:
        out     %al, $ABI_PORT_SYSCALL
syscall_return:
        sysretq

/*
 * Carry the edit list out.  rsp points at a struct abi_frame (or below everything that matters);
 * rax is free, as the frame holds it.  invlpg drops the paging-structure caches too, whatever its
 * address (SDM volume 3, "Operations that Invalidate TLBs and Paging-Structure Caches").
 */
        .macro  carry_out_edits
        push    %rcx
        push    %rdx
        mov     $LAYOUT_EDITS, %rcx
        jmp     2f
1:      mov     ABI_EDIT_VALUE(%rcx), %rdx
        mov     %rdx, (%rax)
        mov     ABI_EDIT_ADDRESS(%rcx), %rax
        invlpg  (%rax)
        add     $ABI_EDIT_BYTES, %rcx
2:      mov     ABI_EDIT_ENTRY(%rcx), %rax
        test    %rax, %rax
        jnz     1b
        pop     %rdx
        pop     %rcx
        .endm

        .balign 16
edit_and_return:
        carry_out_edits
        jmp     trap_return

        .balign 16
edit_and_report:
        carry_out_edits
        out     %al, $ABI_PORT_EDITED
        ud2                             /* the host goes on elsewhere */

/*
 * The host has rewritten whole page tables: store eight bytes of each, as they are, across two
 * entries, and reload CR3.  A host that shadows page tables takes a table that is written like that
 * for something else, and drops all that it had derived from it; where it had let the table be
 * written unseen, the reload has it read the table again.  On other hosts the reload is what counts.
 * (A store within one entry is not enough; tests/kvm/test_rewrite.c holds the fact.)
 */
        .balign 16
announce_and_report:
        mov     $LAYOUT_EDITS, %rcx
        jmp     2f
1:      mov     4(%rax), %rdx
        mov     %rdx, 4(%rax)
        add     $8, %rcx
2:      mov     (%rcx), %rax
        test    %rax, %rax
        jnz     1b
        mov     %cr3, %rax
        mov     %rax, %cr3
        out     %al, $ABI_PORT_EDITED
        ud2                             /* the host goes on elsewhere */

/*
 * Other tables for another program, where the CPU tags translations (CR4.PCIDE; FSGSBASE too): rax
 * is CR3 with the tag and, in bit 63, whether what it has kept under that tag is still true.
 */
        .balign 16
switch_and_report:
        mov     %rax, %cr3
        wrfsbase %rcx
        wrgsbase %rdx
        out     %al, $ABI_PORT_EDITED
        ud2                             /* the host goes on elsewhere */

/*
 * What flushes whole TLBs, rcx times over, so that the price of one is told from that of coming here.
 * rax and rdx take turns: the same value twice for a plain reload, two tags, or a bit set and cleared.
 */
        .macro  load_in_turn register
1:      mov     %rax, %\register
        mov     %rdx, %\register
        sub     $1, %rcx
        jnz     1b
        out     %al, $ABI_PORT_EDITED
        ud2                             /* the host goes on elsewhere */
        .endm

        .balign 16
reload_and_report:
        load_in_turn cr3

        .balign 16
toggle_and_report:
        load_in_turn cr4

kernel_end:
        .globl  kernel_end
