#!/bin/sh
# Checks that every option that vmm's help prints is in the manual page of its subcommand, and none
# is made up there.  It refuses to judge the pages' form: "make lint" has mandoc do that.
#
#   manpages.sh BUILD
set -eu
build=$1
status=0

compare() { # PAGE COMMAND...: its options by help and by page
	page=docs/$1
	shift
	"$@" --help | sed -n 's/^ \{2,6\}\(-[A-Za-z], \)\{0,1\}\(--[a-z-]*\).*/\2/p' | sort -u >"$work/help"
	grep '^\.It .*Fl ' "$page" | grep -o '[l,] -[a-z-]\{2,\}' | sed 's/^.* -/--/' |
		sort -u >"$work/page"
	if ! diff "$work/help" "$work/page" >"$work/diff"; then
		echo "$page: < only in the help, > only in the page"
		grep '^[<>]' "$work/diff"
		status=1
	fi
}

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
compare vmm.1 "$build/vmm"
for name in export measure replay report; do
	compare "vmm-$name.1" "$build/vmm" $name
done
[ $status != 0 ] || echo 'manual pages: every option is there'
exit $status
