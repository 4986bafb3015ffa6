# SPDX-License-Identifier: GPL-2.0-only
#
# make            build remapscope (no network, no root, no VFIO)
# make check      unit, golden and command-line tests (no VM)
# make test       all of it, with the lab on four kernels; installs what it lacks
# make demo       live updates of a QEMU in the lab VM, recorded, checked, reported
# make demo-plain the same of a small process
# make install    DESTDIR= PREFIX=/usr/local
# V=1 shows the commands.

VERSION := 0.1.0

CC       ?= cc
CLANG    ?= clang
BPFTOOL  ?= $(firstword $(wildcard /usr/sbin/bpftool /usr/bin/bpftool) bpftool)
RST2MAN  ?= $(firstword $(wildcard /usr/bin/rst2man /usr/bin/rst2man.py))
PREFIX   ?= /usr/local
B        := build

CFLAGS   ?= -O2 -g
# WERROR= builds with warnings, as sanitizers and other compilers may want it.
WERROR   ?= -Werror
RS_CFLAGS := -std=gnu11 -D_GNU_SOURCE -Wall -Wextra $(WERROR) -Iinclude -Isrc -I$(B) \
	     -DRS_VERSION='"$(VERSION)"'
LIBS     := -lbpf -lelf -lz -ljansson -lcap-ng -lm
BPF_ARCH := $(patsubst x86_64,x86,$(shell uname -m))
MULTIARCH := $(shell uname -m)-linux-gnu
BPF_CFLAGS := -g -O2 -target bpf -mcpu=v3 -D__TARGET_ARCH_$(BPF_ARCH) -Wall -Wextra -Werror \
	      -Wno-unused-parameter -Wno-unused-function -I. -Iinclude -Ibpf \
	      -idirafter /usr/include/$(MULTIARCH)

Q := $(if $(V),,@)
say = $(if $(V),,@printf '  %-8s %s\n' '$(1)' '$(patsubst $(B)/%,%,$@)')

.DELETE_ON_ERROR:
.SECONDARY:

BPF_SRC  := bpf/maps.bpf.c $(filter-out bpf/maps.bpf.c,$(wildcard bpf/*.bpf.c))
BPF_OBJ  := $(BPF_SRC:%.bpf.c=$(B)/%.bpf.o)
CORE_SRC := $(wildcard src/model/*.c src/explain/*.c src/rules/*.c src/stats/*.c src/budget/*.c src/result/*.c src/diff/*.c \
	      src/source/*.c src/trace/*.c src/render/*.c src/util/*.c)
LIVE_SRC := $(wildcard src/attach/*.c src/capture/*.c src/cmd/*.c)
CORE_OBJ := $(CORE_SRC:%.c=$(B)/%.o)
LIVE_OBJ := $(LIVE_SRC:%.c=$(B)/%.o)

all: $(B)/remapscope man

$(B)/remapscope: $(LIVE_OBJ) $(B)/libremapscope.a
	$(call say,LINK)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $(LIVE_OBJ) $(B)/libremapscope.a $(LIBS)

# Everything that needs neither BPF nor privilege: what the tests link.
$(B)/libremapscope.a: $(CORE_OBJ)
	$(call say,AR)
	$(Q)rm -f $@ && $(AR) rcs $@ $^

$(B)/%.o: %.c
	$(call say,CC)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS) $(CPPFLAGS) $(RS_CFLAGS) -MMD -MP -c -o $@ $<

$(B)/src/capture/live.o: $(B)/remapscope.skel.h

$(B)/bpf/%.bpf.o: bpf/%.bpf.c $(wildcard bpf/*.bpf.h) vmlinux.h $(wildcard include/remapscope/*.h)
	$(call say,BPF)
	$(Q)mkdir -p $(@D)
	$(Q)$(CLANG) $(BPF_CFLAGS) -c -o $@ $<

$(B)/remapscope.bpf.o: $(BPF_OBJ)
	$(call say,BPFLINK)
	$(Q)$(BPFTOOL) gen object $@ $(BPF_OBJ)

$(B)/remapscope.skel.h: $(B)/remapscope.bpf.o
	$(call say,SKEL)
	$(Q)$(BPFTOOL) gen skeleton $< name remapscope_bpf > $@

-include $(CORE_OBJ:.o=.d) $(LIVE_OBJ:.o=.d)

# Manual pages, where docutils is there.
MAN := $(patsubst docs/man/%.rst,$(B)/man/%,$(wildcard docs/man/*.rst))
man: $(if $(RST2MAN),$(MAN))
$(B)/man/%: docs/man/%.rst
	$(call say,MAN)
	$(Q)mkdir -p $(@D)
	$(Q)$(RST2MAN) $< $@

install: all
	install -D -m 755 $(B)/remapscope $(DESTDIR)$(PREFIX)/bin/remapscope
	$(if $(RST2MAN),$(foreach m,$(MAN),install -D -m 644 $(m) \
		$(DESTDIR)$(PREFIX)/share/man/man$(subst .,,$(suffix $(m)))/$(notdir $(m));))

include tests/tests.mk

clean:
	rm -rf $(B)

format:
	clang-format -i $$(git ls-files '*.c' '*.h' | grep -v '^vmlinux.h')

.PHONY: all man install clean format
