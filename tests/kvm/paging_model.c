/* The oracle of paging_model.h.  Bits are spelled out: it must not share definitions with the
 * code under test. */
#include "paging_model.h"

struct rights {
    bool present, user, writable, executable;
};

/* "Determination of access rights": an address is a user-mode address if U/S is 1 in every
 * entry, writable if R/W is, executable if XD is 0 in every entry. */
static struct rights combine(const uint64_t *entries, unsigned count)
{
    struct rights rights = {
        .present = true, .user = true, .writable = true, .executable = true};

    for (unsigned i = 0; i < count; i++) {
        if ((entries[i] & 0x1) == 0) {
            rights.present = false;
            return rights;
        }
        if ((entries[i] & 0x2) == 0) {
            rights.writable = false;
        }
        if ((entries[i] & 0x4) == 0) {
            rights.user = false;
        }
        if ((entries[i] >> 63) != 0) {
            rights.executable = false;
        }
    }
    return rights;
}

/* Supervisor-mode accesses; CR0.WP = 1. */
static bool
supervisor_may(const struct model_cpu *cpu, struct rights rights, enum model_access access)
{
    switch (access) {
    case MODEL_READ:
        return !(rights.user && cpu->smap);
    case MODEL_WRITE:
        return rights.writable && !(rights.user && cpu->smap);
    case MODEL_FETCH:
        return rights.executable && !(rights.user && cpu->smep);
    }
    return false;
}

static bool user_may(struct rights rights, enum model_access access)
{
    switch (access) {
    case MODEL_READ:
        return rights.user;
    case MODEL_WRITE:
        return rights.user && rights.writable;
    case MODEL_FETCH:
        return rights.user && rights.executable;
    }
    return false;
}

struct model_result model_predict(
    const struct model_cpu *cpu,
    const uint64_t *entries,
    unsigned count,
    enum model_access access,
    bool user_mode)
{
    struct rights rights = combine(entries, count);
    struct model_result result = {0};
    bool allowed = rights.present &&
                   (user_mode ? user_may(rights, access) : supervisor_may(cpu, rights, access));

    if (allowed) {
        return result;
    }
    result.fault = true;
    result.error_code = (rights.present ? 0x1u : 0) | (access == MODEL_WRITE ? 0x2u : 0) |
                        (user_mode ? 0x4u : 0) |
                        /* The I/D flag is defined with NXE or SMEP only. */
                        (access == MODEL_FETCH && (cpu->nxe || cpu->smep) ? 0x10u : 0);
    return result;
}
