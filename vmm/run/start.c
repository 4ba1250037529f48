/*
 * The first program's start: its file is read, loaded into the first address space, and the vCPU pointed
 * at its entry.  Read load/program.h for the loading, which exec shares.
 */
#include "load/program.h"
#include "run/lab.h"

bool lab_load(struct lab *lab, struct err *err)
{
    const struct program_machine *machine = &lab->processes.machine;
    const struct program_start start = {
        .arguments = (const char *const *)lab->config->program,
        .environment = lab->config->environment,
        .name = lab_program(lab->config)};
    struct program_entry entry;
    struct elf_image image;

    if (!elf_read(&image, start.name, program_top(machine), err)) {
        return false;
    }
    bool ok =
        program_load(&entry, &lab->processes.first->access, &image, machine, &start, err) &&
        machine_start(lab->machine, entry.rip, entry.rsp, err);
    elf_release(&image);
    return ok;
}
