/* The lines that say why a program stands, and what was done about a fault. */
#include <inttypes.h>
#include <string.h>

#include "interactive/console.h"
#include "run/outcome.h"

static const char *access_words(uint8_t access)
{
    if ((access & RECORD_FETCH) != 0) {
        return "jumps to";
    }
    return (access & RECORD_WRITE) != 0 ? "writes to" : "reads";
}

static void print_region(FILE *out, const struct region *region)
{
    const struct region_spec *spec = &region->spec;

    fprintf(
        out, "%c%c%c %s", (spec->permissions & REGION_READ) != 0 ? 'r' : '-',
        (spec->permissions & REGION_WRITE) != 0 ? 'w' : '-',
        (spec->permissions & REGION_EXEC) != 0 ? 'x' : '-', breaks_region_name(region));
    if (spec->backing != NULL) {
        fprintf(out, " of %s", spec->backing->name);
    }
}

/* "fault 12: process 1 writes to 0x7ffff7ffa000 (rw- anonymous): demand-zero" */
static void print_fault(const struct console *console)
{
    const struct fault_record *record = console->stop.record;
    struct preview preview;

    preview_fault(console_space(console), gva_of(record->address), record->access, &preview);
    fprintf(
        console->out, "fault %" PRIu64 ": process %u %s 0x%" PRIx64 " (", console->faults,
        console_space(console)->process, access_words(record->access), record->address);
    if (preview.region != NULL) {
        print_region(console->out, preview.region);
    } else {
        fputs("no region", console->out);
    }
    fprintf(console->out, "): %s\n", record_kind_name(preview.kind));
}

static void print_place(struct console *console)
{
    struct registers now;
    char place[512], instruction[256];
    size_t length;

    console_registers(console, &now);
    where_describe(console, now.rip, place, sizeof(place));
    if (!where_instruction(console, now.rip, instruction, sizeof(instruction), &length)) {
        snprintf(instruction, sizeof(instruction), "(not in memory)");
    }
    fprintf(
        console->out, "  0x%" PRIx64 "%s%s: %s\n", now.rip, place[0] != '\0' ? " " : "", place,
        instruction);
}

void stop_print(struct console *console)
{
    switch (console->stop.reason) {
    case STOP_START:
        fprintf(
            console->out, "%s is loaded; help lists the commands\n",
            console->lab->processes.current->comm);
        break;
    case STOP_FAULT:
        print_fault(console);
        break;
    case STOP_STEP:
        fprintf(console->out, "process %d:\n", console->lab->processes.current->pid);
        break;
    case STOP_PLACE:
        fprintf(console->out, "process %d is there:\n", console->lab->processes.current->pid);
        break;
    case STOP_INTERRUPT:
        fprintf(console->out, "process %d stopped:\n", console->lab->processes.current->pid);
        break;
    }
    print_place(console);
}

void stop_print_result(struct console *console)
{
    const struct stop *stop = &console->stop;
    const struct fault_record *record = stop->record;

    if (stop->result == ANSWER_TOLD) {
        fprintf(
            console->out, "  => %s: %s\n", record_kind_name((enum fault_kind)record->kind),
            outcome_signal_name(stop->signal->number));
        return;
    }
    fprintf(
        console->out, "  => %s: %s", record_kind_name((enum fault_kind)record->kind),
        record_action_name((enum record_action)record->action));
    if (record->frame != RECORD_NO_FRAME) {
        fprintf(console->out, ", frame %" PRIu32, record->frame);
    }
    if (record->level > 1) {
        fprintf(console->out, " (2 MiB)");
    }
    if (record->around != 0) {
        fprintf(console->out, ", %u pages beside it", record->around);
    }
    if (record->evicted != RECORD_NO_FRAME) {
        fprintf(console->out, ", evicted frame %" PRIu32, record->evicted);
    }
    fputc('\n', console->out);
}
