# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# What every part of the lab uses: messages, the cache, locks, versions.

lab_versions='6.1 6.12 7.3 7.3-iommufd 7.3-iommufd-m'
lab_cache=${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/remapscope

say() {
	printf 'lab: %s\n' "$*" >&2
}

# die STATUS MESSAGE...
die() {
	local status=$1

	shift
	say "$@"
	exit "$status"
}

as_root() {
	if [ "$(id -u)" -eq 0 ]; then
		"$@"
	elif command -v sudo >/dev/null; then
		sudo "$@"
	else
		die 4 "this needs root, and there is no sudo: $*"
	fi
}

# The Debian release a kernel series comes from.
lab_release_of() {
	case $1 in
	6.1) echo bookworm ;;
	6.12 | 7.3 | 7.3-iommufd | 7.3-iommufd-m) echo trixie ;;
	*) die 2 "no such kernel in the lab: $1 (there are: $lab_versions)" ;;
	esac
}

lab_host_release() {
	local VERSION_CODENAME=unknown

	# shellcheck source=/dev/null
	. /etc/os-release
	echo "$VERSION_CODENAME"
}

cache_init() {
	case $lab_cache in
	/*) ;;
	*) die 2 "the cache directory is not an absolute path: $lab_cache" ;;
	esac
	case $lab_cache in
	*[[:space:]:,]*) die 2 "the cache directory's name must have no space, colon or comma: $lab_cache" ;;
	esac
	mkdir -p "$lab_cache" || die 4 "cannot make the cache directory $lab_cache"
}

# with_lock NAME COMMAND...: one process at a time in COMMAND. Not for the VM, whose
# lock is inherited by QEMU on purpose.
with_lock() {
	local name=$1 fd rc

	shift
	exec {fd}>"$lab_cache/$name.lock"
	if ! flock -n "$fd"; then
		say "waiting for another lab that holds $name"
		flock "$fd"
	fi
	# Not "|| rc=$?", which would switch set -e off inside.
	set +e
	(
		set -e
		"$@"
	)
	rc=$?
	set -e
	exec {fd}>&-
	return "$rc"
}

need_programs() {
	local p missing=()

	for p in "$@"; do
		command -v "$p" >/dev/null || missing+=("$p")
	done
	[ ${#missing[@]} -eq 0 ] || die 4 "missing programs: ${missing[*]} (try: lab deps lab)"
}
