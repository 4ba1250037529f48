/*
 * Inside of the operations of a property test: choosing arguments, and one function for each thing
 * that may be done to memory.  mapping.c has what programs ask for, accesses.c what they touch,
 * paging.c what the pager and policies do; operations.c chooses among them.
 */
#ifndef PROPERTY_OPERATIONS_H
#define PROPERTY_OPERATIONS_H

#include "world.h"

struct range {
    unsigned first, count; /* pages of the universe, in one area */
};

unsigned choose_space(struct world *world);
unsigned choose_page(struct world *world, unsigned space);
/* At most so many pages. */
struct range choose_range(struct world *world, unsigned most);
uint8_t choose_permissions(struct world *world);

static inline struct gva range_begin(struct range range)
{
    return gva_of(model_address(range.first));
}

static inline struct gva range_end(struct range range)
{
    return gva_add(range_begin(range), range.count * PAGE_BYTES);
}

/* What a call gives, and what it must. */
void expect(struct world *world, const char *call, int have, int want);

void operation_map_anonymous(struct world *world);
void operation_map_private_file(struct world *world);
void operation_map_shared_file(struct world *world);
void operation_map_shared(struct world *world);
void operation_map_again(struct world *world);
void operation_unmap(struct world *world);
void operation_protect(struct world *world);
void operation_discard(struct world *world);
void operation_advise(struct world *world);
void operation_move(struct world *world);
void operation_read(struct world *world);
void operation_write(struct world *world);
void operation_fill(struct world *world);
void operation_sum(struct world *world);
void operation_fetch(struct world *world);
void operation_sweep(struct world *world);
void operation_upgrade(struct world *world);
void operation_host_read(struct world *world);
void operation_host_write(struct world *world);
void operation_evict(struct world *world);
void operation_limit(struct world *world);
void operation_lock(struct world *world);
void operation_unlock(struct world *world);
void operation_sample(struct world *world);
void operation_sync_file(struct world *world);
void operation_write_file(struct world *world);

#endif
