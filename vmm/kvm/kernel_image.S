/* The guest kernel as a flat image, linked at LAYOUT_TEXT: data for vmm/kvm/machine.c. */
        .section .rodata
        .globl  kernel_image, kernel_image_end
        .balign 16
kernel_image:
        .incbin KERNEL_BIN
kernel_image_end:
        .section .note.GNU-stack, "", @progbits
