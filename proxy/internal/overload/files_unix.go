//go:build unix

package overload

import (
	"math"
	"syscall"
)

// openFiles returns how many files the process may have open. Go has raised the
// soft limit to the hard one.
func openFiles() int {
	var l syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &l); err != nil || l.Cur > math.MaxInt32 {
		return math.MaxInt32
	}
	return int(l.Cur)
}
