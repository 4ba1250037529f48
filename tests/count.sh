#!/bin/sh
# Adds up the summaries of cmocka, and the programs that ended without one, in the outputs given.
# It refuses to judge: run.sh, which is what to read next, has the exit status.
#
#   count.sh LOG...         prints "N passed, N failed, N skipped"
awk '
	{ sub(/\r$/, "") }
	/^\[  PASSED  \] [0-9]+ test\(s\)/ { passed += $4 }
	/^\[  FAILED  \] [0-9]+ test\(s\)/ { failed += $4 }
	/^\[  SKIPPED \] [0-9]+ test\(s\)/ { skipped += $4 }
	/^\[  ERROR   \] / && $4 != "---" { failed++ } # a fixture failed; "---" explains a failed test
	/^\[ CRASHED  \]/ { failed++ }
	END { printf "%d passed, %d failed, %d skipped\n", passed, failed, skipped }
' "$@"
