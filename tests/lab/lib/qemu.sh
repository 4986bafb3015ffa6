# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2154
#
# lab qemu: the QEMU that runs inside a VM and updates itself, as Debian packages it (11.1: VFIO devices are
# kept by cpr-transfer since 10.1, by cpr-exec since 10.2). Of its packages only what a PC without
# graphics needs, as a root of its own, since its C library is newer than that of the guest's other programs.
# Its directory holds root/, version, and
#   initramfs: root/ as the guest's /qemu, not compressed: to unpack it under TCG costs more than to copy it.

qemu_release=trixie
qemu_suite=trixie-backports
# Below usr/share: the firmware, its part that loads a -kernel, what KVM's own APIC wants.
qemu_data='seabios/bios-256k.bin qemu/multiboot_dma.bin qemu/linuxboot_dma.bin qemu/kvmvapic.bin'
# Changes with what the directory holds, so that an old one is not taken for good.
qemu_layout="1 $qemu_suite $qemu_data"

qemu_libraries() {
	local tree=$1

	"$tree/usr/lib64/ld-linux-x86-64.so.2" --library-path "$tree/usr/lib/x86_64-linux-gnu" \
		--list "$tree/usr/bin/qemu-system-x86_64" | sed -nE 's|^.* => (/[^ ]+) \(.*$|\1|p'
}

# qemu_pick TREE ROOT: from the unpacked packages what is needed.
qemu_pick() {
	local tree=$1 root=$2 lib libs f

	libs=$(qemu_libraries "$tree") || die 4 "QEMU's libraries cannot be listed"
	mkdir -p "$root"/{dev,proc,sys,tmp,host} "$root"/usr/{bin,lib64,lib/x86_64-linux-gnu,share/{qemu,seabios}}
	ln -s usr/lib "$root/lib"
	ln -s usr/lib64 "$root/lib64"
	cp "$tree/usr/bin/qemu-system-x86_64" "$root/usr/bin/"
	cp -L "$tree/usr/lib64/ld-linux-x86-64.so.2" "$root/usr/lib64/"
	for lib in $libs; do
		case $lib in
		"$tree"/*) cp -L "$lib" "$root/usr/lib/x86_64-linux-gnu/" ;;
		*/ld-linux-x86-64.so.2) ;;
		*) die 4 "QEMU's packages lack a library: $lib" ;;
		esac
	done
	for f in $qemu_data; do
		cp -L "$tree/usr/share/$f" "$root/usr/share/$f"
	done
}

qemu_fetch() {
	local dir=$lab_cache/qemu tmp=$lab_cache/qemu.tmp version

	! qemu_cached || return 0
	need_programs dpkg-deb apt-get cpio
	rm -rf "$tmp" "$dir"
	mkdir -p "$tmp"
	say "downloading Debian's QEMU of $qemu_suite"
	archive_tree "$qemu_release" "$tmp/tree" -t "$qemu_suite" qemu-system-x86
	mkdir -p "$tmp/image"
	qemu_pick "$tmp/tree" "$tmp/image/qemu"
	version=$("$tmp/tree/usr/lib64/ld-linux-x86-64.so.2" \
		--library-path "$tmp/tree/usr/lib/x86_64-linux-gnu" \
		"$tmp/tree/usr/bin/qemu-system-x86_64" -version | sed -n '1s/^QEMU emulator version //p')
	[ -n "$version" ] || die 4 "the QEMU of $qemu_suite does not run here"
	echo "$version" >"$tmp/version"
	(cd "$tmp/image" && find . -mindepth 1 | sort | cpio -o -H newc -R 0:0 --quiet) >"$tmp/initramfs"
	mv "$tmp/image/qemu" "$tmp/root"
	rm -rf "$tmp/tree" "$tmp/image"
	echo "$qemu_layout" >"$tmp/layout"
	mv "$tmp" "$dir"
}

qemu_cached() {
	local layout=

	[ ! -r "$lab_cache/qemu/layout" ] || read -r layout <"$lab_cache/qemu/layout"
	[ "$layout" = "$qemu_layout" ]
}

# qemu_ensure: afterwards it is in $lab_cache/qemu.
qemu_ensure() {
	cache_init
	qemu_cached || with_lock qemu qemu_fetch
}

qemu_main() {
	[ $# -eq 0 ] || die 2 "usage: lab qemu"
	qemu_ensure
	echo "$lab_cache/qemu"
}
