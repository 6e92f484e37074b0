#include "textflag.h"

// func RequestsDone(registers *[12]uint64)
//
// The first six registers are those of the C calling convention; the stack's, the
// frame's and those that the Go runtime keeps are left alone. The five-byte nop must
// not cross a page, for the kernel could then not replace it by a call: hence the
// alignment.
TEXT ·RequestsDone(SB), NOSPLIT|NOFRAME, $0-8
	MOVQ registers+0(FP), R13
	MOVQ 0(R13), DI
	MOVQ 8(R13), SI
	MOVQ 16(R13), DX
	MOVQ 24(R13), CX
	MOVQ 32(R13), R8
	MOVQ 40(R13), R9
	MOVQ 48(R13), AX
	MOVQ 56(R13), BX
	MOVQ 64(R13), R10
	MOVQ 72(R13), R11
	MOVQ 80(R13), R12
	MOVQ 88(R13), R13
	PCALIGN $16
	BYTE $0x90
	BYTE $0x0f; BYTE $0x1f; BYTE $0x44; BYTE $0x00; BYTE $0x00
	RET

// func entry() uintptr
TEXT ·entry(SB), NOSPLIT|NOFRAME, $0-8
	LEAQ ·RequestsDone(SB), AX
	MOVQ AX, ret+0(FP)
	RET
