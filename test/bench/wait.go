package main

import (
	"context"
	"time"
)

// wait returns after some time, or at the end of the context with its error.
func wait(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}
