// Command fleetgate is the operator: "controller" runs it in a cluster, "local"
// serves a folder of YAML without one.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"runtime"
	"syscall"
	"time"

	"github.com/go-logr/logr"

	"github.com/fleetgate/fleetgate/internal/heap"
	"github.com/fleetgate/fleetgate/operator/internal/app"
	"github.com/fleetgate/fleetgate/operator/internal/local"
)

// version is set by the linker.
var version = "dev"

// pace leaves Go's default to an operator with few routes. One with tens of thousands
// has most of its heap in use for good, and what a change allocates is little beside it.
// While a fleet comes up there is far more garbage than that, in a heap that has yet to grow.
var pace = heap.Pace{MostPercent: 100, LeastPercent: 20, Headroom: 48 << 20, Burst: 208 << 20, Seldom: 5 * time.Second}

// startsFor is how long all cores are used: what a start reads leaves more garbage than one
// core collects beside it, and the heap would stay that large.
const startsFor = 30 * time.Second

// coresOf returns how many of a machine's cores the operator uses, of those that it would
// use by default: half of them, unless its share is limited already. The collector takes
// all that are idle while it walks through the heap. With a thousand Gateways that was a
// tenth of a second in which the API server and the proxies of a small node had to wait.
func coresOf(machine, byDefault int) int {
	if byDefault < machine {
		return byDefault
	}
	return max(1, machine/2)
}

const usage = `Usage: fleetgate COMMAND [flags]

Commands:
  controller  run the operator in a Kubernetes cluster
  local       serve a folder of Gateway API YAML on this machine
  version     print the version

See fleetgate COMMAND -h for the flags.
`

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	// A second signal takes its default action, for whoever does not want to wait
	// until everything has ended in order.
	context.AfterFunc(ctx, stop)
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	command := ""
	if len(args) > 0 {
		command = args[0]
	}
	switch command {
	case "controller":
		return control(ctx, args[1:], stderr)
	case "local":
		return local.Main(ctx, args[1:], stdout, stderr)
	case "version":
		fmt.Fprintln(stdout, version)
		return 0
	case "help", "-h", "--help":
		fmt.Fprint(stdout, usage)
		return 0
	default:
		fmt.Fprint(stderr, usage)
		return 2
	}
}

func control(ctx context.Context, args []string, stderr io.Writer) int {
	opts, err := app.Parse(args, os.Getenv, stderr)
	if errors.Is(err, flag.ErrHelp) {
		return 0
	}
	if err != nil {
		fmt.Fprintln(stderr, "fleetgate controller:", err)
		return 2
	}
	level := slog.LevelInfo
	if opts.LogLevel == "debug" {
		level = slog.LevelDebug
	}
	opts.Log = logr.FromSlogHandler(slog.NewJSONHandler(stderr, &slog.HandlerOptions{Level: level, ReplaceAttr: plainLevel}))
	if os.Getenv("GOMAXPROCS") == "" {
		time.AfterFunc(startsFor, func() { runtime.GOMAXPROCS(coresOf(runtime.NumCPU(), runtime.GOMAXPROCS(0))) })
	}
	if os.Getenv("GOGC") == "" {
		pace.Keep()
	}
	opts.Log.Info("Starting", "version", version)
	if err := app.Run(ctx, opts); err != nil {
		opts.Log.Error(err, "Stopped")
		return 1
	}
	opts.Log.Info("Stopped")
	return 0
}

// plainLevel writes the level as one of three words: what logr calls V(1) has
// no name in slog.
func plainLevel(groups []string, attr slog.Attr) slog.Attr {
	level, ok := attr.Value.Any().(slog.Level)
	if !ok || attr.Key != slog.LevelKey || len(groups) > 0 {
		return attr
	}
	switch {
	case level >= slog.LevelError:
		return slog.String(slog.LevelKey, "error")
	case level >= slog.LevelInfo:
		return slog.String(slog.LevelKey, "info")
	default:
		return slog.String(slog.LevelKey, "debug")
	}
}
