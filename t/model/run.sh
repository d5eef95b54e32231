#!/bin/sh
# Search every model of this folder exhaustively, and every mutant of it for the error that it must have.
# Usage: run.sh [SPIN]. CC compiles the searches, TMPDIR is where they are built.
#
# A model is a file NAME.pml; lines " * mutant N: TEXT" of its first comment say which mutants it has.

spin=${1:-spin}
cc=${CC:-cc}
here=$(cd "$(dirname "$0")" && pwd) || exit 1
passed=0
failed=0

command -v "$spin" >/dev/null || { echo "run.sh: $spin not found (Debian package spin)" >&2; exit 1; }
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT
trap 'exit 1' HUP INT TERM

# search NAME MUTANT: its report goes to $tmp/out. A mutant is not searched for long: it is compiled fast.
search()
{
	optimise=-O1
	[ "$2" = 0 ] || optimise=-O0
	rm -rf "$tmp/work"
	mkdir "$tmp/work" && cd "$tmp/work" || exit 1
	"$spin" -a "-DMUTANT=$2" "$here/$1.pml" >"$tmp/out" 2>&1 &&
		$cc $optimise -w -DSAFETY -DNOFAIR -DMEMLIM=3500 -o pan pan.c >>"$tmp/out" 2>&1 &&
		./pan -m2000000 -w23 >>"$tmp/out" 2>&1
	cd "$here" || exit 1
}

# the whole state space was seen, and nothing wrong in it
proved()
{
	grep -q 'errors: 0' "$tmp/out" && ! grep -qE 'Error:|error:|not completed' "$tmp/out"
}

states()
{
	sed -n 's/^ *\([0-9.e+]*\) states, stored.*/\1/p' "$tmp/out" | head -n 1
}

# what is wrong; empty when nothing was found
found()
{
	grep -q 'errors: [1-9]' "$tmp/out" &&
		sed -n 's/^pan:[0-9]*: \(assertion violated\|invalid end state\).*/\1/p' "$tmp/out" | head -n 1
}

pass()
{
	passed=$((passed + 1))
	echo "ok      $1"
}

fail()
{
	failed=$((failed + 1))
	echo "FAILED  $1"
	grep -v '^Depth=' "$tmp/out" | head -n 25 | sed 's/^/        | /'
}

mutants()
{
	sed -n 's/^ \* mutant \([0-9]*\): \(.*\)/\1 \2/p' "$here/$1.pml"
}

for model in "$here"/*.pml; do
	name=$(basename "$model" .pml)
	search "$name" 0
	if proved; then
		pass "$name: nothing wrong in $(states) states"
	else
		fail "$name"
	fi
	mutants "$name" >"$tmp/mutants"
	while read -r number text; do
		search "$name" "$number"
		error=$(found)
		if [ -n "$error" ]; then
			pass "$name, mutant $number ($text): $error, as it must be"
		else
			fail "$name, mutant $number ($text): no error found"
		fi
	done <"$tmp/mutants"
done
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
