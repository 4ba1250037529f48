/* Open addressing with linear probing; see report_set.h. */
#include "report/report_set.h"

#include <stdlib.h>
#include <string.h>

#define CAPACITY_FIRST 256

struct report_set {
    struct report_set_item *items; /* owns; the key is stored + 1, 0: empty */
    uint64_t capacity, used;
};

bool report_set_create(struct report_set **set)
{
    struct report_set *made = calloc(1, sizeof(*made));

    *set = made;
    if (made == NULL) {
        return false;
    }
    made->capacity = CAPACITY_FIRST;
    made->items = calloc(made->capacity, sizeof(*made->items));
    if (made->items == NULL) {
        free(made);
        *set = NULL;
        return false;
    }
    return true;
}

void report_set_destroy(struct report_set *set)
{
    if (set != NULL) {
        free(set->items);
        free(set);
    }
}

void report_set_empty(struct report_set *set)
{
    memset(set->items, 0, set->capacity * sizeof(*set->items));
    set->used = 0;
}

static struct report_set_item *
find(struct report_set_item *items, uint64_t capacity, uint64_t stored)
{
    uint64_t place = stored * UINT64_C(0x9e3779b97f4a7c15);

    place = (place ^ place >> 32) & (capacity - 1);
    while (items[place].key != 0 && items[place].key != stored) {
        place = (place + 1) & (capacity - 1);
    }
    return &items[place];
}

static bool grow(struct report_set *set)
{
    uint64_t capacity = set->capacity * 2;
    struct report_set_item *items = calloc(capacity, sizeof(*items));

    if (items == NULL) {
        return false;
    }
    for (uint64_t i = 0; i < set->capacity; i++) {
        if (set->items[i].key != 0) {
            *find(items, capacity, set->items[i].key) = set->items[i];
        }
    }
    free(set->items);
    set->items = items;
    set->capacity = capacity;
    return true;
}

bool report_set_add(struct report_set *set, uint64_t key, uint64_t count, bool *fresh)
{
    struct report_set_item *item = find(set->items, set->capacity, key + 1);
    bool is_new = item->key == 0;

    if (is_new) {
        if ((set->used + 1) * 4 > set->capacity * 3) {
            if (!grow(set)) {
                return false;
            }
            item = find(set->items, set->capacity, key + 1);
        }
        item->key = key + 1;
        set->used++;
    }
    item->count += count;
    if (fresh != NULL) {
        *fresh = is_new;
    }
    return true;
}

uint64_t report_set_count(const struct report_set *set, uint64_t key)
{
    return find(set->items, set->capacity, key + 1)->count;
}

uint64_t report_set_size(const struct report_set *set)
{
    return set->used;
}

bool report_set_next(const struct report_set *set, uint64_t *at, struct report_set_item *item)
{
    for (; *at < set->capacity; (*at)++) {
        if (set->items[*at].key != 0) {
            *item = set->items[*at];
            item->key--;
            (*at)++;
            return true;
        }
    }
    return false;
}
