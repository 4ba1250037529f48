/*
 * The handlers of the Linux personality, by file; process.c holds the table of their numbers.
 * Each returns a result or -errno, as its section-2 manual page has it; what is restricted is
 * said at the definition.
 */
#ifndef LINUX_REQUESTS_H
#define LINUX_REQUESTS_H

#include <poll.h>
#include <stddef.h>
#include <time.h>

#include "linux/process.h"

/* memory.c, remap.c */
request_fn request_brk, request_mmap, request_munmap, request_mprotect, request_mremap;

/* advice.c */
request_fn request_madvise, request_mincore, request_msync, request_mlock, request_munlock,
    request_mlockall, request_munlockall;
/* Whether [begin, begin + bytes) lies in the program's half, without wrapping. */
bool request_range_is_user(uint64_t begin, uint64_t bytes);
/* As if the program had touched every page; running out of memory is no error. */
void request_populate(struct process *process, struct gva begin, uint64_t bytes, bool write);

/* files.c: the host's descriptor behind one of the program's, or -1. */
int files_host_fd(const struct process *process, int fd);

/* files.c: the three standard streams, and no other file */
request_fn request_read, request_write, request_readv, request_writev, request_close,
    request_fstat, request_newfstatat, request_lseek, request_ioctl, request_fcntl,
    request_readlink, request_readlinkat, request_getcwd, request_poll;

/* time.c */
request_fn request_clock_gettime, request_clock_getres, request_gettimeofday, request_time,
    request_nanosleep, request_clock_nanosleep;

/* identity.c: who and where the process is */
request_fn request_arch_prctl, request_set_tid_address, request_set_robust_list, request_rseq,
    request_prlimit64, request_getrandom, request_getpid, request_getppid, request_getuid,
    request_geteuid, request_getgid, request_getegid, request_uname, request_getrusage,
    request_exit, request_sched_yield, request_sched_getaffinity, request_futex,
    request_sysinfo, request_prctl, request_getcpu;

/* signals.c */
request_fn request_rt_sigaction, request_rt_sigprocmask, request_sigaltstack, request_kill,
    request_tkill, request_tgkill;

/* lab.c */
request_fn request_lab_version, request_lab_phase, request_lab_result, request_lab_walk,
    request_lab_counts, request_lab_frames;

/* What request_wait takes at most. */
#define REQUEST_WAIT_MAX 16

/*
 * wait.c: as ppoll(2), fds and all; timeout: NULL waits for ever.  Returns how many of fds are
 * ready, 0 after the timeout, or -errno.  A signal that ends the run ends the wait:
 * process->interrupted is set, fds is untouched, and the result is -EINTR.
 */
int request_wait(
    struct process *process, struct pollfd *fds, size_t count, const struct timespec *timeout);

/* time.c: sleep until the host's CLOCK_MONOTONIC reads deadline, or a signal for vmm arrives
 * (process->interrupted, -EINTR). */
int64_t request_sleep_until(struct process *process, const struct timespec *deadline);

#endif
