# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2154
# Traces, good and bad, and budgets; sourced by tests/cli/run.

case_of "check of what passed" 0 'pass' "" "$rs" check pass.trace
case_of "check of what was violated" 1 \
	'remap-same-memory.*was inode 42 of device 0:1 and now is inode 43' "" \
	"$rs" check violated.trace
case_of "check of what cannot be told" 3 'unknown.*window-closed.*recording ends' "" \
	"$rs" check unknown.trace
case_of "check of a recording in which nothing happened" 0 'pass' "" "$rs" check empty.trace
for kind in pass violated unknown empty; do
	case_of "report of $kind" 0 '.' "" "$rs" report $kind.trace
	case_of "report -v of $kind" 0 '.' "" "$rs" report -v $kind.trace
	case_of "report --json of $kind" 0 '^\{.*\} $' "" "$rs" report --json $kind.trace
done
case_of "check --json" 1 '^\{.*"rule": *"remap-same-memory".*\} $' "" \
	"$rs" check --json violated.trace
case_of "--json check" 1 '^\{.*\} $' "" "$rs" --json check violated.trace

# Twice the same, byte for byte.
"$rs" report --json violated.trace >first.json
"$rs" report --json violated.trace >second.json
case_of "the same report again" 0 "" "" cmp first.json second.json

# One rule, or several, and no other.
case_of "check --rule of another rule" 0 'pass' "" "$rs" check --rule window-closed violated.trace
case_of "check --rule twice" 1 'remap-same-memory' "" \
	"$rs" check --rule window-closed --rule remap-same-memory violated.trace

# No traces.
: >nothing.trace
echo "this is not a trace, but it is longer than a trace's head is" >foreign.trace
printf 'RMPSCOPE' >magic.trace
head -c 20 pass.trace >headless.trace
mkdir directory.trace
for command in report check; do
	refused "$command of a missing file" 2 'cannot (read|open) "no.trace": No such file or directory' \
		$command no.trace
	refused "$command of an empty file" 2 '"nothing.trace" is empty' $command nothing.trace
	refused "$command of a foreign file" 2 '"foreign.trace" is not a remapscope trace' \
		$command foreign.trace
	refused "$command of the magic alone" 2 '"magic.trace" is damaged: it ends inside its head' \
		$command magic.trace
	refused "$command of half a head" 2 '"headless.trace" is damaged: it ends inside its head' \
		$command headless.trace
	refused "$command of a newer trace" 2 \
		'"newer.trace" was written by a newer remapscope \(format 2\.[0-9]+, this one reads up to 1\.x\)' \
		$command newer.trace
	refused "$command of a directory" 2 'cannot read "directory.trace": Is a directory' \
		$command directory.trace
	refused "$command of /dev/null" 2 '"/dev/null" is empty' $command /dev/null
done

# damage FROM TO OFFSET: a copy with another byte at OFFSET.
damage() {
	local byte

	cp "$1" "$2"
	byte=$(od -An -tu1 -j"$3" -N1 "$1")
	printf '%b' "\\x$(printf '%02x' $((byte ^ 0x40)))" |
		dd of="$2" bs=1 seek="$3" conv=notrunc status=none
}

# Where META's payload begins and ends: docs/trace-format.md.
meta=$((32 + 48))
meta_end=$((meta + $(od -An -tu4 -j$((32 + 12)) -N4 pass.trace)))
size=$(stat -c %s pass.trace)

damage pass.trace bad-head.trace 12
damage pass.trace bad-meta.trace $((meta + 5))
refused "report of a damaged head" 2 '"bad-head.trace" is damaged: .*' report bad-head.trace
refused "report of a damaged META" 2 '"bad-meta.trace" is damaged: .*' report bad-meta.trace

# Cut or damaged behind META: what is there is read, and it is said that it is not all.
damage pass.trace bad-events.trace $((meta_end + 48 + 10))
damage pass.trace bad-end.trace $((size - 3))
head -c $((meta_end + 48 + 10)) pass.trace >cut-events.trace
head -c $meta_end pass.trace >cut-meta.trace
head -c $(($(stat -c %s unknown.trace) - 3)) unknown.trace >cut-end.trace
for cut in cut-meta cut-events bad-events; do
	case_of "report of $cut" 0 'not ended|ends inside a chunk|damaged' "" "$rs" report $cut.trace
	case_of "check of $cut" 3 'unknown' "" "$rs" check $cut.trace
	case_of "check --json of $cut" 3 '"complete": *false' "" "$rs" check --json $cut.trace
done
case_of "report of a cut END" 0 'ends inside a chunk' "" "$rs" report cut-end.trace
case_of "check of a cut END" 3 'unknown' "" "$rs" check cut-end.trace
case_of "report of a damaged END" 0 'damaged' "" "$rs" report bad-end.trace

# Budgets.
echo "window max <= 1s" >kept.budget
echo "window max <= 10ms" >broken.budget
printf 'window max <= 1s\nwindow maximum <= 1s\n' >word.budget
: >empty.budget
case_of "check with a budget that is kept" 0 'pass' "" "$rs" check --budget kept.budget pass.trace
case_of "check with a budget that is not" 1 'window max <= 10ms' "" \
	"$rs" check --budget broken.budget pass.trace
case_of "check with an empty budget" 0 'pass' "" "$rs" check --budget empty.budget pass.trace
refused "check with an unknown word in a budget" 2 'word.budget:2:8: .*"maximum".*' \
	check --budget word.budget pass.trace
refused "check with a budget that is not there" 2 \
	'cannot read "no.budget": No such file or directory' check --budget no.budget pass.trace
refused "check with a directory for a budget" 2 'cannot read "directory.trace": Is a directory' \
	check --budget directory.trace pass.trace
cp kept.budget locked.budget
chmod 0 locked.budget
if [ "$(id -u)" -ne 0 ]; then
	refused "check with a budget that may not be read" 2 \
		'cannot read "locked.budget": Permission denied' check --budget locked.budget pass.trace
elif command -v setpriv >/dev/null; then
	# Root may read everything: as somebody else.
	chmod 755 .
	chmod 644 pass.trace
	cp "$rs" ./remapscope-other
	chmod 755 ./remapscope-other
	case_of "check with a budget that may not be read" 2 "" \
		'^remapscope: cannot read "locked.budget": Permission denied $' setpriv --reuid 65534 \
		--regid 65534 --clear-groups --inh-caps=-all --bounding-set=-all \
		./remapscope-other check --budget locked.budget pass.trace
else
	skip "check with a budget that may not be read" "root without setpriv(1)"
fi

case_of "report of a guest's updates" 0 \
	'UPDATE 1: to another process,.* blackout [0-9.]+ ms \(by its vCPUs\).* device reset -EIO d1.*UPDATE 2: abandoned,.* abandoned: .* runs again with 1 of 1 ranges without a vaddr' \
	"" "$rs" report guest.trace
case_of "report --json of a guest's updates" 0 \
	'"blackout_from": "vcpus".*"outcome": "done".*"old_vm": 1, "new_vm": 2.*"outcome": "abandoned"' \
	"" "$rs" report --json guest.trace

# What a monitor says: two of them, and other text between.
cat >old.qmp <<'END'
+ qemu-system-x86_64 -qmp stdio {not JSON}
{"QMP": {"version": {"qemu": {"micro": 0, "minor": 1, "major": 11}}, "capabilities": ["oob"]}}
12.5 {"timestamp": {"seconds": 1700001000, "microseconds": 500}, "event": "STOP"}{"return": {}}
END
cat >new.qmp <<'END'
{
  "read": 7,
  "message": {
    "timestamp": {
      "seconds": 1700001000,
      "microseconds": 100000
    },
    "event": "RESUME"
  }
}
END
sed 's/RESUME/SHUTDOWN/' new.qmp >other.qmp
sed 's/1700001000/-1/' new.qmp >timeless.qmp
by_qmp='blackout 99.5 ms \(by QMP\).*save .*invalidate .*exec .*restart .*remap .*resume '
case_of "report --qmp" 0 "$by_qmp" "" \
	"$rs" report --qmp old.qmp --qmp new.qmp clocked.trace
case_of "report --qmp, the other way round" 0 "$by_qmp" "" \
	"$rs" report --qmp new.qmp --qmp old.qmp clocked.trace
case_of "report -v --qmp" 0 "from: QMP's STOP; to: the first invalidation was entered" "" \
	"$rs" report -v --qmp old.qmp --qmp new.qmp clocked.trace
case_of "report --qmp of the half" 0 'blackout [0-9.]+ ms \(by its windows\)' "" \
	"$rs" report --qmp old.qmp clocked.trace
case_of "check --qmp" 0 '"blackout_from": "qmp"' "" \
	"$rs" check --json --qmp old.qmp --qmp new.qmp clocked.trace
for command in report check; do
	refused "$command --qmp of a missing file" 2 'cannot read "no.qmp": No such file or directory' \
		$command --qmp no.qmp clocked.trace
	refused "$command --qmp of a directory" 2 'cannot read "directory.trace": Is a directory' \
		$command --qmp directory.trace clocked.trace
	refused "$command --qmp of another file" 2 \
		'"other.qmp" has no STOP or RESUME event of QMP in it' \
		$command --qmp old.qmp --qmp other.qmp clocked.trace
	refused "$command --qmp without a time" 2 \
		'"timeless.qmp" has a RESUME event without the time at which it was' \
		$command --qmp timeless.qmp clocked.trace
	refused "$command --qmp of a trace without one" 2 \
		'"pass.trace" does not say what time it was: no QMP event can be placed in it' \
		$command --qmp old.qmp pass.trace
done
refused "check --qmp of a command" 2 'check: --qmp is for a trace, not for a command' \
	check --qmp old.qmp -- true
