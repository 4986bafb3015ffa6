# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2154
# What record and check -- COMMAND refuse to do alike; sourced by tests/cli/run.

# both SENTENCE OPTION...: record and check say it, each after its own name.
both() {
	local sentence=$1

	shift
	refused "record $*" 2 "record: $sentence" record "$@"
	refused "check $* -- COMMAND" 2 "check: $sentence" check "$@" -- true
}

# Processes.
for option in --pid --tree; do
	for pid in 0 -1 x 1x 99999999999999999999 ""; do
		both "\"$pid\" is not a process id" "$option=$pid"
	done
	both 'there is no process 2147483647' $option 2147483647
done
both '"x" is not a process id' -p x
both '--pid is given twice' -p $$ -p $$
both '--tree is given twice' --tree $$ --tree $$
both '--pid and --tree both name a process: one of them, please' -p $$ --tree $$
# A thread has a directory in /proc, but is no process: any one here.
thread=
for task in /proc/[0-9]*/task/[0-9]*; do
	process=${task#/proc/}
	process=${process%%/*}
	if [ "$process" != "${task##*/}" ] && [ -e "/proc/${task##*/}" ]; then
		thread=${task##*/}
		break
	fi
done
if [ -n "$thread" ]; then
	both "$thread is a thread of process $process" -p "$thread"
else
	skip "a thread's id" "no process with threads"
fi

# cgroups.
both '"" is not a cgroup' --cgroup=
both "\"$work\" is not a cgroup v2 directory" --cgroup "$work"
both "\"$work/pass.trace\" is not a cgroup v2 directory" --cgroup "$work/pass.trace"
both '(there is no cgroup "no-such-cgroup"|no cgroup v2 tree is mounted to look for "no-such-cgroup" in)' \
	--cgroup no-such-cgroup
both '--cgroup is given twice' --cgroup x --cgroup y

# Devices and groups.
for device in "" . .. a/b ../b; do
	both "\"$device\" is not a device's name" "--device=$device"
done
both 'there is no device "ffff:ff:1f.7"' --device ffff:ff:1f.7
if [ -e /sys/bus/cpu/devices/cpu0 ]; then
	both 'device cpu0 is in no IOMMU group' --device cpu0
else
	skip "a device in no IOMMU group" "no cpu0 in sysfs"
fi
for group in "" -1 x 1x 1/devices; do
	both "\"$group\" is not a group's number" "--group=$group"
done
both 'there is no IOMMU group 2147483647' --group 2147483647
both '--device and --group both name a group: one of them, please' --device x --group 0
both '--device is given twice' --device x --device x
both '--group is given twice' --group 0 --group 1

# Containers. This shell has a file 9 that is none, and no file 99.
exec 9</dev/null
for container in "" 1 1: :1 0:1 x:1 1:x 1:-1 1:1:1; do
	both "\"$container\" is not PID:FD" "--container=$container"
done
both 'there is no process 2147483647' --container 2147483647:1
both "process $$ has no file 99" --container $$:99
both "file 9 of process $$ is not a container \\(/dev/vfio/vfio, /dev/iommu\\)" --container $$:9
both '--container is given twice' --container $$:9 --container $$:9
exec 9<&-

# What is recorded, and what is looked at.
both '--all or --armed, not both' --all --armed
refused "record --all --tail" 2 \
	'record: --tail is of no use when everything is recorded \(--armed\)' record --all --tail 1
refused "check --tail" 2 \
	'check: --tail is of no use when everything is recorded \(--armed\)' check --tail 1 -- true
for seconds in -1 x 1x nan inf 1e10 ""; do
	both "\"$seconds\" is not a duration in seconds" --armed "--tail=$seconds"
done
both '"-1" is not a duration in seconds' --armed --tail -1
for what in foo none "" Sampled all,pages; do
	both "--verify is \"sampled\", \"pages\" \\(the same\\) or \"all\", not \"$what\"" "--verify=$what"
done
refused "check --wait" 2 'check: unknown option "--wait"' check --wait -- true
refused "record --wait, and more" 2 'record: "x" is not a duration in seconds' \
	record --wait --duration x

# What is taken gets as far as this machine does.
if $has_vfio; then
	skip "what is taken" "this kernel has VFIO"
else
	for arguments in "--armed --tail 0" "--tail 0.5" "--verify" "--verify=sampled" "--verify=pages" \
		"--verify=all --all" "--tree $$ --verify" "--pid $$ --armed" "-p$$ -ox.trace"; do
		# shellcheck disable=SC2086
		refused "record $arguments" 4 "this kernel \\($kernel\\) has no VFIO" record $arguments
	done
	for arguments in "--armed --tail 0" --all --armed "--verify=all" "--tree $$"; do
		# shellcheck disable=SC2086
		refused "check $arguments" 4 "this kernel \\($kernel\\) has no VFIO" \
			check $arguments -- true
	done
fi

# Functions, on any machine.
if ! grep -q '"privilege": true' doctor.json; then
	refused "doctor of a function, without privilege" 4 \
		'no privilege: CAP_SYS_ADMIN is needed \(run as root\)' doctor vfs_read
elif ! grep -q '"btf": true' doctor.json; then
	skip "doctor of a function" "this kernel has no BTF"
else
	case_of "doctor of no function" 3 \
		'^ ?no_such_function_here none not fentry: not in BTF.* not kprobe: ' "" \
		"$rs" doctor no_such_function_here
	case_of "doctor --no-fentry of no function" 3 \
		'none not fentry: left out as asked \(--no-fentry\) not kprobe: ' "" \
		"$rs" doctor --no-fentry no_such_function_here
	for arguments in "doctor --json" "--json doctor" "doctor -j"; do
		# shellcheck disable=SC2086
		case_of "$arguments of no functions" 3 \
			'^\{ "schema": "remapscope-doctor".*"function": "no_such_function_here", "module": null, "mechanism": null, "not": \{ "fentry": .*"function": "nor_this_one".*"all": false \} $' \
			"" "$rs" $arguments no_such_function_here nor_this_one
	done
fi
