/* Between a policy and memory; see replace.h.  Read vmm/policy/policy.h for the calls themselves. */
#include "fault/replace.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "space/rmap.h"
#include "space/space.h"

#define COMPLAINTS_MAX 3 /* then they are only counted */
#define DELAY_MAX_NS   NS_PER_SECOND
#define SAMPLE_STEPS   4 /* frames looked at for each page to sample */
#define OBJECT_KEY     (UINT64_C(1) << 63)

static struct replace *replace_of(const struct vmm_policy_host *host)
{
    return (struct replace *)(uintptr_t)host;
}

static bool is_page(const struct frame *record)
{
    return (record->use == FRAME_DATA || record->use == FRAME_SHARED) && record->references > 0;
}

/* --- what a policy may ask --- */

static void
fill_from_home(const struct replace *replace, const struct frame *record, struct vmm_page *page)
{
    unsigned slot = rmap_home_slot(record);
    const struct space *space = record->owner != 0 && slot < replace->memory->space_count
                                    ? replace->memory->spaces[slot]
                                    : NULL;

    page->address = record->owner != 0 ? rmap_home(record).value : 0;
    page->key = page->address >> PAGE_SHIFT;
    if (record->use == FRAME_SHARED) {
        page->key = OBJECT_KEY | (uint64_t)record->object << 40 | record->index;
    }
    if (space == NULL) {
        return;
    }
    const struct region *region = regions_find(space->regions, gva_of(page->address));
    page->process = space->process;
    page->permissions = region != NULL ? region->spec.permissions : 0;
    if (record->use == FRAME_DATA) {
        page->key |= (uint64_t)space->process << 40;
    }
}

static bool describe_page(const struct replace *replace, uint32_t frame, struct vmm_page *page)
{
    if (frame >= replace->host.frames) {
        return false;
    }
    const struct frame *record = frames_record(replace->memory->config.frames, frame);
    if (!is_page(record)) {
        return false;
    }
    *page = (struct vmm_page){
        .frame = frame,
        .bytes = record->order == 0 ? PAGE_BYTES : LARGE_BYTES,
        .sharers = record->references - (record->use == FRAME_SHARED ? 1 : 0),
        .pinned = (record->flags & (FRAME_LOCKED | FRAME_HELD)) != 0};
    fill_from_home(replace, record, page);
    return true;
}

static bool host_page(const struct vmm_policy_host *host, uint32_t frame, struct vmm_page *page)
{
    return describe_page(replace_of(host), frame, page);
}

static bool clear_accessed(void *context, const struct rmap_mapping *mapping)
{
    (void)context;
    if ((*mapping->slot.entry & PTE_ACCESSED) != 0) {
        space_edit_leaf(
            mapping->space, mapping->address, mapping->slot,
            *mapping->slot.entry & ~PTE_ACCESSED);
    }
    return true;
}

static bool host_accessed(const struct vmm_policy_host *host, uint32_t frame, bool clear)
{
    struct replace *replace = replace_of(host);

    if (frame >= host->frames ||
        !is_page(frames_record(replace->memory->config.frames, frame)) ||
        rmap_bits(replace->memory, frame, PTE_ACCESSED) == 0) {
        return false;
    }
    if (clear) {
        rmap_visit(replace->memory, frame, clear_accessed, NULL);
    }
    return true;
}

static bool host_dirty(const struct vmm_policy_host *host, uint32_t frame)
{
    struct replace *replace = replace_of(host);

    if (frame >= host->frames) {
        return false;
    }
    const struct frame *record = frames_record(replace->memory->config.frames, frame);
    return is_page(record) && ((record->flags & FRAME_DIRTY) != 0 ||
                               rmap_bits(replace->memory, frame, PTE_DIRTY) != 0);
}

static uint32_t host_resident(const struct vmm_policy_host *host)
{
    return (uint32_t)memory_resident(replace_of(host)->memory);
}

static bool
host_history(const struct vmm_policy_host *host, unsigned nth, struct vmm_fault *fault)
{
    const struct replace *replace = replace_of(host);

    /* The latest entry is the fault in service. */
    if (nth >= REPLACE_HISTORY - 1 || replace->faults < (uint64_t)nth + 2) {
        return false;
    }
    *fault = replace->history[(replace->faults - 2 - nth) % REPLACE_HISTORY];
    return true;
}

static void host_log(const struct vmm_policy_host *host, const char *text)
{
    fprintf(stderr, "vmm: policy %s: %s\n", policy_name(replace_of(host)->policy), text);
}

/* --- telling it --- */

static void give_up_crashed(struct replace *replace)
{
    const char *crash = policy_crash(replace->policy);

    snprintf(replace->trouble, sizeof(replace->trouble), "%s", crash != NULL ? crash : "");
    replace->memory->watch = (struct memory_watch){0};
    replace->policy = NULL;
}

static void complain(struct replace *replace, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
static void complain(struct replace *replace, const char *format, ...)
{
    char text[200];
    va_list args;

    if (++replace->refused > COMPLAINTS_MAX) {
        return;
    }
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    fprintf(
        stderr, "vmm: policy %s: %s%s\n", policy_name(replace->policy), text,
        replace->refused == COMPLAINTS_MAX ? " (and it is not said again)" : "");
}

static void tell_mapped(void *context, uint32_t frame)
{
    struct replace *replace = context;
    struct vmm_page page;

    if (describe_page(replace, frame, &page) && !policy_on_map(replace->policy, &page)) {
        give_up_crashed(replace);
    }
}

static void tell_unmapped(void *context, uint32_t frame, bool evicted)
{
    struct replace *replace = context;
    struct vmm_page page;

    if (describe_page(replace, frame, &page) &&
        !policy_on_unmap(replace->policy, &page, evicted)) {
        give_up_crashed(replace);
    }
}

bool replace_create(
    struct replace *replace, struct memory *memory, struct policy *policy, struct err *err)
{
    uint64_t limit = memory->config.limit_frames;

    *replace = (struct replace){
        .memory = memory,
        .policy = policy,
        .host = {
            .version = VMM_POLICY_VERSION,
            .frames = (uint32_t)frames_total(memory->config.frames),
            .limit = limit < UINT32_MAX ? (uint32_t)limit : UINT32_MAX,
            .page = host_page,
            .accessed = host_accessed,
            .dirty = host_dirty,
            .resident = host_resident,
            .history = host_history,
            .log = host_log}};
    if (policy == NULL) {
        return true;
    }
    if (!policy_start(policy, &replace->host, err)) {
        return false;
    }
    memory->watch = (struct memory_watch){
        .context = replace, .mapped = tell_mapped, .unmapped = tell_unmapped};
    return true;
}

void replace_destroy(struct replace *replace)
{
    if (replace->memory != NULL) {
        replace->memory->watch = (struct memory_watch){0};
    }
}

/* --- a fault --- */

/* In turn round all frames that were ever handed out. */
static uint32_t next_frame(const struct replace *replace, uint32_t frame)
{
    return frame + 1 >= frames_touched(replace->memory->config.frames) ? 0 : frame + 1;
}

/* The accessed bits of some pages, in turn round all of them. */
static void sample(struct replace *replace)
{
    uint32_t wanted = policy_sample_pages(replace->policy);
    uint32_t steps = wanted * SAMPLE_STEPS;

    while (wanted > 0 && steps-- > 0) {
        uint32_t frame = replace->sample_hand;
        replace->sample_hand = next_frame(replace, frame);
        if (!is_page(frames_record(replace->memory->config.frames, frame))) {
            continue;
        }
        wanted--;
        if (!policy_on_sample(
                replace->policy, frame, host_accessed(&replace->host, frame, true))) {
            give_up_crashed(replace);
            return;
        }
    }
}

static bool decision_is_sound(
    const struct vmm_decision *decision, const struct vmm_fault *fault, uint64_t page)
{
    return ((decision->map_begin | decision->map_end) & (PAGE_BYTES - 1)) == 0 &&
           decision->map_begin <= page && page < decision->map_end &&
           decision->map_begin >= fault->region_begin &&
           decision->map_end <= fault->region_end &&
           decision->map_end - decision->map_begin <= VMM_MAP_MAX_PAGES * PAGE_BYTES;
}

static void wait_ns(uint64_t ns)
{
    const struct timespec delay = {
        .tv_sec = (time_t)(ns / NS_PER_SECOND), .tv_nsec = (long)(ns % NS_PER_SECOND)};

    nanosleep(&delay, NULL);
}

static void
ask(struct replace *replace, const struct vmm_fault *fault, struct vmm_decision *decision)
{
    const struct vmm_decision fallback = *decision;
    uint64_t page = round_down(fault->address, PAGE_BYTES);

    if (!policy_on_fault(replace->policy, fault, decision)) {
        give_up_crashed(replace);
        *decision = fallback;
        return;
    }
    if (!decision->refuse && !decision_is_sound(decision, fault, page)) {
        complain(
            replace,
            "on_fault asked to map 0x%llx-0x%llx for a fault at 0x%llx in 0x%llx-0x%llx: "
            "ignored",
            (unsigned long long)decision->map_begin, (unsigned long long)decision->map_end,
            (unsigned long long)fault->address, (unsigned long long)fault->region_begin,
            (unsigned long long)fault->region_end);
        decision->map_begin = fallback.map_begin;
        decision->map_end = fallback.map_end;
    }
    if (decision->delay_ns > 0) {
        wait_ns(decision->delay_ns < DELAY_MAX_NS ? decision->delay_ns : DELAY_MAX_NS);
    }
}

void replace_fault(
    struct replace *replace,
    const struct fault_record *record,
    const struct region *region,
    struct vmm_decision *decision)
{
    if (replace->policy == NULL) {
        return;
    }
    struct vmm_fault *fault = &replace->history[replace->faults % REPLACE_HISTORY];
    *fault = (struct vmm_fault){
        .number = ++replace->faults,
        .address = record->address,
        .rip = record->rip,
        .region_begin = region->begin.value,
        .region_end = region->end.value,
        .process = record->process,
        .kind = record->kind,
        .access = record->access &
                  (VMM_ACCESS_WRITE | VMM_ACCESS_FETCH | VMM_ACCESS_USER | VMM_ACCESS_HOST),
        .permissions = region->spec.permissions};
    sample(replace);
    if (replace->policy != NULL && policy_wants_faults(replace->policy)) {
        ask(replace, fault, decision);
    }
}

/* --- a victim --- */

static bool may_go(const struct replace *replace, uint32_t frame)
{
    if (frame >= replace->host.frames) {
        return false;
    }
    const struct frame *record = frames_record(replace->memory->config.frames, frame);
    return is_page(record) && (record->flags & (FRAME_LOCKED | FRAME_HELD)) == 0;
}

static uint32_t ask_for_victim(struct replace *replace)
{
    const struct vmm_fault *fault =
        &replace->history[(replace->faults + REPLACE_HISTORY - 1) % REPLACE_HISTORY];
    uint32_t frame = FRAMES_NONE;

    if (!policy_choose_victim(replace->policy, fault, &frame)) {
        give_up_crashed(replace);
        return FRAMES_NONE;
    }
    if (!may_go(replace, frame)) {
        complain(
            replace, "choose_victim gave frame %u, which %s: another page goes", frame,
            frame < replace->host.frames &&
                    is_page(frames_record(replace->memory->config.frames, frame))
                ? "is pinned"
                : "holds no page");
        return FRAMES_NONE;
    }
    return frame;
}

uint32_t replace_choose(struct replace *replace, unsigned attempt)
{
    if (attempt == 0 && replace->policy != NULL) {
        uint32_t frame = ask_for_victim(replace);
        if (frame != FRAMES_NONE) {
            return frame;
        }
    }
    for (uint32_t steps = frames_touched(replace->memory->config.frames); steps > 0; steps--) {
        uint32_t frame = replace->hand;
        replace->hand = next_frame(replace, frame);
        if (may_go(replace, frame)) {
            return frame;
        }
    }
    return FRAMES_NONE;
}
