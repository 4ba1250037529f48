/*
 * A program's start: ELF segments become regions, the stack is written through the pager like
 * any other access, and the vCPU is pointed at the entry.  Nothing else is brought in: the
 * first instruction is the first fault.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "load/elf.h"
#include "load/stack.h"
#include "run/lab.h"

/* What Linux allows for arguments and environment at its default stack limit is a quarter of
 * it. */
#define START_FRACTION 4

static bool map_image(struct lab *lab, const struct elf_image *image, struct err *err)
{
    for (unsigned i = 0; i < image->count; i++) {
        const struct elf_range *range = &image->range[i];
        int error = space_add(lab->space, range->begin, range->end, &range->spec);
        if (error != 0) {
            return err_set(
                err, ERR_INPUT, "loading %s: 0x%llx-0x%llx: %s", lab->config->program[0],
                (unsigned long long)range->begin.value, (unsigned long long)range->end.value,
                strerror(error));
        }
    }
    lab->space->heap_begin = lab->space->heap_end = image->break_begin;
    return true;
}

static void
describe_start(const struct lab *lab, const struct elf_image *image, struct stack_input *input)
{
    const struct machine_cpu *cpu = machine_cpu(lab->machine);

    *input = (struct stack_input){
        .arguments = (const char *const *)lab->config->program,
        .environment = lab->config->environment,
        .exe = lab->config->program[0],
        .headers = image->headers,
        .header_count = image->header_count,
        .header_bytes = image->header_bytes,
        .entry = image->entry,
        .hwcap = cpu->hwcap,
        .hwcap2 = cpu->hwcap2,
        /* As Linux: the frame, the extended state and its alignment (arch/x86/kernel/signal.c). */
        .minimum_signal_bytes = cpu->xsave_bytes + 1024,
    };
    if (getrandom(input->random, sizeof(input->random), GRND_NONBLOCK) < 0) {
        memset(input->random, 0x5a, sizeof(input->random));
    }
}

/* The stack's top, built in a host buffer and written where the program will find it. */
static bool
write_stack(struct lab *lab, const struct stack_input *input, struct gva *rsp, struct err *err)
{
    const struct gva top = gva_of(LAYOUT_STACK_TOP);
    size_t bytes = lab->config->stack_bytes / START_FRACTION;
    uint8_t *buffer = malloc(bytes);

    if (buffer == NULL) {
        return err_set_errno(err, ERR_ENVIRONMENT, "initial stack");
    }
    bool ok = stack_build(input, buffer, bytes, top, rsp, err);
    if (ok) {
        size_t used = top.value - rsp->value;
        int error = space_place_stack(
            lab->space, top, round_up(used, PAGE_BYTES), lab->config->stack_bytes);
        if (error == 0) {
            error =
                access_write(&lab->processes.first->access, *rsp, buffer + bytes - used, used);
        }
        ok = error == 0 ||
             err_set(
                 err, ERR_ENVIRONMENT, "initial stack: %s; give more --mem", strerror(error));
    }
    free(buffer);
    return ok;
}

bool lab_load(struct lab *lab, struct err *err)
{
    const struct gva top =
        gva_of(LAYOUT_STACK_TOP - lab->config->stack_bytes - LAYOUT_STACK_GAP_BYTES);
    struct stack_input input;
    struct elf_image image;
    struct gva rsp = {0};

    if (!elf_read(&image, lab->config->program[0], top, err)) {
        return false;
    }
    describe_start(lab, &image, &input);
    bool ok = map_image(lab, &image, err) && write_stack(lab, &input, &rsp, err) &&
              machine_start(lab->machine, image.entry, rsp, err);
    elf_release(&image);
    return ok;
}
