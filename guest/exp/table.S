/*
 * Head of the image of measuring routines (struct exp_image), and the guest's way into ring 3 and
 * out of it.  It knows no routine by name: include/exp.h lists them.  Linked first, at EXP_TEXT.
 */
#include "exp.h"

        .section .text.head, "ax", @progbits
        .globl  exp_image, exp_enter
exp_image:
        .quad   EXP_MAGIC
        .long   EXP_VERSION
        .long   exp_image_end - exp_image
        .quad   exp_enter
#define EXP_ROUTINE(name) .quad exp_##name ;
        EXP_ROUTINES(EXP_ROUTINE)

/* The routine's address is the first word of struct exp_args. */
        .balign 16
exp_enter:
        movabs  $EXP_ARGS, %rdi
        call    *(%rdi)
        mov     $EXP_REQUEST_DONE, %eax
        syscall
        ud2

        .section .note.GNU-stack, "", @progbits
