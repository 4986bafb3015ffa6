#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# nested-setup, in the guest: /qemu as a root in which QEMU runs, and KVM, which a processor emulated by TCG has.
set -eu

for d in dev proc sys tmp host; do
	mount --rbind "/$d" "/qemu/$d"
done
while read -r m; do
	[ -d "/sys/module/$(echo "$m" | tr - _)" ] || insmod "/modules/kvm/$m.ko"
done </modules/kvm/kvm.list
