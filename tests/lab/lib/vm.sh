# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2154
#
# lab run, lab shell: the VM. The first serial port is the kernel's; the command's output
# and its exit status have a virtio port each, which lead to files here.

vm_iommu_args=(-device "intel-iommu,intremap=on,caching-mode=on")
vm_test_devices=(
	-device "edu,dma_mask=0xffffffffffffffff"
	-device "edu,dma_mask=0xffffffffffffffff"
	-device pci-testdev
)
# For a QEMU inside: a device that can be reset, here by its port. One that cannot is harmed by a new
# QEMU's start while the old one still runs: its memory and bus mastering are switched off for a moment.
vm_nested_devices=(
	-device "pcie-root-port,id=rp0,chassis=1"
	-device "edu,bus=rp0,dma_mask=0xffffffffffffffff"
)
# loglevel=5: warnings with their traces, not the chatter of the boot. Huge pages here,
# while memory is not fragmented.
# no_timer_check: on a busy host the ticks that the kernel would wait for come too late.
vm_kernel_args='console=ttyS0 loglevel=5 panic=-1 oops=panic intel_iommu=on nokaslr
	mitigations=off hugepages=64 no_timer_check'
# What the kernel says when it is unwell.
vm_trouble='lab-init: |WARNING: |BUG: |kernel BUG at|Oops: |Kernel panic|'
vm_trouble+='general protection fault|soft lockup|rcu: INFO: .*stall|blocked for more than|'
vm_trouble+='refcount_t: |DMAR: \[DMA'

vm_dir=
vm_pid=
vm_tail=
vm_place=

vm_cleanup() {
	[ -z "$vm_pid" ] || kill "$vm_pid" 2>/dev/null || true
	[ -z "$vm_tail" ] || kill "$vm_tail" 2>/dev/null || true
	[ -z "$vm_dir" ] || rm -rf "$vm_dir"
}

vm_cpio() {
	(cd "$1" && find . -mindepth 1 | sort | cpio -o -L -H newc -R 0:0 --quiet)
}

# The part of the initramfs that is the same for every run: busybox, init, modules.
vm_make_base() {
	local ver=$1 out=$2 busybox=$3 kernel=$lab_cache/kernel-$1 d=$2.d applet

	rm -rf "$d" "$out".[0-9a-f]*
	mkdir -p "$d"/{dev,proc,sys,tmp,root,run,host,etc,lab,usr/bin,usr/sbin,usr/lib,usr/lib64,modules}
	for applet in bin sbin lib lib64; do
		ln -s "usr/$applet" "$d/$applet"
	done
	cp "$busybox" "$d/usr/bin/busybox"
	"$busybox" --list | while IFS= read -r applet; do
		[ "$applet" = busybox ] || ln -s busybox "$d/usr/bin/$applet"
	done
	cp "$lab_dir/init" "$d/init"
	cp "$lab_dir/lib/guest-vfio.sh" "$d/usr/bin/vfio-setup"
	chmod 755 "$d/init" "$d/usr/bin/vfio-setup"
	# a kernel may have all of them built in
	find "$kernel" -maxdepth 1 \( -name '*.ko' -o -name '*.list' \) -exec cp -t "$d/modules" {} +
	echo 'root:x:0:0:root:/root:/bin/sh' >"$d/etc/passwd"
	echo 'root:x:0:' >"$d/etc/group"
	(cd "$d" && find . -mindepth 1 | sort | cpio -o -H newc -R 0:0 --quiet) >"$out.part"
	rm -rf "$d"
	mv "$out.part" "$out.$4"
}

# vm_base VER: afterwards vm_base_file is that part.
vm_base() {
	local ver=$1 busybox key

	busybox=$(command -v busybox) || die 4 "no busybox (try: lab deps lab)"
	if ldd "$busybox" >/dev/null 2>&1; then
		die 4 "$busybox is not static: the lab wants the package busybox-static"
	fi
	key=$({
		cat "$lab_dir/init" "$lab_dir"/lib/{guest-vfio,vm}.sh "$lab_cache/kernel-$ver/release"
		sha256sum "$busybox"
	} | sha256sum | cut -c 1-16)
	vm_base_file=$lab_cache/initramfs-$ver.$key
	[ -e "$vm_base_file" ] ||
		with_lock "initramfs-$ver" vm_make_base "$ver" "$lab_cache/initramfs-$ver" "$busybox" "$key"
}

# The name a file of the host has in the guest, where /lib is a link to /usr/lib.
vm_guest_path() {
	case $1 in
	/lib/* | /lib64/* | /bin/* | /sbin/*) echo "/usr$1" ;;
	*) echo "$1" ;;
	esac
}

# vm_add_bin DIR FILE: a program into DIR/usr/bin, its libraries where it looks for them.
vm_add_bin() {
	local dir=$1 file=$2 lib path text

	if [ ! -f "$file" ] || [ ! -x "$file" ]; then
		die 2 "not a program: $file"
	fi
	ln -sf "$(realpath "$file")" "$dir/usr/bin/$(basename "$file")"
	# static programs and scripts have none, and ldd fails for them
	text=$(ldd "$file" 2>/dev/null) || return 0
	case $text in
	*"not found"*) die 4 "$file lacks a library: $(sed -n '/not found/p' <<<"$text" | tr -s '\t\n' ' ')" ;;
	esac
	while IFS= read -r lib; do
		path=$dir$(vm_guest_path "$lib")
		mkdir -p "${path%/*}"
		ln -sf "$(realpath "$lib")" "$path"
		# a directory that only the host's ld.so.cache knows
		case $lib in
		/lib/* | /lib64/* | /usr/lib/* | /usr/lib64/*) ;;
		*) ln -sf "$(realpath "$lib")" "$dir/usr/lib/${lib##*/}" ;;
		esac
	done < <(sed -nE 's|^.* => (/[^ ]+) \(.*$|\1|p; s|^[ \t]+(/[^ ]+) \(.*$|\1|p' <<<"$text")
}

# vm_add_nested VER DIR: what sets up a QEMU inside the guest, but for the QEMU itself.
vm_add_nested() {
	mkdir -p "$2/modules/kvm"
	ln -s "$lab_cache/kernel-$1"/kvm/* "$2/modules/kvm/"
	install -m 755 "$lab_dir/lib/guest-nested.sh" "$2/usr/bin/nested-setup"
}

vm_report_log() {
	local log=$1 n

	n=$(grep -Ec "$vm_trouble" "$log") || return 0
	say "the kernel's log has $n line(s) of trouble:"
	grep -E "$vm_trouble" "$log" | sed -n '1,20{s/\r$//;s/^/lab: kernel: /;p}' >&2
}

vm_log_tail() {
	say "the end of the kernel's log:"
	tail -n 25 "$1" | sed 's/\r$//; s/^/lab: | /' >&2
}

# vm_take_place: as many VMs run at a time as $LAB_JOBS says; afterwards $vm_place is the lock's fd.
# QEMU inherits it: a VM left behind by a killed lab still counts.
vm_take_place() {
	local i told=

	while :; do
		for ((i = 0; i < ${LAB_JOBS:-1}; i++)); do
			exec {vm_place}>"$lab_cache/vm$([ $i -eq 0 ] || echo "-$i").lock"
			! flock -n "$vm_place" || return 0
			exec {vm_place}>&-
		done
		[ -n "$told" ] || say "waiting for another VM to end"
		told=1
		sleep 0.3
	done
}

vm_main() {
	local mode=$1 ver share='' timeout=300 append='' log='' smp=2 mem=2G vfio=1 nested='' rc=0 i n=0
	local qemu_status=0 fd
	local -a bins=() insmods=() extra=() parts=() qemu

	shift
	[ $# -ge 1 ] || die 2 "usage: lab $mode VER [OPTION]... -- COMMAND..."
	ver=$1
	lab_release_of "$ver" >/dev/null
	shift
	while [ $# -gt 0 ]; do
		case $1 in
		--) shift && break ;;
		--no-vfio) vfio=0 && shift && continue ;;
		--nested) nested=1 && shift && continue ;;
		--share | --timeout | --append | --log | --smp | --mem | --qemu-arg | --bin | --insmod)
			[ $# -ge 2 ] || die 2 "lab $mode: $1 wants an argument"
			;;&
		--share) share=$2 ;;
		--timeout) timeout=$2 ;;
		--append) append=$2 ;;
		--log) log=$2 ;;
		--smp) smp=$2 ;;
		--mem) mem=$2 ;;
		--qemu-arg) extra+=("$2") ;;
		--bin) bins+=("$2") ;;
		--insmod) insmods+=("$2") ;;
		*) die 2 "lab $mode: what is $1? (the command comes after --)" ;;
		esac
		shift 2
	done
	[[ ${LAB_JOBS:-1} =~ ^[1-9][0-9]*$ ]] || die 2 "LAB_JOBS is not a number of VMs: $LAB_JOBS"
	[[ $timeout =~ ^[1-9][0-9]*$ ]] || die 2 "lab $mode: not a number of seconds: $timeout"
	if [ "$mode" = run ]; then
		[ $# -gt 0 ] || die 2 "lab run: no command given"
	else
		[ -t 0 ] || die 2 "lab shell: standard input is not a terminal"
	fi
	if [ -n "$share" ]; then
		[ -d "$share" ] || die 2 "no such directory: $share"
		share=$(realpath "$share")
	fi
	need_programs qemu-system-x86_64 busybox cpio flock timeout
	kernel_ensure "$ver"
	vm_base "$ver"
	parts=("$vm_base_file")
	if [ -n "$nested" ]; then
		qemu_ensure
		parts+=("$lab_cache/qemu/initramfs")
		extra+=("${vm_nested_devices[@]}")
	fi

	vm_dir=$(mktemp -d "${TMPDIR:-/tmp}/lab.XXXXXXXX")
	trap vm_cleanup EXIT
	trap 'exit 130' INT
	trap 'exit 143' TERM HUP
	mkdir -p "$vm_dir/root/lab/insmod" "$vm_dir/root/usr/bin"
	printf '%s' "$*" >"$vm_dir/root/lab/command"
	cat >"$vm_dir/root/lab/options" <<-EOF
		lab_mode=$mode
		lab_vfio=$vfio
		lab_share=${share:+1}
	EOF
	for i in ${bins[@]+"${bins[@]}"}; do
		vm_add_bin "$vm_dir/root" "$i"
	done
	for i in ${insmods[@]+"${insmods[@]}"}; do
		[ -r "$i" ] || die 2 "no such module: $i"
		# numbered, to keep the order
		ln -s "$(realpath "$i")" "$vm_dir/root/lab/insmod/$((100 + n++))-${i##*/}"
	done
	[ -z "$nested" ] || vm_add_nested "$ver" "$vm_dir/root"
	{
		cat "${parts[@]}"
		vm_cpio "$vm_dir/root"
	} >"$vm_dir/initramfs"
	: >"$vm_dir/out"
	: >"$vm_dir/status"
	[ -n "$log" ] || log=$vm_dir/log
	: >"$log" || die 2 "cannot write $log"
	log=$(realpath "$log")

	# thread=single: with a thread per processor, code that one of them patches (a static
	# key, a traced function) can oops another with a stale int3, or hang both.
	qemu=(qemu-system-x86_64 -M "q35,kernel-irqchip=split" -accel "tcg,thread=single"
		-cpu max -m "$mem" -smp "$smp"
		-display none -monitor none -parallel none -no-reboot -nic none
		-kernel "$lab_cache/kernel-$ver/vmlinux" -initrd "$vm_dir/initramfs"
		-append "${vm_kernel_args//[$'\n\t']/ } $append"
		"${vm_iommu_args[@]}" "${vm_test_devices[@]}"
		# ioeventfd=off: the guest's write has arrived when it returns
		-device "virtio-serial-pci,ioeventfd=off"
		-chardev "file,id=status,path=$vm_dir/status" -device "virtserialport,chardev=status,name=lab.status")
	if [ "$mode" = run ]; then
		qemu+=(-chardev "file,id=log,path=$log,append=on" -serial chardev:log
			-chardev "file,id=out,path=$vm_dir/out" -device "virtserialport,chardev=out,name=lab.out")
	else
		qemu+=(-chardev "stdio,id=log,signal=off,logfile=$log" -serial chardev:log)
	fi
	if [ -n "$share" ]; then
		qemu+=(-fsdev "local,id=share,path=${share//,/,,},security_model=none,multidevs=remap"
			-device "virtio-9p-pci,fsdev=share,mount_tag=share")
	fi
	qemu+=(${extra[@]+"${extra[@]}"})

	vm_take_place
	fd=$vm_place
	if [ "$mode" = shell ]; then
		"${qemu[@]}" || qemu_status=$?
		return "$qemu_status"
	fi
	timeout --foreground -s KILL "$timeout" "${qemu[@]}" </dev/null >"$vm_dir/qemu" 2>&1 &
	vm_pid=$!
	tail -c +1 -f -s 0.1 --pid="$vm_pid" "$vm_dir/out" {fd}>&- 2>/dev/null &
	vm_tail=$!
	wait "$vm_pid" || qemu_status=$?
	vm_pid=
	exec {fd}>&-
	wait "$vm_tail" || true
	vm_tail=

	sed 's/^/lab: qemu: /' "$vm_dir/qemu" >&2
	vm_report_log "$log"
	if read -r rc <"$vm_dir/status" && [[ $rc =~ ^[0-9]+$ ]]; then
		return "$rc"
	fi
	case $qemu_status in
	124 | 137) say "the VM was killed after $timeout s" ;;
	0) say "the guest died before the command ended" ;;
	*) say "QEMU failed with status $qemu_status" ;;
	esac
	vm_log_tail "$log"
	[ -s "$log" ] || [ "$qemu_status" -eq 0 ] || [ "$qemu_status" -ge 124 ] || return 4
	return 124
}
