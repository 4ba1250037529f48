/* The trap flag, from its instruction to the trap behind it; see step.h. */
#include "interactive/step.h"

#include "interactive/console.h"
#include "watch/trap_flag.h"

static bool is_pushf(const struct console *console, uint64_t rip)
{
    uint8_t code[2];
    size_t got = console_peek(console, rip, code, sizeof(code));

    return (got > 0 && code[0] == 0x9c) || (got == 2 && code[0] == 0x66 && code[1] == 0x9c);
}

static bool is_syscall(const struct console *console, uint64_t rip)
{
    uint8_t code[2];

    return console_peek(console, rip, code, sizeof(code)) == 2 && code[0] == 0x0f &&
           code[1] == 0x05;
}

/* A `syscall` ends by its request, and goes without: some CPUs trap
 * behind it before the guest kernel has told the host (an emulated VMX was seen to). */
void step_begin(struct console *console)
{
    struct registers registers;

    console_registers(console, &registers);
    console->go.in_flight = true;
    console->go.own_flag = (registers.rflags & RFLAGS_TF) != 0;
    console->go.pushes_flags = is_pushf(console, registers.rip);
    if (is_syscall(console, registers.rip)) {
        return;
    }
    registers.rflags |= RFLAGS_TF;
    machine_write_registers(console->lab->machine, &registers);
}

void step_abandon(struct console *console)
{
    if (console->go.in_flight) {
        machine_set_trap_flag(console->lab->machine, console->go.own_flag);
        console->go.in_flight = false;
    }
}

/* pushf has stored the flag: the program must not find it. */
static void hide_pushed_flag(const struct console *console)
{
    struct registers registers;

    console_registers(console, &registers);
    trap_flag_hide_pushed(console_space(console), gva_of(registers.rsp));
}

void step_see_request(struct console *console)
{
    struct go *go = &console->go;

    if (go->in_flight) {
        if (!go->own_flag) {
            machine_clear_trap_flag_of_request(console->lab->machine);
        }
        go->in_flight = false;
        go->done = true;
    }
}

bool step_see_exception(struct console *console, const struct machine_trap *trap)
{
    struct machine *machine = console->lab->machine;
    struct go *go = &console->go;

    if (!go->in_flight) {
        return false;
    }
    if (trap->vector != VECTOR_DB) {
        step_abandon(console);
        go->done = true;
        return false;
    }
    if (trap->rip == machine_kernel(machine)->syscall_entry) {
        /* Trapped on its way: the request comes next, and ends the step. */
        machine_set_trap_flag(machine, false);
        return true;
    }
    step_abandon(console);
    go->done = true;
    if (go->pushes_flags && !go->own_flag) {
        hide_pushed_flag(console);
    }
    return !go->own_flag;
}
