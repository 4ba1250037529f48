/* The prompt; see console.h. */
#include "interactive/console.h"

#include <string.h>

#include "interactive/verbs.h"

struct space *console_space(const struct console *console)
{
    return console->lab->processes.current->access.space;
}

void console_registers(const struct console *console, struct registers *registers)
{
    machine_read_registers(console->lab->machine, registers);
}

size_t console_peek(const struct console *console, uint64_t address, void *to, size_t bytes)
{
    const struct ptab *ptab = &console_space(console)->ptab;
    const struct gmem *mem = machine_mem(console->lab->machine);
    uint8_t *out = to;
    size_t done = 0;

    while (done < bytes && address + done < LAYOUT_USER_END) {
        uint64_t at = address + done;
        uint64_t here = PAGE_BYTES - at % PAGE_BYTES;
        struct ptab_walk walk;

        ptab_walk(ptab, gva_of(at), &walk);
        here = here < bytes - done ? here : bytes - done;
        if (!walk.present || !gmem_contains(mem, walk.gpa, here)) {
            break;
        }
        memcpy(out + done, gmem_hva(mem, walk.gpa), here);
        done += here;
    }
    return done;
}

void console_refuse(struct console *console, const struct err *err)
{
    if (console->reader.in_script) {
        fprintf(
            console->out, "%s:%u: %s\n", console->reader.name, console->reader.line_number,
            err->text);
    } else {
        fprintf(console->out, "error: %s\n", err->text);
    }
}

static bool obey(struct console *console, char *line)
{
    const struct verb *command;
    struct verb_words words;
    struct err err;

    if (line[strspn(line, " \t\r")] == '\0' || line[strspn(line, " \t\r")] == '#') {
        return true;
    }
    if (!verbs_read(line, &command, &words, &err)) {
        console_refuse(console, &err);
        return true;
    }
    return command->run(console, &words) == VERB_STAY;
}

void console_stop(struct console *console, enum stop_reason reason)
{
    struct lab *lab = console->lab;
    bool stays = true;

    console->stop.reason = reason;
    console->go = (struct go){.at_trap = true};
    trace_flush(lab->config->trace);
    stop_print(console);
    while (stays && lab->outcome.kind == OUTCOME_RUNNING) {
        fflush(console->out);
        char *line = reader_next(&console->reader);
        if (line == NULL) {
            /* A signal that came meanwhile has said its own reason. */
            outcome_set(
                &lab->outcome, OUTCOME_INTERRUPTED, SIGKILL,
                "ended at the end of the commands");
            return;
        }
        stays = obey(console, line);
    }
    fflush(console->out);
}
