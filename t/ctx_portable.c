/* The portable layer, as a program sees it that asks for it. */
#define WEFT_CTX_PORTABLE
#include "ctx_layer.c"
