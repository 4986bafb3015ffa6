# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# lab deps: the Debian packages that building, testing and the lab need.

deps_list() {
	local build='gcc make clang llvm libbpf-dev bpftool libelf-dev zlib1g-dev
		libjansson-dev libcap-ng-dev uthash-dev python3-docutils pkg-config libc6-dev'

	case $1 in
	build) echo "$build" ;;
	test) echo "$build" libcmocka-dev python3-jsonschema ;;
	# pahole: the module's BTF, where the kernel's headers ship what it is based on; from flex on: to build
	# a kernel
	lab) echo "$build" qemu-system-x86 busybox-static cpio xz-utils zstd pahole \
		flex bison bc python3 patch binutils ;;
	*) die 2 "usage: lab deps build|test|lab" ;;
	esac
}

deps_missing() {
	local -A have=()
	local name status p missing=()

	while read -r name status; do
		[ "$status" != ii ] || have[$name]=1
	# dpkg-query fails when it knows nothing of a package: that one is missing then
	done < <(dpkg-query -W -f '${Package} ${db:Status-Abbrev}\n' "$@" 2>/dev/null || true)
	for p in "$@"; do
		[ -n "${have[$p]:-}" ] || missing+=("$p")
	done
	echo "${missing[*]}"
}

deps_install() {
	local -a apt=(env DEBIAN_FRONTEND=noninteractive apt-get -q
		-o DPkg::Lock::Timeout=300 -o Dpkg::Use-Pty=0)
	local log missing

	log=$(mktemp)
	# Old or no lists: an install that cannot resolve or download wants an update first.
	if ! as_root "${apt[@]}" install -y --no-install-recommends "$@" </dev/null >"$log" 2>&1; then
		say "updating the package lists first"
		as_root "${apt[@]}" update </dev/null >"$log" 2>&1 || true
		as_root "${apt[@]}" install -y --no-install-recommends "$@" </dev/null >>"$log" 2>&1 || {
			grep -E '^(E:|W:|Err:)' "$log" >&2 || tail -n 20 "$log" >&2
			rm -f "$log"
			die 4 "cannot install: $*"
		}
	fi
	rm -f "$log"
	missing=$(deps_missing "$@")
	[ -z "$missing" ] || die 4 "still missing after the installation: $missing"
}

deps_main() {
	local list missing
	local -a want

	[ $# -eq 1 ] || die 2 "usage: lab deps build|test|lab"
	command -v dpkg-query >/dev/null || die 4 "not a Debian system: there is no dpkg-query"
	list=$(deps_list "$1")
	read -r -a want <<<"${list//[$'\n\t']/ }"
	missing=$(deps_missing "${want[@]}")
	[ -n "$missing" ] || return 0
	if [ "${NO_INSTALL:-0}" = 1 ]; then
		die 4 "missing packages: $missing"
	fi
	say "installing the missing packages: $missing"
	read -r -a want <<<"$missing"
	deps_install "${want[@]}"
}
