/* One bit in program memory; see trap_flag.h. */
#include "watch/trap_flag.h"

#include "x86.h"

void trap_flag_hide_pushed(const struct space *space, struct gva flags)
{
    struct ptab_walk walk;

    /* The flag is in the second byte. */
    ptab_walk(&space->ptab, gva_of(flags.value + 1), &walk);
    if (walk.present) {
        uint8_t *byte = gmem_hva(ptab_pool_mem(space->ptab.pool), walk.gpa);
        *byte &= (uint8_t) ~(RFLAGS_TF >> 8);
    }
}
