/*
 * Requests on who and where the process is: identifiers, limits, usage.  Each process has one
 * thread, so much of this has one answer.
 */
#include <asm/prctl.h>
#include <errno.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/sysinfo.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "linux/requests.h"
#include "linux/table.h"

int64_t request_arch_prctl(struct process *process, const uint64_t argument[6])
{
    const struct process_hooks *hooks = &process->table->hooks;
    struct gva base;
    bool ok = false;

    switch (argument[0]) {
    case ARCH_SET_FS:
    case ARCH_SET_GS:
        if (argument[1] >= LAYOUT_USER_END) {
            return -EPERM;
        }
        ok = argument[0] == ARCH_SET_FS
                 ? hooks->set_fs_base(hooks->context, gva_of(argument[1]))
                 : hooks->set_gs_base(hooks->context, gva_of(argument[1]));
        return ok ? 0 : -EINVAL;
    case ARCH_GET_FS:
        ok = hooks->get_fs_base(hooks->context, &base);
        break;
    case ARCH_GET_GS:
        ok = hooks->get_gs_base(hooks->context, &base);
        break;
    default:
        break;
    }
    return ok ? -access_write(&process->access, gva_of(argument[1]), &base.value, 8) : -EINVAL;
}

int64_t request_set_tid_address(struct process *process, const uint64_t argument[6])
{
    process->clear_child_tid = argument[0];
    return process->pid;
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

/* 0 stands for the process itself. */
static struct process *named(struct process *process, uint64_t pid)
{
    return (int)pid == 0 ? process : process_find(process->table, (int)pid);
}

/* The limits of stack, files and processes are the laboratory's, the others are the host's; none
 * can be changed. */
int64_t request_prlimit64(struct process *process, const uint64_t argument[6])
{
    struct rlimit limit;

    if (named(process, argument[0]) == NULL) {
        return -ESRCH;
    }
    if (argument[1] == RLIMIT_STACK) {
        limit.rlim_cur = limit.rlim_max = process->table->machine.stack_bytes;
    } else if (argument[1] == RLIMIT_NOFILE) {
        limit.rlim_cur = limit.rlim_max = DESCRIPTORS_MAX;
    } else if (argument[1] == RLIMIT_NPROC) {
        limit.rlim_cur = limit.rlim_max = process->table->max;
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

int64_t
request_getpid(struct process *process, const uint64_t argument[6] __attribute__((unused)))
{
    return process->pid;
}

/* Orphans see the first process as their parent, whoever forgets them. */
int64_t
request_getppid(struct process *process, const uint64_t argument[6] __attribute__((unused)))
{
    if (process->parent != NULL) {
        return process->parent->pid;
    }
    return process == process->table->first ? 0 : process->table->first->pid;
}

int64_t request_getpgid(struct process *process, const uint64_t argument[6])
{
    const struct process *other = named(process, argument[0]);

    return other != NULL ? other->group : -ESRCH;
}

int64_t
request_getpgrp(struct process *process, const uint64_t argument[6] __attribute__((unused)))
{
    return process->group;
}

int64_t request_getsid(struct process *process, const uint64_t argument[6])
{
    const struct process *other = named(process, argument[0]);

    return other != NULL ? other->session : -ESRCH;
}

/* Of the process itself or a child; to a group of its own, or one that exists in its session. */
int64_t request_setpgid(struct process *process, const uint64_t argument[6])
{
    const struct process_table *table = process->table;
    struct process *who = named(process, argument[0]);
    bool exists = false;

    if ((int)argument[1] < 0) {
        return -EINVAL;
    }
    if (who == NULL || (who != process && who->parent != process)) {
        return -ESRCH;
    }
    if (who != process && who->has_executed) {
        return -EACCES;
    }
    int group = (int)argument[1] == 0 ? who->pid : (int)argument[1];
    for (unsigned i = 0; i < table->max; i++) {
        const struct process *other = table->slot[i];
        exists = exists ||
                 (other != NULL && other->group == group && other->session == process->session);
    }
    if (who->session != process->session || who->session == who->pid ||
        (group != who->pid && !exists)) {
        return -EPERM;
    }
    who->group = group;
    return 0;
}

int64_t
request_setsid(struct process *process, const uint64_t argument[6] __attribute__((unused)))
{
    const struct process_table *table = process->table;

    for (unsigned i = 0; i < table->max; i++) {
        if (table->slot[i] != NULL && table->slot[i]->group == process->pid) {
            return -EPERM;
        }
    }
    process->group = process->session = process->pid;
    return process->pid;
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

/* Processor time is that of the guest: what vmm does for it counts as its own. */
int64_t request_getrusage(struct process *process, const uint64_t argument[6])
{
    bool children = (int)argument[0] == RUSAGE_CHILDREN;
    struct rusage usage = {0};

    if ((int)argument[0] != RUSAGE_SELF && (int)argument[0] != RUSAGE_THREAD && !children) {
        return -EINVAL;
    }
    uint64_t us = (children ? process->children_cpu_ns : process_cpu_ns(process)) / 1000;
    usage.ru_utime.tv_sec = (time_t)(us / 1000000);
    usage.ru_utime.tv_usec = (suseconds_t)(us % 1000000);
    usage.ru_minflt = (long)(children ? process->children_minor_faults : process->minor_faults);
    usage.ru_majflt = (long)(children ? process->children_major_faults : process->major_faults);
    usage.ru_maxrss =
        (long)(frames_used_peak(process->access.space->memory->config.frames) * (PAGE_BYTES / 1024));
    return -access_write(&process->access, gva_of(argument[1]), &usage, sizeof(usage));
}

int64_t
request_sched_yield(struct process *process, const uint64_t argument[6] __attribute__((unused)))
{
    process->table->yield = true;
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
    info.procs = (unsigned short)process->table->count;
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
