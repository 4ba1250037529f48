/*
 * What a signal tells of a CPU exception; see exception.h.  Codes: Linux's arch/x86/kernel/traps.c;
 * vectors: SDM volume 3, "Exception and Interrupt Reference".
 */
#include "run/exception.h"

#include <signal.h>
#include <string.h>

/* Bits of the x87 status word and of MXCSR alike: invalid, denormal, division, overflow,
 * underflow, precision. */
static int code_of_float(unsigned raised)
{
    if ((raised & 0x01) != 0) {
        return FPE_FLTINV;
    }
    if ((raised & 0x04) != 0) {
        return FPE_FLTDIV;
    }
    if ((raised & 0x08) != 0) {
        return FPE_FLTOVF;
    }
    if ((raised & 0x12) != 0) {
        return FPE_FLTUND;
    }
    return (raised & 0x20) != 0 ? FPE_FLTRES : SI_KERNEL;
}

static int float_code(struct machine *machine, unsigned vector)
{
    uint8_t state[XSTATE_BYTES];
    uint16_t control, status;
    uint32_t mxcsr;

    if (!machine_read_xstate(machine, state)) {
        return SI_KERNEL;
    }
    if (vector == VECTOR_XM) {
        memcpy(&mxcsr, state + 24, sizeof(mxcsr));
        return code_of_float(
            mxcsr & ~(mxcsr >> 7) & 0x3f); /* masks are 7 bits above the flags */
    }
    memcpy(&control, state, sizeof(control));
    memcpy(&status, state + 2, sizeof(status));
    return code_of_float(status & ~(unsigned)control & 0x3f);
}

void exception_info(
    struct machine *machine, const struct machine_trap *trap, struct signal_info *info)
{
    info->code = SI_KERNEL;
    switch (trap->vector) {
    case VECTOR_DE:
        info->code = FPE_INTDIV;
        info->address = trap->rip;
        return;
    case VECTOR_DB:
        info->code = TRAP_TRACE;
        info->address = trap->rip;
        return;
    case VECTOR_UD:
        info->code = ILL_ILLOPN;
        info->address = trap->rip;
        return;
    case VECTOR_AC:
        info->code = BUS_ADRALN;
        return;
    case VECTOR_MF:
    case VECTOR_XM:
        info->code = float_code(machine, trap->vector);
        info->address = trap->rip;
        return;
    default: /* Linux tells no address where the CPU gives none */
        return;
    }
}
