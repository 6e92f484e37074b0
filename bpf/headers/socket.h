/* SPDX-License-Identifier: Apache-2.0 */
/* What the proxy may ask of its sockets. api/probe/v1 has the same in Go. */
#pragma once

#include <linux/types.h>

/* No protocol's level: the kernel by itself refuses it. */
#define SOCKET_LEVEL 0x464c4754
#define SOCKET_FACTS 1

struct socket_facts {
	__u64 wait; /* ns to be accepted, or to be connected */
	__u64 age; /* ns since it was established */
};
