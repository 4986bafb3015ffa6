/* SPDX-License-Identifier: GPL-2.0-only */
/**
 * DOC: Excerpts: each violation as a trace of its own
 *
 * DIR/RULE-N.trace holds the smallest part of the recording that yields the rule's Nth violation in the list of
 * findings (src/explain/slice.h), as a trace that every command reads (docs/trace-format.md, Excerpts).
 *
 * What it costs, beyond the recording's own analysis: one more reading of the file, in which the records of
 * the findings' containers, and of all processes, are held, each once; another one, holding all containers' records,
 * only when a finding cannot be had from these; and for each finding what src/explain/slice.h says.
 */
#ifndef RS_EXPLAIN_EXPLAIN_H
#define RS_EXPLAIN_EXPLAIN_H

#include "result/result.h"
#include "util/msg.h"

/**
 * rs_explain_prepare() - before any other work: is there a directory, and room in it for excerpts?
 * @dir: made if it is not there; its parent must be
 * @made: set when it was made
 *
 * Return: 0; -EEXIST when there is an excerpt already, or another -errno; with a sentence
 */
int rs_explain_prepare(const char *dir, bool *made, struct rs_msg *msg);

/**
 * struct rs_explained - what came of it
 * @written: excerpts
 * @larger: ... of these, not the smallest that there are: src/explain/slice.h says when
 * @missed: violated findings that no part of the file yields: it is not the recording that was judged, or not all of it
 */
struct rs_explained {
	size_t written;
	size_t larger;
	size_t missed;
};

/**
 * rs_explain() - write an excerpt for each violated finding
 * @dir: prepared
 * @path: the recording
 * @whole: its result; the findings' replay becomes that of their excerpts
 * @out: filled also on failure
 *
 * A file that could not be written to its end is removed.
 *
 * Return: 0 or -errno with a sentence
 */
int rs_explain(const char *dir, const char *path, struct rs_result *whole, struct rs_explained *out,
	       struct rs_msg *msg);

#endif /* RS_EXPLAIN_EXPLAIN_H */
