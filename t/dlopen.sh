#!/bin/sh
#
# A library that was built without jemalloc is loaded by a plain program in C while
# that runs. Argument: the library (default: this build's). One that needs
# jemalloc, whose thread-local data is static, may be refused.

. "$(dirname "$0")/tap.sh"
library=${1:-$shared}
[ -f "$library" ] || skip_all "no shared library"

$CC "$WEFT_SOURCE/t/dlopen_c.c" -o "$dir/host" -ldl 2>"$dir/err" || exit 99
timeout 60 "$dir/host" "$library" >"$dir/err" 2>&1
status=$?
if [ $status -eq 3 ] && grep -q 'static TLS' "$dir/err" && readelf -d "$library" | grep -q jemalloc; then
	skip "a plain C program loads and uses libweft" "jemalloc has static TLS"
else
	result $status "a plain C program loads and uses libweft"
fi

finish
