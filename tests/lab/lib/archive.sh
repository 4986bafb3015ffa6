# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2154
#
# A private apt for each Debian release: its own sources, lists and cache, no installed
# packages, signatures checked against Debian's keyring. The mirror is the one that the
# system's own apt uses.

archive_keyring=/usr/share/keyrings/debian-archive-keyring.gpg

archive_dir() {
	echo "$lab_cache/apt-$1"
}

# archive_apt RELEASE PROGRAM ARGS...
archive_apt() {
	local dir prog=$2

	dir=$(archive_dir "$1")
	shift 2
	"$prog" -q \
		-o Dir::State="$dir/state" \
		-o Dir::State::lists="$dir/state/lists" \
		-o Dir::State::status="$dir/status" \
		-o Dir::State::extended_states="$dir/extended_states" \
		-o Dir::Cache="$dir/cache" \
		-o Dir::Etc::SourceList="$dir/sources.list" \
		-o Dir::Etc::SourceParts=/dev/null \
		-o Dir::Etc::Preferences=/dev/null \
		-o Dir::Etc::PreferencesParts=/dev/null \
		-o APT::Architecture=amd64 \
		-o APT::Architectures::=amd64 \
		-o APT::Sandbox::User=root \
		-o APT::Update::Post-Invoke::=true \
		-o APT::Get::List-Cleanup=true \
		"$@" </dev/null
}

# archive_uris SUITE: the base URIs from which the system's apt takes SUITE's main. It is
# asked what it would download, which covers every form a source can be written in.
archive_uris() {
	apt-get update --print-uris 2>/dev/null |
		sed -n "s|^'\(.*\)/dists/$1/main/binary-[a-z0-9]*/Packages[^']*'.*|\1|p" |
		awk '!seen[$0]++'
}

archive_write_sources() {
	local rel=$1 uri=$2 security=$3 dir
	local opt="[signed-by=$archive_keyring]"

	dir=$(archive_dir "$rel")
	{
		echo "deb $opt $uri $rel main"
		[ "$rel" = bookworm ] || echo "deb $opt $uri $rel-backports main"
		[ -z "$security" ] || echo "deb $opt $security $rel-security main"
	} >"$dir/sources.list"
}

# archive_update RELEASE: lists not older than an hour.
archive_update() {
	local rel=$1 dir host uri uris security
	local -a recent

	dir=$(archive_dir "$rel")
	mapfile -t recent < <(find "$dir/updated" -mmin -60 2>/dev/null)
	[ ${#recent[@]} -eq 0 ] || return 0
	[ -r "$archive_keyring" ] ||
		die 4 "no $archive_keyring (package debian-archive-keyring)"
	host=$(lab_host_release)
	uris=$(archive_uris "$host")
	[ -n "$uris" ] || die 4 "the system's apt has no source for Debian $host, main"
	security=$(archive_uris "$host-security")
	security=${security%%$'\n'*}
	mkdir -p "$dir/state/lists/partial" "$dir/cache/archives/partial"
	: >"$dir/status"
	say "reading the package lists of Debian $rel"
	# Another vendor may have a suite of that name too; the signature tells.
	for uri in $uris; do
		archive_write_sources "$rel" "$uri" "$security"
		if archive_apt "$rel" apt-get update --error-on=any >"$dir/update.log" 2>&1; then
			touch "$dir/updated"
			return 0
		fi
	done
	sed 's/^/lab: apt: /' "$dir/update.log" | grep -E 'E: |W: |Err:' >&2 || true
	die 4 "cannot read the package lists of Debian $rel"
}

# archive_has RELEASE PACKAGE
archive_has() {
	local text

	text=$(archive_apt "$1" apt-cache show --no-all-versions "$2" 2>/dev/null) || return 1
	[ -n "$text" ]
}

# archive_download RELEASE OUTDIR PACKAGE...
archive_download() {
	local rel=$1 out=$2

	shift 2
	mkdir -p "$out"
	say "downloading $*"
	(cd "$out" && archive_apt "$rel" apt-get download "$@" >"$out/apt.log" 2>&1) || {
		sed 's/^/lab: apt: /' "$out/apt.log" >&2
		die 4 "cannot download: $*"
	}
	rm -f "$out/apt.log"
}

# archive_tree RELEASE TREE PACKAGE...: the packages and what they depend on, unpacked below TREE, nothing
# configured. A PACKAGE may be -t SUITE too.
archive_tree() {
	local rel=$1 tree=$2 dir deb
	local -a debs

	shift 2
	archive_update "$rel"
	dir=$(archive_dir "$rel")
	rm -rf "$tree.debs"
	mkdir -p "$tree" "$tree.debs/partial"
	archive_apt "$rel" apt-get install -y --download-only --no-install-recommends \
		-o Dir::Cache::archives="$tree.debs" "$@" >"$dir/install.log" 2>&1 || {
		sed 's/^/lab: apt: /' "$dir/install.log" | tail -n 20 >&2
		die 4 "cannot download, from Debian $rel: $*"
	}
	debs=("$tree.debs"/*.deb)
	say "unpacking ${#debs[@]} packages"
	# base-files first: it has the links /bin, /lib and so on, where the release has them
	for deb in "$tree.debs"/base-files_*.deb; do
		[ ! -e "$deb" ] || dpkg-deb -x "$deb" "$tree"
	done
	# shellcheck disable=SC2016
	printf '%s\0' "${debs[@]}" | xargs -0 -n 1 -P 2 sh -c 'dpkg-deb -x "$1" "$0"' "$tree" ||
		die 4 "cannot unpack, from Debian $rel: $*"
	rm -rf "$tree.debs"
}
