/* Where a program is: function, line, instruction; see console.h. */
#include <inttypes.h>
#include <string.h>

#include "base/path.h"
#include "interactive/console.h"
#include "interactive/handlers.h"

/* The offset in the program's own file; false: the address is not of it. */
static bool find_offset(const struct console *console, uint64_t address, uint64_t *offset)
{
    const struct region *region =
        regions_find(console_space(console)->regions, gva_of(address));

    if (region == NULL || region->spec.backing == NULL ||
        strcmp(
            region->spec.backing->name, path_base_name(console->lab->processes.current->exe)) !=
            0) {
        return false;
    }
    *offset = address - region->begin.value + region->spec.file_offset;
    return true;
}

void where_describe(struct console *console, uint64_t address, char *text, size_t bytes)
{
    const struct program_source *source = console_source(console);
    struct program_place place;
    uint64_t offset;

    text[0] = '\0';
    if (source == NULL || !find_offset(console, address, &offset) ||
        !program_source_find(source, offset, &place)) {
        return;
    }
    if (place.file[0] != '\0') {
        snprintf(
            text, bytes, "%s%s %s:%d", place.function, place.function[0] != '\0' ? "()" : "",
            place.file, place.line);
    } else {
        snprintf(text, bytes, "%s()", place.function);
    }
}

bool where_instruction(
    struct console *console, uint64_t address, char *text, size_t bytes, size_t *length)
{
    uint8_t code[DISASM_MAX_BYTES];
    size_t got = console_peek(console, address, code, sizeof(code));

    if (console->disasm == NULL) {
        console->disasm = disasm_create();
    }
    if (console->disasm == NULL || got == 0) {
        return false;
    }
    *length = disasm_one(console->disasm, code, got, address, text, bytes);
    return *length != 0;
}

static void print_file(const struct console *console, uint64_t address)
{
    const struct region *region =
        regions_find(console_space(console)->regions, gva_of(address));

    if (region == NULL) {
        fputs("  in no region\n", console->out);
        return;
    }
    fprintf(console->out, "  in %s", breaks_region_name(region));
    if (region->spec.backing != NULL) {
        fprintf(
            console->out, " of %s+0x%" PRIx64, region->spec.backing->name,
            address - region->begin.value + region->spec.file_offset);
    }
    fputc('\n', console->out);
}

enum verb_result where_stopped(struct console *console, const struct verb_words *words)
{
    struct registers now;
    char place[512], instruction[256];
    size_t length;

    (void)words;
    console_registers(console, &now);
    where_describe(console, now.rip, place, sizeof(place));
    fprintf(
        console->out, "0x%" PRIx64 " %s\n", now.rip,
        place[0] != '\0' ? place : "(no symbols: compile the program with -g)");
    print_file(console, now.rip);
    if (where_instruction(console, now.rip, instruction, sizeof(instruction), &length)) {
        fprintf(console->out, "  => %s (%zu bytes)\n", instruction, length);
    } else {
        fputs("  => the instruction is not in memory, or not one\n", console->out);
    }
    return VERB_STAY;
}
