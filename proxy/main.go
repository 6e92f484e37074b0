// Command fleetgate-proxy is the data plane of one Gateway.
package main

import (
	"context"
	"flag"
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/go-logr/logr"

	"github.com/fleetgate/fleetgate/api/proxyconfig/v1"
	"github.com/fleetgate/fleetgate/proxy/internal/accesslog"
	"github.com/fleetgate/fleetgate/proxy/internal/app"
	"github.com/fleetgate/fleetgate/proxy/internal/supervise"
)

// version is set by the linker.
var version = "dev"

func main() {
	options, err := parse(os.Args[1:])
	if err != nil {
		fmt.Fprintln(os.Stderr, "fleetgate-proxy:", err)
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	// A second signal ends the process as it does by default.
	context.AfterFunc(ctx, stop)
	before, worker := supervise.Worker()
	if options.supervise && !worker {
		os.Exit(oversee(ctx, options.Log))
	}
	if worker {
		inherit(&options.Options, before)
	}
	tuneMemory()
	if err := app.Run(ctx, options.Options); err != nil {
		options.Log.Error(err, "Stopped")
		os.Exit(1)
	}
}

// options are those of the program.
type options struct {
	app.Options
	// supervise has the proxy run in a process that is restarted when it crashes.
	supervise bool
}

// parse reads the flags.
func parse(args []string) (options, error) {
	o := options{Options: app.Options{AccessLogOut: os.Stdout, Version: version}}
	f := flag.NewFlagSet("fleetgate-proxy", flag.ContinueOnError)
	f.StringVar(&o.Gateway.Namespace, "gateway-namespace", "", "namespace of the Gateway that is served")
	f.StringVar(&o.Gateway.Name, "gateway-name", "", "name of the Gateway")
	f.StringVar(&o.Gateway.UID, "gateway-uid", "", "UID of the Gateway; configurations of another one are refused")
	f.StringVar(&o.ConfigDir, "config-dir", "", "directory with config.json and the certificates")
	f.StringVar(&o.StateDir, "state-dir", "", "directory that keeps the last good configuration")
	f.StringVar(&o.Watch.ConfigMap, "watch-configmap", "", "name of the ConfigMap to watch; empty follows the files alone")
	secrets := f.String("watch-secrets", "", "names of the Secrets with certificates to watch, separated by commas")
	bind := f.String("bind", "", "address of the listeners; empty binds all addresses")
	f.StringVar(&o.HealthAddress, "health-address", ":19000", "address of /livez, /readyz and /metrics")
	f.StringVar(&o.AdminAddress, "admin-address", ":19001", "address of the admin port")
	f.StringVar(&o.AdminDir, "admin-dir", "", "directory with tls.crt, tls.key and token of the admin port; absent closes it")
	f.StringVar(&o.ProbeSocket, "probe-socket", "", "the sensor's socket; empty runs without a sensor")
	f.DurationVar(&o.DrainTimeout, "drain-timeout", 25*time.Second, "longest time from SIGTERM to the end of the process")
	f.IntVar(&o.Loops, "loops", 0, "number of the engine's loops; 0 takes the CPU quota")
	f.IntVar(&o.Limits.Total, "max-connections", 0, "most connections of clients; 0 takes 50000, or what the limit of open files leaves")
	f.IntVar(&o.Limits.PerListener, "max-listener-connections", 0, "most connections of clients on one port; 0 takes 10000")
	accessLog := f.String("access-log", "off", "format of the access log on stdout: off, json or text")
	level := f.String("log-level", "info", "least level of the log on stderr: debug, info or error")
	f.IntVar(&o.TrustedHops, "trusted-hops", 0, "number of proxies before this one whose X-Forwarded fields are believed")
	f.StringVar(&o.Zone, "zone", "", "topology zone that the proxy runs in")
	f.IntVar(&o.MaxSeries, "max-series", app.DefaultMaxSeries, "most series that a scrape may have")
	f.BoolVar(&o.supervise, "supervise", false, "have a second process restart the proxy at once when it crashes, and hold its ports meanwhile")
	f.BoolVar(&o.AllowLoopbackBackends, "allow-loopback-backends", false, "permit endpoints on loopback addresses")
	if err := f.Parse(args); err != nil {
		return o, err
	}
	if f.NArg() > 0 {
		return o, fmt.Errorf("unexpected argument %q", f.Arg(0))
	}
	return o, interpret(&o.Options, *secrets, *bind, *accessLog, *level)
}

// interpret reads the flags that are more than a word.
func interpret(o *app.Options, secrets, bind, accessLog, level string) error {
	o.Watch.Secrets = strings.FieldsFunc(secrets, func(r rune) bool { return r == ',' })
	var err error
	if bind != "" {
		if o.Bind, err = netip.ParseAddr(bind); err != nil {
			return fmt.Errorf("--bind: %w", err)
		}
	}
	if o.AccessLog, err = accesslog.ParseFormat(accessLog); err != nil {
		return fmt.Errorf("--access-log: %w", err)
	}
	least, ok := app.LogLevel(proxyconfig.LogLevel(level))
	if !ok {
		return fmt.Errorf("--log-level: unknown level %q", level)
	}
	o.LogLevel = new(slog.LevelVar)
	o.LogLevel.Set(least)
	o.Log = logr.FromSlogHandler(slog.NewJSONHandler(os.Stderr, &slog.HandlerOptions{Level: o.LogLevel}))
	return nil
}
