/* What is there: the stop, registers, regions, tables, frames. */
#include <inttypes.h>
#include <stdio.h>

#include "fault/evict.h"
#include "interactive/console.h"
#include "interactive/handlers.h"
#include "report/maps.h"
#include "report/tables.h"
#include "space/rmap.h"

enum verb_result look_info(struct console *console, const struct verb_words *words)
{
    const struct lab *lab = console->lab;
    const struct process *process = lab->processes.current;
    const struct memory *memory = lab->memory;
    FILE *out = console->out;

    (void)words;
    stop_print(console);
    if (console->stop.reason == STOP_FAULT && console->stop.decided) {
        stop_print_result(console);
    }
    fprintf(
        out, "  process %d (%s), %u in all; %" PRIu64 " faults of programs so far\n",
        process->pid, process->comm, lab->processes.count, console->faults);
    fprintf(out, "  %" PRIu64 " pages in memory", memory_resident(memory));
    if (memory->config.limit_frames != UINT64_MAX) {
        fprintf(out, " of at most %" PRIu64, memory->config.limit_frames);
    }
    fprintf(out, ", %" PRIu64 " page tables", ptab_pool_tables(memory->config.pool));
    if (lab->swap != NULL) {
        fprintf(
            out, ", %" PRIu32 " of %" PRIu32 " slots of swap", swap_used(lab->swap),
            swap_total(lab->swap));
    }
    const struct recorder *recorder = lab->config->recorder;
    fprintf(
        out, "\n  session: %s\n",
        recorder == NULL               ? "none"
        : recorder_is_paused(recorder) ? "faults are not recorded now"
                                       : "recording");
    return VERB_STAY;
}

static void print_flags(FILE *out, uint64_t rflags)
{
    static const struct {
        uint64_t bit;
        const char *name;
    } flags[] = {{0x1, "CF"},   {0x4, "PF"},   {0x10, "AF"},  {0x40, "ZF"},   {0x80, "SF"},
                 {0x100, "TF"}, {0x400, "DF"}, {0x800, "OF"}, {0x40000, "AC"}};

    fprintf(out, "rflags 0x%016" PRIx64, rflags);
    for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++) {
        if ((rflags & flags[i].bit) != 0) {
            fprintf(out, " %s", flags[i].name);
        }
    }
    fputc('\n', out);
}

enum verb_result look_registers(struct console *console, const struct verb_words *words)
{
    struct registers r;
    struct gva fs = {0}, gs = {0};
    FILE *out = console->out;

    (void)words;
    console_registers(console, &r);
    const struct {
        const char *name;
        uint64_t value;
    } all[] = {{"rax", r.rax}, {"rbx", r.rbx}, {"rcx", r.rcx}, {"rdx", r.rdx}, {"rsi", r.rsi},
               {"rdi", r.rdi}, {"rbp", r.rbp}, {"rsp", r.rsp}, {"r8", r.r8},   {"r9", r.r9},
               {"r10", r.r10}, {"r11", r.r11}, {"r12", r.r12}, {"r13", r.r13}, {"r14", r.r14},
               {"r15", r.r15}, {"rip", r.rip}};
    const size_t count = sizeof(all) / sizeof(all[0]);
    for (size_t i = 0; i < count; i++) {
        fprintf(
            out, "%-3s 0x%016" PRIx64 "%s", all[i].name, all[i].value,
            i % 3 == 2 || i + 1 == count ? "\n" : "   ");
    }
    print_flags(out, r.rflags);
    if (machine_get_fs_base(console->lab->machine, &fs) &&
        machine_get_gs_base(console->lab->machine, &gs)) {
        fprintf(out, "fs  0x%016" PRIx64 "   gs  0x%016" PRIx64 "\n", fs.value, gs.value);
    }
    if (console->stop.reason == STOP_FAULT) {
        fprintf(out, "cr2 0x%016" PRIx64 "\n", console->stop.record->address);
    }
    return VERB_STAY;
}

enum verb_result look_maps(struct console *console, const struct verb_words *words)
{
    const struct space *space = console_space(console);

    (void)words;
    maps_print(console->out, space->regions, &space->ptab);
    return VERB_STAY;
}

enum verb_result look_tables(struct console *console, const struct verb_words *words)
{
    const struct parse_names names = console_names(console);
    const struct gpa root = console_space(console)->ptab.root;
    struct gmem *mem = machine_mem(console->lab->machine);
    struct parse_range range;
    struct err err;

    if (words->count == 0) {
        tables_print(console->out, mem, root);
    } else if (parse_range(words->word[0], &names, &range, &err)) {
        tables_print_range(console->out, mem, root, range.begin, range.end);
    } else {
        console_refuse(console, &err);
    }
    return VERB_STAY;
}

/* --- frames --- */

static void print_account(const struct console *console)
{
    const struct memory *memory = console->lab->memory;
    const struct frames *frames = memory->config.frames;
    FILE *out = console->out;

    fprintf(
        out, "%" PRIu64 " of %" PRIu64 " frames of 4 KiB in use, %" PRIu64 " at most so far\n",
        frames_used(frames), frames_total(frames), frames_used_peak(frames));
    fprintf(
        out, "  %8" PRIu64 " data: pages of one program's own, or shared by fork\n",
        frames_used_as(frames, FRAME_DATA));
    fprintf(
        out, "  %8" PRIu64 " shared: pages of shared mappings\n",
        frames_used_as(frames, FRAME_SHARED));
    fprintf(
        out,
        "  %8" PRIu64 " tables (taken 512 at a time), %" PRIu64 " of them page tables now\n",
        frames_used_as(frames, FRAME_TABLE), ptab_pool_tables(memory->config.pool));
    fprintf(out, "  %8" PRIu64 " the guest kernel\n", frames_used_as(frames, FRAME_KERNEL));
    fprintf(out, "  %8" PRIu64 " locked by mlock\n", memory->locked);
}

static bool print_mapping(void *context, const struct rmap_mapping *mapping)
{
    fprintf(
        context, "  process %u at 0x%" PRIx64 ", entry 0x%016" PRIx64 "\n",
        mapping->space->process, mapping->address.value, *mapping->slot.entry);
    return true;
}

static void print_frame(const struct console *console, uint32_t number)
{
    static const char *const uses[] = {
        [FRAME_FREE] = "free, or part of a 2 MiB page",
        [FRAME_KERNEL] = "the guest kernel",
        [FRAME_TABLE] = "a page table",
        [FRAME_DATA] = "data",
        [FRAME_SHARED] = "a page of a shared mapping"};
    struct memory *memory = console->lab->memory;
    const struct frame *frame = frames_record(memory->config.frames, number);
    FILE *out = console->out;

    fprintf(
        out, "frame %" PRIu32 " at 0x%" PRIx64 ": %s", number, frames_gpa(number).value,
        uses[frame->use]);
    if (frame->use == FRAME_DATA || frame->use == FRAME_SHARED) {
        fprintf(
            out, "%s, %" PRIu32 " reference%s%s%s%s", frame->order != 0 ? " of 2 MiB" : "",
            frame->references, frame->references == 1 ? "" : "s",
            (frame->flags & FRAME_FRESH) != 0 ? ", fresh" : "",
            (frame->flags & FRAME_LOCKED) != 0 ? ", locked" : "",
            frame->use == FRAME_DATA && frame->slot != 0 ? ", also in swap" : "");
    }
    fputc('\n', out);
    if (frame->use == FRAME_DATA || frame->use == FRAME_SHARED) {
        rmap_visit(memory, number, print_mapping, out);
    }
}

enum verb_result look_frames(struct console *console, const struct verb_words *words)
{
    const uint64_t total = frames_total(console->lab->memory->config.frames);
    struct err err;
    uint64_t number;

    if (words->count == 0) {
        print_account(console);
        return VERB_STAY;
    }
    if (!parse_number(words->word[0], "a frame", &number, &err) ||
        (number >= total &&
         !err_set(&err, ERR_INPUT, "frames are 0 to %llu", (unsigned long long)total - 1))) {
        console_refuse(console, &err);
    } else {
        print_frame(console, (uint32_t)number);
    }
    return VERB_STAY;
}
