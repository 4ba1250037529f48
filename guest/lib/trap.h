/*
 * Handlers of SIGSEGV and SIGBUS for freestanding programs: who called, where the access went,
 * and how the program may go on.  It refuses to know what a handler does.  Read
 * guest/prog/protect.c for its use.
 */
#ifndef TRAP_H
#define TRAP_H

#include <stdint.h>

/* The kernel's own headers, without a libc's. */
#include <asm/sigcontext.h>
#include <asm/siginfo.h>
#include <asm/signal.h>
#include <asm/ucontext.h>

/* si_addr is the address that was touched; the context is what the program goes on with. */
typedef void trap_handler(int number, siginfo_t *info, struct ucontext *context);

/* From now on this signal calls the handler.  Ends the program where that cannot be. */
void trap_catch(int number, trap_handler *handler);
/* From now on it ends the program. */
void trap_release(int number);

/*
 * Touch one byte so that a handler can leave the access out: it calls trap_skip.  trap_read gives
 * the byte, or TRAP_SKIPPED; trap_write 0 or TRAP_SKIPPED.
 */
#define TRAP_SKIPPED 0x100
int trap_read(uintptr_t address);
int trap_write(uintptr_t address, uint8_t value);

/* For handlers: the access of trap_read or trap_write that trapped is not tried again. */
void trap_skip(struct ucontext *context);

#endif
