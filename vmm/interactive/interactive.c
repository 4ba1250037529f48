/* What happens at each trap of a run with a prompt; see interactive.h. */
#include "interactive/interactive.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "interactive/console.h"
#include "interactive/step.h"
#include "run/host_signals.h"
#include "run/observe.h"

/* --- made and unmade --- */

bool interactive_create(
    struct console **console, const struct interactive_config *config, struct err *err)
{
    struct console *made = calloc(1, sizeof(*made));
    unsigned number;

    *console = NULL;
    if (made == NULL) {
        return err_set_errno(err, ERR_ENVIRONMENT, "console");
    }
    made->out = config->out;
    made->go.at_trap = true;
    made->go.interrupted = false;
    bool ok = reader_create(&made->reader, config->script, config->input, config->out, err);
    for (size_t i = 0; ok && i < config->break_count; i++) {
        ok = breaks_add(&made->breaks, config->breaks[i], NULL, &number, err);
        if (!ok) {
            err->kind = ERR_USAGE;
            err_prefix(err, "option '--break'");
        }
    }
    if (!ok) {
        interactive_destroy(made);
        return false;
    }
    *console = made;
    return true;
}

void interactive_destroy(struct console *console)
{
    if (console == NULL) {
        return;
    }
    reader_destroy(&console->reader);
    program_source_close(console->source);
    free(console->source_of);
    disasm_destroy(console->disasm);
    free(console);
}

static struct console *console_of(const struct lab *lab)
{
    return lab->watch.context;
}

/* Wait for input or for a signal to vmm, which is blocked in this thread. */
static bool wait_for_input(void *context, int fd)
{
    struct lab *lab = ((struct console *)context)->lab;
    struct pollfd fds[2] = {
        {.fd = fd, .events = POLLIN}, {.fd = lab->schedule.signal_fd, .events = POLLIN}};

    while (lab->outcome.kind == OUTCOME_RUNNING) {
        if (poll(fds, 2, -1) < 0 && errno != EINTR) {
            return false;
        }
        if (fds[1].revents != 0) {
            host_signals_take(lab);
        } else if (fds[0].revents != 0) {
            return true;
        }
    }
    return false;
}

static void stop_at(struct lab *lab, enum stop_reason reason)
{
    console_stop(console_of(lab), reason);
}

/* --- until --- */

/*
 * The page that holds the place is closed to ring 3, so that going there is a fault; from then on
 * instructions are stepped until the place is reached or the page is left.  A page that is closed
 * looks to the pager like one that may be opened again (pager.c, 3).
 */
static bool is_on_until_page(const struct console *console, uint64_t address)
{
    return console->go.until &&
           gva_page(gva_of(address)).value == gva_page(console->go.until_address).value;
}

static void close_until_page(const struct console *console)
{
    struct space *space = console_space(console);
    struct gva page = gva_page(console->go.until_address);
    struct ptab_slot slot;

    if (ptab_find_leaf(&space->ptab, page, &slot) &&
        (*slot.entry & (PTE_PRESENT | PTE_USER)) == (PTE_PRESENT | PTE_USER)) {
        page = gva_of(round_down(page.value, ptab_levels[slot.level].entry_bytes));
        space_edit_leaf(space, page, slot, *slot.entry & ~PTE_USER);
    }
}

/* A fault on a page that was closed for `until`: it is none of the program's. */
static bool open_until_page(const struct lab *lab, const struct fault_record *record)
{
    struct space *space = lab->processes.current->access.space;
    struct gva address = gva_of(record->address);
    struct preview preview;

    preview_fault(space, address, record->access, &preview);
    if (preview.kind != FAULT_SPURIOUS || (preview.entry & PTE_USER) != 0) {
        return false;
    }
    space_settle(space);
    space_upgrade_leaf(space, preview.slot, preview.entry | PTE_USER);
    return true;
}

/* --- before ring 3 --- */

static bool first_stop(const struct console *console)
{
    return console->lab == NULL;
}

static void begin(struct lab *lab)
{
    struct console *console = console_of(lab);

    console->lab = lab;
    console->reader.wait = (struct reader_wait){.ready = wait_for_input, .context = console};
    stop_at(lab, STOP_START);
}

/* One of the instructions that were asked for has come to its end. */
static bool steps_are_over(struct console *console)
{
    struct go *go = &console->go;

    if (go->steps == 0 || !go->done) {
        return false;
    }
    go->done = false;
    return --go->steps == 0;
}

/* What has become due since the last entry. */
static void see_stops(struct lab *lab)
{
    struct console *console = console_of(lab);
    struct registers registers;

    console_registers(console, &registers);
    if (console->go.interrupted) {
        stop_at(lab, STOP_INTERRUPT);
    } else if (lab->processes.current->pid == console->go.step_pid && steps_are_over(console)) {
        stop_at(lab, STOP_STEP);
    } else if (
        console->go.until && console->go.until_code && console->go.done &&
        registers.rip == console->go.until_address.value) {
        stop_at(lab, STOP_PLACE);
    }
}

static void enter(struct lab *lab)
{
    struct console *console = console_of(lab);
    struct registers registers;

    if (first_stop(console)) {
        begin(lab);
    } else if (!console->go.at_trap) {
        return;
    } else {
        see_stops(lab);
    }
    if (lab->outcome.kind != OUTCOME_RUNNING) {
        return;
    }
    console_registers(console, &registers);
    if (console->go.until && console->go.until_code &&
        !is_on_until_page(console, registers.rip)) {
        close_until_page(console);
        console->go.done = true; /* wherever it comes back, it has gone on */
    }
    if ((console->go.steps != 0 && lab->processes.current->pid == console->go.step_pid) ||
        (console->go.until_code && is_on_until_page(console, registers.rip))) {
        step_begin(console);
    }
}

/* --- traps --- */

static bool wants_stop(struct console *console, const struct fault_record *record)
{
    struct go *go = &console->go;
    struct preview preview;
    unsigned number;

    preview_fault(console_space(console), gva_of(record->address), record->access, &preview);
    const struct breaks_fault fault = {
        .kind = preview.kind,
        .address = record->address,
        .region = preview.region,
        .process = console_space(console)->process};
    bool matches = breaks_match(&console->breaks, &fault, &number);
    if (go->freely) {
        return false;
    }
    if (go->until && !go->until_code && is_on_until_page(console, record->address)) {
        return true;
    }
    /* Where nothing but `until` was asked for, only breaks that were set are in its way. */
    if (!matches || (go->until && console->breaks.used == 0)) {
        return false;
    }
    if (go->pass > 0) {
        go->pass--;
        return false;
    }
    return true;
}

static bool resolved(struct lab *lab, const struct fault_record *record, struct region *region)
{
    struct console *console = console_of(lab);
    bool told = console->stop.result == ANSWER_TOLD;

    observe_fault(lab, record, region);
    /* A signal ends the instruction as far as a step goes. */
    console->go.done |= told;
    return !told;
}

static void decide_by_default(struct console *console)
{
    const struct answer answer = {.kind = ANSWER_DEFAULT};
    struct err err;

    if (!change_answer(console, &answer, &err)) {
        console->stop.result = ANSWER_TOLD; /* which the default never is */
    }
}

/* The user is asked if the fault is one to stop at. */
static bool fault(
    struct lab *lab,
    const struct machine_trap *trap,
    struct fault_record *record,
    struct pager_signal *signal,
    struct region **region)
{
    struct console *console = console_of(lab);

    (void)trap;
    step_abandon(console);
    console->go.at_trap = true;
    if (open_until_page(lab, record)) {
        lab->repeats = 0;
        *region = NULL;
        return true;
    }
    console->faults++;
    console->stop = (struct stop){
        .reason = STOP_FAULT, .record = record, .signal = signal, .region = region};
    bool stops = wants_stop(console, record);
    if (stops) {
        stop_at(lab, STOP_FAULT);
        lab->repeats = 0;
        if (lab->outcome.kind != OUTCOME_RUNNING) {
            *region = NULL;
            return true;
        }
    }
    if (!console->stop.decided) {
        decide_by_default(console);
        if (stops) {
            stop_print_result(console);
        }
    }
    record->service_ns = clock_saturate_ns(clock_now_ns() - console->stop.begin_ns);
    return resolved(lab, record, *region);
}

/* A signal that was decided at the prompt says so. */
static void describe(const struct lab *lab, char *text, size_t bytes)
{
    if (console_of(lab)->stop.by_hand) {
        snprintf(text, bytes, "%s", console_of(lab)->text);
    }
}

static void request(struct lab *lab, const struct machine_trap *trap)
{
    struct console *console = console_of(lab);

    (void)trap;
    console->go.at_trap = true;
    step_see_request(console);
}

/* Breaks stay, as they are about faults; names are those of the new program from now on. */
static void executed(struct lab *lab, int process, const char *path)
{
    fprintf(console_of(lab)->out, "process %d executes %s\n", process, path);
}

static bool exception(struct lab *lab, const struct machine_trap *trap)
{
    struct console *console = console_of(lab);

    console->go.at_trap = true;
    return step_see_exception(console, trap);
}

/* Ctrl-C of a person who has a prompt to come back to. */
static bool take_interrupt(const struct console *console)
{
    const struct timespec at_once = {0};
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    return reader_is_terminal(&console->reader) && sigtimedwait(&set, NULL, &at_once) == SIGINT;
}

static bool interrupted(struct lab *lab)
{
    struct console *console = console_of(lab);

    if (take_interrupt(console)) {
        console->go.interrupted = true;
    } else {
        host_signals_take(lab);
    }
    console->go.at_trap = !console->go.in_flight && machine_take_over(lab->machine);
    if (console->go.interrupted && !console->go.at_trap) {
        /* On its way back to a program that may never trap again. */
        schedule_look_again(lab);
    }
    return console->go.at_trap;
}

static void end(struct lab *lab)
{
    struct console *console = console_of(lab);

    fprintf(console->out, "the run is over: %s\n", lab->outcome.reason);
    unsigned line = reader_unread(&console->reader);
    if (line != 0) {
        fprintf(
            console->out, "%s:%u: this command and what follows were not reached\n",
            console->reader.name, line);
    }
    fflush(console->out);
}

static bool in_flight(const struct lab *lab)
{
    return console_of(lab)->go.in_flight;
}

struct watch interactive_watch(struct console *console)
{
    static const struct watch_ops ops = {
        .enter = enter,
        .fault = fault,
        .describe = describe,
        .request = request,
        .executed = executed,
        .exception = exception,
        .interrupted = interrupted,
        .in_flight = in_flight,
        .end = end};

    return (struct watch){.ops = &ops, .context = console};
}
