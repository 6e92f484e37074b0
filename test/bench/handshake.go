package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// shakes is this program once more, as the load generator of handshakes: one that
// is a process can be stopped and go on. In the namespaces its name is a path.
var shakes = generator{
	command: func(t target, seconds int, w workload) []string {
		return []string{os.Args[0], shakeCommand, strconv.Itoa(t.port), strconv.Itoa(w.connections), strconv.Itoa(seconds)}
	},
	parse: func(out string, _ int) (loaded, error) { return parseWrk(out) },
}

// shakeCommand is followed by a port, a number of clients and seconds.
const shakeCommand = "shake"

// shakeAll writes a line as wrk's.
func shakeAll(ctx context.Context, arguments []string) error {
	var port, clients, seconds int
	if _, err := fmt.Sscan(strings.Join(arguments, " "), &port, &clients, &seconds); err != nil {
		return fmt.Errorf("arguments of %s: %w", shakeCommand, err)
	}
	l, err := handshakes(ctx, port, clients, seconds)
	if err != nil {
		return err
	}
	fmt.Printf("RESULT %d %d %d %.0f %.0f %.0f\n", l.requests, l.duration.Microseconds(), l.errors, l.p50, l.p99, l.p999)
	return nil
}

// handshakes makes one connection after another from a number of clients at
// once. Each has a full handshake and one request, whose answer proves that the
// handshake was complete. Latencies are those of the handshakes.
func handshakes(ctx context.Context, port, clients, seconds int) (loaded, error) {
	start := time.Now()
	end := start.Add(time.Duration(seconds) * time.Second)
	var lock sync.Mutex
	var all []time.Duration
	var failures []error
	var running sync.WaitGroup
	for range clients {
		running.Go(func() {
			took, errs := shakeUntil(ctx, port, end)
			lock.Lock()
			defer lock.Unlock()
			all, failures = append(all, took...), append(failures, errs...)
		})
	}
	running.Wait()
	if len(all) == 0 {
		return loaded{}, fmt.Errorf("no handshake was complete: %w", errors.Join(failures...))
	}
	slices.Sort(all)
	return loaded{
		requests: len(all), duration: time.Since(start), errors: len(failures),
		p50: microsAt(all, 0.5), p99: microsAt(all, 0.99), p999: microsAt(all, 0.999),
	}, nil
}

// errorLimit is how many failures one client puts up with.
const errorLimit = 10

func shakeUntil(ctx context.Context, port int, end time.Time) (took []time.Duration, errs []error) {
	for time.Now().Before(end) && ctx.Err() == nil && len(errs) < errorLimit {
		d, err := shake(ctx, port)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		took = append(took, d)
	}
	return took, errs
}

// clientTLS asks for TLS 1.3 with X25519: the key exchange that all engines
// have. It keeps no sessions, so that no handshake is a resumed one.
func clientTLS() *tls.Config {
	return &tls.Config{
		ServerName: host, MinVersion: tls.VersionTLS13, CurvePreferences: []tls.CurveID{tls.X25519},
		// The certificate is the benchmark's own.
		InsecureSkipVerify: true,
	}
}

func shake(ctx context.Context, port int) (time.Duration, error) {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	var d net.Dialer
	raw, err := d.DialContext(ctx, "tcp", address(port))
	if err != nil {
		return 0, err
	}
	defer raw.Close()
	start := time.Now()
	if err := raw.SetDeadline(start.Add(startTimeout)); err != nil {
		return 0, err
	}
	secured := tls.Client(raw, clientTLS())
	if err := secured.HandshakeContext(ctx); err != nil {
		return 0, err
	}
	took := time.Since(start)
	request := "GET /1k HTTP/1.1\r\nHost: " + host + "\r\nConnection: close\r\n\r\n"
	if _, err := io.WriteString(secured, request); err != nil {
		return 0, err
	}
	answer, err := io.ReadAll(secured)
	if err != nil {
		return 0, err
	}
	if len(answer) < len("HTTP/1.1 200") || string(answer[9:12]) != fmt.Sprint(http.StatusOK) {
		return 0, fmt.Errorf("answer %.20q", answer)
	}
	return took, nil
}

// microsAt is a percentile of sorted durations.
func microsAt(sorted []time.Duration, p float64) float64 {
	return float64(sorted[int(float64(len(sorted)-1)*p)]) / float64(time.Microsecond)
}
