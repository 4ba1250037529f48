/* An experiment that measures nothing, for tests of what is printed of a session. */
#ifndef MADE_UP_EXPERIMENT_H
#define MADE_UP_EXPERIMENT_H

#include "measure/catalogue.h"

static inline bool run_nothing(struct lab *lab, struct result *result, struct err *err)
{
    (void)lab;
    (void)result;
    (void)err;
    return true;
}

static const struct experiment made_up = {
    .name = "tlb", .question = "how many?", .run = run_nothing};

#endif
