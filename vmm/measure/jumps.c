/* Writes the jumps that guest/exp/itlb.c follows; see jumps.h. */
#include "measure/jumps.h"

#include <cpuid.h>
#include <string.h>

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
    unsigned a, b, c, d;

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
    /* The code was written by another name: a serialising instruction makes this processor see it
     * (SDM volume 3, "Handling Self- and Cross-Modifying Code"). */
    __cpuid(0, a, b, c, d);
    (void)(a + b + c + d);
    return layout_word_address(field->layout, set, 0);
}
