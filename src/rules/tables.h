/* SPDX-License-Identifier: GPL-2.0-only */
/**
 * DOC: The arrows of the rules
 *
 * One list for each rule, in the file of its subject; the rules themselves are in src/rules/rules.c.
 */
#ifndef RS_RULES_TABLES_H
#define RS_RULES_TABLES_H

#include <stdio.h>
#include "rules/rules.h"

typedef unsigned long long ull;

/* A sentence of a finding; @n and @s as in rs_say_fn. */
#define SAY(name, ...)                                                                            \
	static void name(const struct rs_note *n, const struct rs_slot *s, char *buf, size_t len) \
	{                                                                                         \
		(void)n, (void)s;                                                                 \
		snprintf(buf, len, __VA_ARGS__);                                                  \
	}

/* A condition of an arrow, and what it is called. */
#define GUARD(name, english, ...)                                                  \
	static bool name##_holds(const struct rs_note *n, const struct rs_slot *s) \
	{                                                                          \
		(void)n, (void)s;                                                  \
		return __VA_ARGS__;                                                \
	}                                                                          \
	static const struct rs_guard name = { english, name##_holds };

/* src/rules/range.c */
extern const struct rs_transition rs_window_closed[8];
extern const struct rs_transition rs_remap_exact[12];
extern const struct rs_transition rs_all_before_exec[12];

/* src/rules/same.c */
extern const struct rs_transition rs_remap_same_memory[20];
extern const struct rs_transition rs_translation_stable[5];

/* src/rules/window.c */
extern const struct rs_transition rs_no_gup_in_window[13];
extern const struct rs_transition rs_no_iommu_change[12];
extern const struct rs_transition rs_no_new_user[15];
extern const struct rs_transition rs_one_owner[10];
extern const struct rs_transition rs_wait_bounded[1];

/* src/rules/pin.c */
extern const struct rs_transition rs_locked_conserved[13];
extern const struct rs_transition rs_owner_mm[3];
extern const struct rs_transition rs_pin_balance[7];
extern const struct rs_transition rs_no_zero_pin[3];

/* src/rules/irq.c */
extern const struct rs_transition rs_irq_restored[6];

/* src/rules/handover.c */
extern const struct rs_transition rs_iommufd_handover[10];

/* src/rules/range.c: of window-closed's clock */
void rs_say_too_long(const struct rs_note *n, const struct rs_slot *s, char *buf, size_t len);

/* src/rules/window.c: of wait-bounded's */
void rs_say_waits(const struct rs_note *n, const struct rs_slot *s, char *buf, size_t len);
/* src/rules/handover.c: of iommufd-handover's clock */
void rs_say_ownerless(const struct rs_note *n, const struct rs_slot *s, char *buf, size_t len);

#endif /* RS_RULES_TABLES_H */
