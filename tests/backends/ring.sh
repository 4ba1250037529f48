#!/usr/bin/env bash
# Runs the KVM ring of the tests on each emulated back end, two at a time, and sums up.  It refuses to
# know what the tests are and how a machine is emulated.  Read run.sh (one machine) and tests/run.sh
# (what runs in it) next.
#
#   ring.sh LOG_DIR STAGE TARGET...
#
# STAGE is what "make stage" leaves.  LOG_DIR/TARGET.log gets each target's output.  Exit status: 0 all
# passed, 1 some did not, 77 nothing can be fetched on this machine.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
[ $# -ge 3 ] || {
	sed -n '2,/^set/{/^#/s/^# \{0,1\}//p}' "$0" >&2
	exit 125
}
logs=$1 stage=$2 targets=("${@:3}")
jobs=2 limit=${BACKENDS_TIMEOUT:-1200}
# One program that hangs leaves time for the others before the machine itself is stopped.  The tests
# see that they are emulated (guest-init.sh), and leave out what is only more of the same (tests/kvm/kvm_ring.h).
command="export TEST_TIMEOUT=$((limit / 2)); sh tests/run.sh tests/kvm/test_*"

status=0
"$here/run.sh" --prepare "${targets[@]}" || status=$?
[ "$status" = 0 ] || exit "$status"

mkdir -p "$logs"
for t in "${targets[@]}"; do rm -f "$logs/$t".{log,line,first.log,failed}; done
trap 'kill $(jobs -p) 2>/dev/null || true; wait' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

# attempt TARGET: one run, its output in the log
attempt() {
	"$here/run.sh" --quiet --timeout "$limit" "$1" "$stage" "$command" >"$logs/$1.log" 2>&1
}

# one TARGET: runs it, again where the machine failed, and writes its part of the summary
one() {
	local status=0 start=$SECONDS counts result=ok again=''
	attempt "$1" || status=$?
	if [ "$status" = 125 ]; then
		echo "backends: $1: the machine failed (status 125), trying once more; $logs/$1.first.log"
		mv "$logs/$1.log" "$logs/$1.first.log"
		again=', 2nd attempt' status=0
		attempt "$1" || status=$?
	fi
	[ "$status" != 77 ] || result='skipped' status=0
	counts=$("$here/../count.sh" "$logs/$1.log")
	counts+=" ($(grep -c '^LEFT OUT' "$logs/$1.log" || true) left out as emulated)"
	# a ring that ran no test has not shown anything
	[[ $status != 0 || $result = skipped || $counts != "0 passed"* ]] || status='0, but no test passed'
	if [ "$status" != 0 ]; then
		result="FAILED (status $status)"
		touch "$logs/$1.failed"
		echo "backends: $1: end of $logs/$1.log:"
		tail -n 30 "$logs/$1.log" | sed 's/^/    /'
	fi
	printf 'backends: %-10s %s: %s (%d s%s)\n' "$1" "$result" "$counts" $((SECONDS - start)) "$again"
	echo "$1 $result ($((SECONDS - start)) s$again)" >"$logs/$1.line"
}
for t in "${targets[@]}"; do
	while [ "$(jobs -rp | wc -l)" -ge "$jobs" ]; do wait -n; done
	one "$t" &
done
wait

failed=0 summary=''
for t in "${targets[@]}"; do
	summary+="${summary:+, }$(cat "$logs/$t.line")"
	[ ! -e "$logs/$t.failed" ] || failed=1
	rm -f "$logs/$t".{line,failed}
done
echo "backends: $summary"
exit "$failed"
