/*
 * KVM's own counts of a vCPU (KVM_GET_STATS_FD), read by name: how often it left the guest.  It
 * refuses to interpret them.  KVM: Documentation/virt/kvm/api.rst, "KVM_GET_STATS_FD".
 */
#ifndef KVM_STATS_H
#define KVM_STATS_H

#include <stdbool.h>
#include <stdint.h>

struct machine;

#define KVM_STATS_NONE UINT64_MAX

struct kvm_stats {
    int fd;               /* owns; -1 where KVM has none */
    uint64_t exits_at;    /* file offset of `exits`, KVM_STATS_NONE if there is none */
    uint64_t pf_fixed_at; /* of `pf_fixed` */
};

/* Open the counts of the machine's vCPU.  A kernel without them is no error: stats->fd is -1. */
void kvm_stats_open(struct kvm_stats *stats, const struct machine *machine);
void kvm_stats_close(struct kvm_stats *stats);

/* Exits so far; KVM_STATS_NONE where unknown. */
uint64_t kvm_stats_exits(const struct kvm_stats *stats);
/* Faults that KVM itself has served (its shadow or nested tables); KVM_STATS_NONE likewise. */
uint64_t kvm_stats_faults(const struct kvm_stats *stats);

#endif
