# What the test scripts share: a folder that goes at the end, lines of TAP, and how
# a program is built against this build of the library as one outside would be.
#
# From the environment: WEFT_SOURCE, WEFT_BUILD, CC, CXX, WEFT_SANITIZER.

WEFT_SOURCE=${WEFT_SOURCE:-$(cd "$(dirname "$0")/.." && pwd)}
WEFT_BUILD=${WEFT_BUILD:-$(pwd)}
CC=${CC:-cc}
CXX=${CXX:-c++}

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

skip_all()
{
	echo "1..0 # SKIP $1"
	exit 77
}

# The plan, and the status of the script.
finish()
{
	echo "1..$checks"
	exit $failed
}

# need TOOL...: skip everything where one is missing
need()
{
	for tool; do
		command -v "${tool%% *}" >/dev/null || skip_all "no $tool"
	done
}

# have_cxx: whether C++ programs can be built here
have_cxx()
{
	[ -n "$CXX" ] && echo 'int main() { try { throw 1; } catch (int) { return 0; } }' >"$dir/try.cc" &&
		$CXX "$dir/try.cc" -o "$dir/try" 2>/dev/null
}

shared=$WEFT_BUILD/.libs/libweft.so
archive=$WEFT_BUILD/.libs/libweft.a

# An installation of links: what pkg-config's flags need.
[ -z "${WEFT_SANITIZER:-}" ] || skip_all "programs without the sanitizer on a library with it"
mkdir -p "$dir/lib" "$dir/include/weft"
for file in "$WEFT_BUILD"/.libs/libweft.so* "$archive" "$WEFT_BUILD/weft-crt.o"; do
	[ ! -e "$file" ] || ln -s "$file" "$dir/lib/"
done
ln -s "$WEFT_SOURCE/include/weft.h" "$dir/include/"
ln -s "$WEFT_SOURCE"/include/weft/*.h "$WEFT_BUILD"/include/weft/*.h "$dir/include/weft/"
LD_LIBRARY_PATH=$dir/lib${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
export LD_LIBRARY_PATH

# flags ARG...: what pkg-config says of this build
flags()
{
	PKG_CONFIG_PATH=$WEFT_BUILD pkg-config --define-variable=libdir="$dir/lib" \
		--define-variable=includedir="$dir/include" --cflags --libs "$@"
}
