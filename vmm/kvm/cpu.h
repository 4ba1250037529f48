/*
 * The vCPU's state before its first instruction: CPUID, control registers, segments, descriptor
 * tables, MSRs and FPU.  It owns the knowledge of what long mode needs and what strict entry
 * checks (VMX) want to see; machine.c calls it once.
 */
#ifndef KVM_CPU_H
#define KVM_CPU_H

#include "abi.h"

#include "kvm/machine.h"

/* Give the vCPU all of KVM_GET_SUPPORTED_CPUID and read from it what struct machine_cpu wants.
 * Fails with ERR_ENVIRONMENT, also for a CPU without long mode or `syscall`. */
MUST_CHECK bool cpu_set_cpuid(int kvm, int vcpu, struct machine_cpu *cpu, struct err *err);

/* Fill the page at LAYOUT_DESCRIPTORS: GDT, TSS, IDT with one gate per vector. */
void cpu_write_descriptors(uint8_t *page, const struct abi_kernel *kernel);

/* CS and SS as the guest kernel has them. */
struct kvm_sregs;
void cpu_fill_kernel_segments(struct kvm_sregs *sregs);

/* Segments, control registers (CR3 = root), MSRs, FPU and XCR0.  Fails with ERR_ENVIRONMENT. */
MUST_CHECK bool cpu_set_state(
    int vcpu,
    const struct machine_cpu *cpu,
    const struct abi_kernel *kernel,
    struct gpa root,
    struct err *err);

#endif
