// Command push sends the images of archives that build has written to the
// registries that their names begin with:
//
//	push dist/images/proxy.tar dist/images/sensor.tar
//
// With -platforms, the archives of one image for several architectures become
// one name, from which each node pulls its own:
//
//	push -platforms dist/amd64/images/proxy.tar dist/arm64/images/proxy.tar
package main

import (
	"context"
	"flag"
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

func run(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("push", flag.ExitOnError)
	platforms := flags.Bool("platforms", false, "push one image for several architectures")
	// ExitOnError: Parse does not return an error.
	_ = flags.Parse(args)
	if *platforms {
		reference, err := images.PushPlatforms(ctx, flags.Args()...)
		if err == nil {
			fmt.Println(reference)
		}
		return err
	}
	for _, archive := range flags.Args() {
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
