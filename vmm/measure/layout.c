/*
 * Builds layouts and random cycles.  It refuses to map anything.  Read field.c next.
 */
#include "measure/layout.h"

#include <assert.h>
#include <stdlib.h>

#include "base/addr.h"
#include "measure/random.h"

void layout_shuffle(uint32_t *order, size_t count, uint64_t *random)
{
    for (size_t i = 0; i < count; i++) {
        order[i] = (uint32_t)i;
    }
    for (size_t i = count; i > 1; i--) {
        size_t j = random_below(random, (uint32_t)i);
        uint32_t swap = order[i - 1];
        order[i - 1] = order[j];
        order[j] = swap;
    }
}

void layout_make_cycle(uint32_t *next, size_t count, uint64_t *random)
{
    for (size_t i = 0; i < count; i++) {
        next[i] = (uint32_t)i;
    }
    for (size_t i = count; i > 1; i--) {
        size_t j = random_below(random, (uint32_t)i - 1);
        uint32_t swap = next[i - 1];
        next[i - 1] = next[j];
        next[j] = swap;
    }
    size_t length = 1;
    for (size_t at = next[0]; at != 0; at = next[at]) {
        length++;
    }
    assert(length == count);
    (void)length;
}

uint64_t layout_leaf_bytes(const struct layout *layout)
{
    return layout->level == 1 ? PAGE_BYTES : layout->level == 2 ? LARGE_BYTES : GIANT_BYTES;
}

uint64_t layout_word_address(const struct layout *layout, enum layout_set set, size_t word)
{
    const struct layout_word *at = &layout->words[set][word];

    return layout->maps[at->map].address + at->offset;
}

/* Neighbours in the list that share a table count once: lists are in ascending order, mostly. */
size_t layout_tables(const struct layout *layout)
{
    size_t tables = 0;

    for (unsigned level = layout->level; level <= 3; level++) {
        unsigned shift = 12 + 9 * level;
        uint64_t previous = UINT64_MAX;
        for (size_t i = 0; i < layout->map_count; i++) {
            uint64_t prefix = layout->maps[i].address >> shift;
            tables += prefix != previous;
            previous = prefix;
        }
    }
    return tables;
}

static bool
allocate(struct layout *layout, size_t maps, size_t words, unsigned level, struct err *err)
{
    *layout = (struct layout){.level = level, .map_count = maps, .word_count = words};
    layout->maps = calloc(maps, sizeof(*layout->maps));
    layout->words[LAYOUT_TEST] = calloc(words, sizeof(struct layout_word));
    layout->words[LAYOUT_CONTROL] = calloc(words, sizeof(struct layout_word));
    if (layout->maps == NULL || layout->words[LAYOUT_TEST] == NULL ||
        layout->words[LAYOUT_CONTROL] == NULL) {
        layout_destroy(layout);
        return err_set(err, ERR_ENVIRONMENT, "no memory for a layout of %zu pages", maps);
    }
    return true;
}

static uint32_t line_offset(size_t word)
{
    return (uint32_t)(word % LAYOUT_PAGE_LINES * LAYOUT_LINE_BYTES);
}

/*
 * The line of page i's word in its frame: one further for each frame.  Pages 64 apart have one line
 * number otherwise, and where their addresses differ only in bits that the data cache's way prediction
 * does not hash, as at strides of 4 MiB and more, the two lines would drive each other out.
 */
static uint32_t slanted_offset(size_t page)
{
    return line_offset(page + page / LAYOUT_PAGE_LINES);
}

/* The control: word i is in the same line of control page i / 64; these maps come last. */
static void add_control(struct layout *layout, size_t first_map, uint64_t address)
{
    for (size_t i = first_map; i < layout->map_count; i++) {
        layout->maps[i].address = address + (i - first_map) * PAGE_BYTES;
    }
    for (size_t i = 0; i < layout->word_count; i++) {
        layout->words[LAYOUT_CONTROL][i] = (struct layout_word){
            .map = (uint32_t)(first_map + i / LAYOUT_PAGE_LINES),
            .offset = slanted_offset(i) + LAYOUT_CONTROL_BYTES};
    }
}

static uint64_t control_address(const uint64_t *address, size_t pages)
{
    uint64_t last = address[0];

    for (size_t i = 1; i < pages; i++) {
        last = address[i] > last ? address[i] : last;
    }
    return round_up(last + 1, LAYOUT_CONTROL_REGION);
}

bool layout_make_uniq(
    struct layout *layout,
    const uint64_t *address,
    size_t pages,
    uint64_t seed,
    struct err *err)
{
    size_t dense = (pages + LAYOUT_PAGE_LINES - 1) / LAYOUT_PAGE_LINES;
    uint32_t *frames = calloc(dense, sizeof(*frames));

    if (frames == NULL || !allocate(layout, pages + dense, pages, 1, err)) {
        free(frames);
        return err_set(err, ERR_ENVIRONMENT, "no memory for a layout of %zu pages", pages);
    }
    layout->frame_count = dense;
    layout_shuffle(frames, dense, &seed);
    for (size_t i = 0; i < pages; i++) {
        layout->maps[i] = (struct layout_map){address[i], frames[i / LAYOUT_PAGE_LINES]};
        layout->words[LAYOUT_TEST][i] = (struct layout_word){(uint32_t)i, slanted_offset(i)};
    }
    add_control(layout, pages, control_address(address, pages));
    for (size_t i = 0; i < dense; i++) {
        layout->maps[pages + i].frame = frames[i];
    }
    free(frames);
    return true;
}

void layout_scatter(struct layout *layout, uint64_t seed)
{
    uint32_t line[LAYOUT_PAGE_LINES];

    for (size_t i = 0; i < layout->word_count; i++) {
        if (i % LAYOUT_PAGE_LINES == 0) {
            layout_shuffle(line, LAYOUT_PAGE_LINES, &seed);
        }
        uint32_t offset = line[i % LAYOUT_PAGE_LINES] * LAYOUT_LINE_BYTES;
        layout->words[LAYOUT_TEST][i].offset = offset;
        layout->words[LAYOUT_CONTROL][i].offset = offset + LAYOUT_CONTROL_BYTES;
    }
}

bool layout_make_own(
    struct layout *layout,
    const uint64_t *address,
    size_t pages,
    bool shuffled,
    uint64_t seed,
    struct err *err)
{
    size_t dense = (pages + LAYOUT_PAGE_LINES - 1) / LAYOUT_PAGE_LINES;
    uint32_t *frames = calloc(pages, sizeof(*frames));

    if (frames == NULL || !allocate(layout, pages + dense, pages, 1, err)) {
        free(frames);
        return err_set(err, ERR_ENVIRONMENT, "no memory for a layout of %zu pages", pages);
    }
    layout->frame_count = pages + dense;
    layout->contiguous = true;
    layout_shuffle(frames, pages, &seed);
    for (size_t i = 0; i < pages; i++) {
        layout->maps[i] = (struct layout_map){address[i], shuffled ? frames[i] : (uint32_t)i};
        layout->words[LAYOUT_TEST][i] = (struct layout_word){(uint32_t)i, slanted_offset(i)};
    }
    add_control(layout, pages, control_address(address, pages));
    for (size_t i = 0; i < dense; i++) {
        layout->maps[pages + i].frame = (uint32_t)(pages + i);
    }
    free(frames);
    return true;
}

bool layout_make_large(
    struct layout *layout,
    unsigned level,
    uint64_t address,
    size_t units,
    uint64_t unit_bytes,
    enum layout_backing backing,
    struct err *err)
{
    if (!allocate(layout, 1, units, level, err)) {
        return false;
    }
    layout->frame_count = 1;
    layout->backing = backing;
    layout->maps[0] = (struct layout_map){address, 0};
    assert(units * unit_bytes <= layout_leaf_bytes(layout));
    for (size_t i = 0; i < units; i++) {
        layout->words[LAYOUT_TEST][i] =
            (struct layout_word){0, (uint32_t)(i * unit_bytes) + line_offset(i)};
        layout->words[LAYOUT_CONTROL][i] = (struct layout_word){
            0, (uint32_t)(i / LAYOUT_PAGE_LINES * unit_bytes) + line_offset(i) +
                   LAYOUT_CONTROL_BYTES};
    }
    return true;
}

bool layout_make_leaves(
    struct layout *layout,
    unsigned level,
    uint64_t address,
    size_t pages,
    enum layout_backing backing,
    struct err *err)
{
    if (!allocate(layout, pages, pages, level, err)) {
        return false;
    }
    layout->frame_count = pages;
    layout->backing = backing;
    for (size_t i = 0; i < pages; i++) {
        layout->maps[i] =
            (struct layout_map){address + i * layout_leaf_bytes(layout), (uint32_t)i};
        layout->words[LAYOUT_TEST][i] = (struct layout_word){(uint32_t)i, slanted_offset(i)};
        layout->words[LAYOUT_CONTROL][i] = (struct layout_word){
            (uint32_t)(i / LAYOUT_PAGE_LINES), slanted_offset(i) + LAYOUT_CONTROL_BYTES};
    }
    return true;
}

/*
 * Small pages of a frame: the test has SHARED_TEST of them, from a number on that moves from frame to frame,
 * the control some behind these.  2048 neighbours fill each line of each of 32 colours of small
 * pages once.  The factor, odd and so a permutation, keeps the numbers out of step with those of the large
 * pages: else AMD's way prediction, whose hash joins bit 12 with 27, 13 with 26 and so on, takes lines
 * of pages 62 apart for one another.
 */
#define SHARED_TEST   (LAYOUT_SHARERS / 2)
#define SHARED_FACTOR 161
#define COLOURS       32

static uint32_t small_page(size_t number)
{
    return (uint32_t)(number * SHARED_FACTOR % PTE_ENTRIES * PAGE_BYTES);
}

static void place_shared(struct layout *layout, size_t pages, size_t i)
{
    size_t frame = i / LAYOUT_SHARERS;
    size_t line = (i + 2 * (i / LAYOUT_PAGE_LINES)) % LAYOUT_PAGE_LINES;
    size_t control =
        frame * SHARED_TEST + 2 * (size_t)SHARED_TEST + i / LAYOUT_PAGE_LINES % COLOURS;

    layout->words[LAYOUT_TEST][i] = (struct layout_word){
        (uint32_t)i, small_page(i / 2) + (uint32_t)(line * LAYOUT_LINE_BYTES)};
    layout->words[LAYOUT_CONTROL][i] = (struct layout_word){
        (uint32_t)(pages + frame),
        small_page(control) + slanted_offset(i) + LAYOUT_CONTROL_BYTES};
}

bool layout_make_shared(
    struct layout *layout,
    uint64_t address,
    size_t pages,
    enum layout_backing backing,
    struct err *err)
{
    size_t frames = (pages + LAYOUT_SHARERS - 1) / LAYOUT_SHARERS;

    if (!allocate(layout, pages + frames, pages, 2, err)) {
        return false;
    }
    layout->frame_count = frames;
    layout->backing = backing;
    layout->shared = true;
    for (size_t i = 0; i < pages; i++) {
        layout->maps[i] =
            (struct layout_map){address + i * LARGE_BYTES, (uint32_t)(i / LAYOUT_SHARERS)};
        place_shared(layout, pages, i);
    }
    uint64_t control = round_up(address + pages * LARGE_BYTES, LAYOUT_CONTROL_REGION);
    for (size_t f = 0; f < frames; f++) {
        layout->maps[pages + f] = (struct layout_map){control + f * LARGE_BYTES, (uint32_t)f};
    }
    return true;
}

static void place_names(struct layout *layout, size_t frames, size_t m)
{
    uint32_t first = (uint32_t)(m / LAYOUT_PAGE_LINES);
    uint32_t second = (uint32_t)(frames + m);
    uint32_t line = line_offset(m);
    uint32_t other = (line + (uint32_t)PAGE_BYTES / 2) % (uint32_t)PAGE_BYTES;
    struct layout_word *test = &layout->words[LAYOUT_TEST][2 * m];
    struct layout_word *control = &layout->words[LAYOUT_CONTROL][2 * m];

    test[0] = (struct layout_word){first, line};
    test[1] = (struct layout_word){second, line + 8};
    control[0] = (struct layout_word){first, line + LAYOUT_CONTROL_BYTES};
    control[1] = (struct layout_word){second, other + LAYOUT_CONTROL_BYTES + 8};
}

bool layout_make_names(
    struct layout *layout, uint64_t base, const uint64_t *masks, size_t count, struct err *err)
{
    size_t frames = (count + LAYOUT_PAGE_LINES - 1) / LAYOUT_PAGE_LINES;

    if (!allocate(layout, frames + count, 2 * count, 1, err)) {
        return false;
    }
    layout->frame_count = frames;
    for (size_t i = 0; i < frames; i++) {
        layout->maps[i] = (struct layout_map){base + i * LAYOUT_CONTROL_REGION, (uint32_t)i};
    }
    for (size_t m = 0; m < count; m++) {
        uint32_t frame = (uint32_t)(m / LAYOUT_PAGE_LINES);
        layout->maps[frames + m] =
            (struct layout_map){layout->maps[frame].address ^ masks[m], frame};
        place_names(layout, frames, m);
    }
    return true;
}

void layout_destroy(struct layout *layout)
{
    free(layout->maps);
    free(layout->words[LAYOUT_TEST]);
    free(layout->words[LAYOUT_CONTROL]);
    *layout = (struct layout){0};
}
