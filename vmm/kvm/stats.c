/* Finds two counts in KVM's self-describing file of statistics; see stats.h. */
#include "kvm/stats.h"

#include <linux/kvm.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "kvm/machine_private.h"

/* One descriptor at `at` of the file: remember where its value is if the name is known. */
static bool read_descriptor(
    struct kvm_stats *stats,
    const struct kvm_stats_header *header,
    uint8_t *buffer,
    size_t size,
    uint64_t at)
{
    struct kvm_stats_desc descriptor;

    if (pread(stats->fd, buffer, size, (off_t)at) != (ssize_t)size) {
        return false;
    }
    memcpy(&descriptor, buffer, sizeof(descriptor));
    buffer[size - 1] = 0;
    const char *name = (const char *)buffer + sizeof(descriptor);
    uint64_t value_at = header->data_offset + (uint64_t)descriptor.offset;
    if (strcmp(name, "exits") == 0) {
        stats->exits_at = value_at;
    } else if (strcmp(name, "pf_fixed") == 0) {
        stats->pf_fixed_at = value_at;
    }
    return true;
}

static void read_descriptors(struct kvm_stats *stats)
{
    struct kvm_stats_header header;

    if (pread(stats->fd, &header, sizeof(header), 0) != (ssize_t)sizeof(header) ||
        header.name_size == 0 || header.name_size > 256) {
        return;
    }
    size_t size = sizeof(struct kvm_stats_desc) + header.name_size;
    uint8_t *buffer = malloc(size);
    bool ok = buffer != NULL;
    for (uint32_t i = 0; ok && i < header.num_desc; i++) {
        ok = read_descriptor(stats, &header, buffer, size, header.desc_offset + i * size);
    }
    free(buffer);
}

void kvm_stats_open(struct kvm_stats *stats, const struct machine *machine)
{
    *stats = (struct kvm_stats){
        .fd = ioctl(machine->vcpu, KVM_GET_STATS_FD, NULL),
        .exits_at = KVM_STATS_NONE,
        .pf_fixed_at = KVM_STATS_NONE};
    if (stats->fd >= 0) {
        read_descriptors(stats);
    }
}

void kvm_stats_close(struct kvm_stats *stats)
{
    if (stats->fd > 0) {
        close(stats->fd);
    }
    stats->fd = -1;
}

static uint64_t read_at(const struct kvm_stats *stats, uint64_t at)
{
    uint64_t value;

    if (stats->fd < 0 || at == KVM_STATS_NONE ||
        pread(stats->fd, &value, sizeof(value), (off_t)at) != (ssize_t)sizeof(value)) {
        return KVM_STATS_NONE;
    }
    return value;
}

uint64_t kvm_stats_exits(const struct kvm_stats *stats)
{
    return read_at(stats, stats->exits_at);
}

uint64_t kvm_stats_faults(const struct kvm_stats *stats)
{
    return read_at(stats, stats->pf_fixed_at);
}
