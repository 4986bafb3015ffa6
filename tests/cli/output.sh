# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2154
# Where output goes, and what becomes of it when it cannot go there; sourced by tests/cli/run.

# onto TARGET ARGUMENT...: stdout is TARGET; - closes it.
onto() {
	local target=$1

	shift
	if [ "$target" = - ]; then
		"$rs" "$@" >&-
	else
		"$rs" "$@" >"$target"
	fi
}

# one_line NAME COMMAND...: says in one line that it cannot write.
one_line() {
	local name=$1 got=0 said='^remapscope: cannot write .*: [A-Z].* $'

	shift
	case " $* " in *" --json "*) said='^\{"error":"cannot write .*: [A-Z].*","status":2\} $' ;; esac
	"$@" 2>err </dev/null || got=$?
	: >out
	if [ "$(wc -l <err)" -ne 1 ]; then
		fail "$name" "$(wc -l <err) lines on stderr, not 1: $(head -c 300 err | tr '\n' ' ')"
		return
	fi
	judge "$name" 2 "" "$said" "$got"
}

if [ -w /dev/full ]; then
	for arguments in "report pass.trace" "report --json pass.trace" "check violated.trace" \
		"check --json violated.trace" version help "version --json" rules "rules one-owner" \
		"rules --dot" "rules --markdown" "rules --json"; do
		# shellcheck disable=SC2086
		one_line "$arguments > /dev/full" onto /dev/full $arguments
	done
else
	skip "output to /dev/full" "no /dev/full here"
fi
for arguments in "report pass.trace" "report --json pass.trace" "check violated.trace" version help; do
	# shellcheck disable=SC2086
	one_line "$arguments, stdout closed" onto - $arguments
done

# A reader that goes away early is no reason to die of a signal.
got=0
{ "$rs" report -v pass.trace 2>err || echo $? >status; } | true
[ -s status ] && got=$(cat status)
if [ "$got" -ne 0 ] && [ "$got" -ne 2 ]; then
	fail "report | true" "exit status $got"
else
	ok "report | true"
fi

# JUnit.
case_of "check --junit" 1 '.' "" "$rs" check --junit junit.xml violated.trace
case_of "the JUnit file" 0 '<testsuite.*name="remap-same-memory".*<failure' "" cat junit.xml
refused_junit='cannot write "no/such/junit.xml": No such file or directory'
case_of "check --junit to nowhere" 2 '.' "^remapscope: $refused_junit \$" \
	"$rs" check --junit no/such/junit.xml pass.trace
if [ -w /dev/full ]; then
	case_of "check --junit to /dev/full" 2 '.' \
		'^remapscope: cannot write "/dev/full": [A-Z].* $' \
		"$rs" check --junit /dev/full pass.trace
fi
# With stdout closed the file gets its number: nothing but XML may go there.
rm -f junit.xml
onto - check --junit junit.xml violated.trace 2>err || true
if [ -e junit.xml ]; then
	case_of "check --junit, stdout closed" 0 '^<\?xml .*</testsuites?> $' "" cat junit.xml
else
	ok "check --junit, stdout closed"
fi

# Colours: on a terminal only, and not against NO_COLOR. script(1) makes the terminal.
esc=$(printf '\033')
case_of "no colours in a file" 1 '.' "" "$rs" check violated.trace
if grep -q "$esc" out; then
	fail "no escapes in a file" "there are some"
else
	ok "no escapes in a file"
fi
if ! command -v script >/dev/null; then
	skip "colours on a terminal" "no script(1) here"
	skip "NO_COLOR" "no script(1) here"
	skip "TERM=dumb" "no script(1) here"
else
	# on_terminal NAME WANT VARIABLE=VALUE...: are there escapes?
	on_terminal() {
		local name=$1 want=$2 got=no

		shift 2
		env "$@" script -qec "'$rs' check violated.trace" /dev/null >out 2>err </dev/null || true
		grep -q "$esc\\[" out && got=yes
		if ! grep -q remap-same-memory out; then
			fail "$name" "no output: $(head -c 300 out | tr '\n' ' ')"
		elif [ $got = "$want" ]; then
			ok "$name"
		else
			fail "$name" "escapes: $got"
		fi
	}
	on_terminal "colours on a terminal" yes TERM=xterm
	on_terminal "NO_COLOR" no TERM=xterm NO_COLOR=1
	on_terminal "an empty NO_COLOR says nothing" yes TERM=xterm NO_COLOR=
	on_terminal "TERM=dumb" no TERM=dumb
fi
