/*
 * Owns the rules that page tables must keep, one small function each.  It refuses to mend
 * anything and to trust anything: an entry is followed only after it passed.  The rules are
 * those of the SDM volume 3, "4-Level Paging and 5-Level Paging", and of the AMD APM volume 2,
 * "Long-Mode Page Translation", whichever is stricter.  Read ptab.h next, for what is expected
 * to pass.
 */
#include "paging/lint.h"

#include "layout.h"

struct lint {
    const struct gmem *mem;
    struct frames *frames;
    const struct lint_cpu *cpu;
    struct err *err;
};

/* A present entry, and what is known of the path down to it. */
struct finding {
    const struct lint *lint;
    unsigned level;
    struct gva address;
    uint64_t entry;
    bool leaf;
    bool writable, executable; /* of the whole path, this entry included */
};

static bool is_set(const struct finding *found, uint64_t bits)
{
    return (found->entry & bits) != 0;
}

static bool is_user_half(const struct finding *found)
{
    return found->address.value < LAYOUT_USER_END + PAGE_BYTES;
}

static struct gpa target(const struct finding *found)
{
    uint64_t bytes = found->leaf ? ptab_levels[found->level].entry_bytes : PAGE_BYTES;

    return gpa_of(round_down(found->entry & PTE_ADDRESS, bytes));
}

/* --- rules: each says whether the entry breaks it ---------------------------------------- */

static bool breaks_top_leaf(const struct finding *found)
{
    return found->level == 4 && is_set(found, PTE_PAGE_SIZE);
}

static bool breaks_physical_bits(const struct finding *found)
{
    return (found->entry & PTE_ADDRESS) >> found->lint->cpu->physical_bits != 0;
}

static bool breaks_alignment(const struct finding *found)
{
    uint64_t offset = PTE_ADDRESS & (ptab_levels[found->level].entry_bytes - 1);

    return found->leaf && found->level > 1 && is_set(found, offset & ~PTE_LARGE_PAT);
}

/* AMD reserves the global bit where there is no translation to make global; Intel ignores it. */
static bool breaks_global(const struct finding *found)
{
    return !found->leaf && found->level >= 3 && is_set(found, PTE_GLOBAL);
}

static bool breaks_no_execute(const struct finding *found)
{
    return !found->lint->cpu->no_execute && is_set(found, PTE_NO_EXECUTE);
}

static bool breaks_giant(const struct finding *found)
{
    return !found->lint->cpu->giant_pages && found->leaf && found->level == 3;
}

static bool breaks_ram(const struct finding *found)
{
    uint64_t bytes = found->leaf ? ptab_levels[found->level].entry_bytes : PAGE_BYTES;

    return !gmem_contains(found->lint->mem, target(found), bytes);
}

static bool breaks_lower_half(const struct finding *found)
{
    return is_user_half(found) && !is_set(found, PTE_USER);
}

static bool breaks_upper_half(const struct finding *found)
{
    return !is_user_half(found) && is_set(found, PTE_USER);
}

/* Without EFER.NXE every page is executable, and there is nothing to choose. */
static bool breaks_write_or_execute(const struct finding *found)
{
    return found->lint->cpu->no_execute && found->leaf && found->writable && found->executable;
}

/* Of a run only the first frame has a record. */
static enum frame_use use_of(struct frames *frames, uint32_t index)
{
    const struct frame *run = frames_record(frames, index & ~(uint32_t)(PTE_ENTRIES - 1));
    const struct frame *frame = run->order != 0 ? run : frames_record(frames, index);

    return (enum frame_use)frame->use;
}

/* A table that measuring shows to ring 3: to be read, and by a leaf of that one page. */
static bool is_shown_table(const struct finding *found)
{
    struct frames *frames = found->lint->frames;
    uint32_t index = frames_index(target(found));

    return found->level == 1 && !found->writable && use_of(frames, index) == FRAME_TABLE &&
           (frames_record(frames, index)->flags & FRAME_SHOWN) != 0;
}

static bool breaks_isolation(const struct finding *found)
{
    if (!found->leaf || !is_user_half(found) || is_shown_table(found)) {
        return false;
    }
    uint32_t first = frames_index(target(found));
    uint64_t count = ptab_levels[found->level].entry_bytes / PAGE_BYTES;
    for (uint32_t i = 0; i < count; i++) {
        enum frame_use use = use_of(found->lint->frames, first + i);
        if (use == FRAME_TABLE || use == FRAME_KERNEL) {
            return true;
        }
    }
    return false;
}

/* In this order: a rule may rely on those above it. */
static const struct {
    bool (*breaks)(const struct finding *found);
    const char *text;
} rules[] = {
    {breaks_top_leaf, "no leaf at level 4"},
    {breaks_physical_bits, "no address beyond MAXPHYADDR"},
    {breaks_alignment, "a large leaf is aligned to its size"},
    {breaks_global, "no global bit above a leaf"},
    {breaks_no_execute, "NX only with EFER.NXE"},
    {breaks_giant, "1 GiB leaves only where CPUID has them"},
    {breaks_ram, "nothing outside guest RAM"},
    {breaks_lower_half, "user on the whole path in the lower half"},
    {breaks_upper_half, "user nowhere in the upper half"},
    {breaks_write_or_execute, "no page both writable and executable"},
    {breaks_isolation, "no user page over a page table or the kernel"},
};

static bool check_entry(const struct finding *found)
{
    for (unsigned i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
        if (rules[i].breaks(found)) {
            return err_set(
                found->lint->err, ERR_ENVIRONMENT,
                "page tables: %s: level %u (%s), address 0x%016llx, entry 0x%016llx",
                rules[i].text, found->level, ptab_levels[found->level].name,
                (unsigned long long)found->address.value, (unsigned long long)found->entry);
        }
    }
    return true;
}

/* path: the entry that points to the table; base: the first address that the table maps. */
static bool check_table(
    const struct lint *lint,
    struct gpa table,
    unsigned level,
    const struct finding *path,
    struct gva base)
{
    const uint64_t *entries = gmem_hva(lint->mem, table);

    for (unsigned i = 0; i < PTE_ENTRIES; i++) {
        if ((entries[i] & PTE_PRESENT) == 0) {
            continue;
        }
        struct gva address = gva_add(base, i * ptab_levels[level].entry_bytes);
        if (level == 4 && i >= PTE_ENTRIES / 2) {
            address.value |= ~UINT64_C(0) << 48;
        }
        struct finding found = {
            .lint = lint,
            .level = level,
            .address = address,
            .entry = entries[i],
            .leaf = level == 1 ||
                    (ptab_levels[level].may_be_leaf && (entries[i] & PTE_PAGE_SIZE) != 0),
            .writable = path->writable && (entries[i] & PTE_WRITABLE) != 0,
            .executable = path->executable && (entries[i] & PTE_NO_EXECUTE) == 0,
        };
        if (!check_entry(&found)) {
            return false;
        }
        if (!found.leaf && !check_table(lint, target(&found), level - 1, &found, address)) {
            return false;
        }
    }
    return true;
}

bool lint_tables(
    const struct gmem *mem,
    struct frames *frames,
    struct gpa root,
    const struct lint_cpu *cpu,
    struct err *err)
{
    const struct lint lint = {.mem = mem, .frames = frames, .cpu = cpu, .err = err};
    const struct finding all = {.writable = true, .executable = true};

    if (root.value % PAGE_BYTES != 0 || !gmem_contains(mem, root, PAGE_BYTES) ||
        root.value >> cpu->physical_bits != 0) {
        return err_set(
            err, ERR_ENVIRONMENT, "page tables: the root is a page of guest RAM: CR3 0x%016llx",
            (unsigned long long)root.value);
    }
    return check_table(&lint, root, 4, &all, gva_of(0));
}
