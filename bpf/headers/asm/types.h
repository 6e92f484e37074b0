/* SPDX-License-Identifier: Apache-2.0 */
/* The BPF target has no architecture of its own; every 64-bit one that the
 * programs are built for has the generic integer types. */
#pragma once
#include <asm-generic/int-ll64.h>
