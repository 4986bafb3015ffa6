// SPDX-License-Identifier: GPL-2.0-only
/* JSON and JUnit XML, on a result made by hand. */
#define _GNU_SOURCE 1
#include "render_fixture.h"

static void has_keys(const json_t *o, const char *keys)
{
	char *copy = strdup(keys), *rest = NULL;
	const char *key;
	json_t *value;
	void *it = json_object_iter((json_t *)o);

	assert_non_null(copy);
	assert_true(json_is_object(o));
	/* In this order, and no others. */
	for (char *want = strtok_r(copy, " ", &rest); want; want = strtok_r(NULL, " ", &rest)) {
		assert_non_null(it);
		assert_string_equal(json_object_iter_key(it), want);
		it = json_object_iter_next((json_t *)o, it);
	}
	assert_null(it);
	json_object_foreach((json_t *)o, key, value)
		assert_non_null(value);
	free(copy);
}

static json_t *parsed(const struct rs_result *r)
{
	char *text = rendered(json_styled, r, plain);
	char *again = rendered(json_styled, r, plain);
	json_error_t error;
	json_t *o = json_loads(text, JSON_REJECT_DUPLICATES, &error);

	assert_string_equal(text, again);
	assert_int_equal(text[strlen(text) - 1], '\n');
	if (!o)
		print_error("%s\n", error.text);
	assert_non_null(o);
	free(text);
	free(again);
	return o;
}

#define TOP_KEYS                                                                               \
	"schema schema_version source kernel host clock first_ns last_ns events mode verify "  \
	"complete incomplete_reason excerpt verdict verdict_reason exit_status command rules " \
	"findings "                                                                            \
	"budgets updates windows containers contexts handovers requests devices slow flight "  \
	"failures losses hooks"

#define ROW_KEYS  "op path reason in_window count pages latency wait work"
#define HIST_KEYS "min_ns mean_ns p50_ns p90_ns p95_ns p99_ns p999_ns max_ns total_ns samples"
#define SLOW_KEYS                                                                       \
	"op path reason in_window iova bytes start_ns len_ns process container device " \
	"wait_len_ns"

static json_t *first(const json_t *o, const char *key, size_t nr)
{
	json_t *a = json_object_get(o, key);

	assert_true(json_is_array(a));
	assert_int_equal(json_array_size(a), nr);
	return json_array_get(a, 0);
}

static void json_keys(void **state)
{
	json_t *o = parsed(fixture()), *w, *range, *e;

	(void)state;
	has_keys(o, TOP_KEYS);
	has_keys(json_object_get(o, "clock"), "name realtime_offset_ns");
	has_keys(json_object_get(o, "command"), "line exit_status signal");
	has_keys(first(o, "rules", 4), "id severity sentence verdict reason instances findings "
				       "containers");
	e = first(o, "findings", 2);
	has_keys(e, "rule verdict text expected at_ns container window objects ranges path events "
		    "replay context handover");
	has_keys(first(e, "path", 2), "state note when at_ns");
	has_keys(first(e, "events", 2), "at_ns cpu tgid tid process type text");
	has_keys(first(o, "budgets", 3), "text where verdict measured samples needed reason "
					 "base base_samples note");
	e = first(o, "updates", 2);
	has_keys(e, "id handover from to start_ns end_ns exec_ns blackout_len_ns "
		    "blackout_from windows phases outcome abandoned_ns ranges invalid blackout_ns "
		    "doubt "
		    "containers devices vcpus stop_len_ns started_ns passed_ns set_up_ns marks "
		    "contexts handovers");
	has_keys(json_object_get(e, "from"), "tgid comm");
	has_keys(first(e, "phases", 3), "name start_ns len_ns begun_by ended_by");
	assert_int_equal(json_integer_value(first(e, "windows", 1)), 1);
	w = first(o, "windows", 2);
	has_keys(w, "id container update open_ns close_ns end opener closer bytes "
		    "invalidate_len_ns remap_len_ns remaps failed_remaps new_maps requests "
		    "translations ranges");
	range = first(w, "ranges", 4);
	has_keys(range,
		 "iova bytes read write state memory old_vaddr new_vaddr old_owner new_owner "
		 "old_backing new_backing invalid_ns valid_ns remap_len_ns since_ns mapped_seen "
		 "pages");
	has_keys(json_object_get(range, "pages"), "asked same other");
	e = json_object_get(range, "old_backing");
	has_keys(e, "known complete pieces");
	has_keys(first(e, "pieces", 1),
		 "at bytes what dev_major dev_minor ino generation offset shared hugetlb pfnmap "
		 "vm_flags");
	has_keys(first(o, "containers", 3), "id key kind born found found_ranges since_ns "
					    "released_ns owner windows ranges_max bytes_max maps "
					    "unmaps context ioas areas");
	e = first(o, "requests", 4);
	has_keys(e, ROW_KEYS);
	has_keys(json_object_get(e, "latency"), HIST_KEYS);
	e = json_array_get(json_object_get(o, "requests"), 1);
	has_keys(e, ROW_KEYS);
	has_keys(json_object_get(e, "wait"), HIST_KEYS);
	has_keys(json_object_get(e, "work"), HIST_KEYS);
	e = first(o, "devices", 2);
	has_keys(e, "id key name group container since_ns pages_pinned pages_unpinned requests");
	has_keys(first(e, "requests", 2), ROW_KEYS);
	has_keys(first(o, "slow", 2), SLOW_KEYS);
	e = first(o, "flight", 3);
	has_keys(e, "window error errno request handover");
	has_keys(json_object_get(e, "request"), SLOW_KEYS);
	has_keys(first(o, "failures", 2), "call error errno count first_ns process in_window");
	has_keys(first(o, "losses", 1), "what cpu count from_ns to_ns containers records");
	has_keys(first(o, "hooks", 2), "function mechanism reason");
	json_decref(o);
}

static void json_values(void **state)
{
	json_t *o = parsed(fixture()), *w, *range;

	(void)state;
	assert_string_equal(json_string_value(json_object_get(o, "schema")), "remapscope-result");
	assert_int_equal(json_integer_value(json_object_get(o, "schema_version")), 1);
	assert_string_equal(json_string_value(json_object_get(o, "verdict")), "violated");
	assert_int_equal(json_integer_value(json_object_get(o, "exit_status")), 1);
	w = json_array_get(json_object_get(o, "windows"), 0);
	assert_int_equal(json_integer_value(json_object_get(w, "open_ns")), T0 + 1204318 * US);
	range = json_array_get(json_object_get(w, "ranges"), 3);
	assert_string_equal(json_string_value(json_object_get(range, "iova")), "0x100000000");
	assert_string_equal(json_string_value(json_object_get(range, "new_vaddr")),
			    "0x7f8940000000");
	assert_int_equal(json_integer_value(json_object_get(range, "bytes")), 1 << 30);
	w = json_array_get(json_object_get(o, "windows"), 1);
	assert_true(json_is_null(json_object_get(w, "close_ns")));
	assert_true(json_is_null(json_object_get(w, "closer")));
	range = json_array_get(json_object_get(w, "ranges"), 0);
	assert_true(json_is_null(json_object_get(range, "new_vaddr")));
	assert_string_equal(json_string_value(json_object_get(range, "iova")),
			    "0xfffffffffffff000");
	json_decref(o);
}

static json_int_t number(const json_t *o, const char *key)
{
	json_t *v = json_object_get(o, key);

	assert_true(json_is_integer(v));
	return json_integer_value(v);
}

static const char *string(const json_t *o, const char *key)
{
	json_t *v = json_object_get(o, key);

	assert_true(json_is_string(v));
	return json_string_value(v);
}

/* What was recorded, since when it is known, and what the requests' time went into. */
static void json_recorder(void **state)
{
	json_t *o = parsed(fixture()), *a, *e;

	(void)state;
	assert_string_equal(string(o, "mode"), "armed");
	assert_string_equal(string(o, "verify"), "sampled");

	a = json_object_get(o, "containers");
	assert_true(json_is_false(json_object_get(json_array_get(a, 1), "found")));
	assert_true(json_is_null(json_object_get(json_array_get(a, 1), "found_ranges")));
	assert_true(json_is_true(json_object_get(json_array_get(a, 2), "found")));
	assert_int_equal(number(json_array_get(a, 2), "found_ranges"), 4);

	a = json_object_get(first(o, "windows", 2), "ranges");
	e = json_array_get(a, 0);
	assert_int_equal(number(e, "since_ns"), T0 + 3 * MS);
	assert_true(json_is_false(json_object_get(e, "mapped_seen")));
	e = json_array_get(a, 3);
	assert_true(json_is_true(json_object_get(e, "mapped_seen")));
	e = json_object_get(e, "pages");
	assert_int_equal(number(e, "asked"), 1024);
	assert_int_equal(number(e, "same"), 1000);
	assert_int_equal(number(e, "other"), 3);
	e = first(json_array_get(json_object_get(o, "windows"), 1), "ranges", 1);
	assert_true(json_is_null(json_object_get(e, "pages")));

	a = json_object_get(o, "requests");
	e = json_array_get(a, 1);
	assert_int_equal(number(json_object_get(e, "latency"), "samples"), 1000);
	assert_int_equal(number(json_object_get(e, "latency"), "max_ns"), 100 * US);
	assert_int_equal(number(json_object_get(e, "wait"), "max_ns"), 25 * US);
	assert_int_equal(number(json_object_get(e, "work"), "max_ns"), 75 * US);
	assert_int_equal(number(json_object_get(e, "wait"), "total_ns") +
				 number(json_object_get(e, "work"), "total_ns"),
			 number(json_object_get(e, "latency"), "total_ns"));
	e = json_array_get(a, 3);
	assert_int_equal(number(json_object_get(e, "latency"), "samples"), 2);
	assert_true(json_is_null(json_object_get(e, "wait")));
	assert_true(json_is_null(json_object_get(e, "work")));
	json_decref(o);
}

/* A trace of before requests' time was split: as if all of it was work. */
static void json_no_split(void **state)
{
	static struct rs_hist h[RS_LAT_NR];
	struct rs_request_row row = { "pin", RS_PATH_GUP, RS_REASON_NONE, false, 1, 1, h };
	struct rs_result r = idle();
	json_t *o, *e;

	(void)state;
	memset(h, 0, sizeof(h));
	rs_hist_add(&h[RS_LAT_TOTAL], 100);
	rs_hist_add(&h[RS_LAT_WAIT], 0);
	rs_hist_add(&h[RS_LAT_WORK], 100);
	r.request = &row;
	r.nr_requests = 1;
	o = parsed(&r);
	e = first(o, "requests", 1);
	assert_true(json_is_null(json_object_get(e, "wait")));
	assert_true(json_is_null(json_object_get(e, "work")));
	json_decref(o);

	rs_hist_add(&h[RS_LAT_WAIT], 1);
	o = parsed(&r);
	e = first(o, "requests", 1);
	assert_int_equal(number(json_object_get(e, "wait"), "max_ns"), 1);
	assert_int_equal(number(json_object_get(e, "work"), "max_ns"), 100);
	json_decref(o);
}

static void json_devices(void **state)
{
	json_t *o = parsed(fixture()), *e;
	const char *name;

	(void)state;
	e = first(o, "devices", 2);
	assert_string_equal(string(e, "key"), "0xffff888012340000");
	assert_string_equal(string(e, "name"), "0000:00:04.0");
	assert_int_equal(number(e, "group"), 7);
	assert_int_equal(number(e, "container"), 1);
	assert_int_equal(number(e, "pages_pinned"), 4996);
	assert_int_equal(number(e, "pages_unpinned"), 4000);
	assert_int_equal(number(json_array_get(json_object_get(e, "requests"), 1), "count"), 1000);

	/* Nothing is known of it, and its name is 40 bytes of anything. */
	e = json_array_get(json_object_get(o, "devices"), 1);
	assert_true(json_is_null(json_object_get(e, "group")));
	assert_true(json_is_null(json_object_get(e, "container")));
	assert_true(json_is_null(json_object_get(e, "since_ns")));
	first(e, "requests", 0);
	name = string(e, "name");
	assert_memory_equal(name, "\033[2Jx\n\xef\xbf\xbd", 9);
	assert_int_equal(strlen(name), 6 + 3 * (RS_DEVICE_NAME_LEN - 6));

	e = json_array_get(json_object_get(o, "slow"), 0);
	assert_true(json_is_null(json_object_get(e, "device")));
	e = json_array_get(json_object_get(o, "slow"), 1);
	assert_int_equal(number(e, "device"), 2);
	assert_int_equal(number(e, "wait_len_ns"), 30 * US);

	e = json_array_get(json_object_get(o, "flight"), 0);
	assert_true(json_is_null(json_object_get(e, "error")));
	assert_true(json_is_null(json_object_get(e, "errno")));
	e = json_array_get(json_object_get(o, "flight"), 1);
	assert_int_equal(number(e, "window"), 1);
	assert_string_equal(string(e, "error"), "ENOMEM");
	assert_int_equal(number(e, "errno"), 12);
	e = json_object_get(e, "request");
	assert_string_equal(string(e, "reason"), "memlock");
	assert_int_equal(number(e, "start_ns"), T0 + 1204308 * US);
	json_decref(o);

	devices[0].name[0] = 0;
	o = parsed(fixture());
	devices[0].name[0] = '0';
	assert_true(json_is_null(json_object_get(first(o, "devices", 2), "name")));
	json_decref(o);
}

/* Arrays are there even when empty; strange strings and numbers do no harm. */
static void json_edges(void **state)
{
	static const char *const arrays[] = { "rules",	 "findings",   "budgets",  "updates",
					      "windows", "containers", "requests", "devices",
					      "slow",	 "flight",     "failures", "losses",
					      "hooks" };
	struct rs_result r = idle();
	struct rs_container_view c = { .id = 1,
				       .bytes_max = UINT64_MAX,
				       .kind = 77,
				       .owner = { 1, "\xff\xfe\x01sixteen lett" } };
	json_t *o;

	(void)state;
	o = parsed(&r);
	has_keys(o, TOP_KEYS);
	for (size_t i = 0; i < COUNT_OF(arrays); i++)
		first(o, arrays[i], 0);
	assert_true(json_is_null(json_object_get(o, "command")));
	assert_true(json_is_null(json_object_get(o, "excerpt")));
	assert_string_equal(json_string_value(json_object_get(o, "mode")), "all");
	assert_string_equal(json_string_value(json_object_get(o, "verify")), "none");
	json_decref(o);

	r.container = &c;
	r.nr_containers = 1;
	r.source = (char *)"a\xc3(\"\n.rst";
	r.command = (struct rs_command_view){ true, (char *)"x", 15 };
	o = parsed(&r);
	assert_string_equal(json_string_value(json_object_get(o, "source")),
			    "a\xef\xbf\xbd(\"\n.rst");
	assert_int_equal(
		json_integer_value(json_object_get(json_object_get(o, "command"), "signal")), 15);
	assert_true(json_integer_value(json_object_get(first(o, "containers", 1), "bytes_max")) ==
		    INT64_MAX);
	json_decref(o);
}

static bool name_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

/* Text up to @stop: no bare "<", every "&" one of the known entities, no control characters. */
static const char *xml_text(const char *s, char stop)
{
	static const char *const entities[] = { "&amp;", "&lt;",  "&gt;", "&quot;",
						"&#9;",	 "&#10;", "&#13;" };

	while (*s && *s != stop) {
		size_t i, len = 1;

		assert_true(*s != '<' && *s != '>');
		assert_true((unsigned char)*s >= 0x20 || *s == '\n' || *s == '\t');
		if (stop == '"')
			assert_true((unsigned char)*s >= 0x20);
		if (*s == '&') {
			for (i = 0; i < COUNT_OF(entities); i++)
				if (!strncmp(s, entities[i], strlen(entities[i])))
					break;
			assert_true(i < COUNT_OF(entities));
			len = strlen(entities[i]);
		}
		s += len;
	}
	return s;
}

/* Enough of a parser to know that elements nest, attributes are quoted and text is escaped. */
static void well_formed(const char *text)
{
	const char *open[16];
	size_t lens[16], depth = 0, elements = 0;
	const char *s = text;

	assert_memory_equal(s, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n", 39);
	s += 39;
	while (*s) {
		bool closing = s[0] == '<' && s[1] == '/';
		const char *name = s + 1 + closing;
		size_t len = 0;

		assert_int_equal(*s, '<');
		while (name_char(name[len]))
			len++;
		assert_true(len > 0);
		s = name + len;
		while (!closing && *s == ' ') {
			s++;
			while (name_char(*s))
				s++;
			assert_memory_equal(s, "=\"", 2);
			s = xml_text(s + 2, '"');
			assert_int_equal(*s++, '"');
		}
		if (closing) {
			assert_true(depth > 0 && lens[depth - 1] == len);
			assert_memory_equal(open[--depth], name, len);
		} else if (*s != '/') {
			assert_true(depth < COUNT_OF(open));
			open[depth] = name;
			lens[depth++] = len;
		} else {
			s++;
		}
		elements++;
		assert_int_equal(*s++, '>');
		s = xml_text(s, '<');
	}
	assert_int_equal(depth, 0);
	assert_true(elements > 2);
}

static void junit_golden(void **state)
{
	char *text = rendered(junit_styled, fixture(), plain);

	(void)state;
	well_formed(text);
	has(text, "<testsuites name=\"remapscope\" time=\"5.000\" tests=\"8\" failures=\"2\" "
		  "errors=\"2\">\n");
	has(text, "<testsuite name=\"remapscope.rules\" tests=\"4\" failures=\"1\" errors=\"1\" "
		  "skipped=\"0\" timestamp=\"2025-11-22T18:10:03.123Z\" hostname=\"lab\">\n");
	has(text, "<testcase classname=\"remapscope.rules\" name=\"remap-exact\" time=\"0\"/>\n");
	has(text, "<failure type=\"critical\" message=\"The range at iova 0x100000000 was remapped "
		  "from &lt;file&gt; 0:1 ino");
	has(text,
	    "\nexpected: The new vaddr is the same file &amp; offset.\n"
	    "path: mapped -invalidated-&gt; invalid -remapped (its memory is &lt;other&gt;)-&gt; "
	    "violated\n"
	    "  +1.204528 s cpu1 qemu-system-x86[1234] c1 UNMAP_DMA(VADDR|ALL) iova 0x0 size 0 "
	    "-&gt; 0 (3.00 GiB), 4 ranges invalid (was 0)\n");
	has(text, "\nand 2 more\n</failure>\n");
	has(text, "<error type=\"critical\" message=\"Window 2 was open when");
	has(text, "name=\"pin[path=gup] p99 &lt;= 50us\"");
	has(text, "<error type=\"budget\" message=\"Nothing to measure: no such request was "
		  "seen.\">b.budget:5: read max &lt;= 1ms\nmeasured: nothing\n"
		  "samples: 0 of 1 needed\n</error>");
	free(text);
}

static void junit_hostile(void **state)
{
	struct rs_result r = idle();
	struct rs_budget_view b = { (char *)"\"<&>'\n\x01]]>\xff\xef\xbf\xbe",
				    (char *)"f:1",
				    RS_VIOLATED,
				    NULL,
				    0,
				    1,
				    (char *)"a\tb\r\n\"c\"",
				    NULL,
				    0,
				    NULL };
	char *text;

	(void)state;
	r.budget = &b;
	r.nr_budgets = 1;
	r.host = (char *)"<host>";
	r.realtime_offset_ns = 1;
	r.verdict = RS_VIOLATED;
	text = rendered(junit_styled, &r, plain);
	well_formed(text);
	has(text, "name=\"&quot;&lt;&amp;&gt;'&#10;\xef\xbf\xbd]]&gt;\xef\xbf\xbd\xef\xbf\xbd\"");
	has(text, "message=\"a&#9;b&#13;&#10;&quot;c&quot;\"");
	has(text, "f:1: \"&lt;&amp;&gt;'\n\xef\xbf\xbd]]&gt;\xef\xbf\xbd\xef\xbf\xbd\n");
	free(text);
}

/* What neither a rule nor a clause says must turn the recording's own test case red. */
static void junit_recording(void **state)
{
	struct rs_result r = idle();
	char *text = rendered(junit_styled, &r, plain);

	(void)state;
	well_formed(text);
	has(text, "tests=\"1\" failures=\"0\" errors=\"0\"");
	free(text);

	r.verdict = RS_UNKNOWN;
	r.verdict_reason = (char *)"no remap window was seen";
	text = rendered(junit_styled, &r, plain);
	well_formed(text);
	has(text, "<testsuites name=\"remapscope\" time=\"3.000\" tests=\"1\" failures=\"0\" "
		  "errors=\"1\">");
	has(text, "<error type=\"recording\" message=\"no remap window was seen\">");
	free(text);

	r.verdict = RS_VIOLATED;
	r.verdict_reason = NULL;
	r.command = (struct rs_command_view){ true, (char *)"false", 256 };
	text = rendered(junit_styled, &r, plain);
	well_formed(text);
	has(text, "<failure type=\"recording\" message=\"\">false: exit status 1\n</failure>");
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(json_recorder),   cmocka_unit_test(json_no_split),
		cmocka_unit_test(json_devices),	   cmocka_unit_test(json_keys),
		cmocka_unit_test(json_values),	   cmocka_unit_test(json_edges),
		cmocka_unit_test(junit_golden),	   cmocka_unit_test(junit_hostile),
		cmocka_unit_test(junit_recording),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
