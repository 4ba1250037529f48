/*
 * The CPU of plain code; see soft_cpu.h.  What it allows is the naive walker's opinion; what it
 * sets in the tables, and what it remembers of them, is done here.
 */
#include "soft_cpu.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../unit/naive_walk.h"

#define TLB_MAX 512

struct translation {
    uint64_t va, pa, bytes;
    bool writable, user, executable, dirty;
};

/* What a host that shadows has derived of one entry; 0: nothing. */
struct seen {
    uint64_t value;
    bool listed;
};

struct soft_cpu {
    struct property_cpu cpu; /* first */
    struct gmem mem;
    struct edits edits;
    struct abi_edit list[ABI_EDIT_CAPACITY + 1];
    uint64_t root; /* CR3; 0: none that matters */
    struct translation tlb[TLB_MAX];
    unsigned tlb_count;
    struct seen **seen; /* by frame; owns */
    uint64_t *known;    /* entries that were seen once; owns */
    size_t known_count, known_capacity;
    uint64_t random;
};

static void break_rule(struct soft_cpu *soft, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
static void break_rule(struct soft_cpu *soft, const char *format, ...)
{
    va_list args;

    if (soft->cpu.violation[0] != '\0') {
        return;
    }
    va_start(args, format);
    vsnprintf(soft->cpu.violation, sizeof(soft->cpu.violation), format, args);
    va_end(args);
}

static uint64_t *word_at(const struct soft_cpu *soft, uint64_t pa)
{
    return gmem_hva(&soft->mem, gpa_of(pa));
}

static struct naive_walk walk(const struct soft_cpu *soft, uint64_t va)
{
    return naive_walk(soft->mem.hva, LAYOUT_RAM_BASE, soft->mem.bytes, soft->root, va);
}

/* --- the host that shadows --- */

static struct seen *seen_at(struct soft_cpu *soft, uint64_t pa)
{
    uint32_t frame = frames_index(gpa_of(pa));

    if (soft->seen[frame] == NULL) {
        soft->seen[frame] = calloc(PTE_ENTRIES, sizeof(struct seen));
        if (soft->seen[frame] == NULL) {
            abort();
        }
    }
    return &soft->seen[frame][pa % PAGE_BYTES / 8];
}

static void see(struct soft_cpu *soft, uint64_t pa)
{
    struct seen *seen = seen_at(soft, pa);

    seen->value = *word_at(soft, pa);
    if (seen->listed) {
        return;
    }
    if (soft->known_count == soft->known_capacity) {
        soft->known_capacity = soft->known_capacity == 0 ? 256 : 2 * soft->known_capacity;
        soft->known = realloc(soft->known, soft->known_capacity * sizeof(*soft->known));
        if (soft->known == NULL) {
            abort();
        }
    }
    soft->known[soft->known_count++] = pa;
    seen->listed = true;
}

static bool allows_no_more(uint64_t seen, uint64_t memory)
{
    const uint64_t granted = PTE_PRESENT | PTE_WRITABLE | PTE_USER | PTE_ACCESSED | PTE_DIRTY;
    const uint64_t fixed = PTE_ADDRESS | PTE_PAGE_SIZE;

    return (seen & granted & ~memory) == 0 && ((seen ^ memory) & fixed) == 0 &&
           (memory & ~seen & PTE_NO_EXECUTE) == 0;
}

static void check_seen(struct soft_cpu *soft)
{
    size_t kept = 0;

    for (size_t i = 0; i < soft->known_count; i++) {
        uint64_t pa = soft->known[i];
        struct seen *seen = seen_at(soft, pa);
        if (seen->value == 0) {
            seen->listed = false;
            continue;
        }
        soft->known[kept++] = pa;
        uint64_t memory = *word_at(soft, pa);
        if (!allows_no_more(seen->value, memory)) {
            break_rule(
                soft,
                "the entry at 0x%llx is 0x%llx, a host that shadows still has 0x%llx: it "
                "was changed without an edit or an announcement",
                (unsigned long long)pa, (unsigned long long)memory,
                (unsigned long long)seen->value);
        }
    }
    soft->known_count = kept;
}

/* --- the TLB --- */

static void invlpg(struct soft_cpu *soft, uint64_t va)
{
    for (unsigned i = 0; i < soft->tlb_count;) {
        if (va - soft->tlb[i].va < soft->tlb[i].bytes) {
            soft->tlb[i] = soft->tlb[--soft->tlb_count];
        } else {
            i++;
        }
    }
}

static void remember(struct soft_cpu *soft, uint64_t va, const struct naive_walk *w)
{
    uint64_t bytes = w->level == 1 ? PAGE_BYTES : LARGE_BYTES;

    invlpg(soft, va);
    if (soft->tlb_count == TLB_MAX) {
        soft->tlb[0] = soft->tlb[--soft->tlb_count];
    }
    soft->tlb[soft->tlb_count++] = (struct translation){
        .va = round_down(va, bytes),
        .pa = round_down(w->pa, bytes),
        .bytes = bytes,
        .writable = w->writable,
        .user = w->user,
        .executable = w->executable,
        .dirty = (w->entry & PTE_DIRTY) != 0};
}

static void check_tlb(struct soft_cpu *soft)
{
    for (unsigned i = 0; i < soft->tlb_count; i++) {
        const struct translation *t = &soft->tlb[i];
        struct naive_walk w = walk(soft, t->va);
        if (!w.present || w.pa != t->pa || (w.level == 1) != (t->bytes == PAGE_BYTES) ||
            (t->writable && !w.writable) || (t->user && !w.user) ||
            (t->executable && !w.executable) || (t->dirty && (w.entry & PTE_DIRTY) == 0) ||
            (w.entry & PTE_ACCESSED) == 0) {
            break_rule(
                soft,
                "the TLB still translates 0x%llx to 0x%llx%s%s, the tables have 0x%llx: no "
                "invlpg",
                (unsigned long long)t->va, (unsigned long long)t->pa,
                t->writable ? " writable" : "", t->dirty ? " dirty" : "",
                (unsigned long long)w.entry);
        }
    }
}

/* --- the guest kernel --- */

static bool is_table(const struct soft_cpu *soft, uint64_t window, uint64_t *pa)
{
    uint64_t offset = window - LAYOUT_TABLES_BASE;

    if (window < LAYOUT_TABLES_BASE || offset >= soft->mem.bytes) {
        return false;
    }
    *pa = LAYOUT_RAM_BASE + offset;
    return frames_record(soft->cpu.frames, frames_index(gpa_of(*pa)))->use == FRAME_TABLE;
}

/* The entry's place in its table is that of the address at one of the levels. */
static bool place_fits(uint64_t pa, uint64_t va)
{
    uint64_t place = pa % PAGE_BYTES / 8;

    return place == (va >> 12) % 512 || place == (va >> 21) % 512 ||
           place == (va >> 30) % 512 || place == (va >> 39) % 512;
}

static bool is_edited_again(const struct edits *edits, unsigned nth)
{
    for (unsigned i = nth + 1; i < edits->count; i++) {
        if (edits->list[i].entry == edits->list[nth].entry) {
            return true;
        }
    }
    return false;
}

/* Before the first store: memory has what the last edit of each entry says. */
static bool check_edits(struct soft_cpu *soft)
{
    const struct edits *edits = &soft->edits;
    uint64_t pa;

    for (unsigned i = 0; i < edits->count; i++) {
        const struct abi_edit *edit = &edits->list[i];
        if (!is_table(soft, edit->entry, &pa) || pa % 8 != 0) {
            break_rule(
                soft, "edit %u is of 0x%llx, which is no table", i,
                (unsigned long long)edit->entry);
            return false;
        }
        if (!place_fits(pa, edit->address)) {
            break_rule(
                soft, "edit %u is of the entry at 0x%llx, which cannot map 0x%llx", i,
                (unsigned long long)pa, (unsigned long long)edit->address);
        }
        if (!is_edited_again(edits, i) && *word_at(soft, pa) != edit->value) {
            break_rule(
                soft, "edit %u stores 0x%llx over 0x%llx, which was written past it", i,
                (unsigned long long)edit->value, (unsigned long long)*word_at(soft, pa));
        }
    }
    if (edits->list[edits->count].entry != 0) {
        break_rule(soft, "the edit list has no end");
    }
    return true;
}

static void carry_out_edits(struct soft_cpu *soft)
{
    const struct edits *edits = &soft->edits;
    uint64_t pa;

    for (unsigned i = 0; i < edits->count && is_table(soft, edits->list[i].entry, &pa); i++) {
        *word_at(soft, pa) = edits->list[i].value;
        seen_at(soft, pa)->value = 0;
        invlpg(soft, edits->list[i].address);
    }
}

static void carry_out_announcements(struct soft_cpu *soft)
{
    struct edits *edits = &soft->edits;

    edits_write_announcements(edits);
    for (const uint64_t *word = (const uint64_t *)(const void *)edits->list; *word != 0;
         word++) {
        uint64_t pa;
        if (!is_table(soft, *word, &pa) || pa % PAGE_BYTES != 0) {
            break_rule(
                soft, "0x%llx was announced, which is no table", (unsigned long long)*word);
            return;
        }
        struct seen *seen = seen_at(soft, pa);
        for (unsigned i = 0; i < PTE_ENTRIES; i++) {
            seen[i].value = 0;
        }
    }
    soft->tlb_count = 0; /* the reload of CR3 */
}

static void drain(void *context)
{
    struct soft_cpu *soft = context;

    if (!edits_pending(&soft->edits)) {
        return;
    }
    if (check_edits(soft)) {
        carry_out_edits(soft);
    }
    if (soft->edits.announced_count > 0) {
        carry_out_announcements(soft);
    }
    edits_done(&soft->edits);
}

/* --- ring 3 --- */

static bool writes(const struct cpu_access *access)
{
    return access->verb == CPU_WRITE || access->verb == CPU_FILL;
}

/* What a walk of the CPU leaves: accessed in each entry, dirty in the leaf, and that it was seen. */
static void mark_path(struct soft_cpu *soft, uint64_t va, bool write)
{
    uint64_t table = soft->root;

    for (unsigned shift = 39;; shift -= 9) {
        uint64_t pa = (table & PTE_ADDRESS) + (va >> shift) % 512 * 8;
        uint64_t *entry = word_at(soft, pa);
        bool leaf = shift == 12 || (shift < 39 && (*entry & PTE_PAGE_SIZE) != 0);
        *entry |= PTE_ACCESSED | (leaf && write ? PTE_DIRTY : 0);
        see(soft, pa);
        if (leaf) {
            return;
        }
        table = *entry;
    }
}

static void carry_out_access(struct cpu_access *access, uint8_t *page, uint8_t *at)
{
    switch (access->verb) {
    case CPU_READ:
        memcpy(&access->value, at, 8);
        return;
    case CPU_WRITE:
        memcpy(at, &access->value, 8);
        return;
    case CPU_FILL:
        for (unsigned i = 0; i < CPU_WORDS; i++) {
            uint64_t word = cpu_fill_word(access->value, i);
            memcpy(page + 8 * (size_t)i, &word, 8);
        }
        return;
    case CPU_SUM:
        access->value = cpu_sum(page);
        return;
    case CPU_FETCH:
        return;
    }
}

/* Now and then the CPU uses a translation that has less than the tables: a spurious fault. */
static bool is_spurious(struct soft_cpu *soft, uint64_t va, bool write)
{
    soft->random = soft->random * UINT64_C(6364136223846793005) + 1442695040888963407;
    for (unsigned i = 0; i < soft->tlb_count; i++) {
        if (va - soft->tlb[i].va < soft->tlb[i].bytes) {
            return write && !soft->tlb[i].writable && (soft->random >> 60) < 8;
        }
    }
    return false;
}

static enum cpu_result attempt(
    struct property_cpu *cpu,
    struct space *space,
    struct cpu_access *access,
    struct cpu_fault *fault)
{
    struct soft_cpu *soft = (struct soft_cpu *)(void *)cpu;
    uint64_t va = access->address.value;
    bool write = writes(access), fetch = access->verb == CPU_FETCH;

    drain(soft);
    if (soft->root != space->ptab.root.value) {
        soft->root = space->ptab.root.value;
        soft->tlb_count = 0;
    }
    check_tlb(soft);
    check_seen(soft);
    if (cpu->violation[0] != '\0') {
        return CPU_BROKEN;
    }
    struct naive_walk w = walk(soft, va);
    bool allowed = w.present && w.user && (!write || w.writable) && (!fetch || w.executable);
    if (!allowed || is_spurious(soft, va, write)) {
        invlpg(soft, va); /* SDM volume 3, "Operations that Invalidate TLBs": a #PF does */
        *fault = (struct cpu_fault){
            .address = access->address,
            .error_code = PF_USER | (w.present ? PF_PRESENT : 0) | (write ? PF_WRITE : 0) |
                          (fetch ? PF_FETCH : 0)};
        return CPU_FAULT;
    }
    mark_path(soft, va, write);
    w = walk(soft, va);
    remember(soft, va, &w);
    uint8_t *at = gmem_hva(&soft->mem, gpa_of(w.pa));
    carry_out_access(access, at - (va & (PAGE_BYTES - 1)), at);
    return CPU_DONE;
}

static void leave(struct property_cpu *cpu, const struct space *space)
{
    struct soft_cpu *soft = (struct soft_cpu *)(void *)cpu;

    if (soft->root == space->ptab.root.value) {
        soft->root = 0;
        soft->tlb_count = 0;
    }
}

static void destroy(struct property_cpu *cpu)
{
    struct soft_cpu *soft = (struct soft_cpu *)(void *)cpu;

    for (uint64_t i = 0; soft->seen != NULL && i < soft->mem.bytes / PAGE_BYTES; i++) {
        free(soft->seen[i]);
    }
    free((void *)soft->seen);
    free(soft->known);
    edits_destroy(&soft->edits);
    ptab_pool_destroy(soft->cpu.pool);
    frames_destroy(soft->cpu.frames);
    gmem_destroy(&soft->mem);
    free(soft);
}

struct property_cpu *soft_cpu_create(uint64_t mem_bytes, uint64_t seed)
{
    struct soft_cpu *soft = calloc(1, sizeof(*soft));
    struct err err;

    if (soft == NULL) {
        return NULL;
    }
    soft->random = seed;
    soft->cpu = (struct property_cpu){
        .mem = &soft->mem,
        .edits = &soft->edits,
        .no_execute = true,
        .can_fetch = true,
        .attempt = attempt,
        .drain = drain,
        .leave = leave,
        .destroy = destroy};
    soft->seen = calloc(mem_bytes / PAGE_BYTES, sizeof(struct seen *));
    if (soft->seen == NULL || !gmem_create(&soft->mem, mem_bytes, &err) ||
        !frames_create(&soft->cpu.frames, &soft->mem, &err) ||
        !ptab_pool_create(&soft->cpu.pool, &soft->mem, soft->cpu.frames, true, &err) ||
        !edits_create(&soft->edits, soft->list, &err)) {
        destroy(&soft->cpu);
        return NULL;
    }
    return &soft->cpu;
}
