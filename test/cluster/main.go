// Command cluster runs a real single-node Kubernetes on this machine, in
// namespaces that nothing leads out of. Run it from the folder test:
//
//	go run ./cluster up       start it, building its parts the first time
//	go run ./cluster kubectl get pods -A
//	go run ./cluster down     end it and remove all of it but the builds
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"syscall"

	"github.com/fleetgate/fleetgate/test/cluster/internal/host"
	"github.com/fleetgate/fleetgate/test/cluster/internal/layout"
)

const usage = `usage: cluster COMMAND

  up [--keep]               start the cluster (--keep: with its former state)
  down [--keep]             end it (--keep: keep its state for the next up)
  status                    say whether it is up
  build                     build the components only
  load ARCHIVE...           load image archives into it
  crds [experimental|standard]
                            install the Gateway API's resource definitions
  prometheus                install the Prometheus operator's resource definitions, and
                            load it and Prometheus, which are built the first time
  promtool                  say where Prometheus' tool is, which is built the first time
  kubectl ARGUMENT...       run kubectl
  exec COMMAND...           run a command inside its namespaces
`

func main() {
	hidden, err := host.RunHidden()
	if !hidden {
		err = run(os.Args[1:])
	}
	os.Exit(report(err))
}

func run(args []string) error {
	if len(args) == 0 {
		return errUsage
	}
	l, err := layout.Default()
	if err != nil {
		return err
	}
	command, ok := commands[args[0]]
	if !ok {
		return errUsage
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	return command(ctx, &host.Host{Layout: l, Out: os.Stdout}, args[1:])
}

var errUsage = errors.New("usage")

// report writes the error and returns the exit code: that of the command which
// was run inside, if one was.
func report(err error) int {
	var exit *exec.ExitError
	switch {
	case err == nil:
		return 0
	case errors.Is(err, errUsage):
		fmt.Fprint(os.Stderr, usage)
		return 2
	case errors.As(err, &exit):
		return max(1, exit.ExitCode())
	}
	fmt.Fprintln(os.Stderr, "cluster:", err)
	return 1
}
