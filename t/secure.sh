#!/bin/sh
#
# Who runs a set-uid program has no say in it: it sees none of Weft's variables.

. "$(dirname "$0")/tap.sh"
need pkg-config
[ -f "$archive" ] || skip_all "no archive"
[ "$(id -u)" -eq 0 ] || skip_all "only root can give a program to somebody else"
rm -f "$dir"/lib/libweft.so*
$CC "$WEFT_SOURCE/t/secure_c.c" -o "$dir/program" -pthread $(flags --static weft) 2>"$dir/err"
result $? "linked"

# says VARIABLE...: what the program says under them
says()
{
	(cd / && env "$@" timeout 60 "$dir/program" 2>&1)
}

plain=$(says WEFT_PROCS=7 WEFT_STACK=64K)
echo "$plain" >"$dir/err"
[ "$plain" = "secure 0 procs 7 stack 65536" ]
result $? "a plain program goes by the environment"

chmod 755 "$dir" && chown 65534 "$dir/program" && chmod 4755 "$dir/program"
default=$(says LC_ALL=C)
case $default in
"secure 1 "*) ;;
*)
	skip "set-uid" "there are no set-uid programs below ${TMPDIR:-/tmp}"
	finish
	;;
esac
for variable in WEFT_PROCS=7 WEFT_STACK=64K WEFT_THREADS=1 WEFT_PREEMPT=0 WEFT_SEED=3 WEFT_PROCS=none \
	WEFT_IO=none WEFT_DEBUG=none WEFT_DEBUG=yield; do
	said=$(says "$variable")
	echo "$said" >"$dir/err"
	[ "$said" = "$default" ]
	result $? "a set-uid program does not see $variable"
done
finish
