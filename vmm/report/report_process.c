/* A list of processes and their faults; see report_process.h. */
#include "report/report_process.h"

#include <stdlib.h>

#define NUMBERS (UINT16_MAX + 1)

/* Room for one more, doubling. */
static bool make_room(struct report_processes *processes, struct err *err)
{
    size_t count = processes->count;

    if (processes->place == NULL) {
        processes->place = calloc(NUMBERS, sizeof(*processes->place));
    }
    if ((count & (count - 1)) == 0) {
        struct report_process *bigger =
            reallocarray(processes->list, count == 0 ? 1 : count * 2, sizeof(*bigger));
        if (bigger == NULL) {
            return err_set(err, ERR_ENVIRONMENT, "no memory for a report");
        }
        processes->list = bigger;
    }
    return processes->place != NULL || err_set(err, ERR_ENVIRONMENT, "no memory for a report");
}

/* The process of that number, which is new from time_ns on if there was none; NULL: no memory. */
static struct report_process *
find(struct report_processes *processes, uint64_t time_ns, uint16_t number, struct err *err)
{
    uint32_t place = processes->place != NULL ? processes->place[number] : 0;

    if (place == 0) {
        if (!make_room(processes, err)) {
            return NULL;
        }
        processes->list[processes->count++] =
            (struct report_process){.process = number, .begin_ns = time_ns};
        place = (uint32_t)processes->count;
        processes->place[number] = place;
    }
    return &processes->list[place - 1];
}

bool report_processes_start(
    struct report_processes *processes,
    uint64_t time_ns,
    uint16_t process,
    uint16_t parent,
    struct err *err)
{
    struct report_process *one = find(processes, time_ns, process, err);

    if (one == NULL) {
        return false;
    }
    one->started = true;
    one->ended = false;
    one->parent = parent;
    return true;
}

bool report_processes_end(
    struct report_processes *processes,
    uint64_t time_ns,
    uint16_t process,
    int status,
    struct err *err)
{
    struct report_process *one = find(processes, time_ns, process, err);

    if (one == NULL) {
        return false;
    }
    one->ended = true;
    one->end_ns = time_ns;
    one->status = status;
    return true;
}

bool report_processes_add(
    struct report_processes *processes, const struct fault_record *fault, struct err *err)
{
    struct report_process *one = find(processes, fault->time_ns, fault->process, err);

    if (one == NULL) {
        return false;
    }
    one->kinds[fault->kind]++;
    one->pages += counts_pages_written(fault);
    report_share_add(&one->share, fault);
    return true;
}

static int compare(const void *a, const void *b)
{
    const struct report_process *one = a, *other = b;

    if (one->share.faults != other->share.faults) {
        return one->share.faults > other->share.faults ? -1 : 1;
    }
    return one->process - other->process;
}

void report_processes_sort(struct report_processes *processes)
{
    free(processes->place);
    processes->place = NULL;
    if (processes->count > 0) {
        qsort(processes->list, processes->count, sizeof(*processes->list), compare);
    }
}

void report_processes_destroy(struct report_processes *processes)
{
    free(processes->list);
    free(processes->place);
    *processes = (struct report_processes){0};
}
