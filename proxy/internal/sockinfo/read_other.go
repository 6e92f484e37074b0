//go:build !linux

package sockinfo

import "github.com/fleetgate/fleetgate/proxy/internal/traffic"

// Read returns the zero Socket: here nothing is asked.
func Read(int) traffic.Socket { return traffic.Socket{} }
