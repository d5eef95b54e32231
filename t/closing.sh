#!/bin/sh
#
# The closing line of each test program that ran in the build folders named
# (default: this one): Check's own, and one of the same form for scripts, which
# print TAP.

for build in "${@:-.}"; do
	for log in "$build"/t/*.log; do
		[ -f "$log" ] || continue
		awk -v name="$(basename "$build" | sed 's/^\.$//; s/..*/& /')$(basename "$log" .log)" '
			/^[0-9]+%: Checks: / { print name ": " $0 }
			/^ok / { passed++ }
			/^not ok / { failed++ }
			END {
				all = passed + failed
				if (all)
					printf "%s: %d%%: Checks: %d, Failures: %d, Errors: 0\n",
						name, 100 * passed / all, all, failed
			}' "$log"
	done
done
