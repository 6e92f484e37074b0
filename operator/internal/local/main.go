package local

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
)

// Main is the command "fleetgate local" with the arguments after its name. It
// runs until ctx ends and returns the process's exit code.
func Main(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	self, err := os.Executable()
	if err != nil {
		fmt.Fprintln(stderr, "fleetgate local:", err)
		return 1
	}
	opts, err := parse(args, self, stdout, stderr)
	if errors.Is(err, flag.ErrHelp) {
		return 0
	}
	if err != nil {
		fmt.Fprintf(stderr, "fleetgate local: %v\nSee fleetgate local -h.\n", err)
		return 2
	}
	if err := Run(ctx, opts); err != nil {
		fmt.Fprintln(stderr, "fleetgate local:", err)
		return 1
	}
	return 0
}
