/* The instruction in flight, from its first fault to its debug exception; see recording.h. */
#include "run/recording.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "fault/access.h"
#include "fault/pager.h"
#include "kvm/machine.h"
#include "run/lab.h"
#include "run/observe.h"
#include "run/recording_private.h"
#include "watch/trap_flag.h"

static struct region *region_at(const struct space *space, uint64_t address)
{
    return regions_find(space->regions, gva_of(address));
}

/* What the program touches from now on is seen. */
static void start(struct lab *lab)
{
    lab->processes.first->access.on_touch = recording_emit_host_touch;
    memory_map_closed(lab->memory, select_closed(&recording_of(lab)->select));
    opened_close_all(lab->space);
}

/* --- the instruction in flight --- */

static uint64_t segment_base(void *context, bool gs)
{
    struct machine *machine = context;
    struct gva base = {0};
    bool ok = gs ? machine_get_gs_base(machine, &base) : machine_get_fs_base(machine, &base);

    return ok ? base.value : 0;
}

/* The bytes at rip that are in memory now; how many. */
static size_t read_code(const struct space *space, uint64_t rip, uint8_t code[DECODE_MAX_BYTES])
{
    const struct gmem *mem = ptab_pool_mem(space->ptab.pool);
    size_t done = 0;

    while (done < DECODE_MAX_BYTES) {
        struct ptab_walk walk;
        uint64_t here = PAGE_BYTES - ((rip + done) & (PAGE_BYTES - 1));
        here = here < DECODE_MAX_BYTES - done ? here : DECODE_MAX_BYTES - done;
        ptab_walk(&space->ptab, gva_of(rip + done), &walk);
        if (!walk.present || rip + done >= LAYOUT_USER_END) {
            break;
        }
        memcpy(code + done, gmem_hva(mem, walk.gpa), here);
        done += here;
    }
    return done;
}

/* The registers are those before the instruction, at each of its faults. */
static void decode(struct lab *lab)
{
    struct recording *recording = recording_of(lab);
    const struct decode_bases bases = {.base = segment_base, .context = lab->machine};
    uint8_t code[DECODE_MAX_BYTES];
    struct registers registers;

    size_t bytes = read_code(recording->space, recording->rip, code);
    machine_read_registers(lab->machine, &registers);
    recording->decoded =
        decode_instruction(code, bytes, &registers, &bases, &recording->instruction);
}

/* pushf has stored our flag: the program must not find it. */
static void hide_pushed_flag(const struct recording *recording)
{
    for (unsigned i = 0; i < recording->instruction.count; i++) {
        const struct decode_access *access = &recording->instruction.access[i];
        if (access->write) {
            trap_flag_hide_pushed(recording->space, gva_of(access->address));
            return;
        }
    }
}

static void begin(struct lab *lab, const struct machine_trap *trap)
{
    struct recording *recording = recording_of(lab);

    if (!recording->steps) {
        recording->program_tf = (trap->rflags & RFLAGS_TF) != 0;
        recording->opened.count = 0;
    }
    recording->steps = true;
    recording->rip = trap->rip;
    recording->space = lab->processes.current->access.space;
    recording->faults = 0;
    decode(lab);
}

static void end(struct recording *recording)
{
    recording->steps = false;
    opened_close(&recording->opened, recording->space);
}

/* It came to its end: what it did is known. */
static void complete(struct lab *lab, uint64_t time_ns)
{
    struct recording *recording = recording_of(lab);

    recording_emit_instruction(lab, time_ns);
    if (recording->instruction.flags == DECODE_FLAGS_PUSH && !recording->program_tf) {
        hide_pushed_flag(recording);
    }
    lab->repeats = 0;
}

static void abandon(struct lab *lab)
{
    if (recording_of(lab)->steps) {
        machine_set_trap_flag(lab->machine, recording_of(lab)->program_tf);
        end(recording_of(lab));
    }
}

/* The page is open: for this instruction alone if any of it is watched, else for good. */
static void follow(
    struct lab *lab,
    const struct machine_trap *trap,
    const struct fault_record *record,
    const struct region *region,
    const struct opened_page *page)
{
    struct recording *recording = recording_of(lab);

    if (!select_watches(&recording->select, region, page->begin, page->end)) {
        return;
    }
    /* No debug exception came between the two: the first has put it off (mov ss, pop ss). */
    if (recording->steps && recording->rip != trap->rip) {
        complete(lab, record->time_ns);
    }
    if (!recording->steps || recording->rip != trap->rip) {
        begin(lab, trap);
    } else if (!recording->decoded) {
        decode(lab);
    }
    if (recording->faults < RECORDING_FAULTS) {
        recording->fault[recording->faults].address = record->address;
        recording->fault[recording->faults++].access = record->access;
    }
    opened_add(&recording->opened, recording->space, page);
    /* A `syscall` ends by its request, and goes without: some CPUs trap behind it before the guest
     * kernel has told the host (an emulated VMX was seen to). */
    machine_set_trap_flag(
        lab->machine,
        recording->instruction.flags != DECODE_FLAGS_SAVE || recording->program_tf);
}

static bool allows(uint64_t entry, uint8_t access)
{
    return ((access & RECORD_WRITE) == 0 || (entry & PTE_WRITABLE) != 0) &&
           ((access & RECORD_FETCH) == 0 || (entry & PTE_NO_EXECUTE) == 0);
}

/* Open what is mapped closed at the address; true if the access needs nothing more. */
static bool
let_in(struct space *space, const struct fault_record *record, struct opened_page *page)
{
    const struct region *region = region_at(space, record->address);
    struct ptab_slot slot;

    if (region == NULL || region->spec.permissions == 0 ||
        !ptab_find_leaf(&space->ptab, gva_of(record->address), &slot) ||
        (*slot.entry & (PTE_PRESENT | PTE_USER)) != PTE_PRESENT) {
        return false;
    }
    uint64_t entry = *slot.entry;
    if (!opened_let_in(space, gva_of(record->address), page)) {
        return false;
    }
    pager_hold(space->memory->pager, frames_index(gpa_of(entry & PTE_ADDRESS)));
    return allows(entry, record->access);
}

/* Opens the page, or lets the pager decide first and observes that. */
static bool fault(
    struct lab *lab,
    const struct machine_trap *trap,
    struct fault_record *record,
    struct pager_signal *signal,
    struct region **region)
{
    struct space *space = lab->processes.current->access.space;
    struct opened_page page;

    if (let_in(space, record, &page)) {
        *region = region_at(space, record->address);
        follow(lab, trap, record, *region, &page);
        return true;
    }
    bool resolved = pager_fault(space, record, signal, region);
    bool open = resolved && opened_let_in(space, gva_of(record->address), &page);
    if (open && record->entry_after != 0) {
        record->entry_after |= PTE_USER;
    }
    record->service_ns = clock_saturate_ns(clock_ns_since(lab->clock, trap->exit));
    observe_fault(lab, record, *region);
    if (open) {
        follow(lab, trap, record, *region, &page);
    } else if (!resolved) {
        abandon(lab);
    }
    return resolved;
}

/* True: it was the end of the instruction in flight, and nobody else's. */
static bool exception(struct lab *lab, const struct machine_trap *trap)
{
    struct recording *recording = recording_of(lab);

    if (!recording->steps) {
        return false;
    }
    if (trap->vector != VECTOR_DB && trap->vector != VECTOR_BP && trap->vector != VECTOR_OF) {
        abandon(lab); /* a fault: the instruction has done nothing */
        return false;
    }
    complete(lab, trap->exit.ns - lab->start_ns);
    if (recording->instruction.flags != DECODE_FLAGS_LOAD) {
        machine_set_trap_flag(lab->machine, recording->program_tf);
    }
    end(recording);
    return trap->vector == VECTOR_DB && !recording->program_tf;
}

/* Its `syscall` may have been in flight. */
static void request(struct lab *lab, const struct machine_trap *trap)
{
    struct recording *recording = recording_of(lab);

    if (!recording->steps) {
        return;
    }
    complete(lab, trap->exit.ns - lab->start_ns);
    if (!recording->program_tf) {
        machine_clear_trap_flag_of_request(lab->machine);
    }
    end(recording);
}

static bool in_flight(const struct lab *lab)
{
    return recording_of(lab)->steps;
}

/* --- made --- */

static const struct watch_ops ops = {
    .start = start,
    .fault = fault,
    .request = request,
    .exception = exception,
    .in_flight = in_flight,
    .destroy = free};

bool recording_create(struct watch *watch, const char *regions, struct err *err)
{
    struct recording *made = calloc(1, sizeof(*made));

    if (made == NULL) {
        return err_set_errno(err, ERR_ENVIRONMENT, "recording");
    }
    if (!select_parse(&made->select, regions, err)) {
        free(made);
        return false;
    }
    *watch = (struct watch){.ops = &ops, .context = made};
    return true;
}
