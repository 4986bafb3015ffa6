# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2154
# Excerpts: check --explain, and what they are when they are read; sourced by tests/cli/run.

rule=remap-same-memory
case_of "check --explain" 1 "replay remapscope check --rule $rule ex/$rule-1.trace" "" \
	"$rs" check --explain ex violated.trace
case_of "what is written" 0 "^$rule-1.trace \$" "" ls -A ex
case_of "check of an excerpt" 1 \
	"excerpt: of violated.trace: it shows one violation of $rule, and nothing else.*VIOLATED $rule.*was inode 42 of device 0:1 and now is inode 43.*violated \\(1 of 1 rule\\)" \
	"" "$rs" check "ex/$rule-1.trace"
case_of "report of an excerpt" 0 "excerpt of violated.trace: it shows one violation of $rule" "" \
	"$rs" report "ex/$rule-1.trace"
case_of "JSON of an excerpt" 1 \
	"\"excerpt\": \\{ \"of\": \"violated.trace\", \"rule\": \"$rule\", \"text\": \"c1 range" "" \
	"$rs" check --json "ex/$rule-1.trace"
case_of "check of an excerpt by another rule" 3 "unknown.*excerpt" "" \
	"$rs" check --rule window-closed "ex/$rule-1.trace"
case_of "an excerpt is smaller" 0 "" "" test "$(stat -c %s "ex/$rule-1.trace")" -lt \
	"$(stat -c %s violated.trace)"

# Of an excerpt there is no smaller one: the same records again.
case_of "check --explain of an excerpt" 1 "." "" "$rs" check --explain again "ex/$rule-1.trace"
records() {
	"$rs" report --json "$1" | grep '"events": [0-9]'
}
case_of "an excerpt of an excerpt" 0 "" "" test "$(records "ex/$rule-1.trace")" = \
	"$(records "again/$rule-1.trace")"

# The command that is printed does what is said of it, whatever the names are.
odd="it's a \$name"
cp violated.trace "$odd.trace"
for arguments in "" "--explain odd.$rule"; do
	rm -rf odd.$rule
	# shellcheck disable=SC2086
	"$rs" check --json $arguments "$odd.trace" >out 2>err || true
	command=$(sed -n 's/^ *"replay": "\(.*\)",\{0,1\}$/\1/p' out | sed 's/\\\\/\\/g')
	case_of "the command that replays it ${arguments%% *}" 1 "VIOLATED $rule" "" \
		bash -c "${command/#remapscope/\"$rs\"}"
done
case_of "JUnit has the command" 1 "." "" "$rs" check --junit junit.xml violated.trace
case_of "JUnit's command" 0 "replay: remapscope check --rule $rule violated.trace" "" cat junit.xml

# Nothing is overwritten, and that is said before the work.
before=$(cksum <"ex/$rule-1.trace")
refused "check --explain into what is there" 2 \
	"check: \"ex\" has an excerpt already, \"$rule-1.trace\", which is not overwritten" \
	check --explain ex violated.trace
refused "check --explain of a command into what is there" 2 \
	"check: \"ex\" has an excerpt already, \"$rule-1.trace\", which is not overwritten" \
	check --explain ex -- false
case_of "it is still there" 0 "" "" test "$before" = "$(cksum <"ex/$rule-1.trace")"
mkdir others
echo "mine" >others/notes
case_of "check --explain beside other files" 1 "others/$rule-1.trace" "" \
	"$rs" check --explain others violated.trace
case_of "other files" 0 "^mine \$" "" cat others/notes

# Nothing to explain: nothing is written, and no directory is left.
for kind in pass unknown; do
	status=0
	[ $kind = pass ] || status=3
	case_of "check --explain of $kind" $status "$kind" \
		"^remapscope: no rule is violated: there is nothing to explain \$" \
		"$rs" check --explain "none.$kind" "$kind.trace"
	case_of "no directory after $kind" 1 "" "" test -e "none.$kind"
done
case_of "check --explain, another rule" 0 "pass" "nothing to explain" \
	"$rs" check --rule window-closed --explain none.rule violated.trace

# Wrong input.
refused "check --explain without a value" 2 'check: option "--explain" wants a value' check --explain
refused "check --explain into nowhere" 2 \
	'check: cannot make the directory "no/such": No such file or directory' \
	check --explain no/such violated.trace
refused "check --explain into a file" 2 \
	'check: cannot write excerpts into "pass.trace": Not a directory' \
	check --explain pass.trace violated.trace
refused "check --explain of a missing file" 2 'cannot (read|open) "no.trace": No such file or directory' \
	check --explain none.missing no.trace
case_of "no directory after a missing file" 1 "" "" test -e none.missing
echo "window max <= 1s" >a.budget
refused "check --budget of an excerpt" 2 \
	"check: \"ex/$rule-1.trace\" is an excerpt: a budget needs the whole recording" \
	check --budget a.budget "ex/$rule-1.trace"

# A full disk: a file that may not grow.
full() {
	(
		ulimit -f 0
		"$rs" check --explain full violated.trace 2>&1
	) | cat
}
case_of "check --explain on a full disk" 2 \
	'^remapscope: check: .*(File too large|No space left on device)' "" full
case_of "no half of an excerpt" 1 "" "" test -e full

# All that was recorded in the lab and violates something.
golden=$here/../golden
for trace in "$golden"/*/*.trace; do
	name=$(basename "$(dirname "$trace")")/$(basename "$trace" .trace)
	dir=golden.${name//\//.}
	status=0
	"$rs" check --json --explain "$dir" "$trace" >whole.json 2>err || status=$?
	[ $status -eq 1 ] || continue
	violated=$(awk '/^  "findings"/ { f = 1 } /^  "budgets"/ { f = 0 }
		f && /^      "verdict": "violated"/ { n++ } END { print n + 0 }' whole.json)
	found=$(find "$dir" -name '*.trace' | wc -l)
	if [ "$found" -lt 1 ] || [ "$found" -ne "$violated" ]; then
		fail "excerpts of $name" "$found, of $violated violations"
		continue
	fi
	ok "excerpts of $name"
	for excerpt in "$dir"/*.trace; do
		status=0
		"$rs" check --json "$excerpt" >excerpt.json 2>err || status=$?
		text=$(grep '"text": "c\|"text": "d' excerpt.json | tail -n 1)
		if [ $status -ne 1 ] || ! grep -qF -- "$text" whole.json; then
			fail "$(basename "$excerpt") of $name" "status $status, $text"
		else
			ok "$(basename "$excerpt") of $name"
		fi
	done
done
