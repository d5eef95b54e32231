#!/bin/sh
#
# Unmodified programs on the start object print what they print without it, in all
# link modes, and end the same way.

. "$(dirname "$0")/tap.sh"
need pkg-config
t=$WEFT_SOURCE/t
[ -f "$WEFT_BUILD/weft-crt.o" ] || skip_all "no start object"
ulimit -c 0

# run PROGRAM ARG...: its output, messages and status
run()
{
	printf 'one\ntwo\n' | CRT_TEST=value timeout 60 "$@" >"$dir/out" 2>"$dir/messages"
	echo "status $?" >>"$dir/out"
	cat "$dir/messages" >>"$dir/out"
}

# same MODE NAME: the two programs do the same, whatever their arguments
same()
{
	for how in return exit abort end; do
		run "$dir/plain" $how 'a b' '' c
		mv "$dir/out" "$dir/expected"
		run "$dir/weft" $how 'a b' '' c
		diff "$dir/expected" "$dir/out" >"$dir/err" 2>&1 || return 1
	done
}

# mode NAME COMPILER SOURCE OPTION... -- PKG-CONFIG-OPTION
mode()
{
	name=$1 compiler=$2 source=$3 static=$4
	shift 4
	if ! $compiler -g "$@" "$source" -o "$dir/plain" -pthread 2>"$dir/err"; then
		skip "$name" "the compiler can't"
		return
	fi
	case $name in
	*static*) [ -f "$archive" ] || { skip "$name" "no archive"; return; } ;;
	*) [ -f "$shared" ] || { skip "$name" "no shared library"; return; } ;;
	esac
	$compiler -g "$@" "$source" -o "$dir/weft" -pthread $(flags $static weft-crt) 2>"$dir/err" &&
		same
	result $? "$name"
}

# exits NAME OPTION...: exit by a task, and main's weft_exit
exits()
{
	name=$1 static=$2
	shift 2
	$CC -g "$@" "$t/crt_exit.c" -o "$dir/exits" -pthread $(flags $static weft-crt) 2>"$dir/err" || {
		result 1 "$name"
		return
	}
	timeout 60 "$dir/exits" >"$dir/err" 2>&1
	[ $? -eq 9 ] && [ "$(cat "$dir/err")" = "exits
atexit" ]
	result $? "$name: exit from a task is the program's"
	timeout 60 "$dir/exits" main >"$dir/err" 2>&1
	[ $? -eq 0 ] && [ "$(cat "$dir/err")" = "went on
atexit" ]
	result $? "$name: main that leaves by weft_exit ends the program after the last task"
}

modes()
{
	mode "$1, PIE" "$2" "$3" '' -fPIE -pie
	mode "$1, no PIE" "$2" "$3" '' -fno-pie -no-pie
	mode "$1, static" "$2" "$3" --static -static
	mode "$1, static-pie" "$2" "$3" --static -static-pie -fPIE
	mode "$1, PIE, -O2 -flto" "$2" "$3" '' -fPIE -pie -O2 -flto
}

modes C "$CC" "$t/crt_c.c"
if have_cxx; then
	modes C++ "$CXX" "$t/crt_cxx.cc"
else
	skip "C++" "no C++ compiler"
fi
[ ! -f "$shared" ] || exits dynamic ''
[ ! -f "$archive" ] || exits static --static -static

# The entry is ours and the stack is as large as the limit says.
if [ -f "$shared" ]; then
	$CC "$t/crt_c.c" -o "$dir/weft" -pthread $(flags weft-crt) 2>"$dir/err" &&
		(ulimit -s 16384 && run "$dir/weft" end && grep -q '^deep 2' "$dir/out")
	result $? "main's stack is as large as RLIMIT_STACK says"
fi

finish
