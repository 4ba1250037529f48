/* Segments become regions, the stack is built in a host buffer and written through the pager; see
 * program.h. */
#include "load/program.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "layout.h"

#include "load/stack.h"

/* What Linux allows for arguments and environment at its default stack limit is a quarter of
 * it. */
#define ROOM_FRACTION 4

size_t program_room(const struct program_machine *machine)
{
    return machine->stack_bytes / ROOM_FRACTION;
}

struct gva program_top(const struct program_machine *machine)
{
    return gva_of(LAYOUT_STACK_TOP - machine->stack_bytes - LAYOUT_STACK_GAP_BYTES);
}

static bool
map_image(struct space *space, const struct elf_image *image, const char *name, struct err *err)
{
    for (unsigned i = 0; i < image->count; i++) {
        const struct elf_range *range = &image->range[i];
        int error = space_add(space, range->begin, range->end, &range->spec);
        if (error != 0) {
            return err_set(
                err, ERR_INPUT, "loading %s: 0x%llx-0x%llx: %s", name,
                (unsigned long long)range->begin.value, (unsigned long long)range->end.value,
                strerror(error));
        }
    }
    space->heap_begin = space->heap_end = image->break_begin;
    return true;
}

static struct stack_input describe(
    const struct elf_image *image,
    const struct program_machine *machine,
    const struct program_start *start)
{
    struct stack_input input = {
        .arguments = start->arguments,
        .environment = start->environment,
        .exe = start->name,
        .headers = image->headers,
        .header_count = image->header_count,
        .header_bytes = image->header_bytes,
        .entry = image->entry,
        .hwcap = machine->hwcap,
        .hwcap2 = machine->hwcap2,
        /* As Linux: the frame, the extended state and its alignment (arch/x86/kernel/signal.c). */
        .minimum_signal_bytes = machine->xstate_bytes + 1024,
    };

    if (getrandom(input.random, sizeof(input.random), GRND_NONBLOCK) < 0) {
        memset(input.random, 0x5a, sizeof(input.random));
    }
    return input;
}

/* The stack's top, built in a host buffer and written where the program will find it. */
static bool write_stack(
    struct access *access,
    const struct program_machine *machine,
    const struct stack_input *input,
    struct gva *rsp,
    struct err *err)
{
    const struct gva top = gva_of(LAYOUT_STACK_TOP);
    size_t bytes = program_room(machine);
    uint8_t *buffer = malloc(bytes);

    if (buffer == NULL) {
        return err_set_errno(err, ERR_ENVIRONMENT, "initial stack");
    }
    bool ok = stack_build(input, buffer, bytes, top, rsp, err);
    if (ok) {
        size_t used = top.value - rsp->value;
        int error = space_place_stack(
            access->space, top, round_up(used, PAGE_BYTES), machine->stack_bytes);
        if (error == 0) {
            error = access_write(access, *rsp, buffer + bytes - used, used);
        }
        ok = error == 0 ||
             err_set(
                 err, ERR_ENVIRONMENT, "initial stack: %s; give more --mem", strerror(error));
    }
    free(buffer);
    return ok;
}

bool program_load(
    struct program_entry *entry,
    struct access *access,
    const struct elf_image *image,
    const struct program_machine *machine,
    const struct program_start *start,
    struct err *err)
{
    const struct stack_input input = describe(image, machine, start);

    entry->rip = image->entry;
    return map_image(access->space, image, start->name, err) &&
           write_stack(access, machine, &input, &entry->rsp, err);
}
