#!/usr/bin/env bash
# Runs a command on real kvm_amd or kvm_intel code, in an emulated machine.  It refuses to know what
# the command is, and to touch anything but its cache.  Read "run.sh --help" and README.md first,
# guest-init.sh (what runs in the machine) and cache.sh (where the machine comes from) next.
set -euo pipefail

usage() {
	cat <<-'EOT'
	usage: run.sh [options] TARGET PROGRAM_DIR COMMAND
	       run.sh [options] --prepare [TARGET...]

	Boots a Debian kernel in a software emulator, loads the kvm modules, copies
	PROGRAM_DIR to /prog, and runs COMMAND (a busybox sh script) there as root.
	COMMAND's stdout and stderr come out on stdout; its exit status is run.sh's.
	77: nothing can be fetched on this machine.  124: timed out.  125: the machine
	or this script failed.

	targets  svm          kvm_amd, npt=1, on QEMU (TCG)
	         svm-shadow   kvm_amd, npt=0, on Bochs
	         vmx          kvm_intel, ept=1, on Bochs
	         vmx-shadow   kvm_intel, ept=0, on Bochs

	  --cache DIR        packages, kernels and emulators are kept here, nothing
	                     is written elsewhere (default: $VMM_BACKENDS_CACHE, or
	                     vmm-backends in the user's cache folder)
	  --timeout SEC      wall clock for boot and command together (default 300)
	  --kernel SUITE     Debian suite the kernel is taken from (default bookworm:
	                     6.1; bookworm-backports: 6.12; trixie, sid)
	  --smp N            processors (default 1)
	  --mem MB           memory (default 1536: more than vmm asks for by default)
	  --cpu MODEL        emulator's processor model (default: max on QEMU,
	                     broadwell_ult and ryzen on Bochs)
	  --append ARG       kernel command line argument (repeatable)
	  --log FILE         keep the kernel's console output there
	  --quiet            no progress messages
	  --prepare          only fill the cache for the targets named, or for all

	environment: VMM_BACKENDS_CACHE; VMM_BACKENDS_MIRROR, the address of a Debian
	archive (default: the one apt uses here)
	EOT
}

me=backends
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
say() { [ "$quiet" = 1 ] || printf '%s: %s\n' "$me" "$*" >&2; }
die() {
	printf '%s: %s\n' "$me" "$*" >&2
	exit 125
}
skip() {
	printf '%s: skipped: %s\n' "$me" "$*" >&2
	final=1
	exit 77
}

work='' pids=() final=0 bochs_dir=''
# shellcheck disable=SC2317 # called by the trap
cleanup() {
	local status=$?
	[ ${#pids[@]} = 0 ] || kill -KILL "${pids[@]}" 2>/dev/null || true
	[ -z "$work" ] || rm -rf "$work"
	# what stopped the script through "set -e" is not the command's status
	[ "$final" = 1 ] || [ "$status" = 0 ] || exit 125
}
trap cleanup EXIT
trap 'final=1; exit 130' INT
trap 'final=1; exit 143' TERM HUP

# --- arguments ---------------------------------------------------------------

cache=${VMM_BACKENDS_CACHE:-${XDG_CACHE_HOME:-${HOME:-/nonexistent}/.cache}/vmm-backends}
limit=300 suite=bookworm smp=1 mem=1536 cpu='' log='' quiet=0 prepare=0 append=()

while [ $# -gt 0 ]; do
	case $1 in
	--cache | --timeout | --kernel | --smp | --mem | --cpu | --append | --log)
		[ $# -ge 2 ] || die "$1 needs a value"
		case $1 in
		--cache) cache=$2 ;;
		--timeout) limit=$2 ;;
		--kernel) suite=$2 ;;
		--smp) smp=$2 ;;
		--mem) mem=$2 ;;
		--cpu) cpu=$2 ;;
		--append) append+=("$2") ;;
		--log) log=$2 ;;
		esac
		shift 2
		;;
	--quiet) quiet=1 && shift ;;
	--prepare) prepare=1 && shift ;;
	-h | --help) usage && exit 0 ;;
	--) shift && break ;;
	-*) die "unknown option $1" ;;
	*) break ;;
	esac
done
for number in "$limit" "$smp" "$mem"; do
	[[ $number =~ ^[1-9][0-9]*$ ]] || die "not a positive number: $number"
done
[[ $suite =~ ^[a-z][a-z-]*$ ]] || die "not a suite: $suite"

# describe TARGET: sets vendor, emu, paging, default_cpu
describe() {
	case $1 in
	svm) vendor=amd emu=qemu default_cpu=max ;;
	svm-shadow) vendor=amd emu=bochs default_cpu=ryzen ;;
	vmx | vmx-shadow) vendor=intel emu=bochs default_cpu=broadwell_ult ;;
	*) die "unknown target $1" ;;
	esac
	paging=npt
	[ $vendor = amd ] || paging=ept
	case $1 in *-shadow) paging+='=0' ;; *) paging+='=1' ;; esac
}

if [ $prepare = 1 ]; then
	[ $# -gt 0 ] || set -- svm svm-shadow vmx vmx-shadow
else
	[ $# = 3 ] || {
		usage >&2
		exit 125
	}
	target=$1 program=$2 command=$3
	[ -d "$program" ] || die "not a directory: $program"
	set -- "$target"
fi

# --- the cache ---------------------------------------------------------------

[ "$(uname -sm)" = 'Linux x86_64' ] || skip "needs Linux on x86-64"
command -v flock >/dev/null || skip "needs flock (util-linux)"
mkdir -p "$cache"
cache=$(cd "$cache" && pwd)
export TMPDIR=$cache # for whatever the tools below think of writing
# shellcheck source=tests/backends/cache.sh
. "$here/cache.sh"

exec 9>"$cache/lock" # one filler of the cache at a time
flock 9
for t in "$@"; do
	describe "$t"
	kernel
	emulator "$emu"
done
flock -u 9
[ $prepare = 0 ] || exit 0
cpu=${cpu:-$default_cpu}
[ "$emu" = qemu ] || [ -n "$bochs_dir" ] || skip "$target needs Bochs, which g++ and make build here"

# --- the initramfs -----------------------------------------------------------

work=$(mktemp -d "$cache/work.XXXXXX")
busybox=$cache/tools/boot/bin/busybox
[ -e "$busybox" ] || busybox=$cache/tools/boot/usr/bin/busybox
root=$work/root
mkdir -p "$root"/{bin,sbin,usr/bin,usr/sbin,etc,machine,prog}
cp "$busybox" "$root/bin/busybox"
ln -s /bin/busybox "$root/usr/bin/env"
cp "$here/guest-init.sh" "$root/init"
chmod 755 "$root/init"
echo root:x:0:0:root:/root:/bin/sh >"$root/etc/passwd"
echo root:x:0: >"$root/etc/group"
cp -a "$program/." "$root/prog/"
printf '%s\n' "$command" >"$root/machine/command"

# libraries FILE: copies what the dynamic program FILE needs, and what it may load by name
libraries() {
	local lib
	while read -r lib; do
		[ -e "$root$lib" ] && continue
		install -D "$lib" "$root$lib"
		libraries "$lib"
	done < <(
		ldd "$1" 2>/dev/null | grep -oE '(^|[[:space:]])/[^ ]+' | tr -d '[:blank:]'
		grep -aoE 'lib(dw|edit|sqlite3)\.so\.[0-9]+' "$1" | sort -u | while read -r lib; do
			PATH=$PATH:/sbin ldconfig -p | awk -v name="$lib" '$1 == name && !n++ { print $NF }'
		done
	)
}
while IFS= read -r -d '' file; do
	if [ "$(head -c4 "$file" | tr -d '\0')" = $'\x7fELF' ]; then libraries "$file"; fi
done < <(find -L "$program" -type f -print0)

# The signature is cut off: checking it takes seconds under emulation.
copy_module() { # FILE DESTINATION
	case $1 in
	*.xz) "$busybox" xzcat "$1" >"$2" ;;
	*) cp "$1" "$2" ;;
	esac
	local magic='~Module signature appended~' len
	if [ "$(tail -c 28 "$2" | head -c 27)" = "$magic" ]; then
		len=$((0x$(tail -c 32 "$2" | head -c 4 | od -An -tx1 | tr -d ' ')))
		truncate -s "-$((len + 40))" "$2"
	fi
}
loaded=' '
module() { # NAME [OPTION...]: with its dependencies, in order
	local name=${1//-/_} file dep
	[[ $loaded != *" $name "* ]] || return 0
	loaded+="$name "
	file=$(find "$kernel_dir" \( -name "$name.ko*" -o -name "${name//_/-}.ko*" \) -print -quit)
	[ -n "$file" ] || die "no module $1 in the $suite cloud kernel"
	copy_module "$file" "$root/machine/$name.ko"
	for dep in $(tr '\0' '\n' <"$root/machine/$name.ko" | sed -nE 's/^depends=//p' | tr , ' '); do
		module "$dep"
	done
	shift
	echo "$name.ko $*" >>"$root/machine/modules"
}
# kvm_amd may want ccp and others for SEV; they are dependencies, so they come along
module irqbypass
module kvm
module "kvm_$vendor" "$paging"
(cd "$root" && find . | "$busybox" cpio -o -H newc -R 0:0 2>/dev/null | gzip -1) >"$work/initrd"
rm -rf "$root"

# --- the machine -------------------------------------------------------------

vmlinuz=$(find "$kernel_dir" -name 'vmlinuz*' -type f -print -quit)
[ -n "$vmlinuz" ] || die "no vmlinuz in $kernel_dir"
cmdline="console=ttyS0,115200 quiet loglevel=4 panic=0 8250.nr_uarts=4 nokaslr no5lvl"
# mce=off: else guests see CR4.MCE set on QEMU, which misses KVM's intercept
cmdline+=" cryptomgr.notests tsc=reliable mce=off ${append[*]-}"
touch "$work"/{console,output,status}

if [ "$emu" = qemu ]; then
	tool_command "qemu-$qemu_suite" usr/bin/qemu-system-x86_64
	share=$cache/tools/qemu-$qemu_suite/usr/share
	export QEMU_MODULE_DIR=$cache/tools/qemu-$qemu_suite/usr/lib/x86_64-linux-gnu/qemu
	argv=("${tool_argv[@]}" -L "$share/qemu" -L "$share/seabios" -nodefaults -no-user-config
		-display none -monitor none -no-reboot -machine pc -accel tcg -cpu "$cpu" -smp "$smp"
		-m "$mem" -kernel "$vmlinuz" -initrd "$work/initrd" -append "$cmdline"
		-serial "file:$work/console" -serial "file:$work/output" -serial "file:$work/status")
else
	mkdir "$work/iso"
	isolinux=$cache/tools/boot/usr/lib
	cp "$isolinux/ISOLINUX/isolinux.bin" "$isolinux/syslinux/modules/bios/ldlinux.c32" "$work/iso/"
	cp "$vmlinuz" "$work/iso/vmlinuz"
	mv "$work/initrd" "$work/iso/initrd"
	printf 'DEFAULT k\nPROMPT 0\nLABEL k\nKERNEL /vmlinuz\nINITRD /initrd\nAPPEND %s\n' \
		"$cmdline" >"$work/iso/isolinux.cfg"
	tool_command boot usr/bin/xorriso
	"${tool_argv[@]}" -as mkisofs -quiet -o "$work/boot.iso" -b isolinux.bin -c boot.cat \
		-no-emul-boot -boot-load-size 4 -boot-info-table "$work/iso" 2>"$work/xorriso.log" ||
		die "xorriso failed: $(cat "$work/xorriso.log")"
	rm -rf "$work/iso"
	bios=$cache/tools/boot/usr/share/bochs vgabios=$cache/tools/boot/usr/share/vgabios
	cat >"$work/bochsrc" <<-EOF
	config_interface: textconfig
	display_library: nogui
	cpu: model=$cpu, count=$smp, ips=100000000, reset_on_triple_fault=0, ignore_bad_msrs=1
	memory: guest=$mem, host=$mem
	romimage: file=$bios/BIOS-bochs-latest
	vgaromimage: file=$vgabios/vgabios.bin
	ata0: enabled=1, ioaddr1=0x1f0, ioaddr2=0x3f0, irq=14
	ata0-master: type=cdrom, path=$work/boot.iso, status=inserted
	boot: cdrom
	com1: enabled=1, mode=file, dev=$work/console
	com2: enabled=1, mode=file, dev=$work/output
	com3: enabled=1, mode=file, dev=$work/status
	clock: sync=none, time0=local
	log: $work/bochs.log
	panic: action=fatal
	error: action=ignore
	info: action=ignore
	debug: action=ignore
	EOF
	argv=("$bochs_dir/bochs" -q -f "$work/bochsrc")
fi

# --- run, relay, stop --------------------------------------------------------

"${argv[@]}" </dev/null >"$work/emulator.log" 2>&1 9>&- &
machine=$!
tail -c +1 -s 0.1 -f --pid=$machine "$work/output" 9>&- &
relay=$!
pids=("$machine" "$relay")

SECONDS=0 outcome='' kind='' value=''
until read -r kind value <"$work/status" || ! kill -0 "$machine" 2>/dev/null; do
	if [ "$SECONDS" -ge "$limit" ]; then
		outcome="timed out after $limit s"
		break
	elif grep -aq 'Kernel panic' "$work/console"; then
		outcome='the kernel panicked'
		break
	fi
	sleep 0.1
done
# KILL, as a hanging emulator may not mind TERM.  Everything written is in the files by now.
{
	kill -KILL "$machine" || true
	wait "$machine" || true
	wait "$relay" || true
} 2>/dev/null
pids=() final=1
[ -z "$log" ] || cp "$work/console" "$log"

if [ "$kind" = status ]; then
	say "$target, $suite kernel, $emu: exit status $value, $SECONDS s"
	exit "$value"
fi
[ "$kind" != error ] || outcome=$value
say "$target, $suite kernel, $emu: ${outcome:-the emulator stopped}; end of its console:"
tail -n 15 "$work/console" | tr -d '\r' >&2
cat "$work/emulator.log" >&2
case $outcome in timed*) exit 124 ;; *) exit 125 ;; esac
