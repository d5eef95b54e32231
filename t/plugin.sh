#!/bin/sh
#
# With libweft in the process all unwinding goes on as it did: clean-ups of
# pthread_exit, exceptions of C++ programs and of C++ plug-ins in programs of C.

. "$(dirname "$0")/tap.sh"
need pkg-config
t=$WEFT_SOURCE/t
[ -f "$shared" ] || skip_all "no shared library"

expected="attribute
handler
exited
weft"

# cleans_up NAME OPTION...
cleans_up()
{
	name=$1
	shift
	$CC -fexceptions "$t/plugin_c.c" -o "$dir/host" -pthread "$@" 2>"$dir/err" &&
		timeout 60 "$dir/host" >"$dir/err" 2>&1 &&
		[ "$(sed 's/^weft .*/weft/' "$dir/err")" = "$expected" ]
	result $? "pthread_exit cleans up: $name"
}

cleans_up "shared library" $(flags weft) -ldl
cleans_up "shared library before all others" -Wl,--no-as-needed $(flags weft) -lgcc_s -lc -ldl
[ ! -f "$archive" ] || cleans_up "archive" $(flags weft) "$archive" -ldl

if have_cxx; then
	$CXX -DMAIN "$t/plugin_cxx.cc" -o "$dir/program" -pthread $(flags weft) 2>"$dir/err" &&
		timeout 60 "$dir/program" >"$dir/err" 2>&1
	result $? "a C++ program catches its exceptions"
	$CXX -DMAIN "$t/plugin_cxx.cc" -o "$dir/program" -pthread -Wl,--no-as-needed $(flags weft) -lc -lstdc++ \
		2>"$dir/err" && timeout 60 "$dir/program" >"$dir/err" 2>&1
	result $? "a C++ program that searches libweft first catches its exceptions"

	$CC -fexceptions "$t/plugin_c.c" -o "$dir/host" -pthread $(flags weft) -ldl 2>"$dir/err" &&
		$CXX -shared -fPIC "$t/plugin_cxx.cc" -o "$dir/plugin.so" 2>"$dir/err" &&
		timeout 60 "$dir/host" "$dir/plugin.so" >"$dir/err" 2>&1 &&
		[ "$(tail -n 2 "$dir/err")" = "plugged 0
in a task 0" ]
	result $? "a C++ plug-in of a C program catches its exceptions"
else
	skip "C++" "no C++ compiler"
fi

finish
