# What the scripts share that look at the library from outside: checks.sh, and how a
# program is built against this build of the library as one outside would be.
#
# From the environment: WEFT_SOURCE, WEFT_BUILD, CC, CXX, WEFT_SANITIZER.

WEFT_SOURCE=${WEFT_SOURCE:-$(cd "$(dirname "$0")/.." && pwd)}
WEFT_BUILD=${WEFT_BUILD:-$(pwd)}
CC=${CC:-cc}
CXX=${CXX:-c++}

. "$(dirname "$0")/checks.sh"

skip_all()
{
	echo "1..0 # SKIP $1"
	exit 77
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
