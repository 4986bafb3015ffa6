# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2154
# How the program is called, rightly and wrongly; sourced by tests/cli/run.

usage='^usage: remapscope .*doctor .*record .*watch .*report .*check .*diff .*rules .*version .*exit status: 0 pass'
case_of "no arguments" 2 "" "$usage" "$rs"
case_of "no arguments, --json" 2 "" '^\{"error":".+","status":2\} $' "$rs" --json
case_of "help" 0 "$usage" "" "$rs" help
case_of "--help" 0 "$usage" "" "$rs" --help
case_of "-h" 0 "$usage" "" "$rs" -h

refused "unknown command" 2 'unknown command "fly" \(try "remapscope help"\)' fly
refused "empty command" 2 'unknown command "" \(try "remapscope help"\)' ""
refused "unknown global option" 2 'unknown option "--fly"' --fly
for command in doctor record watch report check diff rules; do
	refused "$command: unknown option" 2 "$command: unknown option \"--fly\"" $command --fly
	refused "$command: unknown letter" 2 "$command: unknown option \"-z\"" $command -z
done
refused "version: unknown argument" 2 'version: unknown argument "x"' version x
for name in "" "a b" a-b a/b; do
	refused "doctor of \"$name\"" 2 "doctor: \"$name\" is not a function's name" doctor "$name"
done
# shellcheck disable=SC2046
refused "doctor of too many functions" 2 'doctor: at most 80 functions at a time' \
	doctor $(seq -f f%g 81)

for option in -o --output -p --pid --duration --buffer --tree --cgroup --device --group \
	--container --tail; do
	refused "record $option without a value" 2 "record: option \"$option\" wants a value" \
		record $option
done
for option in --budget --base --rule --junit --qmp -o -p --buffer --tree --cgroup --device --group --container \
	--tail; do
	refused "check $option without a value" 2 "check: option \"$option\" wants a value" \
		check $option
done
for seconds in 0 -1 x 1x nan inf ""; do
	refused "record --duration \"$seconds\"" 2 \
		"record: \"$seconds\" is not a duration in seconds" record "--duration=$seconds"
done
for size in x -1 1x 1mm 99999999999999999999 ""; do
	refused "record --buffer \"$size\"" 2 "record: \"$size\" is not a size" record "--buffer=$size"
done
for size in 0 1 63k 2G 1073741825; do
	refused "record --buffer $size" 2 \
		"record: (a buffer has 64k to 1G, not $size|\"$size\" is not a size)" \
		record "--buffer=$size"
done

refused "record COMMAND without --" 2 'record: a command comes after "--"' record true
refused "record -- without COMMAND" 2 'record: no command after "--"' record --
refused "report --qmp without a value" 2 'report: option "--qmp" wants a value' report --qmp
refused "report without a file" 2 'report: one trace file, please' report
refused "report of two files" 2 'report: one trace file, please' report pass.trace pass.trace
refused "check without a file" 2 'check: a trace file or "-- COMMAND", please' check
refused "check -- without COMMAND" 2 'check: no command after "--"' check --
refused "check of two files" 2 \
	'check: one trace file, please \(a command comes after "--"\)' check pass.trace pass.trace
for option in -o=x.trace --pid=1 --tree=1 --cgroup=/ --device=x --group=0 --container=1:1 \
	--buffer=1M --no-fentry --fentry --all --armed --tail=1 --verify --verify=all; do
	name=${option%%=*}
	[ "$name" != -o ] || option=-ox.trace
	refused "check $option with a file" 2 \
		"check: ${name/#--pid/-p} is for a command, not for a trace" check "$option" pass.trace
done
refused "check of an unknown rule" 2 \
	'unknown rule "window" \(known: window-closed, .*, iommufd-handover\)' \
	check --rule window pass.trace

case_of "version" 0 '^remapscope [0-9.]+ trace format 1\.0 libbpf .* jansson .* zlib ' "" \
	"$rs" version
case_of "--version" 0 '^remapscope [0-9.]+ ' "" "$rs" --version
for option in -j --json; do
	case_of "version $option" 0 '^\{ .*"version": "[0-9.]+".*"trace_format": "1\.0"' "" \
		"$rs" version $option
done
