# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2154
#
# lab headers, lab module: out-of-tree modules. On the kernel's own Debian release the
# host's compiler builds them against relocated headers. A foreign kernel's kbuild programs
# want their own release's C library: there the build is in a root of that release, made of
# unpacked packages, nothing installed or configured in it. A kernel that the lab has built comes with its
# headers, and the host's compiler is its own.

# What kbuild calls, and what its programs are linked with.
module_root_packages='gcc make libc6-dev dash bash coreutils sed grep mawk findutils
	diffutils libelf-dev pahole'

module_is_native() {
	[ -n "$(source_package "$1")" ] || [ "$(lab_release_of "$1")" = "$(lab_host_release)" ]
}

# The directory below which the headers of VER are, with usr/src in it.
module_base() {
	if module_is_native "$1"; then
		echo "$lab_cache/headers-$1"
	else
		echo "$lab_cache/root-$(lab_release_of "$1")"
	fi
}

# module_headers VER: where kbuild is started.
module_headers() {
	if [ -n "$(source_package "$1")" ]; then
		echo "$lab_cache/kernel-$1/headers"
	else
		echo "$(module_base "$1")/usr/src/linux-headers-$(cat "$lab_cache/kernel-$1/release")"
	fi
}

module_make_root() {
	local rel=$1 root=$lab_cache/root-$1 tmp=$lab_cache/root-$1.tmp
	local -a packages

	[ ! -e "$root/complete" ] || return 0
	rm -rf "$tmp" "$root"
	mkdir -p "$tmp"
	read -r -a packages <<<"${module_root_packages//[$'\n\t']/ }"
	say "downloading Debian $rel's compiler"
	archive_tree "$rel" "$tmp/root" "${packages[@]}"
	# a link that would be made by update-alternatives
	ln -sf mawk "$tmp/root/usr/bin/awk"
	mkdir -p "$tmp/root/proc" "$tmp/root/dev" "$tmp/root/tmp"
	touch "$tmp/root/complete"
	mv "$tmp/root" "$root"
	rm -rf "$tmp"
}

module_unpack_headers() {
	local ver=$1 base release deb
	local kernel=$lab_cache/kernel-$1

	base=$(module_base "$ver")
	release=$(cat "$kernel/release")
	[ ! -e "$base/usr/src/$release.complete" ] || return 0
	if ! module_is_native "$ver"; then
		with_lock "root-$(lab_release_of "$ver")" module_make_root "$(lab_release_of "$ver")"
	else
		rm -rf "$base"
	fi
	say "unpacking the headers of $release"
	for deb in "$kernel"/debs/*.deb; do
		dpkg-deb -x "$deb" "$base" || die 4 "cannot unpack ${deb##*/}"
	done
	[ -e "$base/usr/src/linux-headers-$release/Makefile" ] ||
		die 4 "the headers of $release do not look as expected"
	# The Makefile names its directories by absolute paths.
	if module_is_native "$ver"; then
		sed -i "s|/usr/src/linux-headers-|$base&|g" "$base/usr/src/linux-headers-$release/Makefile"
	fi
	touch "$base/usr/src/$release.complete"
}

headers_ensure() {
	kernel_ensure "$1"
	[ -n "$(source_package "$1")" ] || with_lock "headers-$1" module_unpack_headers "$1"
}

headers_main() {
	[ $# -eq 1 ] || die 2 "usage: lab headers VER"
	headers_ensure "$1"
	module_headers "$1"
}

# module_for VER: what a module that is built for this kernel fits. Two builds of the lab's own may have the
# same release.
module_for() {
	cat "$lab_cache/kernel-$1/release"
	[ -z "$(source_package "$1")" ] || cat "$lab_cache/kernel-$1"/{version,layout}
}

# Names, relative to SRCDIR, of what a build depends on.
module_sources() {
	find . -type f \( -name Kbuild -o -name Makefile -o -name '*.[chS]' \) \
		! -name '*.mod.c' | sort
}

module_key() {
	local src=$1 fits=$2

	(
		cd "$src" || exit
		echo "$fits"
		module_sources | while IFS= read -r f; do
			sha256sum "$f"
		done
	) | sha256sum | cut -c 1-32
}

# In a mount namespace, so that nothing stays mounted: objtool needs /proc, sh /dev/null.
module_in_root() {
	local root=$1
	local -a ns=(unshare --mount)

	shift
	# shellcheck disable=SC2016
	local -a cmd=(sh -c 'mount --rbind /proc "$0/proc" && mount --rbind /dev "$0/dev" &&
		exec chroot "$0" "$@"' "$root" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C
		TMPDIR=/tmp "$@")

	if [ "$(id -u)" -eq 0 ]; then
		"${ns[@]}" "${cmd[@]}"
	elif unshare --user --map-root-user --mount true 2>/dev/null; then
		unshare --user --map-root-user --mount "${cmd[@]}"
	else
		as_root "${ns[@]}" "${cmd[@]}"
	fi
}

module_build() {
	local ver=$1 src=$2 key=$3 base root='' headers release tmp jobs
	local out=$lab_cache/modules/$3

	[ ! -d "$out" ] || return 0
	need_programs make gcc
	base=$(module_base "$ver")
	headers=$(module_headers "$ver")
	release=$(cat "$lab_cache/kernel-$ver/release")
	module_is_native "$ver" || root=$base
	jobs=$(nproc)
	# Below the root, so that it has a name inside it too.
	mkdir -p "$base/tmp"
	tmp=$base/tmp/module-$key
	rm -rf "$tmp"
	mkdir -p "$tmp/src" "$tmp/out"
	(cd "$src" && module_sources | while IFS= read -r f; do
		mkdir -p "$tmp/src/$(dirname "$f")" && cp "$f" "$tmp/src/$f"
	done)
	say "building the module in $src for $release"
	local -a make=(make -s -j "$jobs"
		-C "${headers#"$root"}"
		M="${tmp#"$root"}/src" modules)
	if [ -n "$root" ]; then
		module_in_root "$root" "${make[@]}" >"$tmp/log" 2>&1 </dev/null
	else
		env -u MAKEFLAGS -u MAKELEVEL -u MAKEOVERRIDES -u CC -u CFLAGS "${make[@]}" \
			>"$tmp/log" 2>&1 </dev/null
	fi || {
		cat "$tmp/log" >&2
		die 1 "the module in $src does not build for $release"
	}
	grep -E 'warning:|WARNING:' "$tmp/log" >&2 || true
	find "$tmp/src" -name '*.ko' -exec cp {} "$tmp/out" \;
	mkdir -p "$lab_cache/modules"
	mv "$tmp/out" "$out"
	rm -rf "$tmp"
}

module_main() {
	local ver src out key
	local -a ko

	[ $# -eq 3 ] || die 2 "usage: lab module VER SRCDIR OUTDIR"
	ver=$1 src=$2 out=$3
	[ -r "$src/Kbuild" ] || die 2 "no Kbuild file in $src"
	src=$(cd "$src" && pwd)
	headers_ensure "$ver"
	key=$(module_key "$src" "$(module_for "$ver")")
	[ -d "$lab_cache/modules/$key" ] || with_lock "headers-$ver" module_build "$ver" "$src" "$key"
	ko=("$lab_cache/modules/$key"/*.ko)
	[ -e "${ko[0]}" ] || die 1 "the module in $src made no .ko"
	mkdir -p "$out"
	cp "${ko[@]}" "$out/"
}
