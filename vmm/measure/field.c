/* Holds the two sides of a layout together; see field.h.  Read sample.c next. */
#include "measure/field.h"

#include <stdlib.h>
#include <string.h>

bool field_create(
    struct field *field,
    const struct layout *layout,
    const bool wanted[SIDE_COUNT],
    const char *kvm_path,
    uint64_t seed,
    struct err *err)
{
    *field = (struct field){.layout = layout, .random = seed, .native = {.fd = -1}};
    field->next = calloc(layout->word_count, sizeof(*field->next));
    field->order = calloc(layout->word_count, sizeof(*field->order));
    if (field->next == NULL || field->order == NULL) {
        field_destroy(field);
        return err_set(err, ERR_ENVIRONMENT, "no memory for a field");
    }
    bool ok = true;
    if (wanted[SIDE_NATIVE]) {
        ok = native_map(&field->native, layout, err);
        field->has[SIDE_NATIVE] = ok;
    }
    if (ok && wanted[SIDE_GUEST]) {
        ok = virtual_create(&field->guest, kvm_path, layout, err);
        field->has[SIDE_GUEST] = ok;
    }
    if (!ok) {
        field_destroy(field);
    }
    return ok;
}

void field_destroy(struct field *field)
{
    if (field->has[SIDE_GUEST]) {
        virtual_destroy(&field->guest);
    }
    if (field->has[SIDE_NATIVE]) {
        native_unmap(&field->native);
    }
    free(field->next);
    free(field->order);
    *field = (struct field){0};
}

uint8_t *field_word(struct field *field, enum side side, enum layout_set set, size_t word)
{
    const struct layout_word *at = &field->layout->words[set][word];
    uint32_t frame = field->layout->maps[at->map].frame;

    return (side == SIDE_NATIVE ? native_frame(&field->native, frame)
                                : virtual_frame(&field->guest, frame)) +
           at->offset;
}

static uint32_t pick(const uint32_t *words, size_t i)
{
    return words != NULL ? words[i] : (uint32_t)i;
}

/* Word i of the list points to word next[i], on every side. */
static uint64_t
write_chain(struct field *field, enum layout_set set, const uint32_t *words, size_t count)
{
    for (enum side side = 0; side < SIDE_COUNT; side++) {
        for (size_t i = 0; field->has[side] && i < count; i++) {
            uint64_t target =
                layout_word_address(field->layout, set, pick(words, field->next[i]));
            memcpy(field_word(field, side, set, pick(words, i)), &target, sizeof(target));
        }
    }
    return layout_word_address(field->layout, set, pick(words, 0));
}

uint64_t
field_link(struct field *field, enum layout_set set, const uint32_t *words, size_t count)
{
    layout_make_cycle(field->next, count, &field->random);
    return write_chain(field, set, words, count);
}

uint64_t
field_link_path(struct field *field, enum layout_set set, const uint32_t *words, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        field->next[i] = (uint32_t)((i + 1) % count);
    }
    return write_chain(field, set, words, count);
}

void field_list(struct field *field, size_t i, uint64_t value)
{
    if (field->has[SIDE_NATIVE]) {
        ((uint64_t *)EXP_LIST)[i] = value;
    }
    if (field->has[SIDE_GUEST]) {
        *virtual_list_word(&field->guest, i) = value;
    }
}

bool field_run(
    struct field *field,
    enum side side,
    enum exp_routine routine,
    struct exp_args *args,
    uint64_t *results,
    size_t count,
    uint64_t *unexpected,
    struct err *err)
{
    *unexpected = 0;
    if (side == SIDE_NATIVE) {
        native_run(routine, args);
        memcpy(results, (const void *)EXP_RESULTS, count * sizeof(*results));
        return true;
    }
    if (!virtual_run(&field->guest, routine, args, unexpected, err)) {
        return false;
    }
    virtual_read_results(&field->guest, results, count);
    return true;
}
