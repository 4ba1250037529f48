/* Reads references to their end, and compares one; see references_reading.h. */
#include "references_reading.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

size_t read_all(struct references *references, struct reference out[ROOM], size_t step)
{
    size_t total = 0;
    size_t count;
    struct err err;

    do {
        size_t room = ROOM - total < step ? ROOM - total : step;

        if (!references_read(references, &out[total], room, &count, &err)) {
            fail_msg("%s", err.text);
        }
        total += count;
    } while (count > 0);
    return total;
}

void assert_reference(
    const struct reference *reference, uint64_t address, uint32_t bytes, uint8_t access)
{
    assert_int_equal(reference->address, address);
    assert_int_equal(reference->bytes, bytes);
    assert_int_equal(reference->access, access);
}
