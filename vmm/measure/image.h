/* The image of measuring routines (guest/exp) inside this program: see exp_image.S. */
#ifndef MEASURE_IMAGE_H
#define MEASURE_IMAGE_H

#include <stddef.h>
#include <stdint.h>

#include "exp.h"

extern const uint8_t exp_image_begin[];
extern const uint8_t exp_image_limit[];

static inline const uint8_t *image_bytes(void)
{
    return exp_image_begin;
}

static inline size_t image_size(void)
{
    return (size_t)((uintptr_t)exp_image_limit - (uintptr_t)exp_image_begin);
}

static inline const struct exp_image *image_header(void)
{
    return (const struct exp_image *)(const void *)exp_image_begin;
}

#endif
