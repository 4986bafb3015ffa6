# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2154
# What watch refuses to do; sourced by tests/cli/run.

for option in --dir --size --file-size --budget -p --buffer --device --tail; do
	refused "watch $option without a value" 2 "watch: option \"$option\" wants a value" watch $option
done
for size in x -1 1x 1mm 99999999999999999999 4096T ""; do
	refused "watch --size \"$size\"" 2 "watch: \"$size\" is not a size" watch --dir . "--size=$size"
	refused "watch --file-size \"$size\"" 2 "watch: \"$size\" is not a size" \
		watch --dir . "--file-size=$size"
done
refused "watch --size 4095" 2 'watch: traces have 4k at least, not 4095' watch --dir . --size 4095
refused "watch --file-size above --size" 2 \
	'watch: --file-size is more than all traces may have \(--size\)' \
	watch --dir . --size 8k --file-size 9k
for option in --size --file-size; do
	refused "watch $option without --dir" 2 \
		'watch: without --dir no traces are written that could have a size' watch $option 1M
done
refused "watch -o" 2 'watch: it writes more than one trace: --dir, not -o' watch -o x.trace
refused "watch --all" 2 'watch: it is armed, so --all is not for it' watch --all
refused "watch --pid of nobody" 2 'watch: there is no process 2147483647' watch --pid 2147483647
refused "watch COMMAND" 2 'watch: unknown argument "true"' watch -- true
refused "watch of a file" 2 'watch: unknown argument "pass.trace"' watch pass.trace
refused "watch with no budget" 2 'cannot read "no/budget": No such file or directory' \
	watch --budget no/budget
echo 'blackout p50 <= 1.2x base' >base.budget
refused "watch with a budget that wants a base" 2 '.*base.*' watch --budget base.budget
refused "watch into no directory" 2 'cannot write traces to "no/such": No such file or directory' \
	watch --dir no/such
refused "watch into a file" 2 'cannot write traces to "pass.trace": Not a directory' \
	watch --dir pass.trace
mkdir -p taken
if command -v flock >/dev/null; then
	exec 8<taken
	flock -n 8
	refused "watch into a directory that another one has" 2 \
		'another remapscope writes its traces to "taken" already' watch --dir taken
	exec 8<&-
else
	skip "watch into a directory that another one has" "no flock(1) here"
fi
# Without VFIO it waits for it, if it could do more then.
if ! $has_vfio; then
	: >err
	"$rs" watch --dir taken >out 2>err </dev/null &
	pid=$!
	until [ -s err ] || ! kill -0 $pid 2>/dev/null; do
		sleep 0.1
	done
	if grep -q '^remapscope: waiting' err; then
		kill -TERM $pid
		got=0
		wait $pid || got=$?
		judge "watch waits for VFIO" 0 "" '0 updates: 0 pass, 0 violated, 0 unknown $' "$got"
		case_of "watch that has only waited: its trace" 0 'complete +yes' "" "$rs" report taken/*.trace
	else
		got=0
		wait $pid || got=$?
		judge "watch without privilege or BTF" 4 "" '^remapscope: .* $' "$got"
		case_of "watch leaves no trace that never began" 0 "" "" ls taken
	fi
fi
