# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2154
#
# lab kernel: a Debian kernel, unpacked, never installed. Its directory holds
#   vmlinuz, release, *.ko (decompressed), debs/ (the headers of the same build),
#   vmlinux (vmlinuz decompressed: QEMU boots it through the PVH entry, and a guest under TCG
#   is spared seconds of decompression), and
#   console.list, share.list, vfio.list: modules to load, in order,
#   kvm/: KVM's modules and their list, which only a guest with a QEMU in it is given.

kernel_modules_console='virtio_pci virtio_console'
kernel_modules_share='9pnet_virtio 9p'
kernel_modules_kvm='kvm-amd'
kernel_modules_vfio='irqbypass mdev vfio vfio_virqfd? vfio_iommu_type1 vfio-pci-core vfio-pci'
# Changes with what a kernel's directory holds, so that an old one is not taken for good.
kernel_layout="2 $kernel_modules_console $kernel_modules_share $kernel_modules_vfio"

# kernel_newest VER: the newest build in the series for which there are headers too.
kernel_newest() {
	local ver=$1 rel r
	local -a builds

	rel=$(lab_release_of "$ver")
	mapfile -t builds < <(archive_apt "$rel" apt-cache pkgnames "linux-headers-$ver." |
		sed -nE 's/^linux-headers-([0-9.]+(-[0-9]+)?(\+deb[0-9.]+)?)-amd64$/\1/p' | sort -rV)
	for r in ${builds[@]+"${builds[@]}"}; do
		if archive_has "$rel" "linux-headers-$r-amd64" && kernel_packages "$rel" "$r" >/dev/null; then
			echo "$r"
			return 0
		fi
	done
	die 4 "Debian $rel has no kernel $ver"
}

# kernel_packages RELEASE BUILD: the packages that hold vmlinuz and modules.
kernel_packages() {
	if archive_has "$1" "linux-binary-$2-amd64"; then
		echo "linux-base-$2-amd64 linux-binary-$2-amd64 linux-modules-$2-amd64"
	elif archive_has "$1" "linux-image-$2-amd64"; then
		echo "linux-image-$2-amd64"
	else
		return 1
	fi
}

# kernel_kbuild HEADERS.deb: the kbuild package they go with.
kernel_kbuild() {
	dpkg-deb -f "$1" Depends | grep -o 'linux-kbuild-[^ ,]*'
}

# kernel_add_module TREE OUT LIST NAME: copy a module and, before it, what it depends on.
# NAME? is one that may not be there.
kernel_add_module() {
	local tree=$1 out=$2 list=$3 name=${4%\?} optional=0 pattern path dep
	local -a deps

	[ "$name" = "$4" ] || optional=1
	name=${name//_/-}
	pattern=${name//-/[-_]}
	if [ -e "$out/$name.ko" ]; then
		return 0
	fi
	path=$(find "$tree/kernel" -name "$pattern.ko" -o -name "$pattern.ko.xz" | sort | sed -n 1p)
	if [ -z "$path" ]; then
		if [ "$optional" = 1 ] || grep -Eq "/$pattern\.ko$" "$tree/modules.builtin"; then
			return 0
		fi
		die 4 "the kernel has no module $name"
	fi
	case $path in
	*.xz) xz -dc "$path" >"$out/$name.ko" ;;
	*) cp "$path" "$out/$name.ko" ;;
	esac
	# .modinfo is made of NUL-terminated strings
	mapfile -t deps < <(tr '\0' '\n' <"$out/$name.ko" |
		sed -nE 's/^depends=([A-Za-z0-9_,-]+)$/\1/p' | tr ',' '\n')
	for dep in ${deps[@]+"${deps[@]}"}; do
		kernel_add_module "$tree" "$out" "$list" "$dep"
	done
	echo "$name" >>"$out/$list"
}

# kernel_decompress VMLINUZ VMLINUX: by the boot protocol's header (payload_offset, payload_length).
kernel_decompress() {
	local sects offset length magic
	local -a unpack

	sects=$(od -An -t u1 -j $((0x1f1)) -N 1 "$1")
	offset=$(od -An -t u4 -j $((0x248)) -N 4 "$1")
	length=$(od -An -t u4 -j $((0x24c)) -N 4 "$1")
	offset=$(((sects + 1) * 512 + offset))
	magic=$(od -An -t x1 -j "$offset" -N 4 "$1")
	case $magic in
	' fd 37 7a 58') unpack=(xz -dc) ;;
	' 28 b5 2f fd') unpack=(zstd -dcq) ;;
	*) die 4 "the kernel is compressed in a way unknown to the lab:$magic" ;;
	esac
	# the payload's last four bytes are its size before compression
	head -c "$((offset + length - 4))" "$1" | tail -c "$((length - 4))" | "${unpack[@]}" >"$2" ||
		die 4 "cannot decompress the kernel"
}

# kernel_take_modules TREE DIR: those that the lab loads, and their lists.
kernel_take_modules() {
	local tree=$1 dir=$2 m

	: >"$dir/console.list"
	: >"$dir/share.list"
	: >"$dir/vfio.list"
	mkdir "$dir/kvm"
	: >"$dir/kvm/kvm.list"
	for m in $kernel_modules_console; do
		kernel_add_module "$tree" "$dir" console.list "$m"
	done
	for m in $kernel_modules_share; do
		kernel_add_module "$tree" "$dir" share.list "$m"
	done
	for m in $kernel_modules_vfio; do
		kernel_add_module "$tree" "$dir" vfio.list "$m"
	done
	for m in $kernel_modules_kvm; do
		kernel_add_module "$tree" "$dir/kvm" kvm.list "$m"
	done
}

kernel_unpack() {
	local ver=$1 tmp=$2 deb tree
	local -a vmlinuz trees

	for deb in "$tmp"/image/*.deb; do
		dpkg-deb -x "$deb" "$tmp/x" || die 4 "cannot unpack ${deb##*/}"
	done
	# 6.1: /boot and /lib/modules; 6.12: /boot and /usr/lib/modules; 7.3: all below the latter
	mapfile -t vmlinuz < <(find "$tmp/x" -type f -name 'vmlinuz*')
	mapfile -t trees < <(find "$tmp/x" -path '*/lib/modules/*' -prune -type d)
	[ "${#vmlinuz[@]} ${#trees[@]}" = '1 1' ] ||
		die 4 "the kernel packages of $ver do not look as expected"
	tree=${trees[0]}
	mv "${vmlinuz[0]}" "$tmp/vmlinuz"
	kernel_decompress "$tmp/vmlinuz" "$tmp/vmlinux"
	echo "${tree##*/}" >"$tmp/release"
	kernel_take_modules "$tree" "$tmp"
	rm -rf "$tmp/x" "$tmp/image"
}

kernel_fetch() {
	local ver=$1 dir=$lab_cache/kernel-$1 tmp=$lab_cache/kernel-$1.tmp rel build pkgs want
	local -a packages

	if kernel_cached "$ver"; then
		return 0
	fi
	need_programs xz zstd dpkg-deb apt-get
	[ "$(dpkg --print-architecture)" = amd64 ] || die 4 "the lab is for amd64 machines"
	rel=$(lab_release_of "$ver")
	rm -rf "$tmp" "$dir"
	mkdir -p "$tmp"
	# before it is made: files may change while it is
	want=$(kernel_want "$ver")
	# It was made with the other one.
	if [ "${ver%-m}" != "$ver" ]; then
		kernel_ensure "${ver%-m}"
		cp -a "$lab_cache/kernel-${ver%-m}/modular/." "$tmp/"
		cp "$lab_cache/kernel-${ver%-m}/version" "$tmp/"
		echo "$want" >"$tmp/layout"
		mv "$tmp" "$dir"
		return 0
	fi
	if [ -n "$(source_package "$ver")" ]; then
		source_build "$ver" "$tmp"
		# all that they name is built in
		mkdir "$tmp/kvm"
		: >"$tmp/console.list"
		: >"$tmp/share.list"
		: >"$tmp/vfio.list"
		: >"$tmp/kvm/kvm.list"
		echo "$want" >"$tmp/layout"
		mv "$tmp" "$dir"
		return 0
	fi
	archive_update "$rel"
	build=$(kernel_newest "$ver")
	pkgs=$(kernel_packages "$rel" "$build")
	read -r -a packages <<<"$pkgs"
	archive_download "$rel" "$tmp/image" "${packages[@]}"
	archive_download "$rel" "$tmp/debs" "linux-headers-$build-amd64" "linux-headers-$build-common"
	pkgs=$(kernel_kbuild "$tmp"/debs/linux-headers-*-amd64_*.deb)
	archive_download "$rel" "$tmp/debs" "$pkgs"
	say "unpacking the kernel"
	kernel_unpack "$ver" "$tmp"
	echo "$want" >"$tmp/layout"
	mv "$tmp" "$dir"
}

# kernel_want VER: what the file layout has to say, for the kernel in the cache to be taken.
kernel_want() {
	if [ -n "$(source_package "$1")" ]; then
		source_key
	else
		echo "$kernel_layout"
	fi
}

kernel_cached() {
	local layout=

	[ ! -r "$lab_cache/kernel-$1/layout" ] || read -r layout <"$lab_cache/kernel-$1/layout"
	[ "$layout" = "$(kernel_want "$1")" ] && [ -e "$lab_cache/kernel-$1/kvm/kvm.list" ]
}

# kernel_ensure VER: afterwards it is in $lab_cache/kernel-VER.
kernel_ensure() {
	lab_release_of "$1" >/dev/null
	cache_init
	kernel_cached "$1" || with_lock "kernel-$1" kernel_fetch "$1"
}

kernel_main() {
	[ $# -eq 1 ] || die 2 "usage: lab kernel VER"
	kernel_ensure "$1"
	echo "$lab_cache/kernel-$1"
}
