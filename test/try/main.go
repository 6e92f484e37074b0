package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
)

// options are what the flags say.
type options struct {
	bin, samples string
}

func main() {
	var o options
	var once bool
	flag.StringVar(&o.bin, "bin", "../bin", "folder with fleetgate, fleetgate-proxy, fleetgate-sensor and echo")
	flag.StringVar(&o.samples, "samples", "../config/samples/local", "folder with the sample")
	flag.BoolVar(&once, "once", false, "check everything once and leave")
	flag.Parse()

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	run := interactive
	if once {
		run = check
	}
	if err := run(ctx, o); err != nil {
		fmt.Fprintln(os.Stderr, "try:", err)
		os.Exit(1)
	}
}

// The ports of the sample's backends.
const (
	portV1 = "9081"
	portV2 = "9082"
)

const hints = `Two Gateways, of two tenants, with the same hostname. Their YAML is in
  %[1]s

In another terminal:
  curl -H 'Host: shop.example.com' http://127.77.0.1:8080/    tenant-a, nine of ten answers are from version v1
  curl -H 'Host: shop.example.com' http://127.77.0.2:8080/    tenant-b, see X-Tenant in the answer
  for i in $(seq 100); do curl -s -H 'Host: shop.example.com' http://127.77.0.1:8080/; done | grep -o '"version":"[^"]*"' | sort | uniq -c

Then edit the weights in %[1]s/2-tenant-a.yaml and ask again,
or break the YAML and see below what is said and that the old routes go on.
Ctrl-C stops everything.

`

// interactive runs until ctx ends, with the table on the terminal.
func interactive(ctx context.Context, o options) error {
	backends, err := startBackends(o, "127.0.0.1:"+portV1, "127.0.0.1:"+portV2)
	if err != nil {
		return err
	}
	defer backends.stop()
	fmt.Printf(hints, relative(o.samples))
	gateway := command(o.bin, "fleetgate", "local", "-f", o.samples)
	gateway.Stdout, gateway.Stderr = os.Stdout, os.Stderr
	return start(gateway).until(ctx)
}

// relative shortens a path for people, where it can be.
func relative(path string) string {
	wd, err := os.Getwd()
	if err != nil {
		return path
	}
	if !filepath.IsAbs(path) {
		path = filepath.Join(wd, path)
	}
	// The module of the tests is one below the repository, where people are.
	if short, err := filepath.Rel(filepath.Dir(wd), path); err == nil && filepath.IsLocal(short) {
		return short
	}
	return path
}
