package atonce

import (
	"fmt"
	"runtime/debug"
	"sync"
)

// Do makes all calls, at most so many at a time, and returns their errors in the same order
// when all are done.
func Do(most int, calls []func() error) []error {
	errs, turn := make([]error, len(calls)), make(chan struct{}, most)
	var all sync.WaitGroup
	for i, call := range calls {
		turn <- struct{}{}
		all.Go(func() {
			defer func() { <-turn }()
			errs[i] = safely(call)
		})
	}
	all.Wait()
	return errs
}

func safely(call func() error) (err error) {
	defer func() {
		if value := recover(); value != nil {
			err = fmt.Errorf("panic: %v\n%s", value, debug.Stack())
		}
	}()
	return call()
}
