/*
 * Makes a guest that consists of the measuring routines and one layout of pages, and runs a
 * routine in its ring 3.  Every page and table is there before the first entry, so that no fault
 * and no edit falls into a window.  Read field.c for who holds the two sides together.
 */
#include "measure/virtual.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "measure/image.h"

#define BLOCK_FRAMES 512

/* A KVM that shadows page tables keeps at most 2 % of guest memory for shadows, and thrashes
 * beyond: 50 times the tables, and some more. */
#define MEMORY_PER_TABLE (64 * PAGE_BYTES)
#define MEMORY_LEAST     (UINT64_C(96) << 20)

/* A leaf of 2 MiB that is splintered has a table of its own among the shadows: address space alone, and
 * not so much that a small host refuses it. */
static uint64_t memory_for_splinters(const struct layout *layout)
{
    uint64_t wanted = layout->level == 2 ? layout->map_count * MEMORY_PER_TABLE : 0;
    uint64_t most = (uint64_t)sysconf(_SC_PHYS_PAGES) * PAGE_BYTES / 4;

    return wanted < most ? wanted : most;
}

static uint64_t memory_wanted(const struct layout *layout)
{
    uint64_t frames = layout->frame_count * layout_leaf_bytes(layout);

    if (layout->level == 3) {
        frames += GIANT_BYTES; /* the leaf is aligned within memory */
    }
    return round_up(
        MEMORY_LEAST + frames + layout_tables(layout) * MEMORY_PER_TABLE +
            memory_for_splinters(layout),
        LARGE_BYTES);
}

uint64_t virtual_leaf_bits(const struct virtual *guest)
{
    bool no_execute = machine_cpu(guest->machine)->no_execute;
    uint64_t bits = PTE_PRESENT | PTE_USER | PTE_ACCESSED;

    if (guest->layout->level > 1) {
        bits |= PTE_PAGE_SIZE;
    }
    if (!guest->layout->executable) {
        bits |= PTE_WRITABLE | PTE_DIRTY | (no_execute ? PTE_NO_EXECUTE : 0);
    }
    return bits;
}

/* --- the routines' own pages --- */

static void *map_page(struct virtual *guest, uint64_t address, bool executable)
{
    uint32_t frame = frames_alloc_zeroed(machine_frames(guest->machine), FRAME_DATA);
    bool no_execute = machine_cpu(guest->machine)->no_execute && !executable;
    uint64_t bits = PTE_PRESENT | PTE_USER | PTE_ACCESSED;
    struct ptab_slot slot;

    if (frame == FRAMES_NONE || !ptab_prepare(&guest->ptab, gva_of(address), 1, &slot)) {
        return NULL;
    }
    bits |= executable ? 0 : PTE_WRITABLE | PTE_DIRTY;
    bits |= no_execute ? PTE_NO_EXECUTE : 0;
    ptab_commit(&guest->ptab, slot, frames_gpa(frame).value | bits);
    return frames_hva(machine_frames(guest->machine), frame);
}

static bool map_text(struct virtual *guest)
{
    for (size_t at = 0; at < image_size(); at += PAGE_BYTES) {
        void *page = map_page(guest, EXP_TEXT + at, true);
        size_t left = image_size() - at;
        if (page == NULL) {
            return false;
        }
        memcpy(page, image_bytes() + at, left < PAGE_BYTES ? left : PAGE_BYTES);
    }
    return true;
}

static bool map_own_pages(struct virtual *guest, struct err *err)
{
    bool ok = map_text(guest);

    guest->args = map_page(guest, EXP_ARGS, false);
    ok = ok && guest->args != NULL;
    for (size_t i = 0; ok && i < EXP_RESULTS_BYTES / PAGE_BYTES; i++) {
        guest->results[i] = map_page(guest, EXP_RESULTS + i * PAGE_BYTES, false);
        ok = guest->results[i] != NULL;
    }
    for (size_t i = 0; ok && i < EXP_LIST_BYTES / PAGE_BYTES; i++) {
        guest->list[i] = map_page(guest, EXP_LIST + i * PAGE_BYTES, false);
        ok = guest->list[i] != NULL;
    }
    for (uint64_t at = EXP_STACK - EXP_STACK_BYTES; ok && at < EXP_STACK; at += PAGE_BYTES) {
        ok = map_page(guest, at, false) != NULL;
    }
    return ok || err_set(err, ERR_ENVIRONMENT, "guest memory is too small for the routines");
}

/* --- the layout --- */

struct gpa virtual_frame_gpa(const struct virtual *guest, uint32_t frame)
{
    if (guest->layout->level == 3) {
        return gpa_of(round_up(LAYOUT_RAM_BASE + MEMORY_LEAST, GIANT_BYTES));
    }
    if (guest->layout->level == 2) {
        return frames_gpa(guest->blocks[frame]);
    }
    return frames_gpa(guest->blocks[frame / BLOCK_FRAMES] + frame % BLOCK_FRAMES);
}

uint8_t *virtual_frame(const struct virtual *guest, uint32_t frame)
{
    return gmem_hva(machine_mem(guest->machine), virtual_frame_gpa(guest, frame));
}

/* Give the host memory behind [at, at + bytes) the backing that the layout asks for. */
static bool back_memory(struct virtual *guest, uint8_t *at, uint64_t bytes, struct err *err)
{
    int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_HUGETLB;

    switch (guest->layout->backing) {
    case LAYOUT_PLAIN:
        return true;
    case LAYOUT_THP:
        return madvise(at, bytes, MADV_HUGEPAGE) == 0 ||
               err_set_errno(err, ERR_ENVIRONMENT, "asking for transparent huge pages");
    case LAYOUT_HUGETLB:
        flags |= guest->layout->level == 2 ? 21 << 26 : 30 << 26;
        return mmap(at, bytes, PROT_READ | PROT_WRITE, flags, -1, 0) == at ||
               err_set_errno(err, ERR_ENVIRONMENT, "taking huge pages from the host's pool");
    case LAYOUT_BACKINGS:
        break;
    }
    return false;
}

static bool take_frames(struct virtual *guest, struct err *err)
{
    const struct layout *layout = guest->layout;
    struct frames *frames = machine_frames(guest->machine);
    size_t per_block = layout->level == 1 ? BLOCK_FRAMES : 1;

    if (layout->level == 3) {
        return back_memory(guest, virtual_frame(guest, 0), GIANT_BYTES, err);
    }
    guest->block_count = (layout->frame_count + per_block - 1) / per_block;
    guest->blocks = calloc(guest->block_count, sizeof(*guest->blocks));
    if (guest->blocks == NULL) {
        return err_set(err, ERR_ENVIRONMENT, "no memory for a guest's frames");
    }
    for (size_t i = 0; i < guest->block_count; i++) {
        guest->blocks[i] = frames_alloc_large(frames, FRAME_DATA);
        if (guest->blocks[i] == FRAMES_NONE) {
            return err_set(err, ERR_ENVIRONMENT, "guest memory is too small for a layout");
        }
        uint8_t *at = frames_hva(frames, guest->blocks[i]);
        if (!back_memory(guest, at, LARGE_BYTES, err)) {
            return false;
        }
        if (layout->contiguous) {
            /* Neighbours for the host too, where it can: no failure if it cannot. */
            (void)!madvise(at, LARGE_BYTES, MADV_HUGEPAGE);
        }
    }
    return true;
}

static bool map_layout(struct virtual *guest, struct err *err)
{
    const struct layout *layout = guest->layout;
    uint64_t bits = virtual_leaf_bits(guest);

    for (size_t i = 0; i < layout->map_count; i++) {
        const struct layout_map *map = &layout->maps[i];
        struct ptab_slot slot;
        if (!ptab_prepare(&guest->ptab, gva_of(map->address), layout->level, &slot)) {
            return err_set(err, ERR_ENVIRONMENT, "guest memory is too small for page tables");
        }
        ptab_commit(&guest->ptab, slot, virtual_frame_gpa(guest, map->frame).value | bits);
    }
    return true;
}

void virtual_destroy(struct virtual *guest)
{
    if (guest->machine != NULL) {
        kvm_stats_close(&guest->stats);
        ptab_destroy(&guest->ptab);
    }
    machine_destroy(guest->machine);
    free(guest->blocks);
    *guest = (struct virtual){0};
}

/* --- running --- */

static bool fail_at(
    const struct virtual *guest,
    const struct machine_trap *trap,
    const char *what,
    struct err *err)
{
    return err_set(
        err, ERR_ENVIRONMENT, "a measuring routine in the guest %s at rip 0x%llx%s%s", what,
        (unsigned long long)trap->rip,
        machine_stop_reason(guest->machine)[0] != '\0' ? ": " : "",
        machine_stop_reason(guest->machine));
}

/* One exit; *done when the routine has ended. */
static bool serve(
    struct virtual *guest,
    enum machine_event event,
    const struct machine_trap *trap,
    bool *done,
    struct err *err)
{
    struct machine_request request;

    switch (event) {
    case MACHINE_REQUEST:
        machine_read_request(guest->machine, &request);
        *done = request.number == EXP_REQUEST_DONE;
        machine_set_result(guest->machine, 0);
        if (!*done && guest->hooks.request != NULL) {
            guest->hooks.request(guest->hooks.context, guest, trap);
        }
        return true;
    case MACHINE_FAULT:
        if (guest->hooks.fault != NULL &&
            guest->hooks.fault(guest->hooks.context, guest, trap)) {
            return true;
        }
        return fail_at(guest, trap, "faulted", err);
    case MACHINE_INTERRUPTED:
        return true;
    case MACHINE_EXCEPTION:
        return fail_at(guest, trap, "raised an exception", err);
    case MACHINE_STOPPED:
        return fail_at(guest, trap, "stopped", err);
    }
    return false;
}

bool virtual_run(
    struct virtual *guest,
    enum exp_routine routine,
    struct exp_args *args,
    uint64_t *unexpected,
    struct err *err)
{
    struct machine_trap trap = {0};
    uint64_t runs = machine_runs(guest->machine);
    uint64_t before = kvm_stats_exits(&guest->stats);
    bool done = false;

    *guest->args = *args;
    guest->args->routine = image_header()->routine[routine];
    if (!machine_start(guest->machine, gva_of(image_header()->enter), gva_of(EXP_STACK), err)) {
        return false;
    }
    while (!done) {
        enum machine_event event = machine_run(guest->machine, &trap);
        if (!serve(guest, event, &trap, &done, err)) {
            return false;
        }
    }
    *args = *guest->args;
    runs = machine_runs(guest->machine) - runs;
    uint64_t after = kvm_stats_exits(&guest->stats);
    *unexpected = 0;
    if (before != KVM_STATS_NONE && after != KVM_STATS_NONE) {
        guest->exits += after - before;
        uint64_t asked = runs + guest->quiet_exits;
        *unexpected = after - before > asked ? after - before - asked : 0;
    }
    guest->unasked += *unexpected;
    return true;
}

/* A run costs KVM some exits of its own (the page fault that stands for `syscall` on some hosts,
 * the interpreter's): the least of some runs that do nothing. */
static bool find_quiet_exits(struct virtual *guest, struct err *err)
{
    uint64_t least = UINT64_MAX;

    for (unsigned i = 0; i < 4; i++) {
        struct exp_args args = {.windows = 0};
        uint64_t unexpected = 0;
        if (!virtual_run(guest, EXP_ROUTINE_stamp, &args, &unexpected, err)) {
            return false;
        }
        least = unexpected < least ? unexpected : least;
    }
    guest->quiet_exits = least;
    guest->exits = guest->unasked = 0;
    return true;
}

uint64_t *virtual_list_word(const struct virtual *guest, size_t i)
{
    const size_t page_words = PAGE_BYTES / sizeof(uint64_t);

    return guest->list[i / page_words] + i % page_words;
}

void virtual_read_results(const struct virtual *guest, uint64_t *results, size_t count)
{
    const size_t page_words = PAGE_BYTES / sizeof(uint64_t);

    for (size_t at = 0; at < count; at += page_words) {
        size_t left = count - at < page_words ? count - at : page_words;
        memcpy(results + at, guest->results[at / page_words], left * sizeof(uint64_t));
    }
}

bool virtual_create(
    struct virtual *guest, const char *kvm_path, const struct layout *layout, struct err *err)
{
    const struct machine_config config = {
        .kvm_path = kvm_path, .mem_bytes = memory_wanted(layout)};

    *guest = (struct virtual){.layout = layout, .stats = {.fd = -1}};
    if (!machine_create(&guest->machine, &config, err)) {
        return false;
    }
    kvm_stats_open(&guest->stats, guest->machine);
    if (layout->level == 3 && !machine_cpu(guest->machine)->giant_pages) {
        err_set(err, ERR_ENVIRONMENT, "the guest's CPU has no 1 GiB pages");
    } else if (
        ptab_create(&guest->ptab, machine_pool(guest->machine), err) &&
        map_own_pages(guest, err) && take_frames(guest, err) && map_layout(guest, err) &&
        machine_use_tables(guest->machine, &guest->ptab, err) && find_quiet_exits(guest, err)) {
        return true;
    }
    virtual_destroy(guest);
    return false;
}
