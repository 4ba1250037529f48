/* Arrays that grow with the pages seen: one function, which every simulator uses. */
#ifndef REPLAY_GROW_H
#define REPLAY_GROW_H

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/*
 * A longer copy of old (NULL, or from malloc, which this takes over on success): old_count
 * elements as they were, zeros up to new_count, each of element_bytes.  new_count is not less
 * than old_count and not 0.  NULL: no memory, and old is untouched.
 */
static inline void *
grow_array(void *old, size_t old_count, size_t new_count, size_t element_bytes)
{
    char *array = NULL;

    if (new_count > 0 && new_count <= SIZE_MAX / element_bytes) {
        array = realloc(old, new_count * element_bytes);
    }
    if (array != NULL) {
        memset(array + old_count * element_bytes, 0, (new_count - old_count) * element_bytes);
    }
    return array;
}

#endif
