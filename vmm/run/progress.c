/* Registers and faults compared with those before; see progress.h. */
#include "run/progress.h"

#include <string.h>

#include "run/lab.h"

bool progress_is_made(struct lab *lab, const struct fault_record *record)
{
    if (record->address != lab->last_address || record->rip != lab->last_rip) {
        lab->last_address = record->address;
        lab->last_rip = record->rip;
        lab->repeats = 0;
        return true;
    }
    return ++lab->repeats < PROGRESS_REPEATS_MAX;
}

/* Those that say how far the program is. */
static void read_registers(struct lab *lab, struct registers *registers)
{
    machine_read_registers(lab->machine, registers);
    registers->rflags = 0; /* a fault sets RF there */
}

void progress_let_go(struct lab *lab)
{
    struct registers registers;

    if (lab->memory->config.limit_frames == UINT64_MAX) {
        return;
    }
    read_registers(lab, &registers);
    if (memcmp(&registers, &lab->last_registers, sizeof(registers)) != 0) {
        lab->last_registers = registers;
        pager_let_go(lab->pager);
    }
}

void progress_await_retry(struct lab *lab)
{
    read_registers(lab, &lab->retry_registers);
}

void progress_see_retry(struct lab *lab, enum machine_event event)
{
    struct registers registers;

    if (lab->pager->retry.space == NULL || event == MACHINE_INTERRUPTED) {
        return;
    }
    if (event != MACHINE_FAULT) {
        pager_end_retry(lab->pager, event == MACHINE_REQUEST);
        return;
    }
    read_registers(lab, &registers);
    pager_end_retry(
        lab->pager, memcmp(&registers, &lab->retry_registers, sizeof(registers)) != 0);
}
