/* Takes native faults of three kinds; see native_faults.h. */
#include "measure/native_faults.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "measure/native.h"

static uint8_t *base_pointer(void)
{
    return (uint8_t *)FAULTS_BASE;
}

static bool map_pages(size_t count, int protection, struct err *err)
{
    void *at = mmap(
        base_pointer(), count * PAGE_BYTES, protection,
        MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);

    if (at != base_pointer()) {
        return err_set_errno(err, ERR_ENVIRONMENT, "mapping pages to fault on");
    }
    (void)!madvise(at, count * PAGE_BYTES, MADV_NOHUGEPAGE);
    return true;
}

static void touch(size_t count, struct exp_args *args, uint64_t *stamps)
{
    args->start[0] = FAULTS_BASE;
    args->windows = count;
    args->parameter[0] = PAGE_BYTES;
    args->parameter[1] = 1;
    native_run(EXP_ROUTINE_fault, args);
    memcpy(stamps, (const void *)EXP_RESULTS, 2 * count * sizeof(*stamps));
}

/* --- SIGSEGV and mprotect --- */

/* Knows its pages by their fixed address, so that nothing global is needed.  Any other fault meets
 * the default action at its retry. */
static void open_page(int number, siginfo_t *info, void *context)
{
    uint64_t page = (uint64_t)(uintptr_t)info->si_addr & ~(PAGE_BYTES - 1);

    (void)context;
    if (page < FAULTS_BASE || page >= FAULTS_BASE + EXP_RESULT_COUNT * PAGE_BYTES ||
        mprotect((void *)(uintptr_t)page, PAGE_BYTES, PROT_READ | PROT_WRITE) != 0) {
        signal(number, SIG_DFL);
    }
}

static bool take_signals(size_t count, struct exp_args *args, uint64_t *stamps, struct err *err)
{
    struct sigaction handler = {.sa_sigaction = open_page, .sa_flags = SA_SIGINFO};
    struct sigaction before;

    sigemptyset(&handler.sa_mask);
    if (sigaction(SIGSEGV, &handler, &before) != 0) {
        return err_set_errno(err, ERR_ENVIRONMENT, "a handler for SIGSEGV");
    }
    touch(count, args, stamps);
    sigaction(SIGSEGV, &before, NULL);
    return true;
}

/* --- userfaultfd --- */

struct copier {
    int uffd, stop; /* borrow */
    uint8_t page[4096] __attribute__((aligned(4096)));
};

static void *copy_pages(void *argument)
{
    struct copier *copier = argument;
    struct pollfd fds[2] = {
        {.fd = copier->uffd, .events = POLLIN}, {.fd = copier->stop, .events = POLLIN}};

    while (poll(fds, 2, -1) >= 0 || errno == EINTR) {
        struct uffd_msg message;
        if ((fds[1].revents & POLLIN) != 0 || (fds[0].revents & (POLLERR | POLLNVAL)) != 0) {
            return NULL;
        }
        if ((fds[0].revents & POLLIN) == 0 ||
            read(copier->uffd, &message, sizeof(message)) != sizeof(message) ||
            message.event != UFFD_EVENT_PAGEFAULT) {
            continue;
        }
        struct uffdio_copy copy = {
            .dst = message.arg.pagefault.address & ~(PAGE_BYTES - 1),
            .src = (uintptr_t)copier->page,
            .len = PAGE_BYTES};
        (void)!ioctl(copier->uffd, UFFDIO_COPY, &copy);
    }
    return NULL;
}

static bool register_pages(int uffd, size_t count, struct err *err)
{
    struct uffdio_api api = {.api = UFFD_API};
    struct uffdio_register range = {
        .range = {.start = FAULTS_BASE, .len = count * PAGE_BYTES},
        .mode = UFFDIO_REGISTER_MODE_MISSING};

    return (ioctl(uffd, UFFDIO_API, &api) == 0 && ioctl(uffd, UFFDIO_REGISTER, &range) == 0) ||
           err_set_errno(err, ERR_ENVIRONMENT, "registering pages with userfaultfd");
}

static bool serve_touches(
    int uffd, int stop, size_t count, struct exp_args *args, uint64_t *stamps, struct err *err)
{
    struct copier copier = {.uffd = uffd, .stop = stop};
    uint64_t one = 1;
    pthread_t thread;

    int failed = pthread_create(&thread, NULL, copy_pages, &copier);
    if (failed != 0) {
        errno = failed;
        return err_set_errno(err, ERR_ENVIRONMENT, "a thread for userfaultfd");
    }
    touch(count, args, stamps);
    (void)!write(stop, &one, sizeof(one));
    pthread_join(thread, NULL);
    return true;
}

static bool
take_userfaultfd(size_t count, struct exp_args *args, uint64_t *stamps, struct err *err)
{
    int uffd = (int)syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK | UFFD_USER_MODE_ONLY);
    int stop = eventfd(0, EFD_CLOEXEC);
    bool ok = uffd >= 0 && stop >= 0;

    if (!ok) {
        err_set_errno(err, ERR_ENVIRONMENT, "userfaultfd");
    }
    ok = ok && register_pages(uffd, count, err) &&
         serve_touches(uffd, stop, count, args, stamps, err);
    if (uffd >= 0) {
        close(uffd);
    }
    if (stop >= 0) {
        close(stop);
    }
    return ok;
}

bool native_faults_take(
    enum native_fault kind,
    size_t count,
    struct exp_args *args,
    uint64_t *stamps,
    uint64_t *again,
    struct err *err)
{
    bool ok =
        map_pages(count, kind == NATIVE_FAULT_SIGNAL ? PROT_NONE : PROT_READ | PROT_WRITE, err);

    if (!ok) {
        return false;
    }
    switch (kind) {
    case NATIVE_FAULT_MINOR:
        touch(count, args, stamps);
        break;
    case NATIVE_FAULT_SIGNAL:
        ok = take_signals(count, args, stamps, err);
        break;
    case NATIVE_FAULT_USERFAULTFD:
        ok = take_userfaultfd(count, args, stamps, err);
        break;
    }
    if (ok && again != NULL) {
        touch(count, args, again);
    }
    munmap(base_pointer(), count * PAGE_BYTES);
    return ok;
}
