#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# vfio-setup, in the guest: load the VFIO modules, bind the test devices to vfio-pci.
set -eu

while read -r m; do
	[ -d "/sys/module/$(echo "$m" | tr - _)" ] || insmod "/modules/$m.ko"
done </modules/vfio.list
# edu and pci-testdev
echo 1234 11e8 >/sys/bus/pci/drivers/vfio-pci/new_id
echo 1b36 0005 >/sys/bus/pci/drivers/vfio-pci/new_id
