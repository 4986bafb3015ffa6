/* SPDX-License-Identifier: GPL-2.0-only */
/**
 * DOC: Rules for people
 *
 * What `remapscope rules` prints and docs/rules.md holds, all from the rules' tables.
 */
#ifndef RS_RULES_PRINT_H
#define RS_RULES_PRINT_H

#include <jansson.h>
#include "render/render.h"
#include "rules/rules.h"

/** rs_rules_list() - a line or two for each rule. Return: 0 or -errno of writing */
int rs_rules_list(const struct rs_rule_table *t, const struct rs_style *style, FILE *out);

/** rs_rule_explain() - all that is known of a rule, with its automaton. Return: 0 or -errno of writing */
int rs_rule_explain(const struct rs_rule *r, const struct rs_style *style, FILE *out);

/** rs_rule_dot() - its automaton in Graphviz's language. Return: 0 or -errno of writing */
int rs_rule_dot(const struct rs_rule *r, FILE *out);

/** rs_rules_markdown() - docs/rules.md. Return: 0 or -errno of writing */
int rs_rules_markdown(const struct rs_rule_table *t, FILE *out);

/** rs_rule_json() - as docs/json.md has it; the caller's, NULL without memory */
json_t *rs_rule_json(const struct rs_rule *r);

/** rs_rule_target() - where an arrow leads: a state's name, "violated" or "unknown" */
const char *rs_rule_target(const struct rs_rule *r, __u8 to);

/** rs_rule_states() - how many states it has */
size_t rs_rule_states(const struct rs_rule *r);

#endif /* RS_RULES_PRINT_H */
