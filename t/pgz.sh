#!/bin/sh
#
# What pgz writes, gunzip restores bit for bit.
#
# PGZ names the program (default ./examples/pgz). Each check prints a line of TAP; the
# status is 1 when one of them failed.

PGZ=${PGZ:-./examples/pgz}
case $PGZ in
/*) ;;
*) PGZ=$(pwd)/$PGZ ;;
esac

. "$(dirname "$0")/checks.sh"
mkdir "$dir/in" && cd "$dir/in" || exit 99

# pgz ARG...: its output, messages and status in out, err and $status.
pgz()
{
	"$PGZ" "$@" >"$dir/out" 2>"$dir/err"
	status=$?
}

# restores FILE: FILE.gz is whole and is FILE; the last run said nothing.
restores()
{
	[ $status -eq 0 ] && [ ! -s "$dir/err" ] && gunzip -c "$1.gz" 2>>"$dir/err" | cmp - "$1" >>"$dir/err" 2>&1 &&
		gzip -t "$1.gz" 2>>"$dir/err"
}

# text BYTES: of numbers, which compress well
text()
{
	awk 'BEGIN { for (i = 0; ; i++) print i, i * i % 977 }' 2>/dev/null | head -c "$1"
}

: >empty
printf x >tiny
for n in 131071 131072 131073 262144 262145; do
	text $n >edge$n
done
text 10000000 >large
head -c 3000000 /dev/urandom >random
head -c 5000000 /dev/zero >zeros
for f in *; do
	pgz "$f"
	restores "$f"
	result $? "a round trip of $f"
done

[ "$(stat -c %s large.gz)" -lt "$(($(gzip -c large | wc -c) * 102 / 100))" ]
result $? "the output is at most 2 % larger than gzip's"
[ "$(stat -c %s random.gz)" -lt 3010000 ]
result $? "what can't be compressed grows by less than 1 %"

rm -f large.gz
for level in 1 9; do
	pgz -f -$level large
	restores large
	result $? "a round trip at level $level"
done

pgz - <large
[ $status -eq 0 ] && gunzip -c <"$dir/out" | cmp - large >>"$dir/err" 2>&1
result $? "- compresses standard input to standard output"
"$PGZ" - </dev/null 2>"$dir/err" | gunzip -c >"$dir/out" 2>>"$dir/err" && [ ! -s "$dir/out" ]
result $? "empty standard input is an empty gzip"
{ printf a; sleep 0.2; printf b; } | "$PGZ" - 2>"$dir/err" | gunzip -c >"$dir/out"
[ "$(cat "$dir/out")" = ab ]
result $? "a pipe that gives little at a time"
pgz -c random
[ $status -eq 0 ] && gunzip -c <"$dir/out" | cmp - random >>"$dir/err" 2>&1
result $? "-c writes to standard output"

echo precious >tiny.gz
pgz tiny
[ $status -eq 1 ] && [ "$(cat tiny.gz)" = precious ] && grep -q 'tiny.gz: already exists' "$dir/err"
result $? "without -f nothing is overwritten"
pgz -f tiny
restores tiny
result $? "with -f it is"
ln -sf large large.gz
pgz -f large
restores large && [ "$(stat -c %s large)" -eq 10000000 ]
result $? "with -f an output that is a link to the input does not harm it"
chmod 640 tiny
pgz -f tiny
[ "$(stat -c %a tiny.gz)" = 640 ]
result $? "the output has the mode of the input"

pgz nowhere
[ $status -eq 1 ] && grep -q 'nowhere: No such file' "$dir/err" && [ ! -e nowhere.gz ]
result $? "a file that is not there is an error"
mkdir folder
pgz folder
[ $status -eq 1 ] && grep -q 'folder: Is a directory' "$dir/err" && [ ! -e folder.gz ]
result $? "a directory is an error"
pgz
[ $status -eq 2 ] && grep -q '^usage: pgz' "$dir/err"
result $? "no argument gives the usage and status 2"
pgz --unknown tiny
[ $status -eq 2 ]
result $? "an unknown option gives status 2"
pgz --help
[ $status -eq 0 ] && grep -q '^usage: pgz' "$dir/out"
result $? "--help prints the usage"

if [ -r /proc/self/mem ]; then
	pgz -c /proc/self/mem
	[ $status -eq 1 ] && grep -q '/proc/self/mem: Input/output error' "$dir/err" && ! gunzip -c "$dir/out" >"$dir/part" 2>&1
	result $? "an error of reading is one, and what was written by then is no whole gzip"
else
	skip "an error of reading" "no /proc"
fi
{ "$PGZ" -c random 2>"$dir/err"; echo $? >"$dir/status"; } | head -c 100 >"$dir/out"
[ "$(cat "$dir/status")" -eq 1 ] && grep -q 'standard output: Broken pipe' "$dir/err"
result $? "a reader that leaves is an error, and no death by a signal"

if [ -w /dev/full ]; then
	"$PGZ" -c random >/dev/full 2>"$dir/err"
	[ $? -eq 1 ] && grep -q 'standard output: No space left on device' "$dir/err"
	result $? "a full disk is an error"
else
	skip "a full disk is an error" "no /dev/full"
fi
rm -f random.gz
(
	trap '' XFSZ
	ulimit -f 100
	"$PGZ" random 2>"$dir/err"
	echo $? >"$dir/status"
)
[ "$(cat "$dir/status")" -eq 1 ] && grep -q 'random.gz: File too large' "$dir/err" && [ ! -e random.gz ]
result $? "output that could not be written whole is removed"

if script -qec true /dev/null </dev/null >/dev/null 2>&1; then
	script -qec "'$PGZ' -c tiny" /dev/null </dev/null >"$dir/out" 2>&1
	grep -q 'is a terminal' "$dir/out"
	result $? "nothing is written to a terminal"
	script -qec "'$PGZ' -f large" /dev/null </dev/null >"$dir/out" 2>&1
	tr '\r' '\n' <"$dir/out" >"$dir/err"
	grep -qE '^\[#* *\] +[0-9]+%' "$dir/err" && tail -n 1 "$dir/err" | grep -q "^$(printf '\033')\[K" &&
		gunzip -c large.gz | cmp - large
	result $? "a terminal shows a bar, which goes at the end"
	pgz -f large
	[ ! -s "$dir/err" ]
	result $? "without a terminal there is none"
else
	skip "nothing is written to a terminal" "no script(1)"
	skip "a terminal shows a bar" "no script(1)"
fi

# What it ever took, seen before its input ends.
if [ -n "${WEFT_SANITIZER-}" ]; then
	skip "memory stays below 64 MB whatever the size" "a sanitizer needs more"
else
	mkfifo "$dir/fifo"
	WEFT_PROCS=32 "$PGZ" - <"$dir/fifo" >/dev/null 2>"$dir/err" &
	exec 3>"$dir/fifo"
	head -c 100000000 /dev/zero >&3
	head -c 20000000 /dev/urandom >&3
	peak=$(sed -n 's/^VmHWM:[^0-9]*\([0-9]*\) kB/\1/p' /proc/$!/status)
	exec 3>&-
	wait $! && [ "${peak:-999999}" -lt 65536 ]
	result $? "memory stays below 64 MB whatever the size ($peak kB)"
fi

finish
