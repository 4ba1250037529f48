/*
 * The first instructions of a freestanding guest program: they turn the initial stack of the
 * System V ABI (argc, argv, envp) into a call of main, and main's value into the exit status.
 * They refuse to know the auxiliary vector, TLS and constructors: a program that wants those
 * links a libc instead.  Read start.h for the signature of main, then sys.h.
 */
#include <asm/unistd.h>

    .text
    .globl _start
    .type _start, @function
_start:
    xorl %ebp, %ebp /* marks the outermost frame for a debugger */
    movq (%rsp), %rdi
    leaq 8(%rsp), %rsi
    leaq 16(%rsp, %rdi, 8), %rdx /* argv ends in a NULL */
    andq $-16, %rsp
    call main
    movl %eax, %edi
    movl $__NR_exit_group, %eax
    syscall
    ud2 /* a host that lets exit_group return has a bug: end here, visibly */
    .size _start, . - _start

    .section .note.GNU-stack, "", @progbits
