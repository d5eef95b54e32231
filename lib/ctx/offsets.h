/*
 * Offsets and sizes that assembly relies on; wf_check compares them with the
 * compiler's. Read by the assembler too: nothing but #define here.
 */
#ifndef WF_OFFSETS_H
#define WF_OFFSETS_H

#define WF_GOBUF_SP 0
#define WF_GOBUF_PC 8
#define WF_GOBUF_G 16
#define WF_GOBUF_CTXT 24
#define WF_G_M 96

#endif
