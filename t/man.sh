#!/bin/sh
#
# The manual: each public call stands on one page, under NAME and in the synopsis, and is
# found by its own name; so are the variables that the library reads and the command's cases.
# The pages are formatted without a warning.

WEFT_SOURCE=${WEFT_SOURCE:-$(cd "$(dirname "$0")/.." && pwd)}
WEFT_BUILD=${WEFT_BUILD:-$(pwd)}
. "$(dirname "$0")/checks.sh"

# The calls that headers declare; not those that only their macros and inlines use.
sed -n 's/^[A-Za-z_].*[ *]\(weft_[a-z0-9_]*\)(.*/\1/p; s/^#define \(weft_cleanup_[a-z]*\)(.*/\1/p' \
	"$WEFT_SOURCE"/include/weft/*.h |
	grep -vE '^weft_(cleanup_(enter|leave|unwind)|ctx_(bare|portable|watched)_.*)$' | sort -u >"$dir/calls"

# names PAGE: what is under NAME; synopsis PAGE: what is declared
names()
{
	awk '/^\.SH/ { on = /NAME/ } on' "$1" | grep -o 'weft_[a-z0-9_]*' | sort
}

synopsis()
{
	awk '/^\.SH/ { on = /SYNOPSIS/ } on' "$1" | grep -o 'weft_[a-z0-9_]*(' | tr -d '(' | sort
}

: >"$dir/err"
for page in "$WEFT_SOURCE"/man/*.3; do
	names "$page" >"$dir/names"
	cat "$dir/names" >>"$dir/all"
	synopsis "$page" | sort -u >"$dir/synopsis"
	diff "$dir/names" "$dir/synopsis" >"$dir/diff" || { echo "$page:" && cat "$dir/diff"; } >>"$dir/err"
done
[ ! -s "$dir/err" ]
result $? "a page's names are those of its synopsis"

sort "$dir/all" | diff "$dir/calls" - >"$dir/err"
result $? "each public call has one page"

for page in "$WEFT_SOURCE"/man/*.3; do
	self=$(basename "$page" .3)
	names "$page" | grep -vx "$self" | sed "s/^weft_/${self#weft_}:/"
done | sort >"$dir/wanted"
awk '/^man_links/ { on = 1; next } on && /^$/ { exit } on' "$WEFT_SOURCE/man/Makefile.inc" |
	tr -d '\\' | tr -s ' \t' '\n' | grep . | sort | diff "$dir/wanted" - >"$dir/err"
result $? "and is found under its own name"

# documented PAGE WORD...: each stands in bold on the page
documented()
{
	page=$WEFT_SOURCE/man/$1
	shift
	for word; do
		grep -qE "^\.BR?(.*[^A-Za-z_-])$word([^A-Za-z_-]|\$)" "$page" || echo "$word"
	done >"$dir/err"
	[ ! -s "$dir/err" ]
}

documented weft.7 $(cat "$WEFT_SOURCE"/lib/*/*.c | grep -o '"WEFT_[A-Z]*"' | tr -d '"' | sort -u)
result $? "each variable of the environment is in weft(7)"

if [ -x "$WEFT_BUILD/cmd/weft/weft" ]; then
	"$WEFT_BUILD/cmd/weft/weft" bench --list | awk '{ print $1 }' >"$dir/cases"
	documented weft.1 $(cat "$dir/cases")
	result $? "each case of weft bench is in weft(1)"
	"$WEFT_BUILD/cmd/weft/weft" --help | grep -oE -- '--[a-z]+' | sort -u | sed 's/^--/\\\\-\\\\-/' >"$dir/options"
	for option in $(cat "$dir/options"); do
		grep -qF -- "$(printf '%b' "$option")" "$WEFT_SOURCE/man/weft.1" || echo "$option"
	done >"$dir/err"
	[ ! -s "$dir/err" ]
	result $? "and each option of the command"
else
	skip "weft(1)" "the command is not built"
fi

if command -v groff >/dev/null; then
	for page in "$WEFT_SOURCE"/man/*.[0-9]; do
		groff -t -man -ww -Tutf8 "$page" 2>&1 >/dev/null
	done >"$dir/err"
	[ ! -s "$dir/err" ]
	result $? "the pages are formatted without a warning"
else
	skip "formatting" "no groff"
fi

finish
