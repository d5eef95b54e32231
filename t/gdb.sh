#!/bin/sh
#
# What a debugger sees: main on a task's stack, a backtrace that ends, and a function
# of the program called on behalf of a stopped task, where no symbols are left too.

. "$(dirname "$0")/tap.sh"
need pkg-config gdb strip
[ -f "$WEFT_BUILD/weft-crt.o" ] || skip_all "no start object"
t=$WEFT_SOURCE/t

# debug PROGRAM COMMAND...: what gdb says after the program has stopped
debug()
{
	program=$1
	shift
	{
		echo "set confirm off"
		echo "set pagination off"
		echo "set debuginfod enabled off"
		echo "set backtrace past-main on"
		echo "run"
		for command; do
			printf '%s\n' "$command"
		done
		echo "kill"
	} >"$dir/commands"
	timeout 120 gdb -nx -batch -x "$dir/commands" "$program" >"$dir/err" 2>&1
}

echo 'int main(void) { return 0; }' >"$dir/none.c"
$CC "$dir/none.c" -o "$dir/none" && timeout 60 gdb -nx -batch -ex run "$dir/none" 2>&1 | grep -q 'exited normally' ||
	skip_all "gdb can't run programs here"

# on_task_stack: main is there, frame by frame, and the walk ends by itself
on_task_stack()
{
	debug "$1" 'backtrace' 'printf "SP %#lx\n", $sp' 'info proc mappings' || return 1
	grep -q '^#.* main ' "$dir/err" && [ "$(grep -c '^#.* middle ' "$dir/err")" -eq 4 ] &&
		! grep -qiE 'corrupt|previous frame|cannot access memory' "$dir/err" || return 1
	[ "$(grep -c '^#' "$dir/err")" -lt 30 ] || return 1
	sp=$(sed -n 's/^SP //p' "$dir/err")
	set -- $(awk '/\[stack\]/ { print $1, $2 }' "$dir/err")
	[ -n "$sp" ] && [ $# -eq 2 ] && { [ $((sp)) -lt $(($1)) ] || [ $((sp)) -ge $(($2)) ]; }
}

# calls: weft_debugcall is found and calls
calls()
{
	debug "$1" 'call ((void (*)(void *, void *))weft_debugcall)((void *)&puts, (void *)"called by gdb")' \
		'call ((int (*)(void *))fflush)((void *)0)'
	grep -q '^called by gdb' "$dir/err"
}

# linked NAME PKG-CONFIG-OPTION OPTION...
linked()
{
	name=$1 static=$2
	shift 2
	if ! $CC -g "$t/gdb_c.c" -o "$dir/program" -pthread "$@" $(flags $static weft-crt) 2>"$dir/err"; then
		result 1 "$name: linked"
		return
	fi
	on_task_stack "$dir/program"
	result $? "$name: main is on a task's stack and the backtrace ends"
	calls "$dir/program"
	result $? "$name: a function is called for a stopped task"
}

# stripped NAME: nothing but what the loader needs is left
stripped()
{
	strip "$dir/program" && calls "$dir/program"
	result $? "$1, stripped: a function is called for a stopped task"
}

if [ -f "$shared" ]; then
	linked shared ''
	rm "$dir"/lib/libweft.so* && cp "$WEFT_BUILD"/.libs/libweft.so.*.*.* "$dir/lib/libweft.so.0" &&
		strip "$dir/lib/libweft.so.0"
	stripped shared
	rm -f "$dir"/lib/libweft.so*
fi
if [ -f "$archive" ]; then
	rm -f "$dir"/lib/libweft.so*
	linked "archive in a dynamic program" --static
	stripped "archive in a dynamic program"
	linked static --static -static
	linked static-pie --static -static-pie -fPIE
fi

finish
