/*
 * The general registers of ring 3, as a value.  It knows neither KVM nor a frame in memory: the
 * machine fills it and loads it (kvm/machine.h), signals change it (linux/sigframe.h).
 */
#ifndef BASE_REGISTERS_H
#define BASE_REGISTERS_H

#include <stdint.h>

struct registers {
    uint64_t rax, rbx, rcx, rdx, rsi, rdi, rsp, rbp;
    uint64_t r8, r9, r10, r11, r12, r13, r14, r15;
    uint64_t rip, rflags;
};

/* Flags that ring 3 may set for itself; the rest (IOPL above all) never goes back to it. */
#define REGISTERS_USER_FLAGS UINT64_C(0x240dd5)

/* x87, SSE and extended state as XSAVE lays it out, not compacted (SDM volume 1, "XSAVE Area");
 * what KVM hands out has this size. */
#define XSTATE_BYTES 4096

#endif
