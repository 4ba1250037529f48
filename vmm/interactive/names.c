/* Names in addresses: registers, the address that faulted, functions and variables of the program. */
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/path.h"
#include "interactive/console.h"

#define REGISTER(name)                                                                         \
    {                                                                                          \
        "$" #name, offsetof(struct registers, name)                                            \
    }

static const struct {
    const char *name;
    size_t offset;
} registers[] = {
    REGISTER(rax), REGISTER(rbx), REGISTER(rcx), REGISTER(rdx), REGISTER(rsi), REGISTER(rdi),
    REGISTER(rsp), REGISTER(rbp), REGISTER(r8),  REGISTER(r9),  REGISTER(r10), REGISTER(r11),
    REGISTER(r12), REGISTER(r13), REGISTER(r14), REGISTER(r15), REGISTER(rip), REGISTER(rflags),
};
#define REGISTERS (sizeof(registers) / sizeof(registers[0]))

static bool
find_register(const struct console *console, const char *name, uint64_t *value, struct err *err)
{
    struct registers now;

    if (strcmp(name, "$cr2") == 0) {
        if (console->stop.reason != STOP_FAULT) {
            return err_set(err, ERR_INPUT, "$cr2: the program does not stand at a fault");
        }
        *value = console->stop.record->address;
        return true;
    }
    console_registers(console, &now);
    for (size_t i = 0; i < REGISTERS; i++) {
        if (strcmp(name, registers[i].name) == 0) {
            memcpy(value, (const char *)&now + registers[i].offset, sizeof(*value));
            return true;
        }
    }
    return err_set(err, ERR_INPUT, "'%.32s' is no register ($rax to $r15, $rip, $cr2)", name);
}

struct program_source *console_source(struct console *console)
{
    const char *exe = console->lab->processes.current->exe;

    if (console->source_of == NULL || strcmp(console->source_of, exe) != 0) {
        program_source_close(console->source);
        free(console->source_of);
        console->source_of = strdup(exe);
        console->source = program_source_open(exe, &console->source_err);
    }
    return console->source;
}

/* Where the file's byte at an offset is in memory: the first region that shows it. */
static bool find_in_memory(const struct console *console, uint64_t offset, uint64_t *address)
{
    const char *file = path_base_name(console->lab->processes.current->exe);
    const struct region *region =
        regions_first_from(console_space(console)->regions, gva_of(0));

    for (; region != NULL; region = regions_next(region)) {
        const struct region_spec *spec = &region->spec;
        uint64_t bytes = region->end.value - region->begin.value;
        if (spec->backing != NULL && strcmp(spec->backing->name, file) == 0 &&
            offset >= spec->file_offset && offset - spec->file_offset < bytes &&
            offset - spec->file_offset < spec->file_bytes) {
            *address = region->begin.value + (offset - spec->file_offset);
            return true;
        }
    }
    return false;
}

static bool find_name(void *context, const char *name, uint64_t *value, struct err *err)
{
    struct console *console = context;
    uint64_t offset;

    if (name[0] == '$') {
        return find_register(console, name, value, err);
    }
    const struct program_source *source = console_source(console);
    if (source == NULL && console->source_err.kind == ERR_ENVIRONMENT) {
        *err = console->source_err;
        return err_prefix(err, "cannot look for '%.64s'", name);
    }
    if (source == NULL || !program_source_find_symbol(source, name, &offset) ||
        !find_in_memory(console, offset, value)) {
        return err_set(
            err, ERR_INPUT, "the program has no function or initialised variable '%.64s'",
            name);
    }
    return true;
}

struct parse_names console_names(struct console *console)
{
    return (struct parse_names){.find = find_name, .context = console};
}

bool console_address(
    struct console *console, const char *text, uint64_t *address, struct err *err)
{
    const struct parse_names names = console_names(console);

    return parse_address(text, &names, address, err);
}
