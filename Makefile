# One Makefile for everything: the host program (vmm/), what runs in the guest (guest/), tests and
# benchmarks.  Sources are listed by name.  Output goes to $(O) alone.  V=1 shows the commands.

O ?= build
PREFIX ?= /usr/local
CC ?= cc
AR ?= ar
OBJCOPY ?= objcopy
CLANG_FORMAT ?= clang-format
V ?= 0
ifeq ($(V),0)
say = @printf '  %-7s %s\n' '$(1)' '$(2)';
else
say =
endif

VERSION := 0.1

# --- flags ------------------------------------------------------------------------------------

warnings := -Wall -Wextra -Wshadow -Wconversion -Wstrict-prototypes -Wmissing-prototypes -Wvla
# Texts of errors and names are cut to their buffers on purpose.
warnings += -Wno-format-truncation
ifeq ($(CI),true)
warnings += -Werror
endif
SAN ?=
host_cflags := -std=c11 -O2 -g $(warnings) -D_GNU_SOURCE -DVMM_VERSION='"$(VERSION)"' \
	-Iinclude -Ivmm $(SAN) $(CFLAGS)
host_ldflags := $(SAN) $(LDFLAGS)
host_libs := -lelf
test_libs := -lcmocka

# The kernel is entered with ring 3's registers live and, on some hosts, interpreted:
# no SSE (-mgeneral-regs-only), no host libc, no relocation at run time.
kernel_flags := -ffreestanding -nostdlib -static -mgeneral-regs-only -Iinclude
# Freestanding guest programs: no libc, and no start-up code but guest/lib/start.S.  SSE2 is fine in
# ring 3; the stack protector would want a TLS block that such a program does not have.
guest_cflags := -std=c11 -O2 -g $(warnings) -ffreestanding -fno-stack-protector -fno-pie \
	-fno-asynchronous-unwind-tables -Iinclude -Iguest/lib
guest_ldflags := -nostdlib -static -no-pie -Wl,-z,noexecstack -Wl,--build-id=none \
	-Wl,-z,max-page-size=4096

# --- sources ----------------------------------------------------------------------------------

lib_sources := \
	vmm/base/err.c

unit_tests :=

kvm_tests :=

guest_programs :=

guest_lib_sources :=

# --- rules ------------------------------------------------------------------------------------

lib_objects := $(lib_sources:%.c=$(O)/obj/%.o)
unit_binaries := $(unit_tests:%=$(O)/tests/unit/%)
kvm_binaries := $(kvm_tests:%=$(O)/tests/kvm/%)

.DEFAULT_GOAL := all
.PHONY: all clean
all: $(O)/libvmm.a

$(O)/obj/%.o: %.c
	$(call say,CC,$<)mkdir -p $(@D) && $(CC) $(host_cflags) -MMD -MP -c -o $@ $<

$(O)/libvmm.a: $(lib_objects)
	$(call say,AR,$@)rm -f $@ && $(AR) rcs $@ $^

$(O)/tests/unit/%: $(O)/obj/tests/unit/%.o $(O)/libvmm.a
	$(call say,LD,$@)mkdir -p $(@D) && $(CC) $(host_ldflags) -o $@ $^ $(host_libs) $(test_libs)

.PHONY: check-unit
check-unit: $(unit_binaries)
	@set -e; for t in $^; do ./$$t; done

clean:
	rm -rf $(O)

-include $(shell find $(O) -name '*.d' 2>/dev/null)
