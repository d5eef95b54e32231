#!/bin/sh
#
# The examples print what their head comments say.

WEFT_SOURCE=${WEFT_SOURCE:-$(cd "$(dirname "$0")/.." && pwd)}
WEFT_BUILD=${WEFT_BUILD:-$(pwd)}
. "$(dirname "$0")/checks.sh"

for source in "$WEFT_SOURCE"/examples/*.c; do
	name=$(basename "$source" .c)
	grep -q '^ \* Prints[:,]' "$source" || continue
	if [ ! -x "$WEFT_BUILD/examples/$name" ]; then
		skip "$name" "not built"
		continue
	fi
	arguments=
	if [ $name = unmodified ]; then
		[ -z "${WEFT_SANITIZER-}" ] || continue # they want to be first in a program
		arguments='one two'
	fi
	prints $name $name $arguments
	result $? "$name prints what it says"
done

finish
