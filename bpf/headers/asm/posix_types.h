/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include <asm-generic/posix_types.h>
