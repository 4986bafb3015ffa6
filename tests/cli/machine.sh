# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2154
# What depends on the machine; sourced by tests/cli/run.

# A command that is not there is the user's mistake, on any machine, and comes before all else.
touch not-a-program
for command in record check; do
	refused "$command of no program" 2 'cannot run nosuchprogram: no such program' \
		$command -- nosuchprogram
	refused "$command of no program, by path" 2 \
		'cannot run \./nosuchprogram: No such file or directory' $command -- ./nosuchprogram
	refused "$command of what is not a program" 2 'cannot run \./not-a-program: not a program' \
		$command -- ./not-a-program
	refused "$command of a directory" 2 'cannot run \.: .*' $command -- .
done
if [ -e remapscope.trace ]; then
	fail "no trace of what was not recorded" "there is a remapscope.trace"
else
	ok "no trace of what was not recorded"
fi

if $has_vfio; then
	skip "what is said without VFIO" "this kernel has it"
else
	sentence="this kernel \\($kernel\\) has no VFIO"
	refused "record without VFIO" 4 "$sentence" record
	refused "record -- COMMAND without VFIO" 4 "$sentence" record -- touch was-run
	refused "check -- COMMAND without VFIO" 4 "$sentence" check -- touch was-run
	refused "record -o without VFIO" 4 "$sentence" record -o x.trace
	if [ -e was-run ] || [ -e x.trace ] || [ -e remapscope.trace ]; then
		fail "nothing is run or written without VFIO" "$(ls)"
	else
		ok "nothing is run or written without VFIO"
	fi
	case_of "doctor without VFIO" 4 "^$sentence \$" "" "$rs" doctor
	for arguments in "doctor --json" "doctor -j" "--json doctor"; do
		# shellcheck disable=SC2086
		case_of "$arguments without VFIO" 4 \
			"^\\{ .*\"vfio\": false.*\"can_record\": false.*\"reason\": \"$sentence\" \\} \$" \
			"" "$rs" $arguments
	done
fi

# Traces are judged on any machine: by whom and where does not matter.
if [ "$(id -u)" -eq 0 ] && command -v setpriv >/dev/null; then
	chmod 755 .
	chmod 644 pass.trace
	cp "$rs" ./remapscope-copy
	chmod 755 ./remapscope-copy
	case_of "check without privilege" 0 'pass' "" setpriv --reuid 65534 --regid 65534 \
		--clear-groups --inh-caps=-all --bounding-set=-all ./remapscope-copy check pass.trace
	# Without VFIO nothing else is said first; the lab shows this case (tests/lab/guest-robust).
	if $has_vfio; then
		case_of "record without privilege" 4 "" '^remapscope: no privilege: ' \
			setpriv --reuid 65534 --regid 65534 --clear-groups --inh-caps=-all \
			--bounding-set=-all ./remapscope-copy record
	fi
else
	skip "check without privilege" "not root, or no setpriv(1)"
	skip "record without privilege" "not root, or no setpriv(1)"
fi
