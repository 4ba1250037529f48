/*
 * Requests that change the address space: brk, mmap, munmap, mprotect.  They check arguments as
 * Linux does and leave the work to space/space.h.  Read remap.c and advice.c for the others.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/mman.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "linux/requests.h"

/* --- brk --- */

static const struct region_spec heap_spec = {
    .kind = REGION_HEAP,
    .permissions = REGION_READ | REGION_WRITE,
    .page_shift = PAGE_SHIFT,
    .label = "heap"};

int64_t request_brk(struct process *process, const uint64_t argument[6])
{
    struct space *space = process->access.space;
    uint64_t wanted = argument[0];
    uint64_t old_top = round_up(space->heap_end.value, PAGE_BYTES);
    int error = 0;

    /* Every refusal is answered with the break as it is. */
    if (wanted < space->heap_begin.value || wanted >= space->map_top.value) {
        return (int64_t)space->heap_end.value;
    }
    uint64_t new_top = round_up(wanted, PAGE_BYTES);
    if (new_top > old_top) {
        error = space_add(space, gva_of(old_top), gva_of(new_top), &heap_spec);
    } else if (new_top < old_top) {
        error = space_unmap(space, gva_of(new_top), gva_of(old_top));
    }
    if (error == 0) {
        space->heap_end = gva_of(wanted);
    }
    return (int64_t)space->heap_end.value;
}

/* --- mmap --- */

#define KNOWN_PROT (PROT_READ | PROT_WRITE | PROT_EXEC)

/* What may be mapped of a file that was opened like this: mmap(2), EACCES. */
static int check_file(int fd, uint64_t protection, bool shared, struct stat *status)
{
    int flags = fcntl(fd, F_GETFL);

    if (flags < 0 || fstat(fd, status) != 0) {
        return EBADF;
    }
    if (!S_ISREG(status->st_mode)) {
        return ENODEV;
    }
    int mode = flags & O_ACCMODE;
    if (mode == O_WRONLY || (shared && (protection & PROT_WRITE) != 0 && mode != O_RDWR)) {
        return EACCES;
    }
    return 0;
}

/* A private mapping reads the file; it has a descriptor of its own, as the program may close its. */
static int private_file(int fd, const struct stat *status, struct region_spec *spec)
{
    uint64_t size = (uint64_t)status->st_size;
    struct err err;
    int own = fcntl(fd, F_DUPFD_CLOEXEC, 3);

    if (own < 0) {
        return errno;
    }
    if (!backing_create(&spec->backing, own, "file", &err)) {
        return ENOMEM;
    }
    spec->kind = REGION_FILE;
    spec->strict = true;
    spec->file_bytes = size > spec->file_offset ? size - spec->file_offset : 0;
    return 0;
}

static int
file_spec(struct process *process, const uint64_t argument[6], struct region_spec *spec)
{
    struct objects *objects = &process->access.space->memory->objects;
    struct stat status;
    int fd = files_host_fd(process, (int)argument[4]);

    if (fd < 0) {
        return EBADF;
    }
    int error = check_file(fd, argument[2], spec->shared, &status);
    if (error != 0) {
        return error;
    }
    if (argument[5] > INT64_MAX - argument[1]) {
        return EOVERFLOW;
    }
    spec->file_offset = argument[5];
    spec->label = "mapped file";
    if (!spec->shared) {
        return private_file(fd, &status, spec);
    }
    spec->kind = REGION_FILE;
    bool writable = (fcntl(fd, F_GETFL) & O_ACCMODE) == O_RDWR;
    spec->sealed = !writable;
    return objects_open_file(objects, fd, writable, &spec->object);
}

/* What the mapping is; 0 or an errno.  The spec's references are the caller's to put. */
static int
mapping_spec(struct process *process, const uint64_t argument[6], struct region_spec *spec)
{
    uint64_t flags = argument[3];
    uint64_t type = flags & MAP_TYPE;
    uint64_t huge = flags >> MAP_HUGE_SHIFT & MAP_HUGE_MASK;

    *spec = (struct region_spec){
        .kind = REGION_ANONYMOUS,
        .permissions = (uint8_t)argument[2],
        .page_shift = (flags & MAP_HUGETLB) != 0 ? LARGE_SHIFT : PAGE_SHIFT,
        .shared = type != MAP_PRIVATE,
    };
    if ((argument[2] & ~(uint64_t)KNOWN_PROT) != 0 ||
        (type != MAP_PRIVATE && type != MAP_SHARED && type != MAP_SHARED_VALIDATE)) {
        return EINVAL;
    }
    if ((flags & MAP_HUGETLB) != 0 &&
        ((huge != 0 && huge != LARGE_SHIFT) || spec->shared || (flags & MAP_ANONYMOUS) == 0)) {
        return EINVAL; /* large pages are for private memory here */
    }
    if ((flags & MAP_ANONYMOUS) == 0) {
        return file_spec(process, argument, spec);
    }
    return spec->shared
               ? objects_new_anonymous(&process->access.space->memory->objects, &spec->object)
               : 0;
}

/* Where the mapping goes: exactly there, at the hint if it is free, or the highest gap.  0 or an
 * errno. */
static int choose_address(
    struct process *process,
    const uint64_t argument[6],
    uint64_t bytes,
    uint64_t align,
    uint64_t gap_align,
    struct gva *begin)
{
    struct space *space = process->access.space;
    uint64_t hint = argument[0], flags = argument[3];
    struct gva below = (flags & MAP_32BIT) != 0 ? gva_of(UINT64_C(0x80000000)) : space->map_top;

    if ((flags & (MAP_FIXED | MAP_FIXED_NOREPLACE)) != 0) {
        *begin = gva_of(hint);
        if ((hint & (align - 1)) != 0) {
            return EINVAL;
        }
        if (!request_range_is_user(hint, bytes)) {
            return hint < LAYOUT_USER_BEGIN ? EPERM : ENOMEM;
        }
        return 0;
    }
    hint = round_down(hint, align);
    if (hint != 0 && request_range_is_user(hint, bytes)) {
        const struct region *next = regions_first_from(space->regions, gva_of(hint));
        if (next == NULL || next->begin.value >= hint + bytes) {
            *begin = gva_of(hint);
            return 0;
        }
    }
    return regions_find_gap(space->regions, bytes, gap_align, below, begin) ? 0 : ENOMEM;
}

static int64_t
map(struct process *process, const uint64_t argument[6], const struct region_spec *spec)
{
    struct space *space = process->access.space;
    uint64_t flags = argument[3];
    uint64_t align = UINT64_C(1) << spec->page_shift;
    uint64_t bytes = round_up(argument[1], align);
    struct gva begin;

    if (argument[1] > LAYOUT_USER_END || bytes == 0) {
        return -ENOMEM;
    }
    /* As Linux since 6.7: what could be shown by large pages begins where one could. */
    bool may_be_large = spec->object == NULL && spec->backing == NULL && bytes >= LARGE_BYTES &&
                        space->memory->config.page_size != MEMORY_PAGES_4K;
    int error = choose_address(
        process, argument, bytes, align, may_be_large ? LARGE_BYTES : align, &begin);
    if (error != 0) {
        return -error;
    }
    bool replace = (flags & MAP_FIXED) != 0 && (flags & MAP_FIXED_NOREPLACE) == 0;
    error = replace ? space_map(space, begin, gva_add(begin, bytes), spec)
                    : space_add(space, begin, gva_add(begin, bytes), spec);
    if (error != 0) {
        return -error;
    }
    if ((flags & (MAP_POPULATE | MAP_LOCKED)) != 0) {
        request_populate(
            process, begin, bytes, (spec->permissions & REGION_WRITE) != 0 && !spec->shared);
    }
    return (int64_t)begin.value;
}

int64_t request_mmap(struct process *process, const uint64_t argument[6])
{
    struct region_spec spec;

    if (argument[1] == 0 || (argument[5] & (PAGE_BYTES - 1)) != 0) {
        return -EINVAL;
    }
    int error = mapping_spec(process, argument, &spec);
    int64_t result = error != 0 ? -error : map(process, argument, &spec);
    /* The regions hold their own references. */
    backing_put(spec.backing);
    object_put(spec.object);
    return result;
}

int64_t request_munmap(struct process *process, const uint64_t argument[6])
{
    uint64_t bytes = round_up(argument[1], PAGE_BYTES);

    if ((argument[0] & (PAGE_BYTES - 1)) != 0 || argument[1] == 0 || bytes == 0 ||
        argument[0] >= LAYOUT_USER_END || bytes > LAYOUT_USER_END - argument[0]) {
        return -EINVAL;
    }
    uint64_t begin = argument[0] < LAYOUT_USER_BEGIN ? LAYOUT_USER_BEGIN : argument[0];
    if (argument[0] + bytes <= begin) {
        return 0;
    }
    return -space_unmap(process->access.space, gva_of(begin), gva_of(argument[0] + bytes));
}

/* A shared mapping of a file that was opened for reading is never written. */
static bool is_sealed(const struct space *space, uint64_t begin, uint64_t end)
{
    const struct region *region = regions_first_from(space->regions, gva_of(begin));

    for (; region != NULL && region->begin.value < end; region = regions_next(region)) {
        if (region->spec.sealed) {
            return true;
        }
    }
    return false;
}

int64_t request_mprotect(struct process *process, const uint64_t argument[6])
{
    uint64_t bytes = round_up(argument[1], PAGE_BYTES);

    if ((argument[0] & (PAGE_BYTES - 1)) != 0 || (argument[2] & ~(uint64_t)KNOWN_PROT) != 0) {
        return -EINVAL;
    }
    if (argument[1] == 0) {
        return 0;
    }
    if (bytes == 0 || !request_range_is_user(argument[0], bytes)) {
        return -ENOMEM;
    }
    if ((argument[2] & PROT_WRITE) != 0 &&
        is_sealed(process->access.space, argument[0], argument[0] + bytes)) {
        return -EACCES;
    }
    return -space_protect(
        process->access.space, gva_of(argument[0]), gva_of(argument[0] + bytes),
        (uint8_t)argument[2]);
}
