package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"
)

// options are what the flags and the environment say.
type options struct {
	listen []string
	self   identity
	// withdraw is how long the server goes on accepting after it has turned
	// unready; drain bounds the wait for requests in flight after that.
	withdraw time.Duration
	drain    time.Duration
}

func main() {
	opts, err := parse(os.Args[1:], os.Getenv)
	if errors.Is(err, flag.ErrHelp) {
		return
	}
	if err != nil {
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	// A second signal takes its default action and ends the drain at once.
	context.AfterFunc(ctx, stop)
	if err := run(ctx, opts, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "echo:", err)
		os.Exit(1)
	}
}

// parse reads the flags; the environment gives their defaults, because that is
// what a pod template can fill in.
func parse(args []string, getenv func(string) string) (options, error) {
	fs := flag.NewFlagSet("echo", flag.ContinueOnError)
	listen := fs.String("listen", or(getenv("LISTEN"), ":8080"), "comma-separated addresses to listen on")
	name := fs.String("name", or(getenv("NAME"), "echo"), "name in every answer")
	version := fs.String("version", or(getenv("VERSION"), "v1"), "version in every answer")
	pod := fs.String("pod", getenv("POD_NAME"), "pod name in every answer")
	withdraw := fs.Duration("withdraw", time.Second, "time to go on accepting after SIGTERM, unready")
	drain := fs.Duration("drain", 20*time.Second, "time for requests in flight to end after that")
	if err := fs.Parse(args); err != nil {
		return options{}, err
	}
	return options{
		listen:   strings.Split(*listen, ","),
		self:     identity{Name: *name, Version: *version, Pod: *pod},
		withdraw: *withdraw,
		drain:    *drain,
	}, nil
}

func or(value, fallback string) string {
	if value != "" {
		return value
	}
	return fallback
}

// run serves on every address until ctx ends, and then drains.
func run(ctx context.Context, opts options, out io.Writer) error {
	h := newHandler(opts.self)
	server := &http.Server{Handler: h, ReadHeaderTimeout: 10 * time.Second, Protocols: new(http.Protocols)}
	server.Protocols.SetHTTP1(true)
	server.Protocols.SetUnencryptedHTTP2(true)

	listeners, err := listenAll(opts.listen)
	if err != nil {
		return err
	}
	failed := make(chan error, len(listeners))
	for _, l := range listeners {
		fmt.Fprintf(out, "%s %s listens on %s\n", opts.self.Name, opts.self.Version, l.Addr())
		go func() { failed <- server.Serve(l) }()
	}
	select {
	case err := <-failed:
		return errors.Join(err, server.Close())
	case <-ctx.Done():
	}
	h.draining.Store(true)
	time.Sleep(opts.withdraw)
	return shutdown(server, opts.drain, failed, len(listeners))
}

// shutdown lets the requests in flight end, and waits for every Serve.
func shutdown(server *http.Server, limit time.Duration, served <-chan error, n int) error {
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	err := server.Shutdown(ctx)
	if err != nil {
		err = errors.Join(err, server.Close())
	}
	for range n {
		<-served
	}
	return err
}

// listenAll opens every address or none.
func listenAll(addresses []string) ([]net.Listener, error) {
	var listeners []net.Listener
	for _, address := range addresses {
		l, err := net.Listen("tcp", strings.TrimSpace(address))
		if err != nil {
			for _, open := range listeners {
				open.Close()
			}
			return nil, err
		}
		listeners = append(listeners, l)
	}
	return listeners, nil
}
