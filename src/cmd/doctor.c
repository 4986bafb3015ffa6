// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include "attach/plan.h"
#include "cmd/cmd.h"
#include "rules/rules.h"

#define FUNCTION_CHARS                                         \
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz" \
	"0123456789_."

static bool attached(const struct rs_plan *plan, const char *function)
{
	/* What a backend that is not there would need cannot be missed. */
	for (size_t i = 0; i < plan->nr; i++)
		if (!strcmp(plan->hook[i].def->function, function))
			return plan->hook[i].mechanism || plan->hook[i].quiet;
	return false;
}

/* The first hook that a rule needs and that the plan has not; NULL: it can be judged. */
static const char *lacks(const struct rs_plan *plan, const struct rs_rule *rule)
{
	for (size_t n = 0; n < sizeof(rule->needs) / sizeof(rule->needs[0]) && rule->needs[n]; n++)
		if (!attached(plan, rule->needs[n]))
			return rule->needs[n];
	return NULL;
}

static json_t *describe(const struct rs_machine *m, const struct rs_plan *plan, int status,
			const char *refusal)
{
	json_t *o = json_object(), *rules = json_array(), *absent = json_array();

	json_object_set_new(o, "schema", json_string("remapscope-doctor"));
	json_object_set_new(o, "schema_version", json_integer(1));
	json_object_set_new(o, "kernel", json_string(m->release));
	json_object_set_new(o, "privilege", json_boolean(m->may));
	json_object_set_new(o, "btf", json_boolean(m->btf));
	json_object_set_new(o, "vfio", json_boolean(m->vfio));
	json_object_set_new(o, "vfio_iommu_type1", json_boolean(m->type1));
	json_object_set_new(o, "vfio_iommu_type1_btf", json_boolean(m->module_btf));
	json_object_set_new(o, "iommufd", json_boolean(m->iommufd));
	json_object_set_new(o, "iommufd_btf", json_boolean(m->iommufd_btf));
	json_object_set_new(o, "hooks", plan ? rs_plan_json(plan) : json_array());
	for (size_t i = 0; plan && i < plan->nr; i++)
		if (plan->hook[i].absent && !plan->hook[i].quiet)
			json_array_append_new(absent, json_string(plan->hook[i].def->function));
	json_object_set_new(o, "not_needed", absent);
	for (size_t i = 0; plan && i < rs_nr_rules; i++) {
		const char *missing = lacks(plan, &rs_rules[i]);

		json_array_append_new(rules,
				      json_pack("{s:s,s:b,s:s?}", "id", rs_rules[i].id, "can_pass",
						missing == NULL, "missing_hook", missing));
	}
	json_object_set_new(o, "rules", rules);
	json_object_set_new(o, "can_record", json_boolean(!status));
	json_object_set_new(o, "reason", refusal ? json_string(refusal) : json_null());
	return o;
}

static const char *loaded(bool there, bool btf, const char *not_there)
{
	if (!there)
		return not_there;
	return btf ? "loaded, with BTF" : "loaded, without BTF";
}

static const char *yes(bool b)
{
	return b ? "yes" : "no";
}

/* @known: why fentry is not possible, if that has been said already; NULL */
static void print_hook(const struct rs_hook *h, const char *known)
{
	const char *name = rs_mechanism_name(h->mechanism);

	if (h->quiet)
		return;
	if (h->absent) {
		if (h->def->if_loaded)
			printf("  %-33s not needed, %s is not loaded\n", h->def->function,
			       h->def->module);
		else
			printf("  %-33s not in this kernel, not needed\n", h->def->function);
		return;
	}
	printf("  %-33s %s", h->def->function, name ? name : "none");
	if (h->symbol[0] && strcmp(h->symbol, h->def->function))
		printf(" on %s", h->symbol);
	if (h->module[0] && !h->def->module)
		printf(" in %s", h->module);
	printf("\n");
	for (int m = 1; m < RS_MECH_NR; m++)
		if (h->why_not[m][0] && !(known && !strcmp(h->why_not[m], known)))
			printf("      not %s: %s\n", rs_mechanism_name(m), h->why_not[m]);
	if (h->note[0])
		printf("      %s\n", h->note);
}

/* Why fentry is left out for every hook that could have it; NULL: for other reasons than that */
static const char *common_reason(const struct rs_plan *plan)
{
	const char *why = NULL;

	for (size_t i = 0; i < plan->nr; i++) {
		const char *w = plan->hook[i].why_not[RS_MECH_FENTRY];

		if (plan->hook[i].absent || plan->hook[i].def->shape == RS_HOOK_TP)
			continue;
		if (!w[0] || (why && strcmp(w, why)))
			return NULL;
		why = w;
	}
	return why;
}

static void print_plan(const struct rs_plan *plan)
{
	const char *why = common_reason(plan);
	size_t weak = 0;

	printf("\nhooks\n");
	if (why)
		printf("  fentry for none: %s\n", why);
	for (size_t i = 0; i < plan->nr; i++)
		print_hook(&plan->hook[i], why);
	printf("\nverdicts\n");
	for (size_t i = 0; i < rs_nr_rules; i++) {
		const char *missing = lacks(plan, &rs_rules[i]);

		if (!missing)
			continue;
		printf("  %-20s at best unknown: %s is not hooked\n", rs_rules[i].id, missing);
		weak++;
	}
	if (!weak)
		printf("  every rule can be judged\n");
}

/* doctor FUNCTION...: could these be hooked? What is asked is seen at least: the function's entry. */
static int ask_functions(struct rs_cli *cli, char **name, size_t nr,
			 const struct rs_plan_opts *opts)
{
	struct rs_hook_def def[RS_HOOKS_MAX] = {};
	struct rs_machine m;
	struct rs_plan plan;
	struct rs_msg msg;
	int status = RS_EXIT_PASS, err;

	if (nr > RS_HOOKS_MAX)
		return rs_fail(cli, RS_EXIT_USAGE, "doctor: at most %d functions at a time",
			       RS_HOOKS_MAX);
	for (size_t i = 0; i < nr; i++) {
		def[i].function = name[i];
		def[i].shape = RS_HOOK_ENTRY;
		if (!name[i][0] || strlen(name[i]) >= RS_SYMBOL_LEN ||
		    strspn(name[i], FUNCTION_CHARS) < strlen(name[i]))
			return rs_fail(cli, RS_EXIT_USAGE,
				       "doctor: \"%s\" is not a function's name", name[i]);
	}
	rs_machine_look(&m);
	if (!m.may)
		return rs_fail(cli, RS_EXIT_MACHINE,
			       "no privilege: CAP_SYS_ADMIN is needed (run as root)");
	err = rs_plan_defs(&plan, def, nr, opts, &msg);
	if (err)
		return rs_fail(cli, RS_EXIT_MACHINE, "%s", msg.text);
	for (size_t i = 0; i < plan.nr; i++) {
		if (!plan.hook[i].mechanism)
			status = RS_EXIT_UNKNOWN;
		if (!cli->json)
			print_hook(&plan.hook[i], NULL);
	}
	if (cli->json) {
		json_t *o = json_pack("{s:s,s:i,s:s,s:o,s:b}", "schema", "remapscope-doctor",
				      "schema_version", 1, "kernel", m.release, "functions",
				      rs_plan_json(&plan), "all", status == RS_EXIT_PASS);

		json_dumpf(o, stdout, JSON_INDENT(2));
		putchar('\n');
		json_decref(o);
	}
	return rs_flush_out(cli, status);
}

int rs_cmd_doctor(struct rs_cli *cli, int argc, char **argv)
{
	static const struct option options[] = {
		{ "json", no_argument, NULL, 'j' },
		{ "no-fentry", no_argument, NULL, 'F' },
		{ "fentry", no_argument, NULL, 'f' },
		{ 0 },
	};
	struct rs_plan_opts opts = { .attach = true };
	bool planned = false, fentry = false;
	struct rs_machine m;
	struct rs_plan plan;
	struct rs_msg msg;
	int c, err, status;

	while ((c = getopt_long(argc, argv, ":j", options, NULL)) != -1) {
		switch (c) {
		case 'j':
			cli->json = true;
			break;
		case 'F':
			opts.no_fentry = true;
			fentry = false;
			break;
		case 'f':
			fentry = true;
			opts.no_fentry = false;
			break;
		default:
			return rs_bad_option(cli, "doctor", c, argv);
		}
	}
	if (optind < argc)
		return ask_functions(cli, argv + optind, argc - optind, &opts);
	rs_machine_look(&m);
	opts.exact = m.switches && !fentry;
	opts.type1 = m.type1 && m.module_btf;
	opts.iommufd = m.iommufd_btf;
	err = rs_machine_refusal(&m, &msg);
	if (!err) {
		err = rs_plan_make(&plan, &opts, &msg);
		planned = plan.nr > 0;
	}
	status = err ? RS_EXIT_MACHINE : RS_EXIT_PASS;
	if (cli->json) {
		json_t *o = describe(&m, planned ? &plan : NULL, status, err ? msg.text : NULL);

		json_dumpf(o, stdout, JSON_INDENT(2));
		putchar('\n');
		json_decref(o);
		return rs_flush_out(cli, status);
	}
	if (!m.vfio) {
		/* Nothing else matters then. */
		printf("%s\n", msg.text);
		return rs_flush_out(cli, status);
	}
	printf("kernel                 %s\nprivilege              %s\nBTF                    %s\n"
	       "vfio_iommu_type1       %s\niommufd                %s\n",
	       m.release, m.may ? "yes" : "no (CAP_SYS_ADMIN, as root has it)", yes(m.btf),
	       loaded(m.type1, m.module_btf, "not loaded"),
	       loaded(m.iommufd, m.iommufd_btf, "not there, and not needed"));
	if (planned)
		print_plan(&plan);
	printf("\n%s%s\n", err ? "cannot record here: " : "ready to record", err ? msg.text : "");
	return rs_flush_out(cli, status);
}
