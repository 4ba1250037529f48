/* What tests of references do with them: read all, and compare one. */
#ifndef REFERENCES_READING_H
#define REFERENCES_READING_H

#include <stddef.h>
#include <stdint.h>

#include "replay/references.h"

#define ROOM 64

/* Read all, at most `step` at a time; returns how many. */
size_t read_all(struct references *references, struct reference out[ROOM], size_t step);

void assert_reference(
    const struct reference *reference, uint64_t address, uint32_t bytes, uint8_t access);

#endif
