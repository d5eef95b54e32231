# weft.m4 - finding Weft from a configure script                  serial 1
#
# WEFT_CHECK([VERSION], [ACTION-IF-FOUND], [ACTION-IF-NOT-FOUND])
#
# Looks for Weft, VERSION or later, and substitutes WEFT_CFLAGS and WEFT_LIBS
# (either may be set beforehand, and is then taken as it is). Without an
# ACTION-IF-NOT-FOUND, configure ends with a message when Weft is missing.
AC_DEFUN([WEFT_CHECK], [
AC_ARG_VAR([WEFT_CFLAGS], [compiler flags for Weft])
AC_ARG_VAR([WEFT_LIBS], [linker flags for Weft])
AC_PATH_TOOL([PKG_CONFIG], [pkg-config])
: "${weft_given=$WEFT_CFLAGS$WEFT_LIBS}"
weft_wanted="weft[]m4_ifval([$1], [ >= $1])"
weft_found=no
AC_MSG_CHECKING([for $weft_wanted])
AS_IF([test -n "$weft_given"], [weft_found=yes],
	[test -n "$PKG_CONFIG" && "$PKG_CONFIG" --exists "$weft_wanted"],
	[weft_found=yes
	WEFT_CFLAGS=$("$PKG_CONFIG" --cflags weft)
	WEFT_LIBS=$("$PKG_CONFIG" --libs weft)])
AC_MSG_RESULT([$weft_found])
AS_VAR_IF([weft_found], [yes], [m4_default([$2], [:])],
	[m4_default([$3],
		[AC_MSG_ERROR([$weft_wanted was not found: is the folder of its weft.pc in PKG_CONFIG_PATH?])])])
])
