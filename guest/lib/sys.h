/*
 * Linux system calls for freestanding programs, inline, without errno: an error comes back as
 * -errno.  It refuses to know the laboratory's own requests (lab.h) and any policy on errors.
 * Read lab.h next.
 */
#ifndef SYS_H
#define SYS_H

#include <stddef.h>
#include <stdint.h>

/* The kernel's own headers: numbers and flags only, nothing that a libc would have to provide. */
#include <asm/errno.h>
#include <asm/unistd.h>
#include <linux/memfd.h>
#include <linux/mman.h>
#include <linux/resource.h>
#include <linux/time.h>

#define SYS_PROT_NONE  0x0
#define SYS_PROT_READ  0x1
#define SYS_PROT_WRITE 0x2
#define SYS_PROT_EXEC  0x4

/*
 * Any system call, with up to six arguments; the unused ones are 0.  It may write any memory
 * that an argument points to, hence the clobber.
 */
static inline int64_t sys_call(
    uint64_t number, uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e, uint64_t f)
{
    register uint64_t r10 __asm__("r10") = d;
    register uint64_t r8 __asm__("r8") = e;
    register uint64_t r9 __asm__("r9") = f;
    int64_t result;

    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
                     : "rcx", "r11", "memory", "cc");
    return result;
}

/* Bytes written, at most `bytes`, or -errno. */
static inline int64_t sys_write(int fd, const void *from, size_t bytes)
{
    return sys_call(__NR_write, (uint64_t)fd, (uintptr_t)from, bytes, 0, 0, 0);
}

/* Bytes read, 0 at the end, or -errno. */
static inline int64_t sys_read(int fd, void *to, size_t bytes)
{
    return sys_call(__NR_read, (uint64_t)fd, (uintptr_t)to, bytes, 0, 0, 0);
}

/* Ends the program; the low 8 bits of status are its exit status. */
_Noreturn static inline void sys_exit(int status)
{
    for (;;) {
        sys_call(__NR_exit_group, (uint64_t)status, 0, 0, 0, 0, 0);
    }
}

/*
 * Anonymous private memory at hint (0: anywhere), prot of SYS_PROT_*, flags of MAP_* beyond
 * MAP_PRIVATE and MAP_ANONYMOUS, which are implied.  The address, or -errno: see sys_failed.
 */
static inline int64_t sys_mmap(uintptr_t hint, size_t bytes, int prot, int flags)
{
    uint64_t all = (uint64_t)(flags | MAP_PRIVATE | MAP_ANONYMOUS);

    return sys_call(__NR_mmap, hint, bytes, (uint64_t)prot, all, UINT64_MAX, 0);
}

/*
 * Memory of any kind: flags of MAP_*, a file's descriptor or -1, the offset in it.  The address,
 * or -errno.
 */
static inline int64_t
sys_mmap_file(uintptr_t hint, size_t bytes, int prot, int flags, int fd, uint64_t offset)
{
    return sys_call(
        __NR_mmap, hint, bytes, (uint64_t)prot, (uint64_t)flags, (uint64_t)fd, offset);
}

/* 0 or -errno. */
static inline int64_t sys_munmap(uintptr_t address, size_t bytes)
{
    return sys_call(__NR_munmap, address, bytes, 0, 0, 0, 0);
}

/* 0 or -errno. */
static inline int64_t sys_mprotect(uintptr_t address, size_t bytes, int prot)
{
    return sys_call(__NR_mprotect, address, bytes, (uint64_t)prot, 0, 0, 0);
}

/* The program break after the attempt to set it; on failure it is the old one.  0 only asks. */
static inline uintptr_t sys_brk(uintptr_t end)
{
    return (uintptr_t)sys_call(__NR_brk, end, 0, 0, 0, 0, 0);
}

/* 0 or -errno; of the whole process. */
static inline int64_t sys_getrusage(struct rusage *usage)
{
    return sys_call(__NR_getrusage, RUSAGE_SELF, (uintptr_t)usage, 0, 0, 0, 0);
}

/* 0 or -errno; advice of MADV_*. */
static inline int64_t sys_madvise(uintptr_t address, size_t bytes, int advice)
{
    return sys_call(__NR_madvise, address, bytes, (uint64_t)advice, 0, 0, 0);
}

/* 0 or -errno; flags of MS_*. */
static inline int64_t sys_msync(uintptr_t address, size_t bytes, int flags)
{
    return sys_call(__NR_msync, address, bytes, (uint64_t)flags, 0, 0, 0);
}

/* Bit 0 of one byte for each page: it is in memory.  0 or -errno. */
static inline int64_t sys_mincore(uintptr_t address, size_t bytes, uint8_t *vector)
{
    return sys_call(__NR_mincore, address, bytes, (uintptr_t)vector, 0, 0, 0);
}

/* Keeps all pages that there are in memory; flags of MCL_*.  0 or -errno. */
static inline int64_t sys_mlockall(int flags)
{
    return sys_call(__NR_mlockall, (uint64_t)flags, 0, 0, 0, 0, 0);
}

/* A file without a path, empty, for reading and writing: its descriptor, or -errno. */
static inline int64_t sys_memfd(const char *name)
{
    return sys_call(__NR_memfd_create, (uintptr_t)name, 0, 0, 0, 0, 0);
}

/* 0 or -errno. */
static inline int64_t sys_close(int fd)
{
    return sys_call(__NR_close, (uint64_t)fd, 0, 0, 0, 0, 0);
}

/* 0 or -errno. */
static inline int64_t sys_ftruncate(int fd, uint64_t bytes)
{
    return sys_call(__NR_ftruncate, (uint64_t)fd, bytes, 0, 0, 0, 0);
}

/* Bytes moved at an offset of the file, or -errno. */
static inline int64_t sys_pread(int fd, void *to, size_t bytes, uint64_t offset)
{
    return sys_call(__NR_pread64, (uint64_t)fd, (uintptr_t)to, bytes, offset, 0, 0);
}
static inline int64_t sys_pwrite(int fd, const void *from, size_t bytes, uint64_t offset)
{
    return sys_call(__NR_pwrite64, (uint64_t)fd, (uintptr_t)from, bytes, offset, 0, 0);
}

/* fd[0] is to be read, fd[1] to be written.  0 or -errno. */
static inline int64_t sys_pipe(int fd[2])
{
    return sys_call(__NR_pipe, (uintptr_t)fd, 0, 0, 0, 0, 0);
}

/* 0 in the child, its number in the parent, or -errno. */
static inline int64_t sys_fork(void)
{
    return sys_call(__NR_fork, 0, 0, 0, 0, 0, 0);
}

/* Waits for a child (-1: any) to end; its number, or -errno.  *status as wait4(2) has it. */
static inline int64_t sys_wait(int64_t child, int *status)
{
    return sys_call(__NR_wait4, (uint64_t)child, (uintptr_t)status, 0, 0, 0, 0);
}

/* Time since some moment in the past. */
static inline uint64_t sys_clock_ns(void)
{
    struct timespec now = {0};

    sys_call(__NR_clock_gettime, CLOCK_MONOTONIC, (uintptr_t)&now, 0, 0, 0, 0);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* Tells an error from an address: -errno lies in the last page of the address space. */
static inline int sys_failed(int64_t result)
{
    return result < 0 && result >= -4095;
}

#endif
