# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2154
# What check --explain writes: that it says the same as the whole; sourced by tests/cli/run.

# violations: of JSON on stdin, a line for each: rule, text, expected, at_ns, container and window.
violations() {
	sed -n '/^  "findings": \[$/,/^  \]/p' | sed -n 's/^      \("\(rule\|verdict\|text\|expected\|at_ns\|container\|window\)": .*\),$/\1/p' |
		paste -sd '\t\t\t\t\t\t\n' | grep -F '"verdict": "violated"' || true
}

# violated_events: of JSON on stdin, the violations' events, without what only other records tell of a process.
violated_events() {
	sed -n '/^  "findings": \[$/,/^  \]/p' |
		sed -n '/^      "verdict": "violated"/,/^    }/s/^          *"\(at_ns\|cpu\|tid\|type\|text\)": .*/&/p'
}

# explained NAME TRACE: each violation has an excerpt that says the same, and the replay that is printed finds it.
explained() {
	local name=$1 trace=$2 dir="explained/$1" got=0 said n rule file want=0 number line
	declare -A nr=()

	"$rs" --json check "$trace" >whole.json 2>err || want=$?
	violations <whole.json >whole.list
	"$rs" --json check --explain "$dir" "$trace" >explained.json 2>err || got=$?
	# Explaining changes nothing but where to find it again.
	grep -v '^ *"replay": ' whole.json >whole.bare
	grep -v '^ *"replay": ' explained.json >explained.bare
	if [ "$got" -ne "$want" ] || ! cmp -s whole.bare explained.bare || [ -s err ]; then
		fail "$name explained" "status $got, not $want, or another result: $(head -c 300 err)"
		return
	fi
	if [ ! -s whole.list ]; then
		if [ -e "$dir" ]; then
			fail "$name has nothing to explain" "there is $dir"
		else
			ok "$name has nothing to explain"
		fi
		return
	fi
	n=0
	while IFS= read -r line; do
		rule=${line#*\"rule\": \"}
		rule=${rule%%\"*}
		nr[$rule]=$((${nr[$rule]:-0} + 1))
		number=${nr[$rule]}
		file="$dir/$rule-$number.trace"
		n=$((n + 1))
		said="remapscope check --rule $rule $file"
		grep -qF "\"replay\": \"$said\"" explained.json ||
			fail "$name: replay of $rule $number" "not in the result: $said"
		got=0
		"$rs" --json check --rule "$rule" "$file" >part.json 2>err || got=$?
		if [ "$got" -ne 1 ] || ! violations <part.json | grep -qxF -- "$line"; then
			fail "$name: $rule $number found again" "status $got, $(violations <part.json)"
		elif [ "$(violations <part.json | wc -l)" -eq 1 ] && [ "$(wc -l <whole.list)" -eq 1 ] &&
			! { [ -n "$(violated_events <part.json)" ] &&
				cmp -s <(violated_events <whole.json) <(violated_events <part.json); }; then
			fail "$name: $rule $number found again" "with other events"
		elif ! grep -q '^  "losses": \[\]' part.json || ! grep -q '"complete": true' part.json; then
			fail "$name: $rule $number is whole" "what was left out is told as a loss"
		elif [ "$(stat -c %a "$file")" != 600 ]; then
			fail "$name: $rule $number" "mode $(stat -c %a "$file"), not 600"
		else
			ok "$name: $rule $number found again"
		fi
	done <whole.list
	# shellcheck disable=SC2012
	if [ "$(ls -A "$dir" | wc -l)" -eq "$n" ]; then
		ok "$name: an excerpt for each of $n"
	else
		fail "$name: an excerpt for each of $n" "$(ls -A "$dir" | tr '\n' ' ')"
	fi
}

mkdir explained
for kind in pass violated unknown empty; do
	explained $kind $kind.trace
done
for trace in "$here"/../golden/*/*.trace; do
	version=${trace%/*}
	explained "${version##*/}-$(basename "$trace" .trace)" "$trace"
done

# Cut behind what was violated: the violation stands, the excerpt is of it alone.
size=$(stat -c %s violated.trace)
head -c $((size - 3)) violated.trace >cut-violated.trace
explained cut-violated cut-violated.trace
case_of "the whole was cut" 1 'incomplete: ' "" "$rs" check cut-violated.trace

# A disk that is full, as a limit on the size of files: the verdict is told all the same.
size=$(stat -c %s explained/violated/remap-same-memory-1.trace)
for blocks in 0 $(((size - 1) / 1024)); do
	got=0
	said=$(ulimit -f $blocks && "$rs" check --explain limited violated.trace 2>&1) || got=$?
	echo "$said" >out
	: >err
	judge "check --explain, room for $blocks KiB" 2 \
		'cannot write "limited/remap-same-memory-1.trace": File too large.* VIOLATED remap-same-memory' \
		"" $got
	case_of "nothing of it is left" 1 "" "" test -e limited
done
