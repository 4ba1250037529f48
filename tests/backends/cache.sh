# shellcheck shell=bash
# Fills the cache: Debian's kernel, emulators and boot files, unpacked from packages without root and
# without touching the system's apt or dpkg state.  It refuses to know what they are used for.  Sourced
# by run.sh, which is what to read next; it sets $cache, $suite and $here, and defines say, die and skip.

: "${cache:?}" "${suite:?}" "${here:?}"

# Debian suites that QEMU and Bochs are taken from.  Bookworm's own QEMU 7.2 hangs: README.md.
qemu_suite=bookworm-backports
bochs_suite=trixie

# debian_mirror NAME: the address of a Debian archive (debian, debian-security) that apt uses here, or
# the list of addresses that cloud images have for it
debian_mirror() {
	# shellcheck disable=SC2016 # apt expands it
	apt-get indextargets --format '$(REPO_URI)' 2>/dev/null | sed -nE "s,(/$1(\.list)?)/*\$,\1,p" | head -n 1
}

# require_debian: leaves with the status for "skipped" where nothing can be fetched; sets mirror, security
require_debian() {
	local tool
	for tool in apt-get apt-config dpkg-deb; do
		command -v "$tool" >/dev/null ||
			skip "needs Debian's $tool to fetch the emulated machines"
	done
	mirror=${VMM_BACKENDS_MIRROR:-$(debian_mirror debian)}
	[ -n "$mirror" ] || skip "apt's sources name no Debian mirror; VMM_BACKENDS_MIRROR=URL sets one"
	security=$(debian_mirror debian-security)
	keyring=/usr/share/keyrings/debian-archive-keyring.gpg
	[ -e "$keyring" ] || skip "needs $keyring (package debian-archive-keyring)"
}

# select_suite SUITE: points apt at a private state for that suite
select_suite() {
	local dir=$cache/apt/$1 base=${1%-backports} release='' deb
	require_debian
	deb="[signed-by=$keyring]"
	[ "$base" = "$1" ] || release=$1 # else leave security updates eligible
	mkdir -p "$dir/lists/partial" "$dir/cache/archives/partial"
	: >"$dir/status" # as on an empty system: every dependency is fetched
	{
		echo "deb $deb $mirror $base main"
		[ "$1" != "$bochs_suite" ] || echo "deb-src $deb $mirror $1 main"
		[ "$base" = sid ] || [ -z "$security" ] || echo "deb $deb $security $base-security main"
		[ "$base" = "$1" ] || echo "deb $deb $mirror $1 main"
	} >"$dir/sources.list"
	{
		apt-config dump | grep '^Acquire::' || true # proxies
		cat <<-EOT
		Dir::Etc::main "/dev/null";
		Dir::Etc::parts "/dev/null";
		Dir::Etc::sourcelist "$dir/sources.list";
		Dir::Etc::sourceparts "/dev/null";
		Dir::Etc::preferences "/dev/null";
		Dir::Etc::preferencesparts "/dev/null";
		Dir::State "$dir";
		Dir::State::lists "$dir/lists";
		Dir::State::status "$dir/status";
		Dir::Cache "$dir/cache";
		Dir::Cache::pkgcache "";
		Dir::Cache::srcpkgcache "";
		Dir::Log "$dir";
		APT::Architecture "amd64";
		APT::Architectures { "amd64"; };
		APT::Default-Release "$release";
		APT::Install-Recommends "false";
		APT::Sandbox::User "$(id -un)";
		APT::Update::Error-Mode "any";
		Acquire::GzipIndexes "true";
		Acquire::Languages "none";
		EOT
	} >"$dir/apt.conf"
	# once a day at most, and only when something has to be fetched
	if [ -z "$(find "$dir/updated" -mmin -1440 2>/dev/null)" ]; then
		say "apt-get update ($1)"
		APT_CONFIG=$dir/apt.conf apt-get -qq update >&2 || die "apt-get update failed"
		touch "$dir/updated"
	fi
	private_apt=$dir/apt.conf
}

# apt_get ARG...: apt-get on the suite selected
apt_get() {
	APT_CONFIG=$private_apt apt-get -qq "$@"
}

# unpack DIR PACKAGE[=VERSION]...: downloads and extracts them, not their dependencies
unpack() {
	local dir=$1 deb
	shift
	mkdir -p "$dir.new/.debs"
	(cd "$dir.new/.debs" && apt_get download "$@" >&2) || die "cannot download $*"
	for deb in "$dir.new"/.debs/*.deb; do
		dpkg-deb -x "$deb" "$dir.new"
	done
	rm -rf "$dir.new/.debs" "$dir"
	mv "$dir.new" "$dir"
}

# tools NAME SUITE PACKAGE...: $cache/tools/NAME holds them and all they depend on
tools() {
	local dir=$cache/tools/$1 list
	[ "$(cat "$dir/.packages" 2>/dev/null)" != "${*:2}" ] || return 0
	mkdir -p "$cache/tools"
	rm -rf "$dir.new"
	select_suite "$2"
	say "fetching ${*:3} ($2)"
	list=$(apt_get -s install "${@:3}" | sed -nE 's/^Inst ([^ ]+) \(([^ ]+) .*/\1=\2/p') || list=''
	[ -n "$list" ] || die "cannot resolve ${*:3} in $2"
	mapfile -t list <<<"$list"
	unpack "$dir" "${list[@]}"
	echo "${*:2}" >"$dir/.packages"
}

# tool_command NAME PROGRAM: sets tool_argv, which runs it on its own libc
tool_command() {
	local dir=$cache/tools/$1 lib ld='' path=''
	for lib in lib/x86_64-linux-gnu usr/lib/x86_64-linux-gnu; do
		[ ! -d "$dir/$lib" ] || path+=${path:+:}$dir/$lib
		[ ! -e "$dir/$lib/ld-linux-x86-64.so.2" ] || ld=$dir/$lib/ld-linux-x86-64.so.2
	done
	[ -n "$ld" ] || die "no libc in $dir"
	# shellcheck disable=SC2034 # the caller's result
	tool_argv=("$ld" --library-path "$path" "$dir/$2")
}

# kernel: sets kernel_dir; downloads the newest cloud kernel of $suite if there is none
kernel() {
	kernel_dir=$cache/kernel/$suite
	[ ! -d "$kernel_dir" ] || return 0
	local name
	mkdir -p "$cache/kernel"
	rm -rf "$kernel_dir.new"
	select_suite "$suite"
	say "fetching a kernel ($suite)"
	name=$(apt_get -s install linux-image-cloud-amd64 |
		sed -nE 's/^Inst (linux-(image|modules|binary)-[0-9][^ ]*) \(([^ ]+) .*/\1=\3/p') || name=''
	[ -n "$name" ] || die "no linux-image-cloud-amd64 in $suite"
	# shellcheck disable=SC2086 # sid may split the image in packages
	unpack "$kernel_dir" $name
}

# bochs_lean: builds Bochs without debugger and displays, three times as fast as the packaged one,
# and without the fault that bochs.patch mends; sets bochs_dir, named after the patch
bochs_lean() {
	local src=$cache/tools/bochs-src patch=$here/bochs.patch busybox=$cache/tools/boot/bin/busybox
	bochs_dir=$cache/tools/bochs-$(cksum <"$patch" | cut -d ' ' -f 1)
	[ ! -x "$bochs_dir/bochs" ] || return 0
	command -v g++ >/dev/null && command -v make >/dev/null || return 1
	select_suite "$bochs_suite"
	say "building Bochs, once (1 to 3 minutes)"
	rm -rf "$bochs_dir" "$src"
	mkdir -p "$src/build" "$src/tree"
	(
		cd "$src"
		apt_get source --download-only --tar-only bochs >&2 || exit 1
		tar -C tree --strip-components=1 -xf bochs_*.orig.tar.* || exit 1
		(cd tree && "$busybox" patch -p1 <"$patch") >patch.log 2>&1 || exit 1
		cd build
		../tree/configure --with-nogui --enable-x86-64 --enable-cpu-level=6 --enable-avx \
			--enable-evex --enable-vmx=2 --enable-svm --enable-smp --enable-memtype \
			--enable-protection-keys --enable-cet --enable-all-optimizations \
			--enable-repeat-speedups --enable-pci --disable-plugins --disable-debugger \
			--disable-docbook CFLAGS=-O2 CXXFLAGS=-O2 >configure.log 2>&1 || exit 1
		# not the caller's job server, flags and variables
		env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL make -j"$(nproc)" >make.log 2>&1 || exit 1
	) || {
		say "cannot build Bochs, taking the packaged one; see $src/*.log, $src/build/*.log"
		return 1
	}
	mkdir "$bochs_dir"
	mv "$src/build/bochs" "$bochs_dir/bochs"
	rm -rf "$src"
}

# emulator NAME: fills the cache for qemu or bochs; sets bochs_kind
emulator() {
	tools boot bookworm busybox-static isolinux syslinux-common xorriso bochsbios vgabios
	if [ "$1" = qemu ]; then
		tools "qemu-$qemu_suite" "$qemu_suite" qemu-system-x86
	elif bochs_lean; then
		bochs_kind=lean
	else
		# shellcheck disable=SC2034 # the caller's result
		bochs_kind=debian
		tools bochs-debian bookworm bochs bochs-term bochsbios vgabios
	fi
}
