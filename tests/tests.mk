# SPDX-License-Identifier: GPL-2.0-only
#
# Tests, demo and lab; included by the top Makefile.

LAB := tests/lab/lab
TEST_CFLAGS := -std=gnu11 -D_GNU_SOURCE -Wall -Wextra $(WERROR) -Iinclude -Isrc -MMD -MP

# Unit tests: a program each. What they share is a library, the fake kernel.

UNIT := $(patsubst tests/unit/%.c,$(B)/tests/%,$(wildcard tests/unit/test_*.c))
SYNTH_OBJ := $(patsubst %.c,$(B)/%.o,$(filter-out tests/unit/test_%.c,$(wildcard tests/unit/*.c)))

$(B)/tests/unit/%.o: tests/unit/%.c
	$(call say,CC)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS) $(CPPFLAGS) $(TEST_CFLAGS) -c -o $@ $<

$(B)/tests/libsynth.a: $(SYNTH_OBJ)
	$(call say,AR)
	$(Q)mkdir -p $(@D)
	$(Q)rm -f $@ && $(AR) rcs $@ $^

$(B)/tests/test_%: $(B)/tests/unit/test_%.o $(B)/tests/libsynth.a $(B)/libremapscope.a
	$(call say,LINK)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $(filter %.o,$^) $(filter %.a,$^) -lcmocka -ljansson \
		-lz -lm $(TEST_LIBS)

# What of the live part can be tested without a kernel that has VFIO.
$(B)/tests/test_symbols: $(B)/src/attach/symbols.o
$(B)/tests/test_filter: $(B)/src/capture/filter.o
$(B)/tests/test_pagemap: $(B)/src/capture/pagemap.o
$(B)/tests/test_traces: $(B)/src/capture/traces.o
$(B)/tests/test_watch: $(B)/src/attach/watch.o
$(B)/tests/test_rules_tables: $(patsubst %.c,$(B)/%.o,$(wildcard src/attach/*.c))
$(B)/tests/test_rules_tables: TEST_LIBS := $(LIBS)

$(B)/tests/make-trace: tests/cli/make-trace.c $(B)/tests/libsynth.a $(B)/libremapscope.a
	$(call say,CC)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS) $(TEST_CFLAGS) -Itests/unit -MF $@.d $(LDFLAGS) -o $@ $^ -ljansson -lz -lm

# What the compatibility tests read JSON with.
$(B)/tests/trace-json: tests/compat/trace-json.c $(B)/libremapscope.a
	$(call say,CC)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS) $(TEST_CFLAGS) -MF $@.d $(LDFLAGS) -o $@ $^ -ljansson -lz -lm

$(B)/tests/superset: tests/compat/superset.c
	$(call say,CC)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS) $(TEST_CFLAGS) -MF $@.d $(LDFLAGS) -o $@ $^ -ljansson

# Without libFuzzer: a number of seeded rounds.
$(B)/tests/fuzz-trace: tests/fuzz/fuzz_trace.c $(B)/libremapscope.a
	$(call say,CC)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS) $(TEST_CFLAGS) -DRS_FUZZ_STANDALONE -MF $@.d $(LDFLAGS) -o $@ $^ \
		-ljansson -lz -lm

# Random recordings, faults, a second implementation of the rules, mutants.
PROOF_OBJ := $(patsubst %.c,$(B)/%.o,$(wildcard tests/proof/*.c))

$(B)/tests/proof/%.o: tests/proof/%.c
	$(call say,CC)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS) $(CPPFLAGS) $(TEST_CFLAGS) -Itests/unit -c -o $@ $<

$(B)/tests/prove: $(PROOF_OBJ) $(B)/tests/libsynth.a $(B)/libremapscope.a
	$(call say,LINK)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $(filter %.o,$^) $(filter %.a,$^) -ljansson -lz -lm

unit-programs: $(UNIT) $(addprefix $(B)/tests/,make-trace fuzz-trace trace-json superset prove)

# The lab's programs

LAB_CLIENT_OBJ := $(patsubst %.c,$(B)/%.o,$(filter-out %/bench.c %/btfoff.c %/json.c %/reconcile.c, \
	$(wildcard tests/lab/client/*.c)))

$(B)/tests/lab/client/%.o: tests/lab/client/%.c
	$(call say,CC)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS) -std=gnu11 -Wall -Wextra $(WERROR) -MMD -MP -c -o $@ $<

$(B)/lab-client: $(LAB_CLIENT_OBJ)
	$(call say,LINK)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^

$(B)/lab-btfoff: $(B)/tests/lab/client/btfoff.o
	$(call say,LINK)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ -lbpf

$(B)/lab-bench: $(B)/tests/lab/client/bench.o
	$(call say,LINK)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^

$(B)/lab-reconcile $(B)/lab-json: $(B)/lab-%: $(B)/tests/lab/client/%.o
	$(call say,LINK)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ -ljansson

$(B)/lab-qmp $(B)/lab-times: $(B)/lab-%: tests/lab/qmp/%.c
	$(call say,CC)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS) $(TEST_CFLAGS) -MF $@.d $(LDFLAGS) -o $@ $< -ljansson

# A guest for QEMU, not a program for this system: it takes nothing of it, CFLAGS neither.
$(B)/lab-guest: tests/lab/qemu/guest.c tests/lab/qemu/guest.ld
	$(call say,CC)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) -m32 -march=i686 -O2 -std=gnu11 -Wall -Wextra $(WERROR) -ffreestanding -fno-pic \
		-fno-stack-protector -fcf-protection=none -fno-asynchronous-unwind-tables \
		-mgeneral-regs-only -nostdlib -static -o $@ $< \
		-Wl,-T,tests/lab/qemu/guest.ld,--build-id=none,-z,noexecstack,--no-warn-rwx-segments

-include $(wildcard $(B)/tests/lab/client/*.d $(B)/tests/unit/*.d $(B)/tests/proof/*.d $(B)/lab-qmp.d $(B)/lab-times.d)

lab-programs: $(B)/remapscope $(B)/lab-client $(B)/lab-btfoff $(B)/lab-reconcile $(B)/lab-json \
	$(B)/lab-qmp $(B)/lab-times $(B)/lab-bench $(B)/lab-guest

# What needs no VM; all; the demonstrations.

check:
	tests/run check

test:
	tests/run all

demo:
	tests/lab/demo

demo-plain:
	tests/lab/demo plain

# What a request costs by its path, in guest instructions.
remap-paths:
	tests/lab/remap-paths --update

# Takes today's output for the right one: read the difference before committing it.
golden-update: $(B)/remapscope
	tests/golden/run --update $(B)/remapscope

# From the rules' tables; a test compares.
docs/rules.md: $(B)/remapscope
	$(call say,GEN)
	$(Q)$(B)/remapscope rules --markdown > $(B)/rules.md && cp $(B)/rules.md $@

.PHONY: unit-programs lab-programs check test remap-paths demo demo-plain golden-update
