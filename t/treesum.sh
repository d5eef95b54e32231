#!/bin/sh
#
# What treesum prints is what sha256sum prints for what find finds.
#
# TREESUM names the program (default ./examples/treesum). Each check prints a
# line of TAP; the status is 1 when one of them failed.

TREESUM=${TREESUM:-./examples/treesum}
case $TREESUM in
/*) ;;
*) TREESUM=$(pwd)/$TREESUM ;;
esac

. "$(dirname "$0")/checks.sh"
trap 'chmod -R u+rwx "$dir"; rm -rf "$dir"' EXIT
chmod 755 "$dir"
mkdir "$dir/in" && cd "$dir/in" || exit 99

reference()
{
	find "$@" -type f -print0 2>/dev/null | LC_ALL=C sort -z | xargs -0r sha256sum 2>/dev/null
}

# treesum ARG...: its output, messages and status in out, err and $status.
treesum()
{
	$as "$TREESUM" "$@" >"$dir/out" 2>"$dir/err"
	status=$?
}

# same NAME DIR...: output as the reference's, no message, status 0.
same()
{
	name=$1
	shift
	reference "$@" >"$dir/ref"
	treesum "$@"
	[ $status -eq 0 ] && [ ! -s "$dir/err" ] && cmp "$dir/ref" "$dir/out" >>"$dir/err" 2>&1
	result $? "$name"
}

# others NAME DIR...: output as the reference's, messages, status 1.
others()
{
	name=$1
	shift
	reference "$@" >"$dir/ref"
	treesum "$@"
	[ $status -eq 1 ] && [ -s "$dir/err" ] && [ -s "$dir/ref" ] && cmp "$dir/ref" "$dir/out" >>"$dir/err" 2>&1
	result $? "$name"
}

# says TEXT NAME: the last run's messages have TEXT.
says()
{
	grep -qF -- "$1" "$dir/err"
	result $? "$2"
}

# fill FILE BYTES
fill()
{
	head -c "$2" /dev/zero | tr '\0' "${3:-x}" >"$1"
}

as=
nl='
'
cr=$(printf '\r')
bytes=$(printf '\377\200')

# Sizes around the read buffer of 128 KiB, and names around '/', which sorts after ' ', '-' and '.'.
mkdir -p order/a/b order/a.d order/a-d 'order/a d'
for f in order/a/b/c order/a/c order/a.d/x order/a-d/x 'order/a d/x' order/a.c order/a-c order/ab order/A order/Z; do
	echo "$f" >"$f"
done
mkdir sizes empty
for n in 0 1 55 56 63 64 131071 131072 131073 262144 1000000; do
	fill sizes/$n $n
done
same "files of any size are hashed whole" sizes
same "lines are in the order of the paths' bytes" order
same "a directory without files prints nothing" empty
same "the files of all directories are sorted together" sizes order empty

mkdir odd
for f in "a${nl}b" "${nl}lead" 'back\slash' 'n\nn' "cr${cr}" "${cr}${nl}\\" ' space ' '*' '-' '--help' "$bytes" "tab	tab"; do
	echo "$f" >"odd/$f"
done
mkdir "odd/d${nl}d" 'odd/\'
echo 1 >"odd/d${nl}d/plain"
echo 2 >'odd/\/plain'
same "odd names are escaped as sha256sum does" odd

mkdir kinds
echo 1 >kinds/file
ln -s file kinds/link
ln -s nowhere kinds/dangling
ln -s ../sizes kinds/dirlink
mkfifo kinds/fifo
same "only regular files are read, and no link is followed" kinds
same "a link to a directory prints nothing as an argument" kinds/dirlink
same "a link with a slash is the directory" kinds/dirlink/ kinds/dirlink//
same "a link to a file prints nothing as an argument" kinds/link
same "a file is an argument too" kinds/file sizes/1
same "a directory given twice is printed twice" order ./order order order/a
same "slashes at the end stay as they are" order/ order// order/. .//order
cd order || exit 99
same "the directory . keeps its name" .
cd ..

mkdir many many/d
i=0
while [ $i -lt 1500 ]; do
	echo $i >many/$i
	i=$((i + 1))
done
truncate -s 24M many/100.large many/d/large
same "large files beside many small ones" many
WEFT_PROCS=1 && export WEFT_PROCS
same "one P prints the same" many
WEFT_PROCS=5
same "five Ps print the same" many odd

# Files of more than one buffer stay open while others are begun.
mkdir wide
i=0
while [ $i -lt 40 ]; do
	truncate -s 300K wide/$i
	i=$((i + 1))
done
WEFT_PROCS=16
limit=$(ulimit -Sn)
ulimit -Sn 16
same "16 descriptors are enough for many Ps" wide many
ulimit -Sn "$limit"
unset WEFT_PROCS

others "a missing argument is reported and the others printed" order missing sizes
says "treesum: missing: No such file or directory" "the message names the path and the reason"
others "an empty argument is reported" order ''
others "a file with a slash after it is reported" order kinds/file/

# Root reads everything: there the program runs as nobody, where nobody may run it.
[ "$(id -u)" -ne 0 ] || as='setpriv --reuid=65534 --regid=65534 --clear-groups'
mkdir -p deny/dir deny/files
echo 1 >"deny/files/se${nl}cret"
echo 2 >deny/files/file
echo 3 >deny/dir/file
echo 4 >deny/z
chmod 0 deny/dir "deny/files/se${nl}cret"
if $as "$TREESUM" --help >"$dir/out" 2>&1 && ! $as cat "deny/files/se${nl}cret" >"$dir/out" 2>&1; then
	$as sha256sum deny/files/file >"$dir/ref"
	treesum deny/files
	[ $status -eq 1 ] && cmp "$dir/ref" "$dir/out" >>"$dir/err" 2>&1
	result $? "a file that can't be read is left out and gives status 1"
	says 'treesum: deny/files/se\ncret: Permission denied' "it is reported, on one line"
	$as sha256sum deny/z >"$dir/ref"
	treesum deny/dir deny/z
	[ $status -eq 1 ] && cmp "$dir/ref" "$dir/out" >>"$dir/err" 2>&1
	result $? "a directory that can't be read is left out and gives status 1"
	says 'treesum: deny/dir: Permission denied' "it is reported"
else
	skip "what can't be read" "nobody can't run the program here"
fi
as=

treesum
[ $status -eq 2 ] && [ ! -s "$dir/out" ] && grep -q '^usage: treesum' "$dir/err"
result $? "no argument gives the usage and status 2"
treesum --unknown order
[ $status -eq 2 ] && [ ! -s "$dir/out" ] && grep -q '^usage: treesum' "$dir/err"
result $? "an unknown option gives the usage and status 2"
treesum --help
[ $status -eq 0 ] && [ ! -s "$dir/err" ] && grep -q '^usage: treesum' "$dir/out"
result $? "--help prints the usage"
mkdir -- -d
echo 1 >-d/file
treesum -- -d
sha256sum -- -d/file >"$dir/ref"
[ $status -eq 0 ] && cmp "$dir/ref" "$dir/out" >>"$dir/err" 2>&1
result $? "-- ends the options"

if [ -w /dev/full ]; then
	"$TREESUM" many >/dev/full 2>"$dir/err"
	[ $? -eq 1 ] && grep -q 'write error: No space left on device' "$dir/err"
	result $? "a full disk is an error"
else
	skip "a full disk is an error" "no /dev/full"
fi

# The writer starts after the reader has closed its end.
mkfifo "$dir/closed"
{
	read -r _ <"$dir/closed"
	"$TREESUM" many 2>"$dir/err"
	echo $? >"$dir/status"
} | {
	exec <&-
	echo >"$dir/closed"
}
[ "$(cat "$dir/status")" -eq 1 ] && grep -q 'write error: Broken pipe' "$dir/err"
result $? "a reader that left is an error"

finish
