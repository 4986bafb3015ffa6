// SPDX-License-Identifier: GPL-2.0-only
/*
 * lab-json FILE PATH...: what a JSON file has at each PATH, one line each. A PATH is names and indices
 * with slashes between; # is the length of an array, [KEY=TEXT] the elements of one whose KEY is TEXT,
 * EACH every element:
 *
 *   lab-json report.json mode windows/# windows/0/end requests/[op=read]/# findings/EACH/rule
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

	static json_t *select_elements(const json_t *list, char *test)
{
	char *key = test + 1, *text = strchr(test, '='), *end = strrchr(test, ']');
	json_t *found = json_array(), *e;
	size_t i;

	if (!text || !end)
		return found;
	*text++ = '\0';
	*end = '\0';
	json_array_foreach(list, i, e) {
		const char *value = json_string_value(json_object_get(e, key));

		if (value && !strcmp(value, text))
			json_array_append(found, e);
	}
	return found;
}

/* A new reference; NULL: there is nothing. */
static json_t *step(json_t *at, char *word)
{
	if (*word == '[')
		return select_elements(at, word);
	if (!strcmp(word, "#"))
		return json_integer(json_array_size(at));
	if (json_is_array(at))
		return json_incref(json_array_get(at, strtoul(word, NULL, 10)));
	return json_incref(json_object_get(at, word));
}

static void print(const json_t *v)
{
	if (json_is_string(v)) {
		puts(json_string_value(v));
		return;
	}
	json_dumpf(v, stdout, JSON_ENCODE_ANY | JSON_COMPACT);
	putchar('\n');
}

static int look_up(json_t *root, const char *path);

/* A line for each. */
static int look_up_each(json_t *list, const char *path)
{
	json_t *e;
	size_t i;
	int bad = 0;

	json_array_foreach(list, i, e)
		bad |= path ? look_up(e, path) : (print(e), 0);
	return bad;
}

static int look_up(json_t *root, const char *path)
{
	char *copy = strdup(path), *rest = copy, *word;
	json_t *at = json_incref(root), *next;
	int bad = 0;

	if (!copy)
		return -1;
	while (at && (word = strsep(&rest, "/"))) {
		if (!strcmp(word, "EACH")) {
			bad = look_up_each(at, rest);
			goto out;
		}
		next = step(at, word);
		json_decref(at);
		at = next;
	}
	if (at) {
		print(at);
	} else {
		fprintf(stderr, "lab-json: there is no %s\n", path);
		bad = -1;
	}
out:
	free(copy);
	json_decref(at);
	return bad;
}

int main(int argc, char **argv)
{
	json_error_t error;
	json_t *root;
	int i, bad = 0;

	if (argc < 3) {
		fprintf(stderr, "usage: lab-json FILE PATH...\n");
		return 2;
	}
	root = json_load_file(argv[1], 0, &error);
	if (!root) {
		fprintf(stderr, "lab-json: %s: %s\n", argv[1], error.text);
		return 2;
	}
	for (i = 2; i < argc; i++)
		bad |= look_up(root, argv[i]);
	json_decref(root);
	return bad ? 1 : 0;
}
