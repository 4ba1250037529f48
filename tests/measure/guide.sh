#!/bin/sh
# Follows docs/writing-an-experiment.md to the letter, in a copy of the tree: what it tells a reader
# to write must build, run and show up in the output.  Called by "make check-guide".
#
#   guide.sh BUILD          a folder with a finished build, to start from
set -eu
build=$1
guide=docs/writing-an-experiment.md
copy=$(mktemp -d)
trap 'rm -rf "$copy"' EXIT

# block N: the N-th C block of the guide
block() {
	awk -v want="$1" '/^```c$/ { n++; inside = 1; next } /^```$/ { inside = 0 }
		inside && n == want' "$guide"
}

cp -pr Makefile .ci vmm guest include tests "$copy"
cp -pr "$build" "$copy/build"
block 1 >"$copy/guest/exp/split.c"
block 2 >"$copy/vmm/measure/experiment/split.c"
row=$(block 3)
cd "$copy"
sed -i 's/^    EXP_ROUTINE(request)$/    EXP_ROUTINE(request) EXP_ROUTINE(split)/' include/exp.h
sed -i 's|^\tguest/exp/tlb.c \\$|&\n\tguest/exp/split.c \\|
	s|^\tvmm/measure/experiment/tlb.c \\$|&\n\tvmm/measure/experiment/split.c \\|' Makefile
sed -i '/^bool experiment_clock/i bool experiment_split(struct lab *lab, struct result *result, struct err *err);' \
	vmm/measure/catalogue.h
awk -v row="$row" '{ print } /^const struct experiment catalogue/ { print row }' \
	vmm/measure/catalogue.c >catalogue.new
mv catalogue.new vmm/measure/catalogue.c
make --no-print-directory DEPS=0 O=build CI=true build/vmm >make.log 2>&1 || {
	cat make.log
	exit 1
}
side=''
[ -w /dev/kvm ] || side=--native
# shellcheck disable=SC2086 # one option or none
build/vmm measure split --quick $side >out.txt
grep -q 'load across two lines  *cycles  *[0-9]' out.txt || {
	echo 'guide: the experiment of the guide shows no figure:'
	cat out.txt
	exit 1
}
echo 'guide: the experiment of docs/writing-an-experiment.md builds and runs'
