#!/bin/sh
#
# Programs written for other pools, from one source: what they print with ours is what they
# say, and what the original has them print.

. "$(dirname "$0")/tap.sh"

# used PROGRAM PATTERN: its symbols that are of the library match
uses()
{
	nm "$WEFT_BUILD/examples/.libs/$1" "$WEFT_BUILD/examples/$1" 2>/dev/null | grep -q "$2"
}

prints thpool-jobs thpool-jobs
result $? "a C-Thread-Pool program prints what it says"
if [ -x "$WEFT_BUILD/examples/gpool-jobs" ]; then
	prints gpool-jobs gpool-jobs
	result $? "a GThreadPool program prints what it says, on Weft"
	prints gpool-jobs-glib gpool-jobs
	result $? "and so it does on GLib"
	uses gpool-jobs ' U weft_gpool_new' && ! uses gpool-jobs ' U g_thread_pool_new'
	result $? "with our header its pool is ours"
else
	skip "a GThreadPool program" "no GLib"
fi

finish
