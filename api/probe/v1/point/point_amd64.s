#include "textflag.h"

// func RequestDone(meta, durNs, upstreamNs, reqBytes, respBytes, extra uint64)
//
// The registers are those of the C calling convention, which is how an eBPF
// program addresses them. The five-byte nop must not cross a page, for the
// kernel could then not replace it by a call: hence the alignment.
TEXT ·RequestDone(SB), NOSPLIT|NOFRAME, $0-48
	MOVQ meta+0(FP), DI
	MOVQ durNs+8(FP), SI
	MOVQ upstreamNs+16(FP), DX
	MOVQ reqBytes+24(FP), CX
	MOVQ respBytes+32(FP), R8
	MOVQ extra+40(FP), R9
	PCALIGN $16
	BYTE $0x90
	BYTE $0x0f; BYTE $0x1f; BYTE $0x44; BYTE $0x00; BYTE $0x00
	RET

// func entry() uintptr
TEXT ·entry(SB), NOSPLIT|NOFRAME, $0-8
	LEAQ ·RequestDone(SB), AX
	MOVQ AX, ret+0(FP)
	RET
