# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2154
# Comparing with another recording: diff, and budgets against a base; sourced by tests/cli/run.

case_of "diff of the same" 0 'verdict: no regression' "" "$rs" diff fast.trace fast.trace
case_of "diff of what became slower" 1 \
	'WORSE window .*20\.[0-9] ms 30\.[0-9] ms \+4[0-9.]+ %.*verdict: regression \([1-9]' "" \
	"$rs" diff fast.trace slow.trace
case_of "diff of what became faster" 0 'better window .*verdict: no regression' "" \
	"$rs" diff slow.trace fast.trace
case_of "diff with a threshold above the change" 0 'verdict: no regression' "" \
	"$rs" diff --threshold 90% fast.trace slow.trace
case_of "diff with an alpha that eight of each cannot reach" 3 'UNKNOWN window .*cannot be told' "" \
	"$rs" diff --alpha 0.0001 fast.trace slow.trace
case_of "diff -v" 0 'same window .*8 and 8 samples, .*exact' "" "$rs" diff -v fast.trace fast.trace
case_of "diff of too few" 3 'UNKNOWN window.*With 8 and 1 samples no difference.*cannot be told' "" \
	"$rs" diff fast.trace pass.trace
case_of "diff with a rule newly violated" 1 'WORSE remap-same-memory pass violated' "" \
	"$rs" diff pass.trace violated.trace
case_of "diff with a rule newly unknown" 3 'UNKNOWN window-closed pass unknown' "" \
	"$rs" diff pass.trace unknown.trace
case_of "diff with nothing in common" 3 'nothing in common' "" "$rs" diff empty.trace empty.trace
case_of "diff of nothing new" 3 'the new recording has no window that ended' "" \
	"$rs" diff fast.trace empty.trace
case_of "diff --json" 1 '^\{ "schema": "remapscope-diff".*"exit_status": 1.*"state": "worse".*\} $' "" \
	"$rs" diff --json fast.trace slow.trace
"$rs" diff --json fast.trace slow.trace >first.json || true
"$rs" diff --json fast.trace slow.trace >second.json || true
case_of "the same diff again" 0 "" "" cmp first.json second.json

refused "diff without files" 2 'diff: two trace files, please: BASE and NEW' diff
refused "diff of one file" 2 'diff: two trace files, please: BASE and NEW' diff pass.trace
refused "diff of three files" 2 'diff: two trace files, please: BASE and NEW' \
	diff pass.trace pass.trace pass.trace
refused "diff with a missing file" 2 'cannot (read|open) "no.trace": No such file or directory' \
	diff pass.trace no.trace
echo "this is not a trace, but it is longer than a trace's head is" >foreign.trace
refused "diff with a foreign base" 2 '"foreign.trace" is not a remapscope trace' \
	diff foreign.trace pass.trace
for option in --alpha --threshold; do
	refused "diff $option without a value" 2 "diff: option \"$option\" wants a value" diff $option
done
for p in 0 1 -1 x 5% nan ""; do
	refused "diff --alpha \"$p\"" 2 \
		"diff: --alpha is a probability \\(0.05\\), not \"$p\"" diff "--alpha=$p" a b
done
for p in 0 -1 x 5%% inf ""; do
	refused "diff --threshold \"$p\"" 2 \
		"diff: --threshold is in per cent \\(10%\\), not \"$p\"" diff "--threshold=$p" a b
done

# Budgets against a base recording.
echo "window max <= 1.2x base" >ratio.budget
printf 'blackout p50 <= 2x base\nphase[name=remap] count == 1x base\nwindow rate > 1/s\n' >loose.budget
case_of "check against a base that is as fast" 0 'pass window max <= 1.2x base measured 20.7ms base 20.7ms' \
	"" "$rs" check --budget ratio.budget --base fast.trace fast.trace
case_of "check against a faster base" 1 'max is 30.7ms, not <= 1.2x base \(24\.[0-9]+ms\)' "" \
	"$rs" check --budget ratio.budget --base fast.trace slow.trace
case_of "check against a base with another limit" 0 'pass blackout p50.*pass phase.*pass window rate' "" \
	"$rs" check --budget loose.budget --base fast.trace slow.trace
case_of "check against an empty base" 3 \
	'Nothing to measure in the base recording: no remap window was seen' "" \
	"$rs" check --budget ratio.budget --base empty.trace slow.trace
case_of "check --json against a base" 0 '"base": "20.7ms", "base_samples": 8, "note": null' "" \
	"$rs" check --json --budget ratio.budget --base fast.trace fast.trace
refused "check without the base that a clause needs" 2 \
	'ratio.budget:1:15: expected a base recording \(--base FILE\) for "1.2x base", found none' \
	check --budget ratio.budget fast.trace
refused "check with a base that is not there" 2 \
	'cannot (read|open) "no.trace": No such file or directory' \
	check --budget ratio.budget --base no.trace fast.trace
refused "check with a base and no budget" 2 'check: --base is for a budget \(--budget FILE\)' \
	check --base fast.trace fast.trace
