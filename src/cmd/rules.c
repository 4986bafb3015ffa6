// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include "cmd/cmd.h"
#include "rules/print.h"

/* How the rules are to be printed. */
enum form {
	FORM_TEXT,
	FORM_DOT,
	FORM_MARKDOWN,
};

static int print_json(const struct rs_rule_table *t)
{
	json_t *rules = json_array(), *o;
	int err;

	for (size_t i = 0; i < t->nr; i++)
		json_array_append_new(rules, rs_rule_json(&t->rule[i]));
	o = json_pack("{s:s, s:i, s:o}", "schema", "remapscope-rules", "schema_version", 1, "rules",
		      rules);
	err = !o || json_dumpf(o, stdout, JSON_INDENT(2)) ? -EIO : 0;
	putchar('\n');
	json_decref(o);
	return err;
}

static int print(const struct rs_rule_table *t, bool one, enum form form)
{
	struct rs_style style = rs_style_for(stdout);
	int err = 0;

	if (form == FORM_MARKDOWN)
		return rs_rules_markdown(t, stdout);
	if (form == FORM_DOT) {
		for (size_t i = 0; i < t->nr && !err; i++)
			err = rs_rule_dot(&t->rule[i], stdout);
		return err;
	}
	return one ? rs_rule_explain(t->rule, &style, stdout) : rs_rules_list(t, &style, stdout);
}

int rs_cmd_rules(struct rs_cli *cli, int argc, char **argv)
{
	static const struct option options[] = {
		{ "json", no_argument, NULL, 'j' },
		{ "dot", no_argument, NULL, 'D' },
		{ "markdown", no_argument, NULL, 'M' },
		{ 0 },
	};
	struct rs_rule_table t = { rs_rules, rs_nr_rules };
	enum form form = FORM_TEXT;
	struct rs_msg msg;
	bool one;
	int c, err;

	while ((c = getopt_long(argc, argv, ":j", options, NULL)) != -1) {
		switch (c) {
		case 'j':
			cli->json = true;
			break;
		case 'D':
			form = FORM_DOT;
			break;
		case 'M':
			form = FORM_MARKDOWN;
			break;
		default:
			return rs_bad_option(cli, "rules", c, argv);
		}
	}
	one = argc - optind == 1;
	if (argc - optind > 1)
		return rs_fail(cli, RS_EXIT_USAGE, "rules: one rule, please, or none for all");
	if (form == FORM_MARKDOWN && one)
		return rs_fail(cli, RS_EXIT_USAGE, "rules: --markdown prints all rules");
	if (form != FORM_TEXT && cli->json)
		return rs_fail(cli, RS_EXIT_USAGE, "rules: either --json or another form");
	if (one) {
		int which = rs_rule_find(&t, argv[optind], &msg);

		if (which < 0)
			return rs_fail(cli, RS_EXIT_USAGE, "rules: %s", msg.text);
		t = (struct rs_rule_table){ &rs_rules[which], 1 };
	}
	err = cli->json ? print_json(&t) : print(&t, one, form);
	errno = -err;
	return rs_flush_out(cli, RS_EXIT_PASS);
}
