# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2154
# The rules, as they are printed; sourced by tests/cli/run.

case_of "rules" 0 '^window-closed +error, of each range .* one-owner .*' "" "$rs" rules
case_of "rules ID" 0 \
	'^one-owner clause After a hand-over .* severity error .* why .* states undivided .* arrows.* undivided -handed-over-> handed-over .* a violation seen u1 c1 ' \
	"" "$rs" rules one-owner
case_of "rules ID with a clock" 0 ' invalid -time-> violated \(for more than 60 s\) ' "" \
	"$rs" rules window-closed
case_of "rules --dot ID" 0 '^digraph "one-owner" \{ .*s0 -> s1 \[label="handed-over"\]; .*\} $' "" \
	"$rs" rules --dot one-owner
case_of "rules --json ID" 0 \
	'^\{ "schema": "remapscope-rules", "schema_version": 1, "rules": \[ \{ "id": "one-owner", ' "" \
	"$rs" rules --json one-owner
case_of "rules --json" 0 '"id": "window-closed", .*"at_most_ns": 60000000000.*"id": "one-owner", ' "" \
	"$rs" --json rules
refused "rules of no rule" 2 'rules: unknown rule "fly" \(known: window-closed, .*\)' rules fly
refused "rules of two" 2 'rules: one rule, please, or none for all' rules one-owner window-closed
refused "rules --markdown ID" 2 'rules: --markdown prints all rules' rules --markdown one-owner
case_of "rules --dot --json" 2 "" \
	'^\{"error":"rules: either --json or another form","status":2\} $' "$rs" rules --dot --json
"$rs" rules --markdown >rules.md
if cmp -s rules.md "$here/../../docs/rules.md"; then
	ok "docs/rules.md is what the rules' tables say"
else
	fail "docs/rules.md is what the rules' tables say" "make docs/rules.md"
fi
