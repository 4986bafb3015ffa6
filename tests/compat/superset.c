// SPDX-License-Identifier: GPL-2.0-only
/*
 * superset OLD NEW: does NEW say all that OLD says? Every key of OLD is there, and means the same: measured
 * facts have the same value. Verdicts and sentences may have become better: these need to be there, with a value of
 * the same type (or null). Elements of an array are found by what names them (an id, a rule, a function),
 * otherwise by their place. Says what is missing, one line each, and ends with 1.
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <jansson.h>

/* What a later version may judge or say otherwise. */
static const char *const judged[] = {
	"verdict",   "verdict_reason", "reason",   "text",     "expected",    "sentence", "what",
	"instances", "findings",       "measured", "severity", "exit_status", "source",	  "losses",
};

static bool is_judged(const char *key)
{
	for (size_t i = 0; key && i < sizeof(judged) / sizeof(judged[0]); i++)
		if (!strcmp(judged[i], key))
			return true;
	return false;
}

/* What names an element, if anything does. */
static const char *name_key(const json_t *e)
{
	static const char *const keys[] = { "id", "function", "name" };

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		if (json_object_get(e, keys[i]))
			return keys[i];
	return NULL;
}

static const json_t *same_element(const json_t *array, const json_t *e, size_t at)
{
	const char *key = name_key(e);
	const json_t *other;
	size_t i;

	if (!key)
		return json_array_get(array, at);
	json_array_foreach(array, i, other) {
		if (json_equal(json_object_get(e, key), json_object_get(other, key)))
			return other;
	}
	return NULL;
}

static int complain(const char *path, const char *what)
{
	printf("%s: %s\n", path, what);
	return 1;
}

static bool same_type(const json_t *a, const json_t *b)
{
	return json_typeof(a) == json_typeof(b) || (json_is_boolean(a) && json_is_boolean(b));
}

static int covers(const json_t *old, const json_t *new, const char *key, const char *path)
{
	bool free_value = is_judged(key);
	char deeper[512];
	const json_t *e;
	const char *k;
	int bad = 0;
	size_t i;

	if (!new)
		return complain(path, "is missing");
	if (free_value && (json_is_null(old) || json_is_null(new)))
		return 0;
	if (!same_type(old, new))
		return complain(path, "is of another type");
	if (json_is_object(old)) {
		for (void *it = json_object_iter((json_t *)old); it;
		     it = json_object_iter_next((json_t *)old, it)) {
			k = json_object_iter_key(it);
			snprintf(deeper, sizeof(deeper), "%s/%s", path, k);
			bad |= covers(json_object_iter_value(it), json_object_get(new, k), k,
				      deeper);
		}
		return bad;
	}
	if (json_is_array(old)) {
		if (free_value)
			return 0;
		json_array_foreach(old, i, e) {
			snprintf(deeper, sizeof(deeper), "%s/%zu", path, i);
			bad |= covers(e, same_element(new, e, i), NULL, deeper);
		}
		return bad;
	}
	if (!free_value && !json_equal(old, new))
		return complain(path, "has another value");
	return 0;
}

int main(int argc, char **argv)
{
	json_t *old, *new;
	json_error_t err;
	int bad;

	if (argc != 3) {
		fprintf(stderr, "usage: superset OLD NEW\n");
		return 2;
	}
	old = json_load_file(argv[1], 0, &err);
	new = old ? json_load_file(argv[2], 0, &err) : NULL;
	if (!new) {
		fprintf(stderr, "superset: %s: %s\n", old ? argv[2] : argv[1], err.text);
		return 2;
	}
	bad = covers(old, new, NULL, "");
	json_decref(old);
	json_decref(new);
	return bad;
}
