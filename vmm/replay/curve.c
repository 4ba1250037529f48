/*
 * Stack distances behind curve.h.  Each touch takes the next slot of a line of slots and frees
 * the slot of its page's touch before, so the slots in use behind that one are the pages touched
 * since.  They are counted by a Fenwick tree (P. M. Fenwick: "A new data structure for
 * cumulative frequency tables", Software: Practice and Experience 24(3), 1994) over words of 64
 * slots, which is small enough for the first caches, and one count of bits.  Read curve.h for
 * the contract.
 */
#include "replay/curve.h"

#include <assert.h>
#include <math.h>

#include "replay/grow.h"
#include "replay/sim.h"

#define WORD_SLOTS     64
#define SLOTS_AT_FIRST 4096
#define NO_SLOT        0 /* slot 0 is never given */

struct curve {
    uint64_t *used;     /* owns: a bit for each slot */
    uint32_t *tree;     /* owns: Fenwick tree, from 1 on, over the words that are closed */
    uint32_t *owner;    /* owns: page of each slot in use */
    uint32_t slots;     /* a power of two */
    uint32_t next;      /* slot; its word is the open one, later ones are empty */
    uint32_t in_closed; /* slots in use in closed words */
    uint32_t pages;     /* room in slot_of and distance */
    uint32_t distinct;
    uint32_t *slot_of;  /* owns: by page, its slot or NO_SLOT */
    uint64_t *distance; /* owns: touches at distance d + 1; after finish: at d + 1 or less */
    uint64_t touches;
    uint32_t last; /* page of the last touch */
    bool finished;
};

static bool say_no_memory(struct err *err)
{
    return err_set(err, ERR_ENVIRONMENT, "no memory for the miss-ratio curve");
}

bool curve_create(struct curve **out, struct err *err)
{
    struct curve *curve = calloc(1, sizeof(*curve));

    *out = NULL;
    if (curve == NULL) {
        return say_no_memory(err);
    }
    curve->slots = SLOTS_AT_FIRST;
    curve->next = NO_SLOT + 1;
    curve->last = UINT32_MAX;
    curve->used = calloc(SLOTS_AT_FIRST / WORD_SLOTS, sizeof(*curve->used));
    curve->tree = calloc(SLOTS_AT_FIRST / WORD_SLOTS + 1, sizeof(*curve->tree));
    curve->owner = calloc(SLOTS_AT_FIRST, sizeof(*curve->owner));
    if (curve->used == NULL || curve->tree == NULL || curve->owner == NULL) {
        curve_destroy(curve);
        return say_no_memory(err);
    }
    *out = curve;
    return true;
}

void curve_destroy(struct curve *curve)
{
    if (curve != NULL) {
        free(curve->used);
        free(curve->tree);
        free(curve->owner);
        free(curve->slot_of);
        free(curve->distance);
        free(curve);
    }
}

/* Bits set in a word (Hacker's Delight, "Counting 1-Bits"): the instruction for it is not in
 * the x86-64 baseline, and the library's routine is slower. */
static uint32_t count_bits(uint64_t word)
{
    word -= word >> 1 & UINT64_C(0x5555555555555555);
    word = (word & UINT64_C(0x3333333333333333)) + (word >> 2 & UINT64_C(0x3333333333333333));
    word = (word + (word >> 4)) & UINT64_C(0x0f0f0f0f0f0f0f0f);
    return (uint32_t)((word * UINT64_C(0x0101010101010101)) >> 56);
}

static uint32_t words_of(const struct curve *curve)
{
    return curve->slots / WORD_SLOTS;
}

static void tree_add(struct curve *curve, uint32_t word, uint32_t amount)
{
    uint32_t words = words_of(curve);

    for (uint32_t i = word + 1; i <= words; i += i & -i) {
        curve->tree[i] += amount; /* an amount of -1 wraps as it should */
    }
}

/* Slots in use in words 0 … word. */
static uint32_t tree_sum(const struct curve *curve, uint32_t word)
{
    uint32_t sum = 0;

    for (uint32_t i = word + 1; i > 0; i -= i & -i) {
        sum += curve->tree[i];
    }
    return sum;
}

/* Free a slot; returns the slots in use behind it. */
static uint32_t release(struct curve *curve, uint32_t slot)
{
    uint32_t word = slot / WORD_SLOTS;
    uint32_t open = curve->next / WORD_SLOTS;
    uint64_t from_slot = ~UINT64_C(0) << slot % WORD_SLOTS;
    uint32_t behind;

    curve->used[word] &= ~(UINT64_C(1) << slot % WORD_SLOTS);
    behind = count_bits(curve->used[word] & from_slot);
    if (word == open) {
        return behind;
    }
    behind += curve->in_closed - tree_sum(curve, word) + count_bits(curve->used[open]);
    tree_add(curve, word, UINT32_MAX);
    curve->in_closed--;
    return behind;
}

/* Fill the tree anew from the words: each node hands its sum to the node above. */
static void rebuild_tree(struct curve *curve)
{
    uint32_t words = words_of(curve);
    uint32_t open = curve->next / WORD_SLOTS;

    memset(curve->tree, 0, (words + 1) * sizeof(*curve->tree));
    curve->in_closed = 0;
    for (uint32_t word = 0; word < open; word++) {
        uint32_t bits = count_bits(curve->used[word]);

        curve->tree[word + 1] = bits;
        curve->in_closed += bits;
    }
    for (uint32_t i = 1; i <= words; i++) {
        if (i + (i & -i) <= words) {
            curve->tree[i + (i & -i)] += curve->tree[i];
        }
    }
}

/* Double the slots; what is in use stays. */
static bool double_slots(struct curve *curve)
{
    uint32_t words = words_of(curve);
    uint64_t *used = grow_array(curve->used, words, (size_t)words * 2, sizeof(*used));
    uint32_t *array;

    if (used == NULL) {
        return false;
    }
    curve->used = used;
    array = grow_array(curve->tree, words + 1, (size_t)words * 2 + 1, sizeof(*array));
    if (array == NULL) {
        return false;
    }
    curve->tree = array;
    array = grow_array(curve->owner, curve->slots, (size_t)curve->slots * 2, sizeof(*array));
    if (array == NULL) {
        return false;
    }
    curve->owner = array;
    curve->slots *= 2;
    return true;
}

/*
 * The slots ran out: move those in use together, in order, to the front.  With at least as many
 * slots free as in use afterwards, that costs O(1) a touch.
 */
static bool renumber(struct curve *curve)
{
    uint32_t words = words_of(curve);
    uint32_t next = NO_SLOT + 1;

    for (uint32_t word = 0; word < words; word++) {
        for (uint64_t left = curve->used[word]; left != 0; left &= left - 1) {
            uint32_t old = word * WORD_SLOTS + (uint32_t)__builtin_ctzll(left);

            curve->owner[next] = curve->owner[old];
            curve->slot_of[curve->owner[next]] = next;
            next++;
        }
    }
    if (next > curve->slots / 2 && !double_slots(curve)) {
        return false;
    }
    curve->next = next;
    memset(curve->used, 0, words_of(curve) * sizeof(*curve->used));
    for (uint32_t slot = NO_SLOT + 1; slot < next; slot++) {
        curve->used[slot / WORD_SLOTS] |= UINT64_C(1) << slot % WORD_SLOTS;
    }
    rebuild_tree(curve);
    return true;
}

/* Give the next slot to a page. */
static bool occupy(struct curve *curve, uint32_t id)
{
    uint32_t slot = curve->next++;

    curve->used[slot / WORD_SLOTS] |= UINT64_C(1) << slot % WORD_SLOTS;
    curve->owner[slot] = id;
    curve->slot_of[id] = slot;
    if (curve->next == curve->slots) {
        return renumber(curve);
    }
    if (curve->next % WORD_SLOTS == 0) {
        uint32_t bits = count_bits(curve->used[slot / WORD_SLOTS]);

        tree_add(curve, slot / WORD_SLOTS, bits);
        curve->in_closed += bits;
    }
    return true;
}

static bool make_room(struct curve *curve, uint32_t pages)
{
    uint32_t room = curve->pages > 0 ? curve->pages : SLOTS_AT_FIRST;
    uint32_t *slot_of;
    uint64_t *distance;

    while (room < pages) {
        room *= 2;
    }
    slot_of = grow_array(curve->slot_of, curve->pages, room, sizeof(*slot_of));
    if (slot_of == NULL) {
        return false;
    }
    curve->slot_of = slot_of;
    distance = grow_array(curve->distance, curve->pages, room, sizeof(*distance));
    if (distance == NULL) {
        return false;
    }
    curve->distance = distance;
    curve->pages = room;
    return true;
}

bool curve_touch(
    struct curve *curve, const uint32_t *ids, size_t count, uint32_t pages, struct err *err)
{
    assert(!curve->finished);
    if (pages > curve->pages && !make_room(curve, pages)) {
        return say_no_memory(err);
    }
    curve->touches += count;
    for (size_t i = 0; i < count; i++) {
        uint32_t id = ids[i];

        if (i + SIM_AHEAD < count) {
            __builtin_prefetch(&curve->slot_of[ids[i + SIM_AHEAD]], 1);
        }
        if (id == curve->last) {
            curve->distance[0]++;
            continue;
        }
        curve->last = id;
        if (curve->slot_of[id] == NO_SLOT) {
            curve->distinct++;
        } else {
            curve->distance[release(curve, curve->slot_of[id])]++;
        }
        if (!occupy(curve, id)) {
            return say_no_memory(err);
        }
    }
    return true;
}

void curve_finish(struct curve *curve)
{
    assert(!curve->finished);
    curve->finished = true;
    for (uint32_t i = 1; i < curve->distinct; i++) {
        curve->distance[i] += curve->distance[i - 1];
    }
}

uint64_t curve_touches(const struct curve *curve)
{
    return curve->touches;
}

uint32_t curve_pages(const struct curve *curve)
{
    return curve->distinct;
}

uint64_t curve_faults(const struct curve *curve, uint64_t frames)
{
    assert(curve->finished);
    if (frames == 0 || curve->distinct == 0) {
        return curve->touches;
    }
    if (frames > curve->distinct) {
        frames = curve->distinct;
    }
    return curve->touches - curve->distance[frames - 1];
}

uint64_t curve_frames_for(const struct curve *curve, uint64_t faults)
{
    uint64_t low = 0;
    uint64_t high = curve->distinct;

    if (faults < curve->distinct) {
        return UINT64_MAX;
    }
    while (low < high) {
        uint64_t middle = low + (high - low) / 2;

        if (curve_faults(curve, middle) <= faults) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    return low;
}

size_t curve_sample(const struct curve *curve, struct curve_point *points, size_t room)
{
    uint64_t pages = curve->distinct;
    size_t steps = pages < room ? (size_t)pages : room;
    size_t count = 0;
    uint64_t before = 0;

    assert(room >= 2);
    for (size_t i = 0; i < steps; i++) {
        uint64_t frames = i + 1;

        if (pages > room) {
            double exponent = (double)i / (double)(steps - 1);

            frames = (uint64_t)llround(pow((double)pages, exponent));
        }
        if (frames > before) {
            points[count++] = (struct curve_point){frames, curve_faults(curve, frames)};
            before = frames;
        }
    }
    return count;
}
