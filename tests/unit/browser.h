/*
 * Shows a page in a real, headless browser and says what is drawn: where its sections are and
 * which colours lie there.  It refuses to know what the page should look like.
 */
#ifndef BROWSER_H
#define BROWSER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BROWSER_WIDTH    1000
#define BROWSER_HEIGHT   5600
#define BROWSER_SECTIONS 32

struct browser_section {
    char id[32];
    int x, y, width, height;
};

struct browser_view {
    struct browser_section section[BROWSER_SECTIONS];
    unsigned sections;
    uint8_t *pixels; /* owns: BROWSER_WIDTH x BROWSER_HEIGHT x RGB */
};

/* Whether there is a browser. */
bool browser_is_there(void);

/* Show the file; folder: for what the browser leaves behind.  false: it failed, and said why on
 * standard error. */
bool browser_show(struct browser_view *view, const char *page, const char *folder, bool dark);
void browser_release(struct browser_view *view);

/* The section of that id, or NULL. */
const struct browser_section *browser_find(const struct browser_view *view, const char *id);

/* Pixels of a section whose channels are each within 6 of 0xRRGGBB; from and to: a part of its
 * width, then of its height, 0 to 1. */
struct browser_part {
    double left, right, top, bottom;
};
uint64_t browser_count(
    const struct browser_view *view,
    const struct browser_section *section,
    struct browser_part part,
    uint32_t colour);

#endif
