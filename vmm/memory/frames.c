/*
 * Owns the records of all frames and the lists of blocks they are handed out from.  It refuses
 * to know what a frame holds or where it is mapped: `owner` and `used` belong to whoever took
 * it. Read vmm/paging/ptab.c next, the first customer.
 *
 * A block is in one of four states:
 *   untouched    number >= frames->untouched
 *   wholly free  on the stack frames->free; used, bump and the free list are reset
 *   partly used  on the list frames->partial
 *   full         on no list: 512 single frames, or one run
 * Nothing but frames_split() and clearing memory takes time in proportion to a block's size.
 */
#include "memory/frames.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define BLOCK_FRAMES 512
#define RUN_ORDER    9
#define NO_BLOCK     UINT32_MAX
#define FRAME_USES   (FRAME_SHARED + 1)

struct block {
    uint32_t previous, next; /* on the list of partly used blocks; free ones use next */
    uint32_t free_head;      /* frames below bump that came back, FRAMES_NONE for none */
    uint16_t used;           /* frames handed out */
    uint16_t bump;           /* frames from here on are free and on no list */
    uint16_t dirty;          /* frames from here on were never handed out: the host's zeros */
    uint16_t reserved;
};

struct frames {
    const struct gmem *mem; /* borrows */
    struct frame *records;  /* owns; a mapping, so that records cost nothing before first use */
    struct block *blocks;   /* owns */
    uint32_t count;         /* of frames */
    uint32_t block_count;
    uint32_t untouched; /* blocks from here on never gave a frame */
    uint32_t free;      /* stack of wholly free blocks */
    uint32_t partial;   /* doubly linked list of partly used blocks */
    uint64_t used;
    uint64_t used_peak;
    uint64_t used_as[FRAME_USES];
};

/* --- blocks ------------------------------------------------------------------------------ */

static void add_partial(struct frames *frames, uint32_t number)
{
    struct block *block = &frames->blocks[number];

    block->previous = NO_BLOCK;
    block->next = frames->partial;
    if (frames->partial != NO_BLOCK) {
        frames->blocks[frames->partial].previous = number;
    }
    frames->partial = number;
}

static void remove_partial(struct frames *frames, uint32_t number)
{
    struct block *block = &frames->blocks[number];

    if (block->previous != NO_BLOCK) {
        frames->blocks[block->previous].next = block->next;
    } else {
        frames->partial = block->next;
    }
    if (block->next != NO_BLOCK) {
        frames->blocks[block->next].previous = block->previous;
    }
}

/* Used blocks go first: the host has pages behind them already, and a fault of the host costs
 * more than clearing. */
static uint32_t take_whole_block(struct frames *frames)
{
    uint32_t number = frames->free;

    if (number != NO_BLOCK) {
        frames->free = frames->blocks[number].next;
        return number;
    }
    if (frames->untouched == frames->block_count) {
        return NO_BLOCK;
    }
    number = frames->untouched++;
    frames->blocks[number].free_head = FRAMES_NONE;
    return number;
}

/* `dirty` survives: it alone says what must be cleared before it reads zero again. */
static void put_whole_block(struct frames *frames, uint32_t number)
{
    struct block *block = &frames->blocks[number];

    block->used = 0;
    block->bump = 0;
    block->free_head = FRAMES_NONE;
    block->next = frames->free;
    frames->free = number;
}

static void count_in(struct frames *frames, enum frame_use use, uint64_t count)
{
    frames->used += count;
    frames->used_as[use] += count;
    if (frames->used > frames->used_peak) {
        frames->used_peak = frames->used;
    }
}

static void count_out(struct frames *frames, enum frame_use use, uint64_t count)
{
    assert(frames->used_as[use] >= count);
    frames->used -= count;
    frames->used_as[use] -= count;
}

/* --- single frames ----------------------------------------------------------------------- */

static uint32_t take_frame(struct frames *frames, enum frame_use use, bool *dirty)
{
    assert(use != FRAME_FREE);
    uint32_t number = frames->partial;
    if (number == NO_BLOCK) {
        number = take_whole_block(frames);
        if (number == NO_BLOCK) {
            return FRAMES_NONE;
        }
        add_partial(frames, number);
    }
    struct block *block = &frames->blocks[number];
    uint32_t index = block->free_head;
    if (index != FRAMES_NONE) {
        block->free_head = frames->records[index].next;
        *dirty = true;
    } else {
        index = number * BLOCK_FRAMES + block->bump;
        *dirty = block->bump < block->dirty;
        block->bump++;
        if (!*dirty) {
            block->dirty = block->bump;
        }
    }
    block->used++;
    if (block->used == BLOCK_FRAMES) {
        remove_partial(frames, number);
    }
    frames->records[index] = (struct frame){.references = 1, .use = (uint8_t)use};
    count_in(frames, use, 1);
    return index;
}

uint32_t frames_alloc(struct frames *frames, enum frame_use use)
{
    bool dirty;

    return take_frame(frames, use, &dirty);
}

uint32_t frames_alloc_zeroed(struct frames *frames, enum frame_use use)
{
    bool dirty;
    uint32_t index = take_frame(frames, use, &dirty);

    if (index != FRAMES_NONE && dirty) {
        memset(frames_hva(frames, index), 0, PAGE_BYTES);
    }
    return index;
}

static void put_frame(struct frames *frames, uint32_t index)
{
    uint32_t number = index / BLOCK_FRAMES;
    struct block *block = &frames->blocks[number];

    frames->records[index].next = block->free_head;
    block->free_head = index;
    if (block->used == BLOCK_FRAMES) {
        add_partial(frames, number);
    }
    block->used--;
    if (block->used == 0) {
        remove_partial(frames, number);
        put_whole_block(frames, number);
    }
}

/* --- runs -------------------------------------------------------------------------------- */

/* *dirty: how many frames, from the first on, are not known to read zero. */
static uint32_t take_run(struct frames *frames, enum frame_use use, unsigned *dirty)
{
    assert(use != FRAME_FREE);
    uint32_t number = take_whole_block(frames);
    if (number == NO_BLOCK) {
        return FRAMES_NONE;
    }
    struct block *block = &frames->blocks[number];
    *dirty = block->dirty;
    block->used = BLOCK_FRAMES;
    block->bump = BLOCK_FRAMES;
    block->dirty = BLOCK_FRAMES;
    uint32_t index = number * BLOCK_FRAMES;
    frames->records[index] =
        (struct frame){.references = 1, .use = (uint8_t)use, .order = RUN_ORDER};
    count_in(frames, use, BLOCK_FRAMES);
    return index;
}

uint32_t frames_alloc_large(struct frames *frames, enum frame_use use)
{
    unsigned dirty;

    return take_run(frames, use, &dirty);
}

uint32_t frames_alloc_large_zeroed(struct frames *frames, enum frame_use use)
{
    unsigned dirty;
    uint32_t index = take_run(frames, use, &dirty);

    if (index != FRAMES_NONE && dirty > 0) {
        memset(frames_hva(frames, index), 0, dirty * PAGE_BYTES);
    }
    return index;
}

void frames_split(struct frames *frames, uint32_t index)
{
    struct frame *run = frames_record(frames, index);

    assert(run->order == RUN_ORDER);
    struct frame single = {.references = run->references, .use = run->use, .flags = run->flags};
    for (uint32_t i = 0; i < BLOCK_FRAMES; i++) {
        run[i] = single;
    }
}

/* --- both -------------------------------------------------------------------------------- */

void frames_release(struct frames *frames, uint32_t index)
{
    struct frame *record = frames_record(frames, index);

    /* Zero for a free frame, and for all but the first of a run. */
    assert(record->references > 0);
    record->references--;
    if (record->references > 0) {
        return;
    }
    bool is_run = record->order == RUN_ORDER;
    count_out(frames, (enum frame_use)record->use, is_run ? BLOCK_FRAMES : 1);
    *record = (struct frame){.use = FRAME_FREE};
    if (is_run) {
        put_whole_block(frames, index / BLOCK_FRAMES);
    } else {
        put_frame(frames, index);
    }
}

bool frames_create(struct frames **frames, const struct gmem *mem, struct err *err)
{
    uint64_t count = mem->bytes / PAGE_BYTES;

    assert(mem->bytes > 0 && mem->bytes % LARGE_BYTES == 0);
    *frames = NULL;
    if (count >= FRAMES_NONE) {
        return err_set(
            err, ERR_ENVIRONMENT, "guest memory of %llu MiB: at most 16 TiB have frame numbers",
            (unsigned long long)(mem->bytes >> 20));
    }
    struct frames *made = calloc(1, sizeof(*made));
    if (made == NULL) {
        return err_set_errno(err, ERR_ENVIRONMENT, "allocating the frame table");
    }
    made->mem = mem;
    made->count = (uint32_t)count;
    made->block_count = (uint32_t)(count / BLOCK_FRAMES);
    made->free = NO_BLOCK;
    made->partial = NO_BLOCK;
    made->blocks = calloc(made->block_count, sizeof(*made->blocks));
    void *records = mmap(
        NULL, count * sizeof(*made->records), PROT_READ | PROT_WRITE,
        MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    made->records = records == MAP_FAILED ? NULL : records;
    if (made->blocks == NULL || made->records == NULL) {
        err_set_errno(
            err, ERR_ENVIRONMENT, "allocating the frame table of %llu frames",
            (unsigned long long)count);
        frames_destroy(made);
        return false;
    }
    *frames = made;
    return true;
}

void frames_destroy(struct frames *frames)
{
    if (frames == NULL) {
        return;
    }
    if (frames->records != NULL) {
        munmap(frames->records, frames->count * sizeof(*frames->records));
    }
    free(frames->blocks);
    free(frames);
}

struct frame *frames_record(struct frames *frames, uint32_t index)
{
    assert(index < frames->count);
    return &frames->records[index];
}

struct gpa frames_gpa(uint32_t index)
{
    return gpa_of(LAYOUT_RAM_BASE + ((uint64_t)index << PAGE_SHIFT));
}

uint32_t frames_index(struct gpa gpa)
{
    assert(gpa.value >= LAYOUT_RAM_BASE);
    assert((gpa.value - LAYOUT_RAM_BASE) >> PAGE_SHIFT < FRAMES_NONE);
    return (uint32_t)((gpa.value - LAYOUT_RAM_BASE) >> PAGE_SHIFT);
}

void *frames_hva(const struct frames *frames, uint32_t index)
{
    return gmem_hva(frames->mem, frames_gpa(index));
}

uint64_t frames_total(const struct frames *frames)
{
    return frames->count;
}

uint32_t frames_touched(const struct frames *frames)
{
    return frames->untouched * BLOCK_FRAMES;
}

uint64_t frames_used(const struct frames *frames)
{
    return frames->used;
}

uint64_t frames_used_peak(const struct frames *frames)
{
    return frames->used_peak;
}

uint64_t frames_used_as(const struct frames *frames, enum frame_use use)
{
    return frames->used_as[use];
}
