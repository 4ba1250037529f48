/* The plain models; see replay_model.h.  Speed is not wanted here. */
#include "replay_model.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* An ordered set of pages: [0] is the oldest. */
struct row {
    uint32_t *page;
    size_t count;
};

static struct row new_row(size_t room)
{
    return (struct row){.page = calloc(room + 1, sizeof(uint32_t))};
}

static bool find(const struct row *row, uint32_t page, size_t *at)
{
    for (size_t i = 0; i < row->count; i++) {
        if (row->page[i] == page) {
            *at = i;
            return true;
        }
    }
    return false;
}

static bool has(const struct row *row, uint32_t page)
{
    size_t at;

    return find(row, page, &at);
}

static void append(struct row *row, uint32_t page)
{
    row->page[row->count++] = page;
}

static uint32_t take_at(struct row *row, size_t at)
{
    uint32_t page = row->page[at];

    memmove(&row->page[at], &row->page[at + 1], (row->count - at - 1) * sizeof(uint32_t));
    row->count--;
    return page;
}

/* Take the page out if it is there. */
static bool take(struct row *row, uint32_t page)
{
    size_t at;

    if (!find(row, page, &at)) {
        return false;
    }
    take_at(row, at);
    return true;
}

static void
model_fifo(const uint32_t *pages, size_t count, uint32_t frames, uint64_t seed, bool *faults)
{
    struct row queue = new_row(count);

    (void)seed;
    for (size_t i = 0; i < count; i++) {
        faults[i] = !has(&queue, pages[i]);
        if (faults[i]) {
            if (queue.count == frames) {
                take_at(&queue, 0);
            }
            append(&queue, pages[i]);
        }
    }
    free(queue.page);
}

static void
model_lru(const uint32_t *pages, size_t count, uint32_t frames, uint64_t seed, bool *faults)
{
    struct row recent = new_row(count);

    (void)seed;
    for (size_t i = 0; i < count; i++) {
        faults[i] = !take(&recent, pages[i]);
        if (recent.count == frames) {
            take_at(&recent, 0);
        }
        append(&recent, pages[i]);
    }
    free(recent.page);
}

/* As second chance: a page that was touched goes to the end of the queue instead of away. */
static void
model_clock(const uint32_t *pages, size_t count, uint32_t frames, uint64_t seed, bool *faults)
{
    struct row queue = new_row(count);
    bool *touched = calloc(UINT16_MAX, sizeof(*touched));

    (void)seed;
    for (size_t i = 0; i < count; i++) {
        faults[i] = !has(&queue, pages[i]);
        while (faults[i] && queue.count == frames) {
            uint32_t oldest = take_at(&queue, 0);

            if (touched[oldest]) {
                touched[oldest] = false;
                append(&queue, oldest);
            }
        }
        if (faults[i]) {
            append(&queue, pages[i]);
        }
        touched[pages[i]] = true;
    }
    free(queue.page);
    free(touched);
}

static void
model_draw(const uint32_t *pages, size_t count, uint32_t frames, uint64_t seed, bool *faults)
{
    struct row frame = new_row(count);

    for (size_t i = 0; i < count; i++) {
        faults[i] = !has(&frame, pages[i]);
        if (faults[i] && frame.count == frames) {
            frame.page[((model_random(&seed) >> 32) * frames) >> 32] = pages[i];
        } else if (faults[i]) {
            append(&frame, pages[i]);
        }
    }
    free(frame.page);
}

/* Stable, by history: the lowest first. */
static void sort_by_history(struct row *row, const uint8_t *history)
{
    for (size_t i = 1; i < row->count; i++) {
        for (size_t j = i; j > 0 && history[row->page[j - 1]] > history[row->page[j]]; j--) {
            uint32_t page = row->page[j];

            row->page[j] = row->page[j - 1];
            row->page[j - 1] = page;
        }
    }
}

static void
model_aging(const uint32_t *pages, size_t count, uint32_t frames, uint64_t seed, bool *faults)
{
    struct row row = new_row(count);
    uint8_t *history = calloc(UINT16_MAX, 1);
    bool *touched = calloc(UINT16_MAX, sizeof(*touched));

    (void)seed;
    assert(frames > 0);
    for (size_t i = 0; i < count; i++) {
        faults[i] = !has(&row, pages[i]);
        if (faults[i]) {
            if (row.count == frames) {
                take_at(&row, 0);
            }
            append(&row, pages[i]);
            history[pages[i]] = 0x80;
            touched[pages[i]] = false;
            sort_by_history(&row, history);
        } else {
            touched[pages[i]] = true;
        }
        if ((i + 1) % frames == 0) {
            for (size_t j = 0; j < row.count; j++) {
                uint32_t page = row.page[j];

                history[page] = (uint8_t)(history[page] / 2 + (touched[page] ? 128 : 0));
                touched[page] = false;
            }
            sort_by_history(&row, history);
        }
    }
    free(row.page);
    free(history);
    free(touched);
}

static void
model_2q(const uint32_t *pages, size_t count, uint32_t frames, uint64_t seed, bool *faults)
{
    struct row in = new_row(count);
    struct row out = new_row(count);
    struct row am = new_row(count);
    size_t kin = frames / 4 == 0 ? 1 : frames / 4;
    size_t kout = frames / 2 == 0 ? 1 : frames / 2;

    (void)seed;
    for (size_t i = 0; i < count; i++) {
        bool again;

        faults[i] = !has(&in, pages[i]) && !has(&am, pages[i]);
        if (!faults[i]) {
            if (take(&am, pages[i])) {
                append(&am, pages[i]);
            }
            continue;
        }
        again = take(&out, pages[i]);
        if (in.count + am.count == frames) {
            if (in.count > kin || am.count == 0) {
                append(&out, take_at(&in, 0));
                if (out.count > kout) {
                    take_at(&out, 0);
                }
            } else {
                take_at(&am, 0);
            }
        }
        append(again ? &am : &in, pages[i]);
    }
    free(in.page);
    free(out.page);
    free(am.page);
}

struct arc_rows {
    struct row t1, t2, b1, b2;
    double p;
    uint32_t c;
};

static void arc_replace(struct arc_rows *arc, bool x_in_b2)
{
    if (arc->t1.count >= 1 &&
        ((x_in_b2 && (double)arc->t1.count == arc->p) || (double)arc->t1.count > arc->p)) {
        append(&arc->b1, take_at(&arc->t1, 0));
    } else {
        append(&arc->b2, take_at(&arc->t2, 0));
    }
}

/* Case IV of the paper's figure. */
static void arc_make_room(struct arc_rows *arc)
{
    size_t l1 = arc->t1.count + arc->b1.count;
    size_t all = l1 + arc->t2.count + arc->b2.count;

    if (l1 == arc->c) {
        if (arc->t1.count < arc->c) {
            take_at(&arc->b1, 0);
            arc_replace(arc, false);
        } else {
            take_at(&arc->t1, 0);
        }
    } else if (all >= arc->c) {
        if (all == (size_t)2 * arc->c) {
            take_at(&arc->b2, 0);
        }
        arc_replace(arc, false);
    }
}

/* One request; returns whether it faults. */
static bool arc_request(struct arc_rows *arc, uint32_t x)
{
    double b1 = (double)arc->b1.count;
    double b2 = (double)arc->b2.count;

    if (take(&arc->t1, x) || take(&arc->t2, x)) {
        append(&arc->t2, x);
        return false;
    }
    if (has(&arc->b1, x)) {
        arc->p += b1 >= b2 ? 1 : b2 / b1;
        arc->p = arc->p > arc->c ? arc->c : arc->p;
        arc_replace(arc, false);
        take(&arc->b1, x);
        append(&arc->t2, x);
    } else if (has(&arc->b2, x)) {
        arc->p -= b2 >= b1 ? 1 : b1 / b2;
        arc->p = arc->p < 0 ? 0 : arc->p;
        arc_replace(arc, true);
        take(&arc->b2, x);
        append(&arc->t2, x);
    } else {
        arc_make_room(arc);
        append(&arc->t1, x);
    }
    return true;
}

static void
model_arc(const uint32_t *pages, size_t count, uint32_t frames, uint64_t seed, bool *faults)
{
    struct arc_rows arc = {
        .t1 = new_row(count),
        .t2 = new_row(count),
        .b1 = new_row(count),
        .b2 = new_row(count),
        .c = frames,
    };

    (void)seed;
    for (size_t i = 0; i < count; i++) {
        faults[i] = arc_request(&arc, pages[i]);
    }
    free(arc.t1.page);
    free(arc.t2.page);
    free(arc.b1.page);
    free(arc.b2.page);
}

/* Index of the resident page whose next touch, found by looking ahead, is furthest. */
static size_t
furthest(const struct row *resident, const uint32_t *pages, size_t count, size_t now)
{
    size_t best = 0;
    size_t best_next = 0;

    for (size_t i = 0; i < resident->count; i++) {
        size_t next = now;

        while (next < count && pages[next] != resident->page[i]) {
            next++;
        }
        if (next > best_next) {
            best = i;
            best_next = next;
        }
    }
    return best;
}

static void
model_opt(const uint32_t *pages, size_t count, uint32_t frames, uint64_t seed, bool *faults)
{
    struct row resident = new_row(count);

    (void)seed;
    for (size_t i = 0; i < count; i++) {
        faults[i] = !has(&resident, pages[i]);
        if (faults[i]) {
            if (resident.count == frames) {
                take_at(&resident, furthest(&resident, pages, count, i));
            }
            append(&resident, pages[i]);
        }
    }
    free(resident.page);
}

model_policy model_find(const char *name)
{
    static const struct {
        const char *name;
        model_policy policy;
    } models[] = {
        {"fifo", model_fifo}, {"clock", model_clock}, {"aging", model_aging},
        {"lru", model_lru},   {"2q", model_2q},       {"arc", model_arc},
        {"opt", model_opt},   {"random", model_draw},
    };

    for (size_t i = 0; i < sizeof(models) / sizeof(models[0]); i++) {
        if (strcmp(models[i].name, name) == 0) {
            return models[i].policy;
        }
    }
    return NULL;
}
