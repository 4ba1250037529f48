/*
 * The papers' algorithms with the plainest data structure there is.  What the papers call the
 * head of a queue (most recent) is the end of the array here.  Read policy_models.h first.
 */
/* cmocka.h wants the four in front of it. */
/* clang-format off */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */

#include "policy_models.h"

#include <string.h>

static int find(const struct model_queue *queue, uint64_t key)
{
    for (unsigned i = 0; i < queue->count; i++) {
        if (queue->key[i] == key) {
            return (int)i;
        }
    }
    return -1;
}

static bool has(const struct model_queue *queue, uint64_t key)
{
    return find(queue, key) >= 0;
}

static void put(struct model_queue *queue, uint64_t key)
{
    assert_true(queue->count < MODEL_KEYS);
    assert_false(has(queue, key));
    queue->key[queue->count++] = key;
}

static void cut(struct model_queue *queue, uint64_t key)
{
    int at = find(queue, key);

    assert_true(at >= 0);
    memmove(
        &queue->key[at], &queue->key[at + 1],
        (queue->count - 1 - (unsigned)at) * sizeof(queue->key[0]));
    queue->count--;
}

static uint64_t cut_oldest(struct model_queue *queue)
{
    assert_true(queue->count > 0);
    uint64_t key = queue->key[0];
    cut(queue, key);
    return key;
}

/* --- first in, first out; second chance --- */

bool model_fifo(struct model *model, uint64_t key, uint64_t *victim)
{
    struct model_queue *queue = &model->queue[0];

    *victim = 0;
    if (has(queue, key)) {
        return false;
    }
    if (queue->count == model->frames) {
        *victim = cut_oldest(queue);
    }
    put(queue, key);
    return true;
}

/* A page whose bit is set goes to the end with the bit cleared, until one comes without. */
static uint64_t cut_unused(struct model *model, struct model_queue *queue)
{
    for (;;) {
        uint64_t key = cut_oldest(queue);

        if (!model->used[key]) {
            return key;
        }
        model->used[key] = false;
        put(queue, key);
    }
}

bool model_clock(struct model *model, uint64_t key, uint64_t *victim)
{
    struct model_queue *queue = &model->queue[0];
    bool fault = !has(queue, key);

    *victim = 0;
    if (fault && queue->count == model->frames) {
        *victim = cut_unused(model, queue);
    }
    if (fault) {
        put(queue, key);
    }
    model->used[key] = true;
    return fault;
}

/* --- 2Q: Johnson and Shasha 1994, section 2.2 --- */

enum { A1IN, AM, A1OUT };

/* The access that faults sets the bit of its page, and counts for nothing at the next fault. */
static void begin_fault(struct model *model, uint64_t key)
{
    if (model->last_fault != 0) {
        model->used[model->last_fault] = false;
    }
    model->last_fault = key;
}

static uint64_t reclaim(struct model *model)
{
    struct model_queue *queue = model->queue;

    if (queue[A1IN].count + queue[AM].count < model->frames) {
        return 0;
    }
    if (queue[A1IN].count > model->kin || queue[AM].count == 0) {
        uint64_t key = cut_oldest(&queue[A1IN]);

        put(&queue[A1OUT], key);
        if (queue[A1OUT].count > model->kout) {
            cut_oldest(&queue[A1OUT]);
        }
        return key;
    }
    return model->late ? cut_unused(model, &queue[AM]) : cut_oldest(&queue[AM]);
}

bool model_two_q(struct model *model, uint64_t key, uint64_t *victim)
{
    struct model_queue *queue = model->queue;

    *victim = 0;
    if (has(&queue[A1IN], key) || has(&queue[AM], key)) {
        model->used[key] = true;
        if (!model->late && has(&queue[AM], key)) {
            cut(&queue[AM], key);
            put(&queue[AM], key);
        }
        return false;
    }
    begin_fault(model, key);
    if (has(&queue[A1OUT], key)) {
        cut(&queue[A1OUT], key);
        *victim = reclaim(model);
        put(&queue[AM], key);
    } else {
        *victim = reclaim(model);
        put(&queue[A1IN], key);
    }
    model->used[key] = true;
    model->used[*victim] = false;
    return true;
}

/* --- ARC: Megiddo and Modha 2003, figure 4 --- */

enum { T1, T2, B1, B2 };

static uint64_t replace(struct model *model, bool in_b2)
{
    struct model_queue *queue = model->queue;

    for (;;) {
        double t1 = queue[T1].count;
        bool from_t1 =
            (t1 >= 1 && ((in_b2 && t1 == model->p) || t1 > model->p)) || queue[T2].count == 0;
        uint64_t key = cut_oldest(&queue[from_t1 ? T1 : T2]);

        if (model->late && model->used[key]) {
            model->used[key] = false;
            put(&queue[T2], key);
            continue;
        }
        put(&queue[from_t1 ? B1 : B2], key);
        return key;
    }
}

static double least(double a, double b)
{
    return a < b ? a : b;
}

static double most(double a, double b)
{
    return a > b ? a : b;
}

/* Case IV: the page is in none of the four. */
static uint64_t arc_miss(struct model *model, uint64_t key)
{
    struct model_queue *queue = model->queue;
    unsigned l1 = queue[T1].count + queue[B1].count;
    unsigned all = l1 + queue[T2].count + queue[B2].count;
    uint64_t victim = 0;

    if (l1 == model->frames && queue[T1].count < model->frames) {
        cut_oldest(&queue[B1]);
        victim = replace(model, false);
    } else if (l1 == model->frames) {
        victim = cut_oldest(&queue[T1]); /* B1 is empty, and the key is not kept */
    } else if (all >= model->frames) {
        if (all == 2 * model->frames) {
            cut_oldest(&queue[B2]);
        }
        victim = replace(model, false);
    }
    put(&queue[T1], key);
    return victim;
}

/* The same with uses noticed while a page is looked for: that can move pages out of T1, so which
 * key is too many shows only afterwards (Bansal and Modha 2004, figure 2, lines 3 to 10). */
static uint64_t car_miss(struct model *model, uint64_t key)
{
    struct model_queue *queue = model->queue;
    uint64_t victim = 0;

    if (queue[T1].count + queue[T2].count == model->frames) {
        victim = replace(model, false);
        if (queue[T1].count + queue[B1].count == model->frames) {
            cut_oldest(&queue[B1]);
        } else if (
            queue[T1].count + queue[T2].count + queue[B1].count + queue[B2].count ==
            2 * model->frames) {
            cut_oldest(&queue[B2]);
        }
    }
    put(&queue[T1], key);
    return victim;
}

bool model_arc(struct model *model, uint64_t key, uint64_t *victim)
{
    struct model_queue *queue = model->queue;
    double c = model->frames;
    double b1 = queue[B1].count;
    double b2 = queue[B2].count;

    *victim = 0;
    if (has(&queue[T1], key) || has(&queue[T2], key)) {
        model->used[key] = true;
        if (!model->late) {
            cut(&queue[has(&queue[T1], key) ? T1 : T2], key);
            put(&queue[T2], key);
        }
        return false;
    }
    begin_fault(model, key);
    if (has(&queue[B1], key)) {
        model->p = least(model->p + (b1 >= b2 ? 1 : b2 / b1), c);
        cut(&queue[B1], key);
        *victim = replace(model, false);
        put(&queue[T2], key);
    } else if (has(&queue[B2], key)) {
        model->p = most(model->p - (b2 >= b1 ? 1 : b1 / b2), 0);
        cut(&queue[B2], key);
        *victim = replace(model, true);
        put(&queue[T2], key);
    } else {
        *victim = model->late ? car_miss(model, key) : arc_miss(model, key);
    }
    model->used[*victim] = false;
    model->used[key] = true;
    return true;
}

/* --- aging --- */

static void set_age(struct model *model, uint64_t key, unsigned age)
{
    model->age[key] = age;
    model->since[key] = ++model->time;
}

void model_aging_sample(struct model *model, uint64_t key, bool accessed)
{
    unsigned age = model->age[key] / 2 + (accessed ? 128 : 0);

    if (age != model->age[key]) {
        set_age(model, key, age);
    }
}

bool model_aging(struct model *model, uint64_t key, uint64_t *victim)
{
    struct model_queue *queue = &model->queue[0];

    *victim = 0;
    if (has(queue, key)) {
        return false;
    }
    if (queue->count == model->frames) {
        uint64_t best = queue->key[0];

        for (unsigned i = 1; i < queue->count; i++) {
            uint64_t at = queue->key[i];

            if (model->age[at] < model->age[best] ||
                (model->age[at] == model->age[best] && model->since[at] < model->since[best])) {
                best = at;
            }
        }
        cut(queue, best);
        *victim = best;
    }
    put(queue, key);
    set_age(model, key, 128);
    return true;
}
