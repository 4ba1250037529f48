/*
 * What the policies that keep lists have in common: taking the oldest page that may go, giving
 * pages a second chance, and telling a page's second use from the one that brought it in.  It
 * refuses to own a list.  Read policy/clock.c and policy/two_q.c for uses.
 *
 * A policy sees two things of a program: its faults, and the accessed bits that the CPU sets.
 * A use of a page that is in memory (a hit, in the papers) leaves nothing but that bit.  So it
 * is noticed late: when the page is considered as a victim (or sampled), its bit is looked at
 * and cleared, and one set bit stands for all uses since.
 */
#ifndef POLICY_CHOOSE_H
#define POLICY_CHOOSE_H

#include <stdbool.h>
#include <stdint.h>

#include "policy/lists.h"
#include "vmm_policy.h"

/* How many pages one choice may spare because they were used: each costs a look at page tables
 * and an entry in the guest's list of edits, which holds 511. */
#define CHOOSE_LOOKS_DEFAULT 256
#define CHOOSE_LOOKS_MAX     UINT32_MAX

/* The oldest page of a list that may go; VMM_NO_FRAME.  Pinned pages in front of it move to the
 * new end of list `pinned` (which may be the same): they are in use. */
uint32_t choose_first_in(
    struct lists *lists, uint32_t list, uint32_t pinned, const struct vmm_policy_host *host);

/*
 * The same, but a page that was used since its bit was cleared last is spared: the bit is
 * cleared and the page moves to the new end.  That is the clock's hand.  After `looks` such
 * pages, or two turns, one that was used goes all the same.
 */
uint32_t choose_second_chance(
    struct lists *lists, uint32_t list, uint64_t looks, const struct vmm_policy_host *host);

/* How many frames of 4 KiB there are to fill. */
uint32_t choose_capacity(const struct vmm_policy_host *host);

/*
 * The page that the last fault brought in.  The access that faulted is carried out afterwards
 * and sets the accessed bit, which says nothing about a second use: at the next fault that bit
 * is cleared.  Pages that came along with it are not in this; their first use counts as a hit.
 */
struct choose_first {
    const struct vmm_policy_host *host; /* borrows */
    uint32_t frame;                     /* VMM_NO_FRAME: none */
};

void choose_first_fault(struct choose_first *first);
void choose_first_map(struct choose_first *first, uint32_t frame);
void choose_first_unmap(struct choose_first *first, uint32_t frame);
/* Whether a sample that found the bit set is a hit. */
bool choose_first_sample(struct choose_first *first, uint32_t frame);

#endif
