# What all test scripts begin with: a folder that goes at the end, and lines of TAP.

dir=$(mktemp -d) || exit 99
trap 'rm -rf "$dir"' EXIT
trap 'exit 99' HUP INT TERM
checks=0 failed=0

# result STATUS NAME: one line of TAP, with what $dir/err holds when it went wrong.
result()
{
	checks=$((checks + 1))
	if [ "$1" -eq 0 ]; then
		echo "ok $checks - $2"
		return
	fi
	failed=1
	echo "not ok $checks - $2"
	sed 's/^/# /' "$dir/err"
}

skip()
{
	checks=$((checks + 1))
	echo "ok $checks - $1 # SKIP $2"
}

# prints PROGRAM SOURCE ARG...: an example does, what the head comment of its source says
prints()
{
	program=$WEFT_BUILD/examples/$1
	sed -n '/^ \* Prints[:,]/,/^ \*\//s/^ \*	//p' "$WEFT_SOURCE/examples/$2.c" >"$dir/expected"
	shift 2
	"$program" "$@" >"$dir/printed" 2>"$dir/err" </dev/null && diff "$dir/expected" "$dir/printed" >"$dir/err"
}

# The plan, and the status of the script.
finish()
{
	echo "1..$checks"
	exit $failed
}
