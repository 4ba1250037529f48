/*
 * The made-up translation buffer.  Searches linearly, evicts by the rule of its shape, and fills both
 * levels on a walk; a hit in the second level fills the first.  Read tlb_model.h first.
 */
#include "tlb_model.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "measure/analyse/windows.h"

#define WINDOWS   60
#define PAGES_MAX 16384
#define WARM_MIN  2

uint64_t tlb_random(uint64_t *state)
{
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    return *state * UINT64_C(2685821657736338717);
}

double tlb_uniform(uint64_t *state)
{
    return (double)(tlb_random(state) >> 11) * 0x1p-53;
}

static double gauss(uint64_t *state)
{
    double radius = sqrt(-2 * log(1 - tlb_uniform(state)));

    return radius * cos(2 * 3.14159265358979 * tlb_uniform(state));
}

struct tlb_shape tlb_make_shape(
    unsigned ways, unsigned index_bits, unsigned fold, enum tlb_replacement replacement)
{
    struct tlb_shape shape = {
        .ways = ways, .index_bits = index_bits, .replacement = replacement};

    for (unsigned i = 0; i < index_bits; i++) {
        shape.index[i] = UINT64_C(1) << i;
        if (fold > 0) {
            shape.index[i] |= UINT64_C(1) << (i + fold);
        }
    }
    return shape;
}

uint64_t tlb_count_entries(const struct tlb_shape *shape)
{
    return (uint64_t)shape->ways << shape->index_bits;
}

static bool create_level(struct tlb_level *level, const struct tlb_shape *shape)
{
    size_t entries = tlb_count_entries(shape);

    level->shape = *shape;
    if (entries == 0) {
        return true;
    }
    level->tag = calloc(entries, sizeof(*level->tag));
    level->stamp = calloc(entries, sizeof(*level->stamp));
    level->tree = calloc((size_t)1 << shape->index_bits, sizeof(*level->tree));
    return level->tag != NULL && level->stamp != NULL && level->tree != NULL;
}

bool tlb_create(
    struct tlb_model *model,
    const struct tlb_shape *first,
    const struct tlb_shape *second,
    uint64_t seed)
{
    *model = (struct tlb_model){
        .cost_first = 4,
        .cost_second = 11,
        .cost_walk = 35,
        .random = seed * UINT64_C(0x9e3779b97f4a7c15) + 1,
    };
    model->phase = 6.28 * tlb_uniform(&model->random);
    return create_level(&model->level[0], first) && create_level(&model->level[1], second);
}

void tlb_destroy(struct tlb_model *model)
{
    for (size_t i = 0; i < 2; i++) {
        free(model->level[i].tag);
        free(model->level[i].stamp);
        free(model->level[i].tree);
    }
}

static size_t find_set(const struct tlb_shape *shape, uint64_t page)
{
    size_t set = 0;

    for (unsigned i = 0; i < shape->index_bits; i++) {
        set |= (size_t)__builtin_parityll(page & shape->index[i]) << i;
    }
    return set;
}

static bool has_tree(const struct tlb_shape *shape)
{
    return (shape->ways & (shape->ways - 1)) == 0 && shape->ways <= 64;
}

/* Nodes 1 to ways - 1; each points to the half that was not used last. */
static void tree_touch(uint64_t *tree, unsigned ways, unsigned way)
{
    for (unsigned node = way + ways; node > 1; node /= 2) {
        uint64_t bit = UINT64_C(1) << (node / 2);

        *tree = node % 2 == 0 ? *tree | bit : *tree & ~bit;
    }
}

static unsigned tree_victim(uint64_t tree, unsigned ways)
{
    unsigned node = 1;

    while (node < ways) {
        node = 2 * node + (unsigned)(tree >> node & 1);
    }
    return node - ways;
}

static void
touch_way(struct tlb_model *model, struct tlb_level *level, size_t set, unsigned way)
{
    unsigned ways = level->shape.ways;
    uint64_t *stamp = level->stamp + set * ways;

    if (level->shape.replacement == TLB_LRU) {
        stamp[way] = ++model->clock;
    } else if (level->shape.replacement == TLB_PLRU && has_tree(&level->shape)) {
        tree_touch(&level->tree[set], ways, way);
    } else if (level->shape.replacement == TLB_PLRU) {
        size_t used = 0;

        stamp[way] = 1;
        for (unsigned i = 0; i < ways; i++) {
            used += stamp[i] != 0;
        }
        if (used == ways) {
            memset(stamp, 0, ways * sizeof(*stamp));
            stamp[way] = 1;
        }
    }
}

static unsigned find_victim(struct tlb_model *model, struct tlb_level *level, size_t set)
{
    unsigned ways = level->shape.ways;
    const uint64_t *stamp = level->stamp + set * ways;
    unsigned victim = 0;

    for (unsigned i = 0; i < ways; i++) {
        if (level->tag[set * ways + i] == 0) {
            return i;
        }
    }
    if (level->shape.replacement == TLB_RANDOM) {
        return (unsigned)(tlb_random(&model->random) >> 33) % ways;
    }
    if (level->shape.replacement == TLB_PLRU && has_tree(&level->shape)) {
        return tree_victim(level->tree[set], ways);
    }
    for (unsigned i = 1; i < ways; i++) {
        victim = stamp[i] < stamp[victim] ? i : victim;
    }
    return victim;
}

/* True on a hit; on a miss the page is in afterwards. */
static bool look_up(struct tlb_model *model, struct tlb_level *level, uint64_t page)
{
    unsigned ways = level->shape.ways;

    if (ways == 0) {
        return false;
    }
    size_t set = find_set(&level->shape, page);
    uint64_t *tag = level->tag + set * ways;

    for (unsigned i = 0; i < ways; i++) {
        if (tag[i] == page + 1) {
            touch_way(model, level, set, i);
            return true;
        }
    }
    unsigned victim = find_victim(model, level, set);

    tag[victim] = page + 1;
    touch_way(model, level, set, victim);
    return false;
}

static double access_page(struct tlb_model *model, uint64_t page)
{
    if (look_up(model, &model->level[0], page)) {
        return model->cost_first;
    }
    return look_up(model, &model->level[1], page) ? model->cost_second : model->cost_walk;
}

void tlb_flush(struct tlb_model *model)
{
    for (size_t i = 0; i < 2; i++) {
        const struct tlb_level *level = &model->level[i];
        size_t sets = (size_t)1 << level->shape.index_bits;

        if (level->shape.ways > 0) {
            memset(level->tag, 0, sets * level->shape.ways * sizeof(*level->tag));
            memset(level->stamp, 0, sets * level->shape.ways * sizeof(*level->stamp));
            memset(level->tree, 0, sets * sizeof(*level->tree));
        }
    }
}

double tlb_run_chain(struct tlb_model *model, const uint64_t *pages, size_t count)
{
    size_t warm = WARM_MIN + 1000 / count;
    size_t rounds = 1 + 2000 / count;
    double sum = 0;

    tlb_flush(model);
    for (size_t round = 0; round < warm + rounds; round++) {
        for (size_t i = 0; i < count; i++) {
            double cost = access_page(model, pages[i]);

            sum += round >= warm ? cost : 0;
        }
    }
    return sum / (double)(rounds * count);
}

double tlb_add_noise(struct tlb_model *model, double cost)
{
    const struct tlb_noise *noise = &model->noise;
    double window[WINDOWS];
    double scratch[WINDOWS];

    model->phase += 0.05;
    cost *= 1 + noise->drift * sin(model->phase);
    if (tlb_uniform(&model->random) < noise->disturbed_share) {
        cost *= 1.05 + 0.45 * tlb_uniform(&model->random);
    }
    for (size_t i = 0; i < WINDOWS; i++) {
        window[i] = cost * (1 + noise->gauss * gauss(&model->random));
        if (tlb_uniform(&model->random) < noise->spike_share) {
            window[i] *= 1 - noise->spike_size * log(1 - tlb_uniform(&model->random));
        }
        if (tlb_uniform(&model->random) < noise->preempt_share) {
            window[i] *= 5 + 45 * tlb_uniform(&model->random);
        }
    }
    return windows_summarise(window, WINDOWS, scratch).low.value;
}

double tlb_measure_pages(struct tlb_model *model, size_t count, uint64_t stride_pages)
{
    static const size_t most = PAGES_MAX;
    uint64_t pages[PAGES_MAX];

    count = count < most ? count : most;
    for (size_t i = 0; i < count; i++) {
        pages[i] = i * stride_pages;
    }
    for (size_t i = count; i-- > 1;) {
        size_t j = (tlb_random(&model->random) >> 33) % (i + 1);
        uint64_t page = pages[i];

        pages[i] = pages[j];
        pages[j] = page;
    }
    return tlb_add_noise(model, tlb_run_chain(model, pages, count));
}

struct tlb_noise tlb_make_noise(unsigned grade)
{
    static const struct tlb_noise noise[] = {
        {0},
        {.gauss = 0.003, .spike_share = 0.02, .spike_size = 0.2, .preempt_share = 0.002},
        {.gauss = 0.005,
         .spike_share = 0.1,
         .spike_size = 0.3,
         .preempt_share = 0.01,
         .drift = 0.005,
         .disturbed_share = 0.01},
        {.gauss = 0.01,
         .spike_share = 0.3,
         .spike_size = 0.5,
         .preempt_share = 0.05,
         .drift = 0.01,
         .disturbed_share = 0.02},
    };

    return noise[grade];
}
