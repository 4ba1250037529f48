/*
 * Requests on who and where the process is, and how it ends: identifiers, limits, usage, exit.
 * There is one process with one thread, so much of this has one answer.
 */
#include <asm/prctl.h>
#include <errno.h>
#include <linux/futex.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/sysinfo.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "linux/requests.h"

/* As the first process of a container sees itself. */
#define PROCESS_ID 1

int64_t request_arch_prctl(struct process *process, const uint64_t argument[6])
{
    struct gva base;
    bool ok = false;

    switch (argument[0]) {
    case ARCH_SET_FS:
    case ARCH_SET_GS:
        if (argument[1] >= LAYOUT_USER_END) {
            return -EPERM;
        }
        ok = argument[0] == ARCH_SET_FS
                 ? process->hooks.set_fs_base(process->hooks.context, gva_of(argument[1]))
                 : process->hooks.set_gs_base(process->hooks.context, gva_of(argument[1]));
        return ok ? 0 : -EINVAL;
    case ARCH_GET_FS:
        ok = process->hooks.get_fs_base(process->hooks.context, &base);
        break;
    case ARCH_GET_GS:
        ok = process->hooks.get_gs_base(process->hooks.context, &base);
        break;
    default:
        break;
    }
    return ok ? -access_write(&process->access, gva_of(argument[1]), &base.value, 8) : -EINVAL;
}

int64_t request_set_tid_address(struct process *process, const uint64_t argument[6])
{
    process->clear_child_tid = argument[0];
    return PROCESS_ID;
}

int64_t request_set_robust_list(struct process *process, const uint64_t argument[6])
{
    if (argument[1] != 24) { /* sizeof(struct robust_list_head) */
        return -EINVAL;
    }
    process->robust_list = argument[0];
    return 0;
}

/* Restartable sequences are refused, as by a kernel without them: C libraries go on. */
int64_t request_rseq(
    struct process *process __attribute__((unused)),
    const uint64_t argument[6] __attribute__((unused)))
{
    return -ENOSYS;
}

/* The stack's limit is the laboratory's, the others are the host's; none can be changed. */
int64_t request_prlimit64(struct process *process, const uint64_t argument[6])
{
    struct rlimit limit;

    if (argument[0] != 0 && argument[0] != PROCESS_ID) {
        return -ESRCH;
    }
    if (argument[1] == RLIMIT_STACK) {
        limit.rlim_cur = limit.rlim_max = process->stack_limit_bytes;
    } else if (
        argument[1] >= RLIM_NLIMITS ||
        getrlimit((__rlimit_resource_t)argument[1], &limit) != 0) {
        return -EINVAL;
    }
    if (argument[3] != 0 &&
        access_write(&process->access, gva_of(argument[3]), &limit, sizeof(limit)) != 0) {
        return -EFAULT;
    }
    return argument[2] != 0 ? -EPERM : 0;
}

int64_t request_getrandom(struct process *process, const uint64_t argument[6])
{
    uint8_t bytes[256];
    uint64_t done = 0;

    if ((argument[2] & ~(uint64_t)(GRND_NONBLOCK | GRND_RANDOM | 4)) != 0) {
        return -EINVAL;
    }
    while (done < argument[1]) {
        size_t here = argument[1] - done < sizeof(bytes) ? argument[1] - done : sizeof(bytes);
        ssize_t n = getrandom(bytes, here, GRND_NONBLOCK);
        if (n <= 0) {
            return done != 0 ? (int64_t)done : -EAGAIN;
        }
        struct gva at = gva_of(argument[0] + done);
        if (access_write(&process->access, at, bytes, (size_t)n) != 0) {
            return done != 0 ? (int64_t)done : -EFAULT;
        }
        done += (uint64_t)n;
    }
    return (int64_t)done;
}

int64_t request_getpid(
    struct process *process __attribute__((unused)),
    const uint64_t argument[6] __attribute__((unused)))
{
    return PROCESS_ID;
}

int64_t request_getppid(
    struct process *process __attribute__((unused)),
    const uint64_t argument[6] __attribute__((unused)))
{
    return 0;
}

int64_t request_getuid(
    struct process *process __attribute__((unused)),
    const uint64_t argument[6] __attribute__((unused)))
{
    return getuid();
}

int64_t request_geteuid(
    struct process *process __attribute__((unused)),
    const uint64_t argument[6] __attribute__((unused)))
{
    return geteuid();
}

int64_t request_getgid(
    struct process *process __attribute__((unused)),
    const uint64_t argument[6] __attribute__((unused)))
{
    return getgid();
}

int64_t request_getegid(
    struct process *process __attribute__((unused)),
    const uint64_t argument[6] __attribute__((unused)))
{
    return getegid();
}

/* The host's names: release included, since programs and C libraries test it. */
int64_t request_uname(struct process *process, const uint64_t argument[6])
{
    struct utsname name;

    uname(&name);
    return -access_write(&process->access, gva_of(argument[0]), &name, sizeof(name));
}

/* Faults and resident size are the guest's; processor time is vmm's, which runs nothing else. */
int64_t request_getrusage(struct process *process, const uint64_t argument[6])
{
    struct rusage usage;
    struct lab_counts counts;

    if ((int)argument[0] != RUSAGE_SELF && (int)argument[0] != RUSAGE_THREAD) {
        return -EINVAL;
    }
    getrusage((int)argument[0], &usage);
    counts_fill_lab(process->counts, &counts);
    usage.ru_minflt = (long)counts.minor;
    usage.ru_majflt = (long)counts.major;
    usage.ru_maxrss =
        (long)(frames_used_peak(process->access.space->memory->config.frames) * (PAGE_BYTES / 1024));
    return -access_write(&process->access, gva_of(argument[1]), &usage, sizeof(usage));
}

int64_t request_exit(struct process *process, const uint64_t argument[6])
{
    int status = (int)(argument[0] & 0xff);

    outcome_set(process->outcome, OUTCOME_EXITED, status, "exited with status %d", status);
    return 0;
}

int64_t request_sched_yield(
    struct process *process __attribute__((unused)),
    const uint64_t argument[6] __attribute__((unused)))
{
    return 0;
}

int64_t request_sched_getaffinity(struct process *process, const uint64_t argument[6])
{
    const uint64_t one_cpu = 1;

    if (argument[1] < sizeof(one_cpu) || argument[1] % 8 != 0) {
        return -EINVAL;
    }
    return access_write(&process->access, gva_of(argument[2]), &one_cpu, 8) != 0 ? -EFAULT : 8;
}

int64_t request_getcpu(struct process *process, const uint64_t argument[6])
{
    const uint32_t zero = 0;

    for (unsigned i = 0; i < 2; i++) {
        if (argument[i] != 0 &&
            access_write(&process->access, gva_of(argument[i]), &zero, sizeof(zero)) != 0) {
            return -EFAULT;
        }
    }
    return 0;
}

/* With one thread nobody waits and nobody could wake: a wait on an unchanged word would last
 * for ever, and lasts until its time-out or the end of the run. */
int64_t request_futex(struct process *process, const uint64_t argument[6])
{
    struct timespec wait, deadline = {.tv_sec = INT32_MAX};
    uint32_t word;

    switch ((uint32_t)argument[1] & (uint32_t)FUTEX_CMD_MASK) {
    case FUTEX_WAKE:
    case FUTEX_WAKE_BITSET:
        return 0;
    case FUTEX_WAIT:
        break;
    default:
        return -ENOSYS;
    }
    if (access_read(&process->access, &word, gva_of(argument[0]), sizeof(word)) != 0) {
        return -EFAULT;
    }
    if (word != (uint32_t)argument[2]) {
        return -EAGAIN;
    }
    if (argument[3] != 0) {
        if (access_read(&process->access, &wait, gva_of(argument[3]), sizeof(wait)) != 0) {
            return -EFAULT;
        }
        if (wait.tv_sec < 0 || wait.tv_nsec < 0 || wait.tv_nsec >= 1000000000L) {
            return -EINVAL;
        }
        clock_gettime(CLOCK_MONOTONIC, &deadline);
        deadline.tv_sec += wait.tv_sec < INT32_MAX ? wait.tv_sec : INT32_MAX;
        deadline.tv_nsec += wait.tv_nsec;
    }
    int64_t result = request_sleep_until(process, &deadline);
    return result == 0 ? -ETIMEDOUT : result;
}

/* Memory is the guest's. */
int64_t request_sysinfo(struct process *process, const uint64_t argument[6])
{
    const struct frames *frames = process->access.space->memory->config.frames;
    struct sysinfo info;

    sysinfo(&info);
    info.totalram = frames_total(frames) * PAGE_BYTES;
    info.freeram = (frames_total(frames) - frames_used(frames)) * PAGE_BYTES;
    info.sharedram = info.bufferram = info.totalswap = info.freeswap = 0;
    info.totalhigh = info.freehigh = 0;
    info.mem_unit = 1;
    info.procs = 1;
    return -access_write(&process->access, gva_of(argument[0]), &info, sizeof(info));
}

/* The thread's name, and nothing else. */
int64_t request_prctl(struct process *process, const uint64_t argument[6])
{
    char name[sizeof(process->comm)] = "";
    int error;

    switch (argument[0]) {
    case PR_SET_NAME:
        error =
            access_read_string(&process->access, name, gva_of(argument[1]), sizeof(name) - 1);
        if (error != 0 && error != ENAMETOOLONG) {
            return -error;
        }
        memcpy(process->comm, name, sizeof(name));
        return 0;
    case PR_GET_NAME:
        return -access_write(
            &process->access, gva_of(argument[1]), process->comm, sizeof(process->comm));
    default:
        return -EINVAL;
    }
}
