#!/bin/sh
#
# What the library shows to a linker: names of its own and no others, no executable
# stack, no text relocation, branch targets marked and no shadow stack claimed.

. "$(dirname "$0")/tap.sh"
need nm readelf

# only PATTERN FILE OPTION...: global names that nm tells are all of the pattern
only()
{
	pattern=$1 file=$2
	shift 2
	nm "$@" "$file" 2>/dev/null | awk 'NF == 3 { print $3 }' | sort -u >"$dir/names"
	grep -vE "$pattern" "$dir/names" >"$dir/err"
	[ ! -s "$dir/err" ] && [ -s "$dir/names" ]
}

# lacks FILE OPTION PATTERN...: readelf's answer has none of the patterns
lacks()
{
	LC_ALL=C readelf "$2" "$1" 2>/dev/null >"$dir/answer"
	grep -E "$3" "$dir/answer" >"$dir/err"
	[ ! -s "$dir/err" ] && [ -s "$dir/answer" ]
}

no_exec_stack()
{
	LC_ALL=C readelf -lW "$1" >"$dir/err"
	grep 'GNU_STACK' "$dir/err" | grep -q 'RW ' && ! grep 'GNU_STACK' "$dir/err" | grep -q 'RWE'
}

if [ -f "$archive" ]; then
	only '^(weft_[a-z0-9_]+|wf_[a-z0-9_]+|_rt0_amd64)$' "$archive" -g --defined-only
	result $? "the archive defines weft_*, wf_* and _rt0_amd64 alone"
	LC_ALL=C readelf -SW "$archive" | awk '/\.note\.GNU-stack/ && /X/' >"$dir/err"
	[ ! -s "$dir/err" ]
	result $? "no member of the archive asks for an executable stack"
	LC_ALL=C readelf -n "$archive" >"$dir/err" 2>&1
	! grep -q SHSTK "$dir/err"
	result $? "no member of the archive claims shadow stacks"
else
	skip "the archive" "not built"
fi

if [ -f "$shared" ]; then
	only '^weft_[a-z0-9_]+$' "$shared" -D --defined-only
	result $? "the shared library exports weft_* alone"
	no_exec_stack "$shared"
	result $? "the shared library's stack is not executable"
	lacks "$shared" -dW 'TEXTREL'
	result $? "the shared library has no text relocation"
	lacks "$shared" -nW 'SHSTK'
	result $? "the shared library does not claim shadow stacks"
	readelf -dW "$shared" >"$dir/err"
	sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p' "$dir/err" | grep -nE 'libgcc_s|libunwind|libstdc\+\+|libjemalloc' |
		sed 's/\..*//' >"$dir/needed"
	gcc_s=$(sed -n 's/:libgcc_s//p' "$dir/needed") unwind=$(sed -n 's/:libunwind//p' "$dir/needed")
	[ -n "$gcc_s" ] && [ "$gcc_s" -lt "${unwind:-1000}" ]
	result $? "libgcc_s is searched before libunwind"
	stdcxx=$(sed -n 's/:libstdc++//p' "$dir/needed") jemalloc=$(sed -n 's/:libjemalloc//p' "$dir/needed")
	[ -z "$jemalloc" ] || [ "${stdcxx:-1000}" -lt "$jemalloc" ]
	result $? "operator new is libstdc++'s and not jemalloc's"
else
	skip "the shared library" "not built"
fi

# Whether the compiler marks branch targets at all decides whether ours can be claimed.
echo 'int main(void) { return 0; }' >"$dir/one.c"
if [ -f "$shared" ] && $CC -fcf-protection=branch -c "$dir/one.c" -o "$dir/one.o" 2>/dev/null &&
	readelf -nW "$dir/one.o" | grep -q IBT && ! echo " ${CC} " | grep -q clang; then
	for object in "$WEFT_BUILD"/lib/*/.libs/*.o "$WEFT_BUILD/weft-crt.o"; do
		readelf -nW "$object" 2>/dev/null | grep -q IBT || echo "$object"
	done >"$dir/err"
	[ ! -s "$dir/err" ]
	result $? "every object has its branch targets marked"
else
	skip "branch targets" "the compiler does not mark them"
fi

if [ -f "$WEFT_BUILD/weft-crt.o" ]; then
	nm -g --defined-only "$WEFT_BUILD/weft-crt.o" | awk '{ print $3 }' |
		grep -vE '^(_rt0_amd64|__wrap_main)$' >"$dir/err"
	[ ! -s "$dir/err" ]
	result $? "the start object defines its two entries alone"
fi

finish
