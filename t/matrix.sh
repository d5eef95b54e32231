#!/bin/sh
#
# The context layer's tests by each compiler and with each set of flags that changes
# what a switch has to keep, on the library of this build.
#
# Arguments: C compilers, C++ compilers (default: "gcc clang" "g++ clang++"), those
# that are missing left out. WEFT_BUILD names the build (default: here).

. "$(dirname "$0")/tap.sh"
need pkg-config
[ -f "$archive" ] || skip_all "no archive"
t=$WEFT_SOURCE/t
warn="-Wall -Wextra"
check=$(pkg-config --cflags --libs check) || skip_all "no Check"
private="-D_GNU_SOURCE -I$WEFT_BUILD -I$WEFT_BUILD/lib -I$WEFT_BUILD/include -I$WEFT_SOURCE/include -I$WEFT_SOURCE/lib"
public="-D_GNU_SOURCE -I$WEFT_BUILD/include -I$WEFT_SOURCE/include"
ctx="$t/test_ctx.c $t/ctx_layer.c $t/ctx_portable.c $t/ctx_task.c $t/ctx_fpenv.c $t/ctx_exit.c $t/elsewhere.c"
cxx="$t/test_cxx.cc $t/cxx_ctx.cc $t/cxx_portable.cc"
case $(uname -m) in
x86_64) ctx="$ctx $t/regs_amd64.S" ;;
*) ctx="$ctx $t/regs_other.c" ;;
esac
unwind=$(pkg-config --libs libunwind 2>/dev/null)

# can COMPILER OPTION...: whether a program can be built that way
can()
{
	echo 'int main(void) { return 0; }' >"$dir/can.c"
	"$@" "$dir/can.c" -o "$dir/can" 2>/dev/null
}

passes()
{
	CK_VERBOSITY=minimal timeout 600 "$1" >"$dir/err" 2>&1
}

in_c()
{
	$1 -std=gnu11 -g $2 $warn -fexceptions $private $ctx -o "$dir/test_ctx" "$archive" -pthread $check \
		-lm -Wl,--no-as-needed -lgcc_s $unwind 2>"$dir/err" && passes "$dir/test_ctx"
	result $? "$1 $2: test_ctx"
}

in_cxx()
{
	$3 -std=gnu11 -g -c $public "$t/elsewhere.c" -o "$dir/elsewhere.o" &&
		$1 -std=c++17 -g $2 $warn $public $cxx "$dir/elsewhere.o" -o "$dir/test_cxx" "$archive" \
			-pthread $check -lm 2>"$dir/err" && passes "$dir/test_cxx"
	result $? "$1 $2: test_cxx"
}

# Each set of flags with frame pointers and without.
flag_sets()
{
	for level in -O0 -O2 -O3 '-O2 -flto'; do
		for frame in -fomit-frame-pointer -fno-omit-frame-pointer; do
			echo "$level $frame"
		done
	done
	! grep -qw avx2 /proc/cpuinfo || echo '-O3 -mavx2'
}

each()
{
	language=$1
	shift
	for compiler; do
		command -v "$compiler" >/dev/null || { skip "$compiler" "not here"; continue; }
		flag_sets >"$dir/sets"
		while read -r set; do
			if can "$compiler" $set; then
				"$language" "$compiler" "$set" "$first"
			else
				skip "$compiler $set" "the compiler can't"
			fi
		done <"$dir/sets"
	done
}

first=$CC
each in_c ${1:-gcc clang}
each in_cxx ${2:-g++ clang++}
finish
