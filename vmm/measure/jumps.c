/* Writes the jumps, places and lists that guest/exp/itlb.c follows; see jumps.h. */
#include "measure/jumps.h"

#include <assert.h>
#include <cpuid.h>
#include <string.h>

#include "measure/random.h"

/* Code was written by another name: a serialising instruction makes this processor see it (SDM
 * volume 3, "Handling Self- and Cross-Modifying Code"). */
static void serialise(void)
{
    unsigned a, b, c, d;

    __cpuid(0, a, b, c, d);
    (void)(a + b + c + d);
}

/* --- jumps that stay the same --- */

static size_t put_jump(uint8_t *code, uint64_t at, uint64_t next)
{
    uint32_t distance = (uint32_t)(next - (at + 5));

    code[0] = 0xe9; /* jmp rel32 */
    memcpy(code + 1, &distance, sizeof(distance));
    return 5;
}

size_t jumps_encode(uint8_t code[JUMPS_BYTES_MAX], uint64_t at, uint64_t next, bool last)
{
    /* sub $1, %rcx; jz over the jump */
    static const uint8_t count_down[] = {0x48, 0x83, 0xe9, 0x01, 0x74, 0x05};
    static const uint8_t leave[] = {0xff, 0xe2}; /* jmp *%rdx */

    if (!last) {
        return put_jump(code, at, next);
    }
    memcpy(code, count_down, sizeof(count_down));
    size_t used = sizeof(count_down);
    used += put_jump(code + used, at + used, next);
    memcpy(code + used, leave, sizeof(leave));
    return used + sizeof(leave);
}

uint64_t jumps_link(struct field *field, enum layout_set set, size_t count)
{
    uint8_t code[JUMPS_BYTES_MAX];

    layout_make_cycle(field->next, count, &field->random);
    for (size_t i = 0; i < count; i++) {
        uint64_t at = layout_word_address(field->layout, set, i);
        uint64_t next = layout_word_address(field->layout, set, field->next[i]);
        size_t bytes = jumps_encode(code, at, next, field->next[i] == 0);
        for (enum side side = 0; side < SIDE_COUNT; side++) {
            if (field->has[side]) {
                memcpy(field_word(field, side, set, i), code, bytes);
            }
        }
    }
    serialise();
    return layout_word_address(field->layout, set, 0);
}

/* --- jumps at random --- */

/* add $8, %rsi; jmp *-8(%rsi); int3 */
const uint8_t jumps_place_code[JUMPS_PLACE_BYTES] = {0x48, 0x83, 0xc6, 0x08,
                                                     0xff, 0x66, 0xf8, 0xcc};

_Static_assert(JUMPS_PLACES *JUMPS_PLACE_BYTES == LAYOUT_LINE_BYTES, "places fill a line");

void jumps_write_code(struct field *field)
{
    for (enum side side = 0; side < SIDE_COUNT; side++) {
        for (size_t i = 0; field->has[side] && i < field->layout->word_count; i++) {
            uint32_t offset = field->layout->words[LAYOUT_TEST][i].offset;
            uint8_t *line =
                field_word(field, side, LAYOUT_TEST, i) - offset % LAYOUT_LINE_BYTES;
            for (size_t place = 0; place < JUMPS_PLACES; place++) {
                memcpy(line + place * JUMPS_PLACE_BYTES, jumps_place_code, JUMPS_PLACE_BYTES);
            }
        }
    }
    serialise();
}

static uint64_t line_address(const struct field *field, enum layout_set set, size_t word)
{
    return layout_word_address(field->layout, set, word) / LAYOUT_LINE_BYTES *
           LAYOUT_LINE_BYTES;
}

/* Windows of so many jumps that fit behind the warm-up. */
static void cut_to_list(struct exp_args *args)
{
    if (args->warm + 1 > EXP_LIST_COUNT / 2) {
        args->warm = EXP_LIST_COUNT / 2 - 1;
    }
    uint64_t most = (EXP_LIST_COUNT - args->warm - 1) / (args->loads + 1);
    args->windows = args->windows < most ? args->windows : most;
    assert(args->windows > 0);
}

void jumps_list(struct field *field, enum layout_set set, size_t count, struct exp_args *args)
{
    size_t word = 0;
    size_t used = 0;

    cut_to_list(args);
    layout_make_cycle(field->next, count, &field->random);
    for (uint64_t part = 0; part <= args->windows; part++) {
        uint64_t jumps = part == 0 ? args->warm : args->loads;
        for (uint64_t i = 0; i < jumps; i++) {
            uint64_t place = random_below(&field->random, JUMPS_PLACES);
            field_list(
                field, used++, line_address(field, set, word) + place * JUMPS_PLACE_BYTES);
            word = field->next[word];
        }
        field_list(field, used++, 0);
    }
}
