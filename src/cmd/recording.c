// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <string.h>
#include "cmd/options.h"
#include "cmd/recording.h"

#define DEFAULT_TAIL_NS 2000000000ULL

void rs_recording_init(struct rs_recording *r, enum rs_mode mode)
{
	memset(r, 0, sizeof(*r));
	r->live.mode = mode;
	r->live.tail_ns = DEFAULT_TAIL_NS;
	r->live.filter = (struct rs_filter)RS_FILTER_NONE;
}

void rs_recording_free(struct rs_recording *r)
{
	rs_filter_free(&r->live.filter);
}

static const char *name_of(int c)
{
	static const struct option options[] = { RS_RECORDING_OPTIONS, { 0 } };
	static const char *const names[] = { "-o",	    "-p",	"--tree",      "--cgroup",
					     "--device",    "--group",	"--container", "--buffer",
					     "--no-fentry", "--fentry", "--all",       "--armed",
					     "--tail",	    "--verify" };

	_Static_assert(sizeof(options) / sizeof(options[0]) == sizeof(names) / sizeof(names[0]) + 1,
		       "a name for each option");
	for (size_t i = 0; options[i].name; i++)
		if (options[i].val == c)
			return names[i];
	return NULL;
}

/* Where a filter is kept as it was written; NULL: the option is no filter. */
static const char **filter_of(struct rs_recording *r, int c)
{
	switch (c) {
	case 'p':
		return &r->filter.pid;
	case RS_OPT_TREE:
		return &r->filter.tree;
	case RS_OPT_CGROUP:
		return &r->filter.cgroup;
	case RS_OPT_DEVICE:
		return &r->filter.device;
	case RS_OPT_GROUP:
		return &r->filter.group;
	case RS_OPT_CONTAINER:
		return &r->filter.container;
	default:
		return NULL;
	}
}

static int parse_verify(const char *text, enum rs_verify *v, struct rs_msg *msg)
{
	if (!text || !strcmp(text, "sampled") || !strcmp(text, "pages"))
		*v = RS_VERIFY_SAMPLED;
	else if (!strcmp(text, "all"))
		*v = RS_VERIFY_ALL;
	else
		return rs_msg_set(
			msg, -EINVAL,
			"--verify is \"sampled\", \"pages\" (the same) or \"all\", not \"%s\"",
			text);
	return 0;
}

int rs_recording_option(struct rs_recording *r, int c, const char *value, struct rs_msg *msg)
{
	const char *name = name_of(c), **filter = filter_of(r, c);
	int err = 0;

	if (!name)
		return 0;
	if (!r->first)
		r->first = name;
	if (filter && *filter)
		return rs_msg_set(msg, -EINVAL, "%s is given twice", c == 'p' ? "--pid" : name);
	if (filter)
		*filter = value;
	switch (c) {
	case 'o':
		r->path = value;
		break;
	case RS_OPT_BUFFER:
		err = rs_parse_buffer(value, &r->live.ring_bytes, msg);
		break;
	case RS_OPT_NO_FENTRY:
		r->live.no_fentry = true;
		r->live.fentry = false;
		break;
	case RS_OPT_FENTRY:
		r->live.fentry = true;
		r->live.no_fentry = false;
		break;
	case RS_OPT_ALL:
		r->all = true;
		break;
	case RS_OPT_ARMED:
		r->armed = true;
		break;
	case RS_OPT_TAIL:
		r->tail = true;
		err = rs_parse_seconds(value, &r->live.tail_ns, msg);
		break;
	case RS_OPT_VERIFY:
		err = parse_verify(value, &r->live.verify, msg);
		break;
	}
	return err ? err : 1;
}

int rs_recording_resolve(struct rs_recording *r, struct rs_msg *msg)
{
	const struct rs_filter_roots here = rs_filter_roots_here();

	if (r->all && r->armed)
		return rs_msg_set(msg, -EINVAL, "--all or --armed, not both");
	if (r->all)
		r->live.mode = RS_MODE_ALL;
	if (r->armed)
		r->live.mode = RS_MODE_ARMED;
	if (r->tail && r->live.mode == RS_MODE_ALL)
		return rs_msg_set(msg, -EINVAL,
				  "--tail is of no use when everything is recorded (--armed)");
	return rs_filter_resolve(&r->live.filter, &r->filter, &here, msg);
}
