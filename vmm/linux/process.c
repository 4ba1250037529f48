/*
 * Which request is which: the tables from number to handler, and what a number without a
 * handler is answered.  The handlers are in the other files of this folder (requests.h lists
 * them).
 */
#include "linux/process.h"

#include <errno.h>
#include <sys/syscall.h>

#include "linux/requests.h"

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
    [SYS_ioctl] = {"ioctl", request_ioctl},
    [SYS_readv] = {"readv", request_readv},
    [SYS_writev] = {"writev", request_writev},
    [SYS_sched_yield] = {"sched_yield", request_sched_yield},
    [SYS_mremap] = {"mremap", request_mremap},
    [SYS_msync] = {"msync", request_msync},
    [SYS_mincore] = {"mincore", request_mincore},
    [SYS_madvise] = {"madvise", request_madvise},
    [SYS_nanosleep] = {"nanosleep", request_nanosleep},
    [SYS_getpid] = {"getpid", request_getpid},
    [SYS_exit] = {"exit", request_exit},
    [SYS_kill] = {"kill", request_kill},
    [SYS_uname] = {"uname", request_uname},
    [SYS_fcntl] = {"fcntl", request_fcntl},
    [SYS_getcwd] = {"getcwd", request_getcwd},
    [SYS_readlink] = {"readlink", request_readlink},
    [SYS_gettimeofday] = {"gettimeofday", request_gettimeofday},
    [SYS_getrusage] = {"getrusage", request_getrusage},
    [SYS_sysinfo] = {"sysinfo", request_sysinfo},
    [SYS_getuid] = {"getuid", request_getuid},
    [SYS_getgid] = {"getgid", request_getgid},
    [SYS_geteuid] = {"geteuid", request_geteuid},
    [SYS_getegid] = {"getegid", request_getegid},
    [SYS_getppid] = {"getppid", request_getppid},
    [SYS_sigaltstack] = {"sigaltstack", request_sigaltstack},
    [SYS_mlock] = {"mlock", request_mlock},
    [SYS_munlock] = {"munlock", request_munlock},
    [SYS_mlockall] = {"mlockall", request_mlockall},
    [SYS_munlockall] = {"munlockall", request_munlockall},
    [SYS_prctl] = {"prctl", request_prctl},
    [SYS_arch_prctl] = {"arch_prctl", request_arch_prctl},
    [SYS_gettid] = {"gettid", request_getpid},
    [SYS_tkill] = {"tkill", request_tkill},
    [SYS_time] = {"time", request_time},
    [SYS_futex] = {"futex", request_futex},
    [SYS_sched_getaffinity] = {"sched_getaffinity", request_sched_getaffinity},
    [SYS_set_tid_address] = {"set_tid_address", request_set_tid_address},
    [SYS_clock_gettime] = {"clock_gettime", request_clock_gettime},
    [SYS_clock_getres] = {"clock_getres", request_clock_getres},
    [SYS_clock_nanosleep] = {"clock_nanosleep", request_clock_nanosleep},
    [SYS_exit_group] = {"exit_group", request_exit},
    [SYS_tgkill] = {"tgkill", request_tgkill},
    [SYS_newfstatat] = {"newfstatat", request_newfstatat},
    [SYS_readlinkat] = {"readlinkat", request_readlinkat},
    [SYS_set_robust_list] = {"set_robust_list", request_set_robust_list},
    [SYS_prlimit64] = {"prlimit64", request_prlimit64},
    [SYS_getcpu] = {"getcpu", request_getcpu},
    [SYS_getrandom] = {"getrandom", request_getrandom},
    [SYS_rseq] = {"rseq", request_rseq},
    /* Known by name only: what programs most often try next. */
    [SYS_open] = {"open", NULL},
    [SYS_stat] = {"stat", NULL},
    [SYS_access] = {"access", NULL},
    [SYS_pipe] = {"pipe", NULL},
    [SYS_dup] = {"dup", NULL},
    [SYS_dup2] = {"dup2", NULL},
    [SYS_socket] = {"socket", NULL},
    [SYS_clone] = {"clone", NULL},
    [SYS_fork] = {"fork", NULL},
    [SYS_vfork] = {"vfork", NULL},
    [SYS_execve] = {"execve", NULL},
    [SYS_wait4] = {"wait4", NULL},
    [SYS_openat] = {"openat", NULL},
    [SYS_clone3] = {"clone3", NULL},
    [SYS_statx] = {"statx", NULL},
    [SYS_rt_sigreturn] = {"rt_sigreturn", NULL},
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

static bool first_time(struct process *process, uint64_t number)
{
    /* Numbers beyond the set share one bit: they are told of once together. */
    uint64_t bit = number < PROCESS_UNKNOWN ? number : PROCESS_UNKNOWN - 1;
    uint8_t mask = (uint8_t)(1u << (bit % 8));
    bool first = (process->unknown[bit / 8] & mask) == 0;

    process->unknown[bit / 8] |= mask;
    return first;
}

int64_t process_request(struct process *process, uint64_t number, const uint64_t argument[6])
{
    const struct request *request = find_request(number);

    if (request == NULL || request->handler == NULL) {
        if (first_time(process, number)) {
            process->hooks.unknown(process->hooks.context, number, request_name(number));
        }
        return -ENOSYS;
    }
    return request->handler(process, argument);
}
