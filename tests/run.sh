#!/bin/sh
# Runs test programs one after the other, whatever becomes of each.  It refuses to know what they
# test; a POSIX shell such as busybox's is enough, because it runs in emulated machines too.  Read
# count.sh next, which adds up what comes out of here.
#
#   run.sh PROGRAM...       TEST_TIMEOUT: seconds that each may take (default 300)
#
# Exit status: 0 all passed or skipped, 1 some did not.  A program that ends without cmocka's own
# summary (a signal, a sanitizer's report, a time-out) is told by a line of its own.
failed=0
limit=${TEST_TIMEOUT:-300}
crash_status=99 # more failed tests than any program has
ASAN_OPTIONS=detect_leaks=1:exitcode=$crash_status${ASAN_OPTIONS:+:$ASAN_OPTIONS}
UBSAN_OPTIONS=print_stacktrace=1:exitcode=$crash_status${UBSAN_OPTIONS:+:$UBSAN_OPTIONS}
export ASAN_OPTIONS UBSAN_OPTIONS

# run_one PROGRAM: cmocka writes to both streams, and a test's block-buffered stdout would cut the
# lines of the other one in two: away from a terminal they are shown one after the other.
run_one() {
	if [ -t 1 ]; then
		timeout "$limit" "$1"
		return
	fi
	timeout "$limit" "$1" >"$streams/out" 2>"$streams/err"
	set -- $?
	cat "$streams/out" "$streams/err"
	return "$1"
}
streams=$(mktemp -d) || exit 1
trap 'rm -rf "$streams"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

for program; do
	case $program in
	*/*) ;;
	*) program=./$program ;;
	esac
	if [ ! -x "$program" ]; then
		echo "[ CRASHED  ] $program: no such program"
		failed=1
		continue
	fi
	run_one "$program"
	status=$?
	[ "$status" = 0 ] || failed=1
	case $status in
	124 | 143) echo "[ CRASHED  ] $program: timed out after $limit s" ;;
	"$crash_status") echo "[ CRASHED  ] $program: a sanitizer stopped it" ;;
	*) [ "$status" -lt "$crash_status" ] || echo "[ CRASHED  ] $program: exit status $status" ;;
	esac
done
exit "$failed"
