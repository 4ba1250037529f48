/*
 * Which request is which: the tables from number to handler, and what a number without a
 * handler is answered.  The handlers are in the other files of this folder (requests.h lists
 * them).
 */
#include "linux/process.h"

#include <errno.h>
#include <sys/syscall.h>

#include "linux/requests.h"
#include "linux/table.h"

static const struct request linux_requests[] = {
    [SYS_read] = {"read", request_read},
    [SYS_write] = {"write", request_write},
    [SYS_close] = {"close", request_close},
    [SYS_fstat] = {"fstat", request_fstat},
    [SYS_poll] = {"poll", request_poll},
    [SYS_lseek] = {"lseek", request_lseek},
    [SYS_mmap] = {"mmap", request_mmap},
    [SYS_mprotect] = {"mprotect", request_mprotect},
    [SYS_munmap] = {"munmap", request_munmap},
    [SYS_brk] = {"brk", request_brk},
    [SYS_rt_sigaction] = {"rt_sigaction", request_rt_sigaction},
    [SYS_rt_sigprocmask] = {"rt_sigprocmask", request_rt_sigprocmask},
    [SYS_rt_sigreturn] = {"rt_sigreturn", request_rt_sigreturn},
    [SYS_ioctl] = {"ioctl", request_ioctl},
    [SYS_readv] = {"readv", request_readv},
    [SYS_writev] = {"writev", request_writev},
    [SYS_pread64] = {"pread64", request_pread64},
    [SYS_pwrite64] = {"pwrite64", request_pwrite64},
    [SYS_access] = {"access", request_access},
    [SYS_pipe] = {"pipe", request_pipe},
    [SYS_select] = {"select", request_select},
    [SYS_sched_yield] = {"sched_yield", request_sched_yield},
    [SYS_mremap] = {"mremap", request_mremap},
    [SYS_msync] = {"msync", request_msync},
    [SYS_mincore] = {"mincore", request_mincore},
    [SYS_madvise] = {"madvise", request_madvise},
    [SYS_dup] = {"dup", request_dup},
    [SYS_dup2] = {"dup2", request_dup2},
    [SYS_pause] = {"pause", request_pause},
    [SYS_nanosleep] = {"nanosleep", request_nanosleep},
    [SYS_getitimer] = {"getitimer", request_getitimer},
    [SYS_alarm] = {"alarm", request_alarm},
    [SYS_setitimer] = {"setitimer", request_setitimer},
    [SYS_getpid] = {"getpid", request_getpid},
    [SYS_fork] = {"fork", request_fork},
    [SYS_vfork] = {"vfork", request_vfork},
    [SYS_clone] = {"clone", request_clone},
    [SYS_execve] = {"execve", request_execve},
    [SYS_execveat] = {"execveat", request_execveat},
    [SYS_exit] = {"exit", request_exit},
    [SYS_wait4] = {"wait4", request_wait4},
    [SYS_kill] = {"kill", request_kill},
    [SYS_uname] = {"uname", request_uname},
    [SYS_fcntl] = {"fcntl", request_fcntl},
    [SYS_flock] = {"flock", request_flock},
    [SYS_fsync] = {"fsync", request_fsync},
    [SYS_fchmod] = {"fchmod", request_fchmod},
    [SYS_fchown] = {"fchown", request_fchown},
    [SYS_ftruncate] = {"ftruncate", request_ftruncate},
    [SYS_getdents64] = {"getdents64", request_getdents64},
    [SYS_getcwd] = {"getcwd", request_getcwd},
    [SYS_chdir] = {"chdir", request_chdir},
    [SYS_fchdir] = {"fchdir", request_fchdir},
    [SYS_rename] = {"rename", request_rename},
    [SYS_mkdir] = {"mkdir", request_mkdir},
    [SYS_rmdir] = {"rmdir", request_rmdir},
    [SYS_creat] = {"creat", request_creat},
    [SYS_unlink] = {"unlink", request_unlink},
    [SYS_readlink] = {"readlink", request_readlink},
    [SYS_umask] = {"umask", request_umask},
    [SYS_gettimeofday] = {"gettimeofday", request_gettimeofday},
    [SYS_getrusage] = {"getrusage", request_getrusage},
    [SYS_sysinfo] = {"sysinfo", request_sysinfo},
    [SYS_getuid] = {"getuid", request_getuid},
    [SYS_getgid] = {"getgid", request_getgid},
    [SYS_geteuid] = {"geteuid", request_geteuid},
    [SYS_getegid] = {"getegid", request_getegid},
    [SYS_getppid] = {"getppid", request_getppid},
    [SYS_getpgrp] = {"getpgrp", request_getpgrp},
    [SYS_setsid] = {"setsid", request_setsid},
    [SYS_setpgid] = {"setpgid", request_setpgid},
    [SYS_getpgid] = {"getpgid", request_getpgid},
    [SYS_getsid] = {"getsid", request_getsid},
    [SYS_rt_sigpending] = {"rt_sigpending", request_rt_sigpending},
    [SYS_rt_sigtimedwait] = {"rt_sigtimedwait", request_rt_sigtimedwait},
    [SYS_rt_sigsuspend] = {"rt_sigsuspend", request_rt_sigsuspend},
    [SYS_sigaltstack] = {"sigaltstack", request_sigaltstack},
    [SYS_mlock] = {"mlock", request_mlock},
    [SYS_munlock] = {"munlock", request_munlock},
    [SYS_mlockall] = {"mlockall", request_mlockall},
    [SYS_munlockall] = {"munlockall", request_munlockall},
    [SYS_prctl] = {"prctl", request_prctl},
    [SYS_arch_prctl] = {"arch_prctl", request_arch_prctl},
    [SYS_tkill] = {"tkill", request_tkill},
    [SYS_time] = {"time", request_time},
    [SYS_futex] = {"futex", request_futex},
    [SYS_sched_getaffinity] = {"sched_getaffinity", request_sched_getaffinity},
    [SYS_set_tid_address] = {"set_tid_address", request_set_tid_address},
    [SYS_fadvise64] = {"fadvise64", request_fadvise64},
    [SYS_clock_gettime] = {"clock_gettime", request_clock_gettime},
    [SYS_clock_getres] = {"clock_getres", request_clock_getres},
    [SYS_clock_nanosleep] = {"clock_nanosleep", request_clock_nanosleep},
    [SYS_tgkill] = {"tgkill", request_tgkill},
    [SYS_waitid] = {"waitid", request_waitid},
    [SYS_openat] = {"openat", request_openat},
    [SYS_mkdirat] = {"mkdirat", request_mkdirat},
    [SYS_newfstatat] = {"newfstatat", request_newfstatat},
    [SYS_unlinkat] = {"unlinkat", request_unlinkat},
    [SYS_renameat] = {"renameat", request_renameat},
    [SYS_readlinkat] = {"readlinkat", request_readlinkat},
    [SYS_faccessat] = {"faccessat", request_faccessat},
    [SYS_pselect6] = {"pselect6", request_pselect6},
    [SYS_ppoll] = {"ppoll", request_ppoll},
    [SYS_set_robust_list] = {"set_robust_list", request_set_robust_list},
    [SYS_prlimit64] = {"prlimit64", request_prlimit64},
    [SYS_dup3] = {"dup3", request_dup3},
    [SYS_pipe2] = {"pipe2", request_pipe2},
    [SYS_getcpu] = {"getcpu", request_getcpu},
    [SYS_renameat2] = {"renameat2", request_renameat2},
    [SYS_getrandom] = {"getrandom", request_getrandom},
    [SYS_memfd_create] = {"memfd_create", request_memfd_create},
    [SYS_statx] = {"statx", request_statx},
    [SYS_rseq] = {"rseq", request_rseq},
    [SYS_faccessat2] = {"faccessat2", request_faccessat2},
    [SYS_open] = {"open", request_open},
    [SYS_stat] = {"stat", request_stat},
    [SYS_lstat] = {"lstat", request_lstat},
    [SYS_gettid] = {"gettid", request_getpid},
    [SYS_exit_group] = {"exit_group", request_exit},
    [SYS_fdatasync] = {"fdatasync", request_fsync},
    /* Known by name only: what programs most often try next. */
    [SYS_socket] = {"socket", NULL},
    [SYS_clone3] = {"clone3", NULL},
    [SYS_sendfile] = {"sendfile", NULL},
    [SYS_link] = {"link", NULL},
    [SYS_symlink] = {"symlink", NULL},
    [SYS_chmod] = {"chmod", NULL},
    [SYS_truncate] = {"truncate", NULL},
    [SYS_close_range] = {"close_range", NULL},
    [SYS_copy_file_range] = {"copy_file_range", NULL},
    [SYS_epoll_create1] = {"epoll_create1", NULL},
    [SYS_eventfd2] = {"eventfd2", NULL},
    [SYS_timer_create] = {"timer_create", NULL},
};

static const struct request lab_requests[] = {
    [LAB_VERSION - LAB_FIRST] = {"lab_version", request_lab_version},
    [LAB_PHASE - LAB_FIRST] = {"lab_phase", request_lab_phase},
    [LAB_RESULT - LAB_FIRST] = {"lab_result", request_lab_result},
    [LAB_WALK - LAB_FIRST] = {"lab_walk", request_lab_walk},
    [LAB_COUNTS - LAB_FIRST] = {"lab_counts", request_lab_counts},
    [LAB_FRAMES - LAB_FIRST] = {"lab_frames", request_lab_frames},
};

static const struct request *find_request(uint64_t number)
{
    if (number < sizeof(linux_requests) / sizeof(linux_requests[0])) {
        return &linux_requests[number];
    }
    if (number >= LAB_FIRST &&
        number - LAB_FIRST < sizeof(lab_requests) / sizeof(lab_requests[0])) {
        return &lab_requests[number - LAB_FIRST];
    }
    return NULL;
}

const char *request_name(uint64_t number)
{
    const struct request *request = find_request(number);

    return request == NULL ? NULL : request->name;
}

static bool first_time(struct process_table *table, uint64_t number)
{
    /* Numbers beyond the set share one bit: they are told of once together. */
    uint64_t bit = number < PROCESS_UNKNOWN ? number : PROCESS_UNKNOWN - 1;
    uint8_t mask = (uint8_t)(1u << (bit % 8));
    bool first = (table->unknown[bit / 8] & mask) == 0;

    table->unknown[bit / 8] |= mask;
    return first;
}

/* The mask for the time of a wait (ppoll, pselect6) goes with it, unless a handler is due. */
static void restore_mask(struct process *process, int64_t result)
{
    struct signals *signals = &process->signals;

    if (signals->restore_blocked && result != -EINTR && result != REQUEST_BLOCKED) {
        signals->restore_blocked = false;
        signals->blocked = signals->saved_blocked;
    }
}

int64_t process_request(struct process *process, uint64_t number, const uint64_t argument[6])
{
    const struct request *request = find_request(number);

    if (request == NULL || request->handler == NULL) {
        struct process_table *table = process->table;
        if (first_time(table, number)) {
            table->hooks.unknown(table->hooks.context, number, request_name(number));
        }
        return -ENOSYS;
    }
    int64_t result = request->handler(process, argument);
    restore_mask(process, result);
    return result;
}
