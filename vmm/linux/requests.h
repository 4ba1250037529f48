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

/* streams.c */
request_fn request_read, request_write, request_readv, request_writev, request_pread64,
    request_pwrite64, request_getdents64;

/* handles.c */
request_fn request_close, request_dup, request_dup2, request_dup3, request_fcntl, request_pipe,
    request_pipe2, request_memfd_create, request_lseek, request_ftruncate, request_fchmod,
    request_fchown, request_fsync, request_fadvise64, request_ioctl;

/* locks.c */
request_fn request_flock;
/* fcntl's commands of record locks; at: the program's struct flock. */
int64_t
request_lock(struct process *process, const struct open_file *file, int command, uint64_t at);

/* paths.c */
request_fn request_open, request_openat, request_creat, request_mkdir, request_mkdirat,
    request_unlink, request_rmdir, request_unlinkat, request_rename, request_renameat,
    request_renameat2, request_chdir, request_fchdir, request_getcwd, request_umask;

/* stat.c */
request_fn request_fstat, request_stat, request_lstat, request_newfstatat, request_statx,
    request_access, request_faccessat, request_faccessat2, request_readlink, request_readlinkat;

/* poll.c */
request_fn request_poll, request_ppoll, request_select, request_pselect6;

/* time.c */
request_fn request_clock_gettime, request_clock_getres, request_gettimeofday, request_time,
    request_nanosleep, request_clock_nanosleep, request_alarm, request_getitimer,
    request_setitimer;

/* identity.c: who and where the process is */
request_fn request_arch_prctl, request_set_tid_address, request_set_robust_list, request_rseq,
    request_prlimit64, request_getrandom, request_getpid, request_getppid, request_getpgrp,
    request_getpgid, request_setpgid, request_getsid, request_setsid, request_getuid,
    request_geteuid, request_getgid, request_getegid, request_uname, request_getrusage,
    request_sched_yield, request_sched_getaffinity, request_sysinfo, request_prctl,
    request_getcpu;

/* fork.c, wait.c */
request_fn request_fork, request_vfork, request_clone, request_exit, request_wait4,
    request_waitid;

/* exec.c */
request_fn request_execve, request_execveat;

/* futex.c */
request_fn request_futex;

/* signals.c, sigframe.c, sigstack.c */
request_fn request_rt_sigaction, request_rt_sigprocmask, request_rt_sigpending,
    request_rt_sigsuspend, request_rt_sigtimedwait, request_pause, request_kill, request_tkill,
    request_tgkill, request_rt_sigreturn, request_sigaltstack;

/* lab.c */
request_fn request_lab_version, request_lab_phase, request_lab_result, request_lab_walk,
    request_lab_counts, request_lab_frames;

/* time.c: a relative time as a deadline from from_ns on.  False: the time is not valid. */
bool request_deadline(const struct timespec *wait, uint64_t from_ns, uint64_t *deadline_ns);
/* A signal has ended a wait whose request wants to tell the time left (progress.left_at). */
void request_tell_time_left(struct process *process);

#endif
