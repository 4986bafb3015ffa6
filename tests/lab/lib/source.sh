# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2154
#
# lab kernel, for a kernel that no Debian has: built from Debian's packaged source by the host's compiler,
# with kernel/config over allnoconfig and after kernel/*.patch, in the order of their names. Its directory
# holds what kernel.sh says, without vmlinuz and debs/, and
#   config, what was built; version, of the package;
#   headers/, what a module is built against, self-contained,
#   modular/, the same things of the kernel VER-m, and its modules as kernel.sh has them: made in the same
#   tree, with kernel/config.modules over all, which is a matter of a minute or two.
# The same package, compiler and directory kernel/ give the same vmlinux.

# What no file of this configuration is made from: four fifths of the source. Kconfig and Makefiles stay.
source_left_out=(
	'arch/[a-wyz]*/*.[chS]' 'arch/*.dts*' 'Documentation/*.rst' 'Documentation/*.yaml' 'Documentation/*.svg'
	'tools/testing/*' 'tools/perf/*'
	'drivers/gpu/*.[ch]' 'drivers/media/*.[ch]' 'drivers/staging/*.[ch]' 'drivers/infiniband/*.[ch]'
	'drivers/net/*/*.[ch]' 'drivers/scsi/*.[ch]' 'drivers/accel/*.[ch]' 'sound/*.[ch]' 'rust/*.rs'
)

# Where a build is under way.
source_tmp=

# source_package VER: the package that it is built from; nothing for a kernel that is unpacked.
source_package() {
	case $1 in
	*-iommufd | *-iommufd-m) echo "linux-source-${1%%-*}" ;;
	esac
}

# source_key: of all that the kernel is made from, but for the package, whose version is known when it is
# fetched: as with the other kernels, the one in the cache stays when the archive gets a newer one.
source_key() {
	(
		cd "$lab_dir" || exit
		gcc -dumpfullversion
		pahole --version
		find kernel \( -name 'config*' -o -name '*.patch' \) -print0 | sort -z | xargs -0 sha256sum
		sha256sum lib/source.sh
	) | sha256sum | cut -c 1-32
}

# source_make ARGUMENTS...: in $source_tmp, as little as can be of this machine and moment in the result. Who
# changes a patch or the configuration builds it often: with ccache, if that is there.
source_make() {
	local cc=gcc

	! command -v ccache >/dev/null || cc='ccache gcc'
	env -u MAKEFLAGS -u MAKELEVEL -u MAKEOVERRIDES -u CC -u CFLAGS -u ARCH -u CROSS_COMPILE -u KCONFIG_CONFIG \
		KBUILD_BUILD_TIMESTAMP="$(cat "$source_tmp/date")" KBUILD_BUILD_USER=lab KBUILD_BUILD_HOST=lab \
		KBUILD_BUILD_VERSION=1 KCFLAGS="-ffile-prefix-map=$source_tmp/=" \
		KAFLAGS="-ffile-prefix-map=$source_tmp/=" \
		make -s -j "$(nproc)" -C "$source_tmp/src" O="$source_tmp/obj" CC="$cc" "$@" \
		>>"$source_tmp/log" 2>&1 </dev/null || {
		tail -n 30 "$source_tmp/log" >&2
		die 4 "the kernel does not build: make $*"
	}
}

# source_configure FRAGMENT...: a later one's line counts. Every one has to be in the result, but for what is
# off there anyway.
source_configure() {
	local line

	sed -n -E 's/^((# )?(CONFIG_[A-Za-z0-9_]+)[= ].*)$/\3\t\1/p' "$@" |
		awk -F '\t' '{ if (!($1 in line)) order[++n] = $1; line[$1] = $2 }
			END { for (i = 1; i <= n; i++) print line[order[i]] }' >"$source_tmp/fragment"
	source_make KCONFIG_ALLCONFIG="$source_tmp/fragment" allnoconfig
	while IFS= read -r line; do
		case $line in
		CONFIG_*) grep -Fxq -- "$line" "$source_tmp/obj/.config" ;;
		'# CONFIG_'*' is not set') ! grep -q "^${line:2:-11}=" "$source_tmp/obj/.config" ;;
		esac || die 4 "the kernel's configuration does not take: $line"
	done <"$source_tmp/fragment"
}

# source_take DIR: what was built, into DIR, which is there
source_take() {
	source_make modules_prepare
	source_make run-command KBUILD_RUN_COMMAND="\$(srctree)/scripts/package/install-extmod-build $1/headers"
	cp "$source_tmp/obj/include/config/kernel.release" "$1/release"
	cp "$source_tmp/obj/.config" "$1/config"
	# The types stay: .BTF is a section that is loaded.
	objcopy -S "$source_tmp/obj/vmlinux" "$1/vmlinux"
	# for the module's BTF
	ln -sf ../vmlinux "$1/headers/vmlinux"
}

# source_modular DIR: the other kernel, from the same tree
source_modular() {
	local dir=$1 tree

	mkdir "$dir"
	source_configure "$lab_dir/kernel/config" "$lab_dir/kernel/config.modules"
	source_make vmlinux modules
	source_take "$dir"
	source_make INSTALL_MOD_PATH="$source_tmp/modules" INSTALL_MOD_STRIP=1 modules_install
	tree=$(echo "$source_tmp"/modules/lib/modules/*)
	kernel_take_modules "$tree" "$dir"
}

# source_build VER DIR: into DIR, which is there.
source_build() {
	local ver=$1 dir=$2 package rel patch p
	local -a deb left=()

	need_programs make gcc flex bison bc pahole python3 patch xz
	source_tmp=$dir/build
	mkdir -p "$source_tmp/src" "$source_tmp/obj"
	package=$(source_package "$ver")
	rel=$(lab_release_of "$ver")
	archive_update "$rel"
	archive_download "$rel" "$source_tmp/deb" "$package"
	deb=("$source_tmp"/deb/*.deb)
	dpkg-deb -f "${deb[0]}" Version >"$dir/version"
	say "unpacking the source of Linux $(cat "$dir/version")"
	for p in "${source_left_out[@]}"; do
		left+=(--exclude="*/$p")
	done
	dpkg-deb --fsys-tarfile "${deb[0]}" | tar -xO --wildcards "./usr/src/$package.tar.xz" |
		tar -xJ -C "$source_tmp/src" --strip-components=1 --wildcards "${left[@]}" ||
		die 4 "cannot unpack $package"
	rm -rf "$source_tmp/deb"
	for patch in "$lab_dir"/kernel/*.patch; do
		[ -e "$patch" ] || continue
		patch -d "$source_tmp/src" -p1 -f -s <"$patch" || die 4 "${patch##*/} does not apply to $package"
	done
	# The time of the build is that of the package's source.
	LC_ALL=C date -u -r "$source_tmp/src/Makefile" >"$source_tmp/date"
	say "building the kernel (some minutes)"
	source_configure "$lab_dir/kernel/config"
	source_make vmlinux
	cp "$source_tmp/obj/vmlinux.symvers" "$source_tmp/obj/Module.symvers"
	source_take "$dir"
	say "building it with iommufd as a module"
	source_modular "$dir/modular"
	rm -rf "$source_tmp"
}
