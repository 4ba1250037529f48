# One Makefile for everything: the host program (vmm/), what runs in the guest (guest/), tests and
# benchmarks.  Sources are listed by name.  Output goes to $(O) alone.  V=1 shows the commands.
# "make help" lists the targets.

O ?= build
PREFIX ?= /usr/local
DESTDIR ?=
# DEPS=0: install nothing
DEPS ?= 1
# What "make test-backends" and "make run-emulated" run on: see tests/backends/README.md
TARGETS ?= svm svm-shadow vmx vmx-shadow
BACKEND ?= svm
CC ?= cc
AR ?= ar
OBJCOPY ?= objcopy
CLANG_FORMAT ?= clang-format
CLANG_TIDY ?= clang-tidy
CPPCHECK ?= cppcheck
SHELLCHECK ?= shellcheck
MANDOC ?= mandoc
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
host_cppflags := -std=c11 -D_GNU_SOURCE -DVMM_VERSION='"$(VERSION)"' -Iinclude -Ivmm
host_cflags := $(host_cppflags) -O2 -g $(warnings) $(SAN) $(CFLAGS)
host_ldflags := $(SAN) $(LDFLAGS)
# Not libdw, libedit and libsqlite3, which few commands use: see vmm/base/library.h.
host_libs := -lelf -lZydis -lZycore -ljansson -lm
test_libs := -lcmocka

# The kernel is entered with ring 3's registers live and, on some hosts, interpreted:
# no SSE (-mgeneral-regs-only), no host libc, no relocation at run time.
kernel_flags := -ffreestanding -nostdlib -static -mgeneral-regs-only -Iinclude
# Freestanding guest programs: no libc, and no start-up code but guest/lib/start.S.  SSE2 is fine in
# ring 3; the stack protector would want a TLS block that such a program does not have.
guest_cppflags := -std=c11 -ffreestanding -Iinclude -Iguest/lib
guest_cflags := $(guest_cppflags) -O2 -g $(warnings) -fno-stack-protector -fno-pie \
	-fno-asynchronous-unwind-tables
# Without it gcc compiles the loop in memcpy to a call of memcpy.
guest_cflags += -fno-tree-loop-distribute-patterns
guest_ldflags := -nostdlib -static -no-pie -Wl,-z,noexecstack -Wl,--build-id=none \
	-Wl,-z,max-page-size=4096

# --- sources ----------------------------------------------------------------------------------

lib_sources := \
	vmm/base/clock.c \
	vmm/base/err.c \
	vmm/base/library.c \
	vmm/base/nearest.c \
	vmm/cli/checklist.c \
	vmm/cli/commands.c \
	vmm/cli/doctor.c \
	vmm/cli/doctor_command.c \
	vmm/cli/environment.c \
	vmm/cli/host.c \
	vmm/cli/interactive_options.c \
	vmm/cli/export_command.c \
	vmm/cli/find_program.c \
	vmm/cli/export_options.c \
	vmm/cli/measure_command.c \
	vmm/cli/measure_options.c \
	vmm/cli/options.c \
	vmm/cli/output_file.c \
	vmm/cli/paging_options.c \
	vmm/cli/record_options.c \
	vmm/cli/report_command.c \
	vmm/cli/report_options.c \
	vmm/cli/replay_command.c \
	vmm/cli/replay_lists.c \
	vmm/cli/replay_options.c \
	vmm/cli/run_command.c \
	vmm/cli/usage.c \
	vmm/cli/value.c \
	vmm/export/export.c \
	vmm/export/export_columns.c \
	vmm/export/export_csv.c \
	vmm/export/export_jsonl.c \
	vmm/export/export_perfetto.c \
	vmm/export/export_sqlite.c \
	vmm/fault/access.c \
	vmm/fault/answer.c \
	vmm/fault/bring.c \
	vmm/fault/cow.c \
	vmm/fault/evict.c \
	vmm/fault/pager.c \
	vmm/fault/preview.c \
	vmm/fault/replace.c \
	vmm/fault/writeback.c \
	vmm/interactive/breaks.c \
	vmm/interactive/change.c \
	vmm/interactive/complete.c \
	vmm/interactive/console.c \
	vmm/interactive/disasm.c \
	vmm/interactive/examine.c \
	vmm/interactive/go.c \
	vmm/interactive/interactive.c \
	vmm/interactive/look.c \
	vmm/interactive/names.c \
	vmm/interactive/parse.c \
	vmm/interactive/reader.c \
	vmm/interactive/step.c \
	vmm/interactive/stop.c \
	vmm/interactive/terminal.c \
	vmm/interactive/verbs.c \
	vmm/interactive/walk.c \
	vmm/interactive/where.c \
	vmm/kvm/context.c \
	vmm/kvm/flush.c \
	vmm/kvm/cpu.c \
	vmm/kvm/machine.c \
	vmm/kvm/machine_run.c \
	vmm/kvm/open.c \
	vmm/kvm/probe.c \
	vmm/kvm/registers.c \
	vmm/kvm/stats.c \
	vmm/linux/advice.c \
	vmm/linux/deliver.c \
	vmm/linux/descriptors.c \
	vmm/linux/exec.c \
	vmm/linux/exec_file.c \
	vmm/linux/fork.c \
	vmm/linux/futex.c \
	vmm/linux/handles.c \
	vmm/linux/identity.c \
	vmm/linux/lab.c \
	vmm/linux/locks.c \
	vmm/linux/mapped_file.c \
	vmm/linux/memory.c \
	vmm/linux/paths.c \
	vmm/linux/poll.c \
	vmm/linux/process.c \
	vmm/linux/remap.c \
	vmm/linux/sigframe.c \
	vmm/linux/signals.c \
	vmm/linux/sigstack.c \
	vmm/linux/stat.c \
	vmm/linux/streams.c \
	vmm/linux/table.c \
	vmm/linux/time.c \
	vmm/linux/wait.c \
	vmm/load/elf.c \
	vmm/load/program.c \
	vmm/load/stack.c \
	vmm/measure/analyse/compare.c \
	vmm/measure/analyse/cycles.c \
	vmm/measure/analyse/knee.c \
	vmm/measure/analyse/knee_locate.c \
	vmm/measure/analyse/ladder.c \
	vmm/measure/analyse/plateau.c \
	vmm/measure/analyse/rise.c \
	vmm/measure/analyse/segment.c \
	vmm/measure/analyse/verdict.c \
	vmm/measure/analyse/ways.c \
	vmm/measure/analyse/windows.c \
	vmm/measure/catalogue.c \
	vmm/measure/claims.c \
	vmm/measure/cold_walk.c \
	vmm/measure/compare_files.c \
	vmm/measure/conflict.c \
	vmm/measure/counter_check.c \
	vmm/measure/counter_curve.c \
	vmm/measure/counter_events.c \
	vmm/measure/counter_source.c \
	vmm/measure/counters.c \
	vmm/measure/csv.c \
	vmm/measure/curves.c \
	vmm/measure/distribution.c \
	vmm/measure/experiment/clock.c \
	vmm/measure/experiment/coalesce.c \
	vmm/measure/experiment/fault.c \
	vmm/measure/experiment/flush.c \
	vmm/measure/experiment/itlb.c \
	vmm/measure/experiment/pagesize.c \
	vmm/measure/experiment/paging.c \
	vmm/measure/experiment/nested.c \
	vmm/measure/experiment/pwc.c \
	vmm/measure/experiment/tlb.c \
	vmm/measure/experiment/walk.c \
	vmm/measure/experiment/waypred.c \
	vmm/measure/experiment/ways.c \
	vmm/measure/fan.c \
	vmm/measure/fan_field.c \
	vmm/measure/fault_parts.c \
	vmm/measure/field.c \
	vmm/measure/flushed_walk.c \
	vmm/measure/format.c \
	vmm/measure/html.c \
	vmm/measure/index_bits.c \
	vmm/measure/json.c \
	vmm/measure/jumps.c \
	vmm/measure/lab.c \
	vmm/measure/large_levels.c \
	vmm/measure/layout.c \
	vmm/measure/levels.c \
	vmm/measure/native.c \
	vmm/measure/native_faults.c \
	vmm/measure/native_shared.c \
	vmm/measure/plot.c \
	vmm/measure/plot_area.c \
	vmm/measure/print_text.c \
	vmm/measure/progress.c \
	vmm/measure/result.c \
	vmm/measure/sample.c \
	vmm/measure/session.c \
	vmm/measure/staircase.c \
	vmm/measure/steady.c \
	vmm/measure/toll.c \
	vmm/measure/virtual.c \
	vmm/memory/frames.c \
	vmm/memory/gmem.c \
	vmm/memory/object.c \
	vmm/memory/swap.c \
	vmm/paging/edits.c \
	vmm/paging/lint.c \
	vmm/paging/ptab.c \
	vmm/paging/tables.c \
	vmm/paging/walk.c \
	vmm/policy/arc.c \
	vmm/policy/calls.c \
	vmm/policy/choose.c \
	vmm/policy/clock.c \
	vmm/policy/fifo.c \
	vmm/policy/ghosts.c \
	vmm/policy/guard.c \
	vmm/policy/host.c \
	vmm/policy/keys.c \
	vmm/policy/lists.c \
	vmm/policy/lru.c \
	vmm/policy/object.c \
	vmm/policy/policy.c \
	vmm/policy/random.c \
	vmm/policy/two_q.c \
	vmm/replay/curve.c \
	vmm/replay/lane.c \
	vmm/replay/nextuse.c \
	vmm/replay/pagemap.c \
	vmm/replay/references.c \
	vmm/replay/references_file.c \
	vmm/replay/references_programs.c \
	vmm/replay/references_session.c \
	vmm/replay/replay.c \
	vmm/replay/replay_json.c \
	vmm/replay/replay_notes.c \
	vmm/replay/replay_table.c \
	vmm/replay/sim.c \
	vmm/replay/sim_aging.c \
	vmm/replay/sim_arc.c \
	vmm/replay/sim_clock.c \
	vmm/replay/sim_fifo.c \
	vmm/replay/sim_lru.c \
	vmm/replay/sim_opt.c \
	vmm/replay/sim_random.c \
	vmm/replay/sim_tlb.c \
	vmm/replay/sim_two_queue.c \
	vmm/report/html.c \
	vmm/report/html_misses.c \
	vmm/report/html_processes.c \
	vmm/report/maps.c \
	vmm/report/program_source.c \
	vmm/report/report_html.c \
	vmm/report/report_json.c \
	vmm/report/report_lookup.c \
	vmm/report/report_map.c \
	vmm/report/report_misses.c \
	vmm/report/report_pages.c \
	vmm/report/report_programs.c \
	vmm/report/report_plots.c \
	vmm/report/report_process.c \
	vmm/report/report_script.c \
	vmm/report/report_session.c \
	vmm/report/report_set.c \
	vmm/report/report_source.c \
	vmm/report/report_text.c \
	vmm/report/summary.c \
	vmm/report/tables.c \
	vmm/run/describe.c \
	vmm/run/exception.c \
	vmm/run/host_signals.c \
	vmm/run/lab.c \
	vmm/run/observe.c \
	vmm/run/outcome.c \
	vmm/run/progress.c \
	vmm/run/recording.c \
	vmm/run/recording_emit.c \
	vmm/run/run.c \
	vmm/run/sampling.c \
	vmm/run/schedule.c \
	vmm/run/setup.c \
	vmm/run/start.c \
	vmm/session/announce.c \
	vmm/session/check.c \
	vmm/session/metadata.c \
	vmm/session/reader.c \
	vmm/session/recorder.c \
	vmm/session/runfile.c \
	vmm/session/stream.c \
	vmm/session/writer.c \
	vmm/space/backing.c \
	vmm/space/fork.c \
	vmm/space/memory.c \
	vmm/space/move.c \
	vmm/space/range.c \
	vmm/space/region.c \
	vmm/space/rmap.c \
	vmm/space/space.c \
	vmm/space/treap.c \
	vmm/trace/counts.c \
	vmm/trace/histogram.c \
	vmm/trace/line.c \
	vmm/trace/record.c \
	vmm/trace/trace.c \
	vmm/trace/trace_json.c \
	vmm/trace/trace_lines.c \
	vmm/trace/trace_text.c \
	vmm/watch/decode.c \
	vmm/watch/opened.c \
	vmm/watch/select.c \
	vmm/watch/trap_flag.c

# On the path of every fault: compiled so that vmm is linked with them as one unit.
hot_sources := \
	vmm/fault/bring.c \
	vmm/fault/pager.c \
	vmm/fault/replace.c \
	vmm/kvm/machine_run.c \
	vmm/memory/frames.c \
	vmm/paging/ptab.c \
	vmm/paging/tables.c \
	vmm/paging/walk.c \
	vmm/run/observe.c \
	vmm/run/progress.c \
	vmm/run/run.c \
	vmm/session/recorder.c \
	vmm/space/memory.c \
	vmm/space/range.c \
	vmm/space/region.c \
	vmm/space/rmap.c \
	vmm/space/space.c \
	vmm/space/treap.c \
	vmm/trace/counts.c

unit_tests := \
	test_analyse_compare \
	test_analyse_fan \
	test_analyse_knee \
	test_analyse_ladder \
	test_analyse_rise \
	test_analyse_shapes \
	test_analyse_ways \
	test_analyse_windows \
	test_clock \
	test_commands \
	test_counts \
	test_decode \
	test_describe \
	test_descriptors \
	test_doctor \
	test_edits \
	test_elf \
	test_elf_damage \
	test_export \
	test_frames \
	test_histogram \
	test_interactive \
	test_kvm_open \
	test_library \
	test_lint \
	test_measure_counter_check \
	test_measure_counter_source \
	test_measure_counters \
	test_measure_errors \
	test_measure_faults \
	test_measure_flushed \
	test_measure_jumps \
	test_measure_large \
	test_measure_layout \
	test_measure_memory \
	test_measure_options \
	test_measure_output \
	test_measure_page \
	test_measure_steady \
	test_measure_text \
	test_measure_toll \
	test_measure_walks \
	test_objects \
	test_options \
	test_outcome \
	test_pager_refusals \
	test_paging_options \
	test_policy_doc \
	test_policy_duty \
	test_policy_guard \
	test_policy_load \
	test_policy_order \
	test_processes \
	test_property \
	test_ptab \
	test_record_options \
	test_regions \
	test_replay \
	test_replay_curve \
	test_replay_options \
	test_replay_parts \
	test_replay_policies \
	test_replay_print \
	test_replay_references \
	test_replay_session \
	test_replay_tlb \
	test_report \
	test_report_page \
	test_report_processes \
	test_report_programs \
	test_report_session \
	test_select \
	test_session \
	test_session_damage \
	test_session_fuzz \
	test_space_refusals \
	test_stack \
	test_swap \
	test_trace

# Programs that tests and benchmarks run, in no ring of their own.
test_tools := \
	tests/session/make_session

kvm_tests := \
	test_access \
	test_adversary \
	test_context \
	test_endings \
	test_exec \
	test_guests \
	test_interactive \
	test_labbook \
	test_mapped_files \
	test_measure \
	test_measure_files \
	test_measure_tables \
	test_output \
	test_probe \
	test_progress \
	test_property \
	test_reference \
	test_refusals \
	test_rewrite \
	test_session_run

# What several tests share, or one of them is too long with.
test_helpers := \
	tests/kvm/expect.c \
	tests/kvm/guest_runs.c \
	tests/kvm/launch.c \
	tests/kvm/paging_model.c \
	tests/kvm/reference_string.c \
	tests/kvm/scratch.c \
	tests/session/fuzz_main.c \
	tests/session/fuzz_session.c \
	tests/property/accesses.c \
	tests/property/batch.c \
	tests/property/check.c \
	tests/property/choose.c \
	tests/property/code.c \
	tests/property/mapping.c \
	tests/property/model.c \
	tests/property/operations.c \
	tests/property/paging.c \
	tests/property/setup.c \
	tests/property/soft_cpu.c \
	tests/property/world.c \
	tests/unit/browser.c \
	tests/unit/elf_file.c \
	tests/unit/elf_fixture.c \
	tests/unit/fail_alloc.c \
	tests/unit/fake_counters.c \
	tests/unit/fake_memory.c \
	tests/unit/naive_walk.c \
	tests/unit/policy_models.c \
	tests/unit/references_reading.c \
	tests/unit/replay_fixture.c \
	tests/unit/replay_model.c \
	tests/unit/replay_string.c \
	tests/unit/session_fixture.c \
	tests/unit/space_fixture.c

guest_programs := \
	appel-li \
	belady \
	bigtouch \
	cow \
	divide \
	forkbig \
	forkbomb \
	forkchain \
	guest \
	heap \
	hello \
	hostile \
	kernelpage \
	mapfile \
	matmul \
	noexec \
	nullderef \
	protect \
	readonly \
	refstring \
	seqtouch \
	sharedlib \
	stackgrow \
	stackoverflow \
	stacktouch \
	touch \
	workset

# The routines that are measured, in the guest and in the host process; table.S comes first.
exp_sources := \
	guest/exp/table.S \
	guest/exp/clock.c \
	guest/exp/coalesce.c \
	guest/exp/fault.c \
	guest/exp/flush.c \
	guest/exp/flushed.c \
	guest/exp/itlb.c \
	guest/exp/pagesize.c \
	guest/exp/paging.c \
	guest/exp/pwc.c \
	guest/exp/tlb.c \
	guest/exp/walk.c \
	guest/exp/waypred.c \
	guest/exp/ways.c

guest_lib_sources := \
	guest/lib/area.c \
	guest/lib/check.c \
	guest/lib/family.c \
	guest/lib/lab.c \
	guest/lib/mem.c \
	guest/lib/model.c \
	guest/lib/print.c \
	guest/lib/start.S \
	guest/lib/trap.c

# The program `hostile` has a file per kind of attack; all others are guest/prog/NAME.c alone.
hostile_sources := \
	guest/prog/hostile/flow.c \
	guest/prog/hostile/instructions.c \
	guest/prog/hostile/processes.c \
	guest/prog/hostile/requests.c

# What the benchmarks run in the guest: guest/bench/NAME.c with the parts that they share.
bench_guests := \
	compute \
	copies \
	evict \
	forks \
	pages \
	regions

bench_guest_parts := \
	guest/bench/series.c \
	guest/bench/touch_pages.S

# Host programs of the benchmarks (bench/NAME.c), each of one file.
bench_programs := \
	floor \
	launch \
	replay \
	steps

# Ordinary C programs, built by the system's compilers as any user would (tests/guests/NAME.c).
libc_guests := \
	coherence \
	exec \
	execfile \
	files \
	garbage \
	hello \
	libc \
	processes \
	signals \
	wait

# Memory policies as shared objects: the examples of docs/writing-a-policy.md, and what tests load
# (tests/policies): one that crashes on demand, and some with one thing wrong each.
example_policies := \
	adversary \
	stride

broken_policies := \
	constructor \
	create \
	function \
	name \
	sample \
	short \
	size \
	symbol \
	undefined \
	untold \
	version \
	victim \
	wildname

# --- rules ------------------------------------------------------------------------------------

# The guest kernel is data of the host program: linked at its address, flat, included.
kernel_bin := $(O)/guest/kernel/kernel.bin
kernel_image := $(O)/obj/vmm/kvm/kernel_image.o
exp_objects := $(patsubst %,$(O)/obj/%.o,$(basename $(exp_sources)))
exp_bin := $(O)/guest/exp/image.bin
exp_image := $(O)/obj/vmm/measure/exp_image.o
lib_objects := $(lib_sources:%.c=$(O)/obj/%.o) $(kernel_image) $(exp_image)
unit_binaries := $(unit_tests:%=$(O)/tests/unit/%)
kvm_binaries := $(kvm_tests:%=$(O)/tests/kvm/%)

deps = $(if $(filter 0,$(DEPS)),:,.ci/deps)
submake := $(MAKE) --no-print-directory DEPS=0

.DEFAULT_GOAL := all
.SECONDARY: # keep the objects of tests
.PHONY: all
all: $(O)/vmm ## build everything into $(O)
	@:

$(O)/obj/%.o: %.c
	$(call say,CC,$<)mkdir -p $(@D) && $(CC) $(host_cflags) -MMD -MP -c -o $@ $<

$(O)/guest/kernel/kernel.o: guest/kernel/kernel.S
	$(call say,AS,$<)mkdir -p $(@D) && $(CC) $(kernel_flags) -MMD -MP -c -o $@ $<

# Linked at LAYOUT_TEXT; the image starts with its header, so the entry is of no interest.
$(kernel_bin:.bin=.elf): $(O)/guest/kernel/kernel.o
	$(call say,LD,$@)$(LD) -Ttext=0xffffffff80000000 -e kernel_begin -o $@ $<

$(kernel_bin): $(kernel_bin:.bin=.elf)
	$(call say,OBJCOPY,$@)$(OBJCOPY) -O binary -j .text $< $@

$(kernel_image): vmm/kvm/kernel_image.S $(kernel_bin)
	$(call say,AS,$<)mkdir -p $(@D) && $(CC) -DKERNEL_BIN='"$(kernel_bin)"' -c -o $@ $<

# The measuring routines are data of the host program too, for both sides at one address; nothing
# in them is relocated when they run.  No jump tables and no calls: a routine is one run of code.
$(filter-out %/table.o,$(exp_objects)): $(O)/obj/%.o: %.c
	$(call say,CC,$<)mkdir -p $(@D) && $(CC) $(guest_cflags) -Iguest/exp -mcmodel=large \
		-fno-jump-tables -MMD -MP -c -o $@ $<

$(O)/obj/guest/exp/table.o: guest/exp/table.S
	$(call say,AS,$<)mkdir -p $(@D) && $(CC) $(guest_cflags) -MMD -MP -c -o $@ $<

$(exp_bin:.bin=.elf): $(exp_objects) guest/exp/image.ld
	$(call say,LD,$@)mkdir -p $(@D) && $(LD) -T guest/exp/image.ld -e exp_enter -o $@ $(exp_objects)

$(exp_bin): $(exp_bin:.bin=.elf)
	$(call say,OBJCOPY,$@)$(OBJCOPY) -O binary -j .text $< $@

$(exp_image): vmm/measure/exp_image.S $(exp_bin)
	$(call say,AS,$<)mkdir -p $(@D) && $(CC) -DEXP_BIN='"$(exp_bin)"' -c -o $@ $<

$(O)/libvmm.a: $(lib_objects)
	$(call say,AR,$@)rm -f $@ && $(AR) rcs $@ $^

# Without it a fault takes one sixth more instructions (bench/steps).  The objects are fat, and tests
# are linked from them as usual.  Other compilers than gcc want an archiver of their own for it.
ifneq ($(findstring Free Software Foundation,$(shell $(CC) --version 2>/dev/null)),)
$(hot_sources:%.c=$(O)/obj/%.o): host_cflags += -flto=auto -ffat-lto-objects
$(O)/vmm: host_ldflags += -flto=auto -O2
$(O)/tests/% $(O)/bench/%: host_ldflags += -fno-lto
endif

$(O)/vmm: $(O)/obj/vmm/main.o $(O)/libvmm.a
	$(call say,LD,$@)$(CC) $(host_ldflags) -o $@ $^ $(host_libs)

# The oracle of the access tests, and the walker that page tables are compared with.
$(O)/tests/kvm/test_access: $(O)/obj/tests/kvm/paging_model.o
$(O)/tests/kvm/test_adversary $(O)/tests/kvm/test_guests: \
	$(O)/obj/tests/kvm/expect.o $(O)/obj/tests/kvm/guest_runs.o
launch_tests := \
	test_adversary \
	test_endings \
	test_exec \
	test_guests \
	test_interactive \
	test_labbook \
	test_mapped_files \
	test_measure_files \
	test_output \
	test_refusals
$(launch_tests:%=$(O)/tests/kvm/%): $(O)/obj/tests/kvm/launch.o $(O)/obj/tests/kvm/scratch.o
# The run loop gets its traps from the test.
$(O)/tests/kvm/test_progress: host_ldflags += -Wl,--wrap=machine_run
$(O)/tests/kvm/test_session_run: $(O)/obj/tests/kvm/launch.o
$(O)/tests/kvm/test_reference: $(O)/obj/tests/kvm/launch.o $(O)/obj/tests/kvm/reference_string.o
session_tests := test_export test_report_page test_report_processes test_report_programs \
	test_report_session test_session test_session_damage test_session_fuzz
$(session_tests:%=$(O)/tests/unit/%): \
	$(O)/obj/tests/unit/session_fixture.o
$(O)/tests/unit/test_replay $(O)/tests/unit/test_replay_print: \
	$(O)/obj/tests/unit/replay_fixture.o
$(O)/tests/unit/test_replay $(O)/tests/unit/test_replay_curve $(O)/tests/unit/test_replay_parts \
	$(O)/tests/unit/test_replay_policies $(O)/tests/unit/test_replay_print \
	$(O)/tests/unit/test_replay_tlb: \
	$(O)/obj/tests/unit/replay_model.o $(O)/obj/tests/unit/replay_string.o
$(O)/tests/unit/test_replay_session: $(O)/obj/tests/unit/session_fixture.o
$(O)/tests/unit/test_replay_references $(O)/tests/unit/test_replay_session: \
	$(O)/obj/tests/unit/references_reading.o
$(O)/tests/unit/test_measure_counters $(O)/tests/kvm/test_measure: \
	$(O)/obj/tests/unit/fake_counters.o
$(O)/tests/unit/test_edits $(O)/tests/unit/test_ptab: $(O)/obj/tests/unit/naive_walk.o
$(filter $(O)/tests/unit/test_analyse_%,$(unit_binaries)): $(O)/obj/tests/unit/tlb_model.o
# Sequences of operations against a model; a policy's delays are not waited for, and a failed assertion
# of the code under test ends its sequence alone.
property_objects := $(O)/obj/tests/unit/naive_walk.o \
	$(patsubst %.c,$(O)/obj/%.o,$(filter tests/property/%,$(test_helpers)))
$(O)/tests/unit/test_property $(O)/tests/kvm/test_property: $(property_objects) | policies
$(O)/tests/unit/test_property $(O)/tests/kvm/test_property: host_ldflags += -Wl,--wrap=nanosleep -Wl,--wrap=__assert_fail
# Host memory and guest frames that run out; a space on the CPU of plain code.
refusal_tests := $(addprefix $(O)/tests/unit/,test_measure_memory test_objects test_pager_refusals \
	test_space_refusals)
$(refusal_tests): $(O)/obj/tests/unit/fail_alloc.o
$(refusal_tests): host_ldflags += -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc,--wrap=reallocarray
$(filter-out %/test_objects %/test_measure_memory,$(refusal_tests)): $(O)/obj/tests/unit/naive_walk.o \
	$(O)/obj/tests/unit/space_fixture.o $(O)/obj/tests/property/soft_cpu.o
# A memory for policies to manage without a machine, and what they should do in it.
$(filter $(O)/tests/unit/test_policy_%,$(unit_binaries)): $(O)/obj/tests/unit/fake_memory.o
$(O)/tests/unit/test_policy_order: $(O)/obj/tests/unit/policy_models.o
$(O)/tests/unit/test_elf $(O)/tests/unit/test_elf_damage: \
	$(O)/obj/tests/unit/elf_file.o $(O)/obj/tests/unit/elf_fixture.o

$(O)/tests/unit/test_session_fuzz: $(O)/obj/tests/session/fuzz_session.o
# Reads back what was written.
$(O)/tests/unit/test_export: test_libs += -lsqlite3
# What a browser draws comes as PNG.
$(O)/tests/unit/test_report_page: $(O)/obj/tests/unit/browser.o
$(O)/tests/unit/test_report_page: test_libs += -lpng

# The archive behind whatever else a test is made of.
$(O)/tests/%: $(O)/obj/tests/%.o $(O)/libvmm.a
	$(call say,LD,$@)mkdir -p $(@D) && $(CC) $(host_ldflags) -o $@ $(filter %.o,$^) \
		$(filter %.a,$^) $(host_libs) $(test_libs)

# --- policies ---------------------------------------------------------------------------------

# As a user builds one; the warnings are ours.
policy_cflags := -O2 -fPIC -shared $(warnings) -Iinclude
example_objects := $(example_policies:%=$(O)/policies/%.so)
test_policy_objects := $(O)/policies/crash.so $(broken_policies:%=$(O)/policies/broken-%.so)

.PHONY: policies
policies: $(example_objects) $(test_policy_objects) ## the example policies: build/policies/*.so
all: policies
$(filter $(O)/tests/unit/test_policy_%,$(unit_binaries)): | policies

$(example_objects): $(O)/policies/%.so: docs/policies/%.c include/vmm_policy.h
	$(call say,CC,$<)mkdir -p $(@D) && $(CC) $(policy_cflags) -o $@ $<

$(O)/policies/crash.so: tests/policies/crash.c include/vmm_policy.h
	$(call say,CC,$<)mkdir -p $(@D) && $(CC) $(policy_cflags) -D_GNU_SOURCE -o $@ $<

$(O)/policies/broken-%.so: tests/policies/broken.c include/vmm_policy.h
	$(call say,CC,$@)mkdir -p $(@D) && $(CC) $(policy_cflags) -DBROKEN_$* -o $@ $<

# --- what runs in the guest -------------------------------------------------------------------

guest_lib_objects := $(patsubst %,$(O)/obj/%.o,$(basename $(guest_lib_sources)))
hostile_objects := $(hostile_sources:%.c=$(O)/obj/%.o)
guest_prog_objects := $(guest_programs:%=$(O)/obj/guest/prog/%.o) $(hostile_objects)
guest_elfs := $(guest_programs:%=$(O)/%.elf)
guest_compile = mkdir -p $(@D) && $(CC) $(guest_cflags) -MMD -MP -c -o $@ $<

.PHONY: guests
guests: $(guest_elfs)
all: guests

$(filter-out %/start.o,$(guest_lib_objects)) $(guest_prog_objects): $(O)/obj/%.o: %.c
	$(call say,CC,$<)$(guest_compile)

$(O)/obj/guest/lib/start.o: guest/lib/start.S
	$(call say,AS,$<)$(guest_compile)

$(O)/hostile.elf: $(hostile_objects)
$(guest_elfs): $(O)/%.elf: $(O)/obj/guest/prog/%.o $(guest_lib_objects)
	$(call say,LD,$@)$(CC) $(guest_ldflags) -o $@ $^

# --- benchmarks -------------------------------------------------------------------------------

bench_part_objects := $(patsubst %,$(O)/obj/%.o,$(basename $(bench_guest_parts)))
bench_guest_elfs := $(bench_guests:%=$(O)/bench/%.elf)
bench_binaries := $(bench_programs:%=$(O)/bench/%)

$(bench_guests:%=$(O)/obj/guest/bench/%.o) $(O)/obj/guest/bench/series.o: $(O)/obj/%.o: %.c
	$(call say,CC,$<)$(guest_compile)

$(O)/obj/guest/bench/touch_pages.o: guest/bench/touch_pages.S
	$(call say,AS,$<)$(guest_compile)

$(bench_guest_elfs): $(O)/bench/%.elf: $(O)/obj/guest/bench/%.o $(bench_part_objects) \
		$(guest_lib_objects)
	$(call say,LD,$@)mkdir -p $(@D) && $(CC) $(guest_ldflags) -o $@ $^

# The floor copies the measured loop, as it is in the guest programs, into its own guest.
$(O)/bench/floor: $(O)/obj/guest/bench/touch_pages.o
$(O)/obj/bench/%.o: host_cflags += -Iguest/bench
# Measures functions of vmm itself.
$(O)/bench/replay: $(O)/libvmm.a
$(O)/bench/replay: bench_libs := $(host_libs)

$(bench_binaries): $(O)/bench/%: $(O)/obj/bench/%.o
	$(call say,LD,$@)mkdir -p $(@D) && $(CC) $(host_ldflags) -o $@ $^ $(bench_libs)

# NAME-glibc, NAME-glibc-pie, NAME-musl: the same source by three start-up codes.
libc_guest_cflags := -std=c11 -O2 -g $(warnings) -D_GNU_SOURCE
MUSL_GCC ?= musl-gcc
libc_variants := glibc glibc-pie
ifneq ($(shell command -v $(MUSL_GCC) 2>/dev/null),)
libc_variants += musl
else
libc_missing := musl
endif
libc_guest_elfs := \
	$(foreach v,$(libc_variants),$(libc_guests:%=$(O)/tests/guests/%-$(v).elf))

.PHONY: libc-guests
libc-guests: $(libc_guest_elfs)
ifneq ($(libc_missing),)
	@echo 'SKIPPED: no $(MUSL_GCC) (Debian: musl-tools), so no musl guests' >&2
endif

$(O)/tests/guests/%-glibc.elf: tests/guests/%.c
	$(call say,CC,$@)mkdir -p $(@D) && $(CC) $(libc_guest_cflags) -static -MMD -MP -MF $@.d \
		-MT $@ -o $@ $< -lm

$(O)/tests/guests/%-glibc-pie.elf: tests/guests/%.c
	$(call say,CC,$@)mkdir -p $(@D) && $(CC) $(libc_guest_cflags) -static-pie -fPIE -MMD -MP \
		-MF $@.d -MT $@ -o $@ $< -lm

$(O)/tests/guests/%-musl.elf: tests/guests/%.c
	$(call say,CC,$@)mkdir -p $(@D) && $(MUSL_GCC) $(libc_guest_cflags) -static -MMD -MP \
		-MF $@.d -MT $@ -o $@ $< -lm

# The guests as plain Linux programs: needs no KVM, and shows what Linux itself would do.
.PHONY: check-guests-native
check-guests-native: guests libc-guests
	@sh tests/guests/native.sh $(O)

# --- running ----------------------------------------------------------------------------------

.PHONY: run
run: ## build everything and run the main job, with /dev/kvm
	@$(deps) build
	@+$(submake) all
	@echo 'cd $(O) && ./vmm guest.elf'; cd $(O) && ./vmm guest.elf; status=$$?; \
	[ $$status != 125 ] || [ -w /dev/kvm ] || \
		echo 'To see it in an emulated machine: make run-emulated' >&2; \
	exit $$status

.PHONY: run-emulated
run-emulated: ## the same in an emulated machine: BACKEND=svm, svm-shadow, vmx or vmx-shadow
	@$(deps) build $(if $(filter svm,$(BACKEND)),,backends)
	@+$(submake) stage
	@tests/backends/run.sh $(BACKEND) $(O)/stage './vmm guest.elf'

# --- tests ------------------------------------------------------------------------------------

.PHONY: test
test: ## unit tests, and the KVM ring where there is /dev/kvm
	@$(deps) build test
	@+$(submake) check

.PHONY: san
san: ## the same under AddressSanitizer and UndefinedBehaviorSanitizer
	@$(deps) build test
	@+$(submake) O=build-san check \
		SAN='-fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer'

# Both rings, even if the first one fails
.PHONY: check check-unit check-kvm check-man
check:
	@+status=0; for ring in man unit kvm; do $(submake) check-$$ring || status=1; done; exit $$status

# Help and manual pages have the same options.
check-man: $(O)/vmm
	@sh tests/manpages.sh $(O)

# The page on writing an experiment, followed to the letter in a copy of the tree.
.PHONY: check-guide
check-guide: all
	@sh tests/measure/guide.sh $(O)

check-unit: $(unit_binaries)
	@tests/run.sh $^

check-kvm: stage
	@[ -w /dev/kvm ] || echo 'NOTE: no usable /dev/kvm: the KVM tests are skipped here;' \
		'"make test-backends" runs them in emulated machines' >&2
	@cd $(O)/stage && sh tests/run.sh $(kvm_tests:%=tests/kvm/%)

# One folder with all that the KVM ring needs; it is the working directory of the ring's programs,
# here and in the emulated machines.
.PHONY: stage
stage: all libc-guests $(kvm_binaries)
	@rm -rf $(O)/stage && mkdir -p $(O)/stage/tests/kvm $(O)/stage/tests/guests
	@cp -p tests/run.sh $(O)/stage/tests/
	@mkdir -p $(O)/stage/tests/session && cp -p tests/session/recount.py $(O)/stage/tests/session/
	@cp -p $(kvm_binaries) $(O)/stage/tests/kvm/
	@cp -p $(O)/vmm $(guest_elfs) $(O)/stage/
	@mkdir -p $(O)/stage/policies && cp -p $(O)/policies/*.so $(O)/stage/policies/
	@cp -p $(libc_guest_elfs) tests/guests/*.c tests/guests/lines.txt $(O)/stage/tests/guests/
	@mkdir -p $(O)/stage/guest && cp -pr guest/prog $(O)/stage/guest/
	@mkdir -p $(O)/stage/docs && cp -p docs/lab-book.md $(O)/stage/docs/

# The reader of sessions on inputs that libFuzzer makes up: SECONDS=600.  Needs clang.
SECONDS ?= 600
FUZZ_CC ?= clang
fuzz_sources := tests/session/fuzz_main.c tests/session/fuzz_session.c \
	tests/unit/session_fixture.c
.PHONY: fuzz
fuzz: $(kernel_image) $(exp_image) ## feed the reader of sessions with anything: SECONDS=600
	$(call say,CC,$(O)/fuzz/session)mkdir -p $(O)/fuzz/corpus && $(FUZZ_CC) $(host_cppflags) \
		-O1 -g -w -fsanitize=fuzzer,address,undefined -o $(O)/fuzz/session $(fuzz_sources) \
		$(lib_sources) $(kernel_image) $(exp_image) $(host_libs)
	cd $(O)/fuzz && ./session -max_total_time=$(SECONDS) -max_len=8192 -timeout=10 \
		-print_final_stats=1 corpus

.PHONY: test-backends
test-backends: ## the KVM ring on emulated AMD and Intel processors: TARGETS='svm vmx' selects
	@$(deps) build test backends
	@+$(submake) stage
	@tests/backends/ring.sh $(O)/backends $(O)/stage $(TARGETS); status=$$?; \
	[ $$status != 77 ] || { echo 'backends: 0 passed, 0 failed, all targets skipped'; exit 0; }; \
	exit $$status

.PHONY: bench bench-programs
bench: ## vmm beside the smallest program that does the same: ROUNDS=5
	@$(deps) build bench
	@+$(submake) all bench-programs
	@bench/run $(O)
	@bench/paging $(O)

bench-programs: $(bench_binaries) $(bench_guest_elfs)
	@:

# --- the sources ------------------------------------------------------------------------------

tidy_sources := vmm/main.c $(lib_sources) $(unit_tests:%=tests/unit/%.c) \
	$(kvm_tests:%=tests/kvm/%.c) $(test_helpers) $(test_tools:%=%.c) $(bench_programs:%=bench/%.c) \
	$(wildcard guest/*/*.c docs/policies/*.c tests/policies/*.c)
tidy_targets := $(tidy_sources:%=tidy/%)
c_files = $(shell find vmm guest include tests docs bench -name '*.[ch]' 2>/dev/null)
man_pages := $(wildcard docs/*.1)
scripts = $(shell grep -rlI '^\#!.*sh$$' tests bench .ci 2>/dev/null)

.PHONY: lint
lint: ## clang-format, clang-tidy, cppcheck, shellcheck and mandoc find nothing
	@$(deps) build test lint
	$(call say,FORMAT,$(words $(c_files)) files)$(CLANG_FORMAT) --dry-run -Werror \
		--ferror-limit=3 $(c_files)
	@+$(submake) --keep-going -j$$(nproc) $(tidy_targets)
	$(call say,CHECK,$(words $(tidy_sources)) files)$(CPPCHECK) --quiet --inline-suppr \
		--enable=warning,performance,portability --suppress=toomanyconfigs \
		--std=c11 --error-exitcode=1 \
		-Iinclude -Ivmm -Iguest/lib -Iguest/bench $(tidy_sources)
	$(call say,SHELL,$(words $(scripts)) scripts)$(SHELLCHECK) -x $(scripts)
	$(call say,MAN,$(words $(man_pages)) pages)$(MANDOC) -Tlint -Wwarning $(man_pages)

# The warnings are gcc's business: clang does not know all of these options.  What is printed on
# success is a count of suppressed warnings in system headers.
.PHONY: $(tidy_targets)
$(tidy_targets): flags = $(if $(filter tidy/guest/%,$@),$(guest_cppflags),$(host_cppflags))
tidy/bench/floor.c: host_cppflags += -Iguest/bench
$(tidy_targets): tidy/%:
	$(call say,TIDY,$*)out=$$($(CLANG_TIDY) --quiet $* -- $(flags) 2>&1) || \
		{ printf '%s\n' "$$out"; exit 1; }

.PHONY: format
format: ## put every C file into the form that lint wants
	@$(deps) lint
	$(call say,FORMAT,$(words $(c_files)) files)$(CLANG_FORMAT) -i $(c_files)

.PHONY: deps
deps: ## install what all of these need: Debian packages, as root or through sudo; DEPS=0: nothing
	@$(deps) build test lint bench backends

# --- installing -------------------------------------------------------------------------------

bindir := $(DESTDIR)$(PREFIX)/bin
sharedir := $(DESTDIR)$(PREFIX)/share/vmm
mandir := $(DESTDIR)$(PREFIX)/share/man/man1
includedir := $(DESTDIR)$(PREFIX)/include/vmm

.PHONY: install
install: all ## vmm, guest programs, man pages and headers: PREFIX=/usr/local DESTDIR=
	install -D -t $(bindir) $(O)/vmm
	for f in $(O)/*.elf; do [ ! -e $$f ] || install -D -m 644 -t $(sharedir) $$f; done
	install -D -m 644 -t $(mandir) $(wildcard docs/*.1)
	install -D -m 644 -t $(includedir) $(wildcard include/*.h)

.PHONY: uninstall
uninstall: ## the way back
	rm -f $(bindir)/vmm $(patsubst docs/%,$(mandir)/%,$(wildcard docs/*.1))
	rm -rf $(sharedir) $(includedir)

.PHONY: clean
clean: ## remove what was built
	rm -rf $(O) build-san

.PHONY: help
help: ## this list
	@sed -n 's/^\([a-z-]*\):[^#]*## \(.*\)/  \1:\2/p' $(MAKEFILE_LIST) | \
		awk -F: '{ printf "%-17s %s\n", $$1, substr($$0, length($$1) + 2) }'

-include $(shell find $(O)/obj -name '*.d' 2>/dev/null)
