# SPDX-License-Identifier: GPL-2.0-only
#
# Tests, demo and lab; included by the top Makefile.

LAB := tests/lab/lab
LAB_CFLAGS := -std=gnu11 -Wall -Wextra -Werror -MMD -MP

# The lab's programs

LAB_CLIENT_OBJ := $(patsubst %.c,$(B)/%.o,$(filter-out %/btfoff.c,$(wildcard tests/lab/client/*.c)))

$(B)/tests/lab/client/%.o: tests/lab/client/%.c
	$(call say,CC)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS) $(LAB_CFLAGS) -c -o $@ $<

$(B)/lab-client: $(LAB_CLIENT_OBJ)
	$(call say,LINK)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^

$(B)/lab-btfoff: $(B)/tests/lab/client/btfoff.o
	$(call say,LINK)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ -lbpf

-include $(wildcard $(B)/tests/lab/client/*.d)

lab-programs: $(B)/remapscope $(B)/lab-client $(B)/lab-btfoff

.PHONY: lab-programs
