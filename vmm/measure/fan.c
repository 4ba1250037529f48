/* Places pages over tables; see fan.h. */
#include "measure/fan.h"

#include <assert.h>

#include "base/addr.h"
#include "measure/layout.h"
#include "measure/random.h"

#define ENTRIES      512
#define LINE_ENTRIES 8 /* of a table in a cache line */
#define LINES        (ENTRIES / LINE_ENTRIES)

static size_t in_a_table(const struct fan *fan)
{
    return fan->level == 2 && fan->line_pages == 1 ? LINES : ENTRIES;
}

size_t fan_least(const struct fan *fan)
{
    return (fan->pages + in_a_table(fan) - 1) / in_a_table(fan);
}

/* Pages of table t in the greatest of its shares: of the least size that it takes part in. */
static size_t share_of(const struct fan *fan, size_t t)
{
    size_t least = fan_least(fan);
    size_t k = fan->only_most ? fan->most : t + 1 > least ? t + 1 : least;

    return (fan->pages + k - 1) / k;
}

size_t fan_words(const struct fan *fan)
{
    size_t words = 0;

    for (size_t t = 0; t < fan->most; t++) {
        words += share_of(fan, t);
    }
    return words;
}

/* Entry number of page i of a table that begins at a random place, so that tables of few entries
 * do not all lie in the same sets of the data cache. */
static uint64_t entry_of(const struct fan *fan, size_t i, uint64_t begin, uint64_t *random)
{
    if (fan->level == 2 && fan->line_pages == 1) {
        return (i + begin) % LINES * LINE_ENTRIES + random_below(random, LINE_ENTRIES);
    }
    return (i + begin * LINE_ENTRIES) % ENTRIES;
}

void fan_place(const struct fan *fan, uint64_t base, uint64_t seed, uint64_t *address)
{
    unsigned table_shift = PAGE_SHIFT + 9 * (fan->level - 1);
    size_t word = 0;

    for (size_t t = 0; t < fan->most; t++) {
        uint64_t slot = fan->apart ? t * LINE_ENTRIES + random_below(&seed, LINE_ENTRIES) : t;
        uint64_t table = base + (slot << table_shift);
        uint64_t begin = random_below(&seed, LINES);
        for (size_t i = 0; i < share_of(fan, t); i++) {
            uint64_t entry = entry_of(fan, i, begin, &seed);
            for (unsigned level = fan->level; level > 2; level--) {
                entry = entry * ENTRIES + random_below(&seed, ENTRIES);
            }
            address[word++] = table + entry * PAGE_BYTES;
        }
    }
    assert(word == fan_words(fan));
}

size_t fan_scratch(const struct fan *fan)
{
    return fan->most + share_of(fan, 0);
}

void fan_visit(
    const struct fan *fan, size_t k, uint64_t seed, uint32_t *words, uint32_t *scratch)
{
    uint32_t *place = scratch;            /* of a table in each round */
    uint32_t *page = scratch + fan->most; /* of a table, in each round */
    size_t used = 0;
    size_t first = 0;

    assert(k >= fan_least(fan) && k <= fan->most);
    layout_shuffle(place, k, &seed);
    for (size_t t = 0; t < k; t++) {
        size_t rounds = (fan->pages - place[t] + k - 1) / k;
        layout_shuffle(page, rounds, &seed);
        for (size_t round = 0; round < rounds; round++) {
            words[round * k + place[t]] = (uint32_t)(first + page[round]);
        }
        used += rounds;
        first += share_of(fan, t);
    }
    assert(used == fan->pages);
    (void)used;
}
