package host

import (
	"os"
	"runtime"

	"golang.org/x/sys/unix"
)

// onOwnThread runs f on a thread that no other goroutine ever uses: it ends
// when f has returned, and with it whatever namespaces f put it into.
func onOwnThread(f func() error) error {
	done := make(chan error, 1)
	go func() {
		runtime.LockOSThread()
		if unix.Gettid() == os.Getpid() {
			// The main thread cannot end, and its namespaces are what others
			// see as the whole process's. Keep it busy, so that the goroutine
			// for f gets another one.
			done <- onOwnThread(f)
			runtime.UnlockOSThread()
			return
		}
		// Left locked, which is what ends the thread.
		done <- f()
	}()
	return <-done
}
