# What configure.ac is made of. All macros are private to this tree.

# WF_ARG_SANITIZER
# --enable-sanitizer=LIST: wf_sanitizer_flags, and $enable_sanitizer as a
# comma list of known names ("no" for none).
AC_DEFUN([WF_ARG_SANITIZER], [
AC_ARG_ENABLE([sanitizer],
	[AS_HELP_STRING([--enable-sanitizer=LIST],
		[instrument with address, thread, undefined (comma list)])],
	[], [enable_sanitizer=no])
wf_sanitizer_flags=
AS_CASE([$enable_sanitizer],
	[no], [],
	[yes], [AC_MSG_ERROR([--enable-sanitizer: say which: address, thread, undefined])],
	[for wf_s in $(echo "$enable_sanitizer" | tr ',' ' '); do
		AS_CASE([$wf_s], [address|thread|undefined], [],
			[AC_MSG_ERROR([--enable-sanitizer: "$wf_s" is not address, thread or undefined])])
	done
	wf_sanitizer_flags="-fsanitize=$enable_sanitizer"])
])

# WF_LTO_TOOLS
# An archive of link-time objects needs an ar, nm and ranlib that read them:
# the compiler's own, when CFLAGS ask for -flto.
AC_DEFUN([WF_LTO_TOOLS], [
AS_CASE([" $CFLAGS "], [*" -flto"*],
	[AC_COMPILE_IFELSE([AC_LANG_SOURCE([[
#ifndef __clang__
#error "gcc"
#endif
]])],
		[AC_CHECK_TOOLS([AR], [llvm-ar llvm-ar-14 ar])
		AC_CHECK_TOOLS([NM], [llvm-nm llvm-nm-14 nm])
		AC_CHECK_TOOLS([RANLIB], [llvm-ranlib llvm-ranlib-14 ranlib])],
		[AC_CHECK_TOOLS([AR], [gcc-ar ar])
		AC_CHECK_TOOLS([NM], [gcc-nm nm])
		AC_CHECK_TOOLS([RANLIB], [gcc-ranlib ranlib])])])
])

# WF_PROG_CXX_WORKS
# Tests of C++ are built where there is a compiler for them.
AC_DEFUN([WF_PROG_CXX_WORKS], [
AC_LANG_PUSH([C++])
AC_MSG_CHECKING([whether the C++ compiler works])
AC_LINK_IFELSE([AC_LANG_PROGRAM([[#include <stdexcept>]],
	[[try { throw std::runtime_error("x"); } catch (...) { return 0; }]])],
	[have_cxx=yes; wf_cxx_summary="$CXX $CXXFLAGS"],
	[have_cxx=no; wf_cxx_summary=no])
AC_MSG_RESULT([$have_cxx])
AC_LANG_POP([C++])
AM_CONDITIONAL([HAVE_CXX], [test "$have_cxx" = yes])
])

# WF_ARCH_AMD64
# The start object's entry and the amd64 context layer are for x86-64 with
# 64-bit pointers, whatever the triplet says.
AC_DEFUN([WF_ARCH_AMD64], [
AC_MSG_CHECKING([for the x86-64 instruction set and its System V ABI])
AC_COMPILE_IFELSE([AC_LANG_SOURCE([[
#if !defined __x86_64__ || defined __ILP32__
#error "another machine"
#endif
]])], [wf_arch_amd64=yes], [wf_arch_amd64=no])
AC_MSG_RESULT([$wf_arch_amd64])
AM_CONDITIONAL([ARCH_AMD64], [test "$wf_arch_amd64" = yes])
AS_VAR_IF([wf_arch_amd64], [yes],
	[WEFT_CRT_ENTRY=-Wl,-e,_rt0_amd64; wf_crt_summary="weft-crt.o, entry _rt0_amd64"],
	[WEFT_CRT_ENTRY=; wf_crt_summary="weft-crt.o, the C library's entry"])
AC_SUBST([WEFT_CRT_ENTRY])
])

# WF_CONTEXT_BACKEND(WANTED)
# Sets wf_context, the conditional CTX_AMD64 and what the public header says.
AC_DEFUN([WF_CONTEXT_BACKEND], [
AC_MSG_CHECKING([which context backend to build])
AS_CASE(["$1.$wf_arch_amd64"],
	[auto.yes|amd64.yes], [wf_context=amd64],
	[auto.no|ucontext.*], [wf_context=ucontext],
	[amd64.no], [AC_MSG_ERROR([--with-context=amd64: this is another machine])],
	[AC_MSG_ERROR([--with-context: "$1" is not amd64, ucontext or auto])])
AC_MSG_RESULT([$wf_context])
AM_CONDITIONAL([CTX_AMD64], [test "$wf_context" = amd64])
AS_VAR_IF([wf_context], [amd64], [WEFT_CTX_DEFAULT_AMD64=1], [WEFT_CTX_DEFAULT_AMD64=0])
AC_SUBST([WEFT_CTX_DEFAULT_AMD64])
# The portable backend switches floating-point environments by libm's functions.
WEFT_LIBM=
AS_VAR_IF([wf_context], [ucontext],
	[AC_CHECK_FUNC([fegetenv], [],
		[AC_CHECK_LIB([m], [fegetenv], [WEFT_LIBM=-lm],
			[AC_MSG_ERROR([this C library has no fegetenv])])])])
AC_SUBST([WEFT_LIBM])
])

# WF_LIB_WEAK(OPTION, PREFIX, MODULE, HEADER, FUNCTION)
# A library that the sources refer to weakly. Sets have_OPTION; no --with-OPTION
# means "if it is here".
AC_DEFUN([WF_LIB_WEAK], [
have_$1=no
AS_VAR_IF([with_$1], [no], [],
	[PKG_CHECK_MODULES([$2], [$3], [have_$1=yes],
		[AC_CHECK_LIB([m4_bpatsubst([$3], [^lib])], [$5],
			[have_$1=yes; $2_LIBS=-l[]m4_bpatsubst([$3], [^lib])])])
	AS_VAR_IF([have_$1], [yes],
		[wf_save_CPPFLAGS=$CPPFLAGS
		CPPFLAGS="$CPPFLAGS $$2_CFLAGS"
		AC_CHECK_HEADER([$4], [], [have_$1=no])
		CPPFLAGS=$wf_save_CPPFLAGS])])
AS_IF([test "$with_$1.$have_$1" = yes.no],
	[AC_MSG_ERROR([--with-$1: $3 and its header $4 were not found])])
])

# WF_LIB_PEER(LIBRARY, PREFIX, FUNCTION, NAME)
# What a benchmark may be compared with: HAVE_PREFIX, PREFIX_LIBS, have_NAME.
AC_DEFUN([WF_LIB_PEER], [
have_$4=no
AC_CHECK_LIB([$1], [$3],
	[have_$4=yes
	$2_LIBS=-l$1
	AC_DEFINE([HAVE_$2], [1], [benchmarks compare with lib$1])])
AC_SUBST([$2_LIBS])
])

# WF_CXX_PEER(NAME, PREFIX, LIBS, HEADERS, STATEMENT)
# A library in C++ that a program of the benchmarks' is made of: HAVE_PREFIX, PREFIX_LIBS,
# have_NAME.
AC_DEFUN([WF_CXX_PEER], [
have_$1=no
AS_VAR_IF([have_cxx], [yes], [
	AC_LANG_PUSH([C++])
	AC_MSG_CHECKING([for $1])
	wf_saved_libs=$LIBS
	LIBS="$3 -lpthread $LIBS"
	AC_LINK_IFELSE([AC_LANG_PROGRAM([$4], [$5;])], [have_$1=yes])
	LIBS=$wf_saved_libs
	AC_MSG_RESULT([$have_$1])
	AC_LANG_POP([C++])
])
AC_SUBST([$2_LIBS], ["$3"])
AM_CONDITIONAL([HAVE_$2], [test "$have_$1" = yes])
])

# WF_PROG_GO
# Go's compiler, for a program that benchmarks compare with: GO, HAVE_GO, have_go.
# It builds for the machine that it runs on.
AC_DEFUN([WF_PROG_GO], [
have_go=no
AC_PATH_PROG([GO], [go], [no])
AS_IF([test "x$GO" != xno && test "x$cross_compiling" != xyes],
	[wf_go_version=`$GO env GOVERSION 2>/dev/null`
	AS_IF([test -n "$wf_go_version"],
		[have_go=$wf_go_version])])
AM_CONDITIONAL([HAVE_GO], [test "$have_go" != no])
])

# WF_SHARED_DEPS
# WEFT_SHARED_DEPS: what the shared library needs for its weak references, in
# the order in which the loader must search. libgcc_s comes first: libunwind
# exports the same _Unwind_* names, and a program in which those win loses its
# clean-ups. libstdc++ comes before a jemalloc that has C++'s operator new, so that
# a plug-in in C++ goes on using libstdc++'s; such a jemalloc needs it anyway. The linker is told directly because a weak reference alone makes
# --as-needed drop a library, and because libtool would reorder plain -l flags
# and hand them on to whoever links the static archive.
AC_DEFUN([WF_SHARED_DEPS], [
wf_libs=-lgcc_s
wf_dirs=
AS_VAR_IF([have_libunwind], [yes], [wf_libs="$wf_libs $UNWIND_LIBS"])
AS_VAR_IF([have_jemalloc], [yes],
	[AC_CHECK_LIB([jemalloc], [_Znwm],
		[AC_CHECK_LIB([stdc++], [_Znwm], [wf_libs="$wf_libs -lstdc++"])])
	wf_libs="$wf_libs $JEMALLOC_LIBS"])
wf_words=
for wf_word in $wf_libs; do
	AS_CASE([$wf_word],
		[-l*], [wf_words="$wf_words,$wf_word"],
		[-L*], [wf_dirs="$wf_dirs $wf_word"])
done
WEFT_SHARED_DEPS="$wf_dirs -Wl,--push-state,--no-as-needed$wf_words,--pop-state"
# A test is linked with the static archive and needs the same libraries; libc
# stands first, so that malloc stays libc's as it does with the shared library.
WEFT_TEST_DEPS="$wf_dirs -Wl,--push-state,--no-as-needed,-lc$wf_words,--pop-state"
AC_SUBST([WEFT_SHARED_DEPS])
AC_SUBST([WEFT_TEST_DEPS])
])

# WF_APPEND_FLAG(VARIABLE, FLAG...)
# Appends each flag that the C compiler knows.
AC_DEFUN([WF_APPEND_FLAG], [
for wf_flag in $2; do
	AC_MSG_CHECKING([whether $CC knows $wf_flag])
	wf_save_CFLAGS=$CFLAGS
	CFLAGS="$CFLAGS -Werror $wf_flag"
	AC_COMPILE_IFELSE([AC_LANG_PROGRAM([], [])],
		[AC_MSG_RESULT([yes]); $1="$$1 $wf_flag"],
		[AC_MSG_RESULT([no])])
	CFLAGS=$wf_save_CFLAGS
done
])

# WF_COMPILER_FLAGS
# WARN_CFLAGS, WARN_CXXFLAGS: for all sources. WEFT_CFLAGS: for the library.
# SANITIZER_FLAGS: for compiling and linking everything. WEFT_LDFLAGS: for the
# shared library.
AC_DEFUN([WF_COMPILER_FLAGS], [
WARN_CXXFLAGS="-Wall -Wextra -Wshadow -Wpointer-arith -Wwrite-strings"
WARN_CFLAGS="$WARN_CXXFLAGS -Wstrict-prototypes -Wmissing-prototypes -Wvla"
AS_VAR_IF([enable_werror], [no], [],
	[WARN_CFLAGS="$WARN_CFLAGS -Werror"; WARN_CXXFLAGS="$WARN_CXXFLAGS -Werror"])

SANITIZER_FLAGS=
AS_IF([test -n "$wf_sanitizer_flags"],
	[SANITIZER_FLAGS="$wf_sanitizer_flags -fno-omit-frame-pointer"
	AS_CASE([$enable_sanitizer], [*undefined*],
		[SANITIZER_FLAGS="$SANITIZER_FLAGS -fno-sanitize-recover=undefined"])
	# A fence that gcc's ThreadSanitizer cannot see is a warning of its own.
	AS_CASE([$enable_sanitizer], [*thread*],
		[WF_APPEND_FLAG([SANITIZER_FLAGS], [-Wno-tsan])])])

# Branch targets are marked, shadow stacks are not claimed. Frames carry what
# unwinding through them needs. Position-independent objects let the archive
# serve static-pie programs too.
WEFT_CFLAGS="-std=gnu11 -pthread -fvisibility=hidden -fexceptions -fasynchronous-unwind-tables -fPIE"
WF_APPEND_FLAG([WEFT_CFLAGS], [-fno-semantic-interposition])
AS_VAR_IF([wf_arch_amd64], [yes], [WF_APPEND_FLAG([WEFT_CFLAGS], [-fcf-protection=branch])])
CRT_CFLAGS=
WF_APPEND_FLAG([CRT_CFLAGS], [-fno-lto -fno-sanitize=all])

# A sanitizer's functions are the program's in a clang build, so the library
# may not insist on defining them all.
WEFT_LDFLAGS="-Wl,-z,text -Wl,-Bsymbolic-functions"
AS_IF([test -z "$wf_sanitizer_flags"], [WEFT_LDFLAGS="$WEFT_LDFLAGS -Wl,-z,defs"])

AC_SUBST([WARN_CFLAGS])
AC_SUBST([WARN_CXXFLAGS])
AC_SUBST([SANITIZER_FLAGS])
AC_SUBST([WEFT_CFLAGS])
AC_SUBST([CRT_CFLAGS])
AC_SUBST([WEFT_LDFLAGS])
])
