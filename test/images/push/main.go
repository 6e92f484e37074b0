// Command push sends the images of archives that build has written to the
// registries that their names begin with:
//
//	push dist/images/proxy.tar dist/images/sensor.tar
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/fleetgate/fleetgate/test/images"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "push:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, archives []string) error {
	for _, archive := range archives {
		pushed, err := images.Push(ctx, archive)
		for _, reference := range pushed {
			fmt.Println(reference)
		}
		if err != nil {
			return err
		}
	}
	return nil
}
