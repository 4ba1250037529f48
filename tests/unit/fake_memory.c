/*
 * The host of a policy, played by arrays.  Each answer of the policy is checked where it
 * arrives: a victim has to be in memory and not pinned.  Read fake_memory.h first.
 */
/* cmocka.h wants the four in front of it. */
/* clang-format off */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */

#include "fake_memory.h"

#include <stdlib.h>
#include <string.h>

#define PAGE 4096u

static struct fake *fake_of(const struct vmm_policy_host *host)
{
    struct fake *fake = (struct fake *)(uintptr_t)host;

    fake->calls++;
    return fake;
}

struct vmm_page fake_page(const struct fake *fake, uint32_t frame)
{
    const struct fake_frame *at = &fake->frame[frame];

    return (struct vmm_page){
        .key = at->key,
        .address = at->key * PAGE,
        .frame = frame,
        .bytes = at->bytes,
        .sharers = 1,
        .process = 1,
        .permissions = 3,
        .pinned = at->pinned,
    };
}

static bool host_page(const struct vmm_policy_host *host, uint32_t frame, struct vmm_page *page)
{
    const struct fake *fake = fake_of(host);

    if (frame >= host->frames || fake->frame[frame].key == 0) {
        return false;
    }
    *page = fake_page(fake, frame);
    return true;
}

static bool host_accessed(const struct vmm_policy_host *host, uint32_t frame, bool clear)
{
    struct fake *fake = fake_of(host);
    bool accessed = frame < host->frames && fake->frame[frame].accessed;

    if (accessed && clear) {
        fake->frame[frame].accessed = false;
        fake->clears++;
    }
    return accessed;
}

static bool host_dirty(const struct vmm_policy_host *host, uint32_t frame)
{
    return fake_of(host)->frame[frame].dirty;
}

static uint32_t host_resident(const struct vmm_policy_host *host)
{
    return fake_of(host)->resident;
}

static bool
host_history(const struct vmm_policy_host *host, unsigned nth, struct vmm_fault *fault)
{
    const struct fake *fake = fake_of(host);

    if (nth >= 64 || nth >= fake->faults) {
        return false;
    }
    *fault = fake->last[(fake->faults - 1 - nth) % 64];
    return true;
}

static void host_log(const struct vmm_policy_host *host, const char *text)
{
    (void)fake_of(host);
    (void)text;
}

void fake_create_memory(struct fake *fake, uint32_t limit, uint64_t keys)
{
    uint32_t frames = limit + 5;

    *fake = (struct fake){
        .host =
            {
                .version = VMM_POLICY_VERSION,
                .frames = frames,
                .limit = limit,
                .page = host_page,
                .accessed = host_accessed,
                .dirty = host_dirty,
                .resident = host_resident,
                .history = host_history,
                .log = host_log,
            },
        .keys = keys,
        .spares = frames,
    };
    fake->frame = calloc(frames, sizeof(*fake->frame));
    fake->spare = calloc(frames, sizeof(*fake->spare));
    fake->frame_of = malloc(keys * sizeof(*fake->frame_of));
    assert_non_null(fake->frame);
    assert_non_null(fake->spare);
    assert_non_null(fake->frame_of);
    memset(fake->frame_of, 0xff, keys * sizeof(*fake->frame_of));
    for (uint32_t i = 0; i < frames; i++) {
        fake->spare[i] = frames - 1 - i;
    }
}

void fake_create(
    struct fake *fake,
    const struct vmm_policy *ops,
    const char *options,
    uint32_t limit,
    uint64_t keys)
{
    char error[256] = "";

    fake_create_memory(fake, limit, keys);
    fake->ops = ops;
    fake->self = ops->create(&fake->host, options, error, sizeof(error));
    assert_string_equal(error, "");
    assert_non_null(fake->self);
    fake->sample_pages =
        ops->choose_sample != NULL ? ops->choose_sample(fake->self) : ops->sample_pages;
}

void fake_destroy(struct fake *fake)
{
    if (fake->self != NULL) {
        fake->ops->destroy(fake->self);
    }
    free(fake->frame_of);
    free(fake->spare);
    free(fake->frame);
}

struct vmm_fault fake_fault(const struct fake *fake, uint64_t key)
{
    return (struct vmm_fault){
        .number = fake->faults + 1,
        .address = key * PAGE + 8,
        .key = key,
        .region_begin = PAGE,
        .region_end = fake->keys * PAGE,
        .process = 1,
        .permissions = 3,
    };
}

void fake_drop(struct fake *fake, uint32_t frame, bool evicted)
{
    struct vmm_page page = fake_page(fake, frame);

    assert_int_not_equal(page.key, 0);
    fake->frame_of[page.key] = VMM_NO_FRAME;
    fake->frame[frame] = (struct fake_frame){0};
    fake->spare[fake->spares++] = frame;
    fake->resident--;
    if (fake->ops->on_unmap != NULL) {
        fake->ops->on_unmap(fake->self, &page, evicted);
    }
}

/* As many pages as were asked for, in turn round all frames. */
static void sample(struct fake *fake)
{
    uint32_t wanted = fake->sample_pages < fake->resident ? fake->sample_pages : fake->resident;

    while (wanted > 0) {
        struct fake_frame *at = &fake->frame[fake->hand];

        if (at->key != 0) {
            bool accessed = at->accessed;

            at->accessed = false;
            fake->ops->on_sample(fake->self, fake->hand, accessed);
            if (fake->on_sample != NULL) {
                fake->on_sample(fake->argument, at->key, accessed);
            }
            wanted--;
        }
        fake->hand = (fake->hand + 1) % fake->host.frames;
    }
}

static void touch(struct fake *fake, uint32_t frame)
{
    if (fake->exact) {
        fake->ops->on_sample(fake->self, frame, true);
    } else {
        fake->frame[frame].accessed = true;
    }
}

static uint64_t make_room(struct fake *fake, const struct vmm_fault *fault)
{
    uint32_t frame = fake->ops->choose_victim(fake->self, fault);

    assert_true(frame < fake->host.frames);
    uint64_t key = fake->frame[frame].key;
    assert_int_not_equal(key, 0);
    assert_false(fake->frame[frame].pinned);
    fake_drop(fake, frame, true);
    return key;
}

bool fake_use(struct fake *fake, uint64_t key, uint64_t *victim)
{
    uint32_t frame = fake->frame_of[key];
    struct vmm_fault fault = fake_fault(fake, key);
    struct vmm_decision decision = {.map_begin = key * PAGE, .map_end = (key + 1) * PAGE};

    *victim = 0;
    if (frame != VMM_NO_FRAME) {
        touch(fake, frame);
        return false;
    }
    if (fake->ops->on_fault != NULL) {
        fake->ops->on_fault(fake->self, &fault, &decision);
    }
    fake->last[fake->faults++ % 64] = fault;
    sample(fake);
    if (fake->resident == fake->host.limit) {
        *victim = make_room(fake, &fault);
    }
    frame = fake->spare[--fake->spares];
    fake->frame[frame] = (struct fake_frame){.key = key, .bytes = PAGE};
    fake->frame_of[key] = frame;
    fake->resident++;

    struct vmm_page page = fake_page(fake, frame);
    if (fake->ops->on_map != NULL) {
        fake->ops->on_map(fake->self, &page);
    }
    touch(fake, frame);
    return true;
}

uint64_t fake_random(uint64_t *state)
{
    /* xorshift* (Vigna 2016). */
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    return (*state * UINT64_C(2685821657736338717)) >> 16;
}
