#!/bin/busybox sh
# shellcheck shell=dash
# Process 1 of the emulated machine: loads the KVM modules, runs the command, tells its status.
# It refuses to know what the command is and which emulator it runs in.  Read run.sh next, which
# packs this file and boots it.
#   ttyS0  kernel console and our own diagnostics
#   ttyS1  the command's stdout and stderr, raw
#   ttyS2  one line: "status N", or "error TEXT" when the command never started
PATH=/bin
/bin/busybox mkdir -p /dev /proc /sys /tmp /root /etc
/bin/busybox --install -s /bin
mount -t devtmpfs devtmpfs /dev
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mkdir -p /dev/shm /dev/pts
mount -t tmpfs tmpfs /tmp
mount -t tmpfs tmpfs /dev/shm
mount -t devpts devpts /dev/pts
ip link set lo up
hostname backend

serial() { stty -F "$1" 115200 raw -echo; } # waits for pending output, too
serial /dev/ttyS1
serial /dev/ttyS2

finish() {
	serial /dev/ttyS1
	echo "$*" >/dev/ttyS2
	serial /dev/ttyS2
	sync
	poweroff -f
	sleep 1000
}

# /machine/modules: one "file options..." per line, in load order
while read -r file options; do
	# shellcheck disable=SC2086 # options are words
	insmod "/machine/$file" $options || finish "error insmod $file $options failed"
done </machine/modules
[ -c /dev/kvm ] || finish "error no /dev/kvm"
for p in kvm_amd/parameters/npt kvm_intel/parameters/ept; do
	[ ! -e "/sys/module/$p" ] || echo "backends: $p=$(cat "/sys/module/$p")"
done

export VMM_RING_EMULATED=1 # for tests that are content with less where all is slow
export HOME=/root LC_ALL=C PATH=/prog:/bin:/sbin:/usr/bin:/usr/sbin:/usr/local/bin
(cd /prog && exec sh /machine/command) </dev/null >/dev/ttyS1 2>&1
status=$?
PATH=/bin
finish "status $status"
