/*
 * Memory, a pager without a policy and one address space on the CPU of plain code
 * (tests/property/soft_cpu.h), for tests of what happens when something cannot be done.  It
 * refuses to know what that is.
 */
#ifndef SPACE_FIXTURE_H
#define SPACE_FIXTURE_H

#include "../property/cpu.h"
#include "fault/pager.h"
#include "memory/swap.h"

#define FIXTURE_BEGIN UINT64_C(0x40000000)

struct fixture_config {
    uint64_t blocks;       /* of 2 MiB; 0: 4 */
    uint64_t limit_frames; /* 0: none */
    uint64_t swap_pages;   /* 0: no swap */
    const char *swap_path; /* NULL: a nameless file */
    unsigned spaces;       /* 0: 4 */
    enum memory_page_size page_size;
};

struct space_fixture {
    struct property_cpu *cpu; /* these own */
    struct memory *memory;
    struct pager *pager;
    struct swap *swap;
    struct space *space;
    uint32_t *taken; /* by fixture_take_all */
    uint32_t taken_count;
    struct ptab hog; /* the same, of page tables */
};

/* Fails the test when it cannot be made. */
void fixture_create(struct space_fixture *fixture, const struct fixture_config *config);
void fixture_destroy(struct space_fixture *fixture);

/* The address of a page of the playground, the first of which begins 2 MiB. */
struct gva fixture_page(uint64_t page);
/* Private memory that reads zero, to read and write. */
void fixture_map(struct space_fixture *fixture, uint64_t first, uint64_t pages);

/* Eight bytes by ring 3, with the faults that it takes: 0, or the signal that the program gets. */
int fixture_write(
    struct space_fixture *fixture, struct space *space, uint64_t page, uint64_t value);
int fixture_read(
    struct space_fixture *fixture, struct space *space, uint64_t page, uint64_t *value);
/* Reads and compares. */
#define fixture_expect(fixture, space, page, value)                                            \
    do {                                                                                       \
        uint64_t have = ~(uint64_t)(value);                                                    \
        assert_int_equal(fixture_read(fixture, space, page, &have), 0);                        \
        assert_int_equal(have, value);                                                         \
    } while (0)

/* The frame behind a page that is resident. */
uint32_t fixture_frame(struct space_fixture *fixture, struct space *space, uint64_t page);

/* All free frames of guest memory are gone, and all page tables that the pool keeps in stock but
 * so many, until they are given back. */
void fixture_take_all(struct space_fixture *fixture, uint64_t but_tables);
void fixture_give_back(struct space_fixture *fixture);

#endif
