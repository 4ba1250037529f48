/*
 * The reference model of a property test: what each page of each process holds and allows, in
 * plain arrays, by the rules that mmap, fork and their kind have for programs.  It knows nothing of
 * frames, page tables, swap or policies.  Read world.h next.
 */
#ifndef PROPERTY_MODEL_H
#define PROPERTY_MODEL_H

#include <stdbool.h>
#include <stdint.h>

#define MODEL_PAGE_BYTES   4096
#define MODEL_SPACES       6
#define MODEL_OBJECTS      64
#define MODEL_OBJECT_PAGES 32
#define MODEL_FILE_PAGES   12 /* of both files; what lies behind is SIGBUS */
#define MODEL_FILE_OBJECT  0  /* the object that is the shared file */

#define MODEL_READ  1
#define MODEL_WRITE 2
#define MODEL_EXEC  4

/* The pages that a test plays with: three clusters, one 2 MiB, and the code. */
#define MODEL_AREAS      5
#define MODEL_LARGE_AREA 3
#define MODEL_CODE_AREA  4
struct model_area {
    uint64_t address;
    unsigned first; /* page number in the universe */
    unsigned pages;
};
extern const struct model_area model_areas[MODEL_AREAS];
#define MODEL_PAGES     (8 + 8 + 8 + 512 + 1)
#define MODEL_CLUSTERED 24 /* pages below are those of the clusters */
uint64_t model_address(unsigned page);
/* MODEL_PAGES: outside. */
unsigned model_page_at(uint64_t address);
unsigned model_area_of(unsigned page);

enum model_source {
    MODEL_UNMAPPED = 0,
    MODEL_ZERO,   /* private, zero at first */
    MODEL_FILE,   /* private, the private file at first */
    MODEL_CODE,   /* private, the code */
    MODEL_OBJECT, /* shared */
};

struct model_page {
    uint8_t *bytes; /* owns: private contents; NULL: as at first */
    uint8_t source; /* enum model_source */
    uint8_t permissions;
    uint8_t object; /* MODEL_OBJECT */
    uint8_t index;  /* page in the object or file */
};

struct model_object {
    bool in_use;
    uint8_t *bytes[MODEL_OBJECT_PAGES]; /* owns; NULL: zero */
};

struct model {
    bool alive[MODEL_SPACES];
    struct model_page page[MODEL_SPACES][MODEL_PAGES];
    struct model_object object[MODEL_OBJECTS];
    uint8_t file[MODEL_FILE_PAGES][MODEL_PAGE_BYTES]; /* the private file; never written */
    uint8_t code[MODEL_PAGE_BYTES];
};

enum model_verdict {
    MODEL_OK,
    MODEL_MAPERR,
    MODEL_ACCERR,
    MODEL_BUS,
};

/* wanted: MODEL_READ, MODEL_WRITE or MODEL_EXEC. */
enum model_verdict
model_judge(const struct model *model, unsigned space, unsigned page, uint8_t wanted);

/* What a mapped page holds, MODEL_PAGE_BYTES of it. */
const uint8_t *model_read(const struct model *model, unsigned space, unsigned page);
/* The same, to be changed. */
uint8_t *model_write(struct model *model, unsigned space, unsigned page);

/* like->index: of the first page. */
void model_map(
    struct model *model,
    unsigned space,
    unsigned first,
    unsigned count,
    const struct model_page *like);
void model_unmap(struct model *model, unsigned space, unsigned first, unsigned count);
/* False: a hole, and nothing is changed. */
bool model_protect(
    struct model *model, unsigned space, unsigned first, unsigned count, uint8_t permissions);
void model_discard(struct model *model, unsigned space, unsigned first, unsigned count);
/* The ranges do not overlap. */
void model_move(
    struct model *model, unsigned space, unsigned from, unsigned to, unsigned count);
void model_fork(struct model *model, unsigned parent, unsigned child);
void model_destroy_space(struct model *model, unsigned space);

/* A new anonymous object, or MODEL_OBJECTS.  It goes when no page shows it any more. */
unsigned model_new_object(struct model *model);
void model_free(struct model *model);

#endif
