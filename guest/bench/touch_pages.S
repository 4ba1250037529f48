/*
 * The measured loop itself: writes one byte of each of a run of pages and notes what each write
 * took.  It is position independent and uses registers alone, so that the very same bytes run as
 * a part of a guest program, under Linux, and in ring 3 of bench/floor.  Read touch_pages.h next.
 */
    .section .text.touch_pages, "ax", @progbits
    .globl touch_pages, touch_pages_end
    .type touch_pages, @function
touch_pages:
    testq %rsi, %rsi
    jz 2f
    movq %rdx, %r9 /* rdtsc wants rdx */
1:  lfence
    rdtsc
    movl %eax, %r8d /* 32 bits do: no fault takes 2^32 cycles */
    lfence
    movb $1, (%rdi)
    lfence
    rdtsc
    subl %r8d, %eax
    movl %eax, (%r9)
    addq $4, %r9
    addq $4096, %rdi
    decq %rsi
    jnz 1b
2:  ret
touch_pages_end:
    .size touch_pages, . - touch_pages

    .section .note.GNU-stack, "", @progbits
