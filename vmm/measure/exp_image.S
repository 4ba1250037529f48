/* The measuring routines as a flat image, linked at EXP_TEXT: data for native.c and virtual.c. */
        .section .rodata
        .globl  exp_image_begin, exp_image_limit
        .balign 16
exp_image_begin:
        .incbin EXP_BIN
exp_image_limit:
        .section .note.GNU-stack, "", @progbits
