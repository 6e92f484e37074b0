/* SPDX-License-Identifier: Apache-2.0 */
/* The registers that the probe function fills. The layouts are those of the
 * kernel's user interface and never change. */
#pragma once

#if defined(__TARGET_ARCH_x86)
struct pt_regs {
	unsigned long r15, r14, r13, r12, bp, bx, r11, r10, r9, r8, ax, cx, dx, si, di;
	unsigned long orig_ax, ip, cs, flags, sp, ss;
};
#define REG1(ctx) ((ctx)->di)
#define REG2(ctx) ((ctx)->si)
#define REG3(ctx) ((ctx)->dx)
#define REG4(ctx) ((ctx)->cx)
#define REG5(ctx) ((ctx)->r8)
#define REG6(ctx) ((ctx)->r9)
#define REG7(ctx) ((ctx)->ax)
#define REG8(ctx) ((ctx)->bx)
#define REG9(ctx) ((ctx)->r10)
#define REG10(ctx) ((ctx)->r11)
#define REG11(ctx) ((ctx)->r12)
#define REG12(ctx) ((ctx)->r13)
#elif defined(__TARGET_ARCH_arm64)
struct pt_regs {
	unsigned long regs[31], sp, pc, pstate;
};
#define REG1(ctx) ((ctx)->regs[0])
#define REG2(ctx) ((ctx)->regs[1])
#define REG3(ctx) ((ctx)->regs[2])
#define REG4(ctx) ((ctx)->regs[3])
#define REG5(ctx) ((ctx)->regs[4])
#define REG6(ctx) ((ctx)->regs[5])
#define REG7(ctx) ((ctx)->regs[6])
#define REG8(ctx) ((ctx)->regs[7])
#define REG9(ctx) ((ctx)->regs[8])
#define REG10(ctx) ((ctx)->regs[9])
#define REG11(ctx) ((ctx)->regs[10])
#define REG12(ctx) ((ctx)->regs[11])
#else
#error "no register layout for this architecture"
#endif
