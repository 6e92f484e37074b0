package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/fleetgate/fleetgate/test/internal/stack"
)

// atMost bounds a run; building Kubernetes from source is most of a first one.
const atMost = 90 * time.Minute

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	ctx, cancel := context.WithTimeout(ctx, atMost)
	defer cancel()
	if err := run(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "demo:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	command := ""
	if len(args) > 0 {
		command, args = args[0], args[1:]
	}
	switch command {
	case "up":
		return show(ctx)
	case "observe":
		return observed(ctx)
	case "conformance":
		return conformance(ctx, args)
	case "down":
		return stack.Down(ctx, os.Stdout)
	}
	return fmt.Errorf("unknown command %q; the commands are up, observe, conformance and down", command)
}
