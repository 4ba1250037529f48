/*
 * The laboratory's own requests; the contract is in include/abi.h.
 */
#include <errno.h>
#include <string.h>

#include "linux/requests.h"
#include "linux/table.h"

int64_t request_lab_version(
    struct process *process __attribute__((unused)),
    const uint64_t argument[6] __attribute__((unused)))
{
    return ABI_VERSION;
}

static int64_t read_name(struct process *process, uint64_t from, char name[LAB_NAME_BYTES])
{
    int error = access_read_string(&process->access, name, gva_of(from), LAB_NAME_BYTES);

    if (error != 0) {
        return error == EFAULT ? -EFAULT : -EINVAL;
    }
    if (name[0] == '\0') {
        return -EINVAL;
    }
    for (const char *c = name; *c != '\0'; c++) {
        if (*c < ' ' || *c > '~') {
            return -EINVAL;
        }
    }
    return 0;
}

int64_t request_lab_phase(struct process *process, const uint64_t argument[6])
{
    char name[LAB_NAME_BYTES];
    int64_t error = read_name(process, argument[0], name);

    if (error == 0) {
        process->table->hooks.phase(process->table->hooks.context, name);
    }
    return error;
}

int64_t request_lab_result(struct process *process, const uint64_t argument[6])
{
    char name[LAB_NAME_BYTES];
    int64_t error = read_name(process, argument[0], name);

    if (error == 0) {
        process->table->hooks.result(process->table->hooks.context, name, (int64_t)argument[1]);
    }
    return error;
}

/* Pure looking: nothing is faulted in but the page of the answer, before the walk. */
int64_t request_lab_walk(struct process *process, const uint64_t argument[6])
{
    struct lab_walk answer = {0};
    struct ptab_walk walk;

    if (access_write(&process->access, gva_of(argument[1]), &answer, sizeof(answer)) != 0) {
        return -EFAULT;
    }
    ptab_walk(&process->access.space->ptab, gva_of(argument[0]), &walk);
    for (unsigned level = 4; level >= walk.level; level--) {
        answer.level[answer.levels].entry_gpa = walk.entry_gpa[level].value;
        answer.level[answer.levels].entry = walk.entry[level];
        answer.levels++;
    }
    if (walk.present) {
        answer.page_bytes = (uint32_t)ptab_levels[walk.level].entry_bytes;
        answer.gpa = walk.gpa.value;
    }
    return -access_write(&process->access, gva_of(argument[1]), &answer, sizeof(answer));
}

int64_t request_lab_frames(struct process *process, const uint64_t argument[6])
{
    if (argument[0] == 0 || argument[0] > UINT32_MAX) {
        return -EINVAL;
    }
    return pager_limit(process->access.space->memory->pager, argument[0]) ? 0 : -ENOMEM;
}

/* The page of the answer is faulted in first, so that the counts include that fault. */
int64_t request_lab_counts(struct process *process, const uint64_t argument[6])
{
    struct lab_counts answer;

    memset(&answer, 0, sizeof(answer));
    if (access_write(&process->access, gva_of(argument[0]), &answer, sizeof(answer)) != 0) {
        return -EFAULT;
    }
    counts_fill_lab(process->table->counts, &answer);
    return -access_write(&process->access, gva_of(argument[0]), &answer, sizeof(answer));
}
