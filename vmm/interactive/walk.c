/*
 * The page walk as the CPU does it, told level by level; and what that means for a TLB.  Bits:
 * SDM volume 3, "4-Level Paging and 5-Level Paging".
 */
#include <inttypes.h>
#include <stdio.h>

#include "interactive/console.h"
#include "interactive/handlers.h"
#include "space/leaf.h"

/* The entry in words, without its address. */
static void print_bits(FILE *out, uint64_t entry)
{
    fprintf(
        out, "%s, %s", (entry & PTE_WRITABLE) != 0 ? "writable" : "read-only",
        (entry & PTE_USER) != 0 ? "user" : "supervisor");
    fprintf(
        out, "%s%s%s%s%s", (entry & PTE_NO_EXECUTE) != 0 ? ", no-execute" : "",
        (entry & PTE_ACCESSED) != 0 ? ", accessed" : "",
        (entry & PTE_DIRTY) != 0 ? ", dirty" : "",
        (entry & PTE_PWT) != 0 ? ", write-through" : "",
        (entry & PTE_PCD) != 0 ? ", uncached" : "");
    if ((entry & PTE_GLOBAL) != 0) {
        fputs(", global", out);
    }
}

static void print_entry(FILE *out, const struct ptab_walk *walk, unsigned level)
{
    uint64_t entry = walk->entry[level];
    bool leaf = level == walk->level;

    if (leaf_is_swapped(entry)) {
        fprintf(out, "absent: in slot %" PRIu32 " of swap", leaf_slot(entry));
    } else if (!leaf_is_present(entry)) {
        fputs("absent", out);
    } else if (!leaf) {
        fprintf(out, "table at 0x%" PRIx64 ": ", entry & PTE_ADDRESS);
        print_bits(out, entry & ~PTE_DIRTY);
    } else {
        fprintf(
            out, "%s page, frame %" PRIu64 ": ", level == 1 ? "4 KiB" : "2 MiB",
            ((entry & PTE_ADDRESS) - LAYOUT_RAM_BASE) >> PAGE_SHIFT);
        print_bits(out, entry);
    }
    fputc('\n', out);
}

static void print_levels(FILE *out, struct gva address, const struct ptab_walk *walk)
{
    for (unsigned level = 4; level >= walk->level; level--) {
        const struct ptab_level *row = &ptab_levels[level];
        unsigned index = (unsigned)(address.value >> row->shift) % PTE_ENTRIES;
        fprintf(
            out, "  level %u %-4s[%3u] 0x%016" PRIx64 "  ", level, row->name, index,
            walk->entry[level]);
        print_entry(out, walk, level);
    }
}

/* Which level withholds a right; 0: none. */
static unsigned level_without(const struct ptab_walk *walk, uint64_t set, uint64_t clear)
{
    for (unsigned level = 4; level >= walk->level; level--) {
        if ((walk->entry[level] & set) != set || (walk->entry[level] & clear) != 0) {
            return level;
        }
    }
    return 0;
}

static void print_right(
    FILE *out, const char *access, const struct ptab_walk *walk, uint64_t set, uint64_t clear)
{
    unsigned level = level_without(walk, set, clear);

    if (level == 0) {
        fprintf(out, " %s yes", access);
    } else {
        fprintf(out, " %s no (level %u)", access, level);
    }
}

/* What the pager would make of an access that fails here. */
static void print_outcome(
    const struct console *console, struct gva address, const char *what, uint8_t access)
{
    struct preview preview;

    preview_fault(console_space(console), address, access, &preview);
    fprintf(console->out, " %s %s", what, record_kind_name(preview.kind));
}

static void
print_verdict(const struct console *console, struct gva address, const struct ptab_walk *walk)
{
    FILE *out = console->out;

    if (walk->present) {
        fprintf(out, "  translates to 0x%" PRIx64 "; ring 3 may:", walk->gpa.value);
        print_right(out, "read", walk, PTE_USER, 0);
        fputc(',', out);
        print_right(out, "write", walk, PTE_USER | PTE_WRITABLE, 0);
        fputc(',', out);
        print_right(out, "execute", walk, PTE_USER, PTE_NO_EXECUTE);
        fputc('\n', out);
    } else {
        fprintf(out, "  fails at level %u: the entry is not present\n", walk->level);
    }
    if (address.value >= LAYOUT_USER_END) {
        fputs("  the kernel's half: a program never gets there\n", out);
        return;
    }
    fputs("  a fault here would be:", out);
    print_outcome(console, address, "read", RECORD_USER);
    fputc(',', out);
    print_outcome(console, address, "write", RECORD_USER | RECORD_WRITE);
    fputc(',', out);
    print_outcome(console, address, "execute", RECORD_USER | RECORD_FETCH);
    fputc('\n', out);
}

/* The word that was given, or else the address that faulted. */
static bool
get_address(struct console *console, const struct verb_words *words, struct gva *address)
{
    struct err err;
    bool ok;

    if (words->count == 0) {
        ok = console->stop.reason == STOP_FAULT ||
             err_set(
                 &err, ERR_INPUT,
                 "the program does not stand at a fault: an address is missing");
        *address = gva_of(ok ? console->stop.record->address : 0);
    } else {
        ok = console_address(console, words->word[0], &address->value, &err);
    }
    if (!ok) {
        console_refuse(console, &err);
    }
    return ok;
}

enum verb_result walk_address(struct console *console, const struct verb_words *words)
{
    struct ptab_walk walk;
    struct gva address;

    if (!get_address(console, words, &address)) {
        return VERB_STAY;
    }
    fprintf(
        console->out, "walk of 0x%" PRIx64 ", CR3 0x%" PRIx64 "\n", address.value,
        console_space(console)->ptab.root.value);
    if (!gva_is_canonical(address)) {
        fputs(
            "  fails before level 4: bits 63 to 48 do not repeat bit 47 (general protection "
            "fault)\n",
            console->out);
        return VERB_STAY;
    }
    ptab_walk(&console_space(console)->ptab, address, &walk);
    print_levels(console->out, address, &walk);
    print_verdict(console, address, &walk);
    return VERB_STAY;
}

/* --- tlb --- */

struct leaves {
    uint64_t small, large, accessed;
};

static bool count_leaf(void *context, struct gva address, struct ptab_slot slot)
{
    struct leaves *leaves = context;

    (void)address;
    leaves->small += slot.level == 1;
    leaves->large += slot.level != 1;
    leaves->accessed += (*slot.entry & PTE_ACCESSED) != 0;
    return true;
}

static void print_need(const struct console *console)
{
    struct leaves leaves = {0};

    ptab_visit(
        &console_space(console)->ptab, gva_of(0), gva_of(LAYOUT_USER_END), count_leaf, &leaves);
    fprintf(
        console->out,
        "the program's pages want %" PRIu64 " entries of 4 KiB and %" PRIu64
        " of 2 MiB: %" PRIu64 " KiB in all; %" PRIu64 " have the accessed bit\n"
        "  what this CPU's TLBs hold: vmm measure tlb; on a recorded run: vmm replay --tlb\n",
        leaves.small, leaves.large, leaves.small * 4 + leaves.large * 2048, leaves.accessed);
}

static void print_held(const struct console *console, struct gva address)
{
    const struct edits *edits = console->lab->memory->config.edits;
    struct ptab_walk walk;
    FILE *out = console->out;

    ptab_walk(&console_space(console)->ptab, address, &walk);
    fprintf(out, "0x%" PRIx64 ": ", address.value);
    if (!walk.present) {
        fputs("not present, so no TLB holds it: a TLB never keeps an absence\n", out);
    } else if ((walk.entry[walk.level] & PTE_ACCESSED) == 0) {
        fputs("not accessed since the bit was cleared, with invlpg: no TLB holds it\n", out);
    } else {
        fprintf(
            out, "a TLB may hold it, in one entry of %s (the accessed bit is set)\n",
            walk.level == 1 ? "4 KiB" : "2 MiB");
    }
    if (walk.present && edits_hold(edits, walk.entry_gpa[walk.level])) {
        fputs("  an edit of its entry waits: invlpg comes before the program goes on\n", out);
    }
}

enum verb_result walk_tlb(struct console *console, const struct verb_words *words)
{
    struct gva address;

    if (words->count == 0 && console->stop.reason != STOP_FAULT) {
        print_need(console);
    } else if (get_address(console, words, &address)) {
        print_held(console, address);
        print_need(console);
    }
    return VERB_STAY;
}
