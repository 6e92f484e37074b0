package main

import "slices"

// workload is one thing that is asked of engines.
type workload struct {
	// name is unique; bars refer to it.
	name string
	front
	// path chooses the body that the backend answers with, of so many bytes.
	path        string
	bytes       int
	connections int
	// streams at once on each connection make it HTTP/2.
	streams int
	// rate is how many requests are sent in a second; zero is as many as go.
	rate int
	// patience multiplies the seconds of a round, for figures that need more
	// requests than others.
	patience int
	// spinner keeps the proxy's CPU from ever being idle, so that no engine pays
	// for waking it up, nor gains from being late.
	spinner bool
	// engines are those that are asked, of those that have the front; none
	// means all.
	engines []string
	load    generator
	columns []column
}

// The workloads, by the names that the document uses.
const (
	small64    = "1 KiB, 64 connections"
	small512   = "1 KiB, 512 connections"
	saturated  = "1 KiB, 64 connections, saturated"
	middle     = "100 KiB, 64 connections"
	large      = "1 MiB, 64 connections"
	tailSlow   = "1 KiB at 5,120/s"
	tailFast   = "1 KiB at 16,000/s"
	keepAlive  = "TLS, 1 KiB, 64 connections"
	handshake  = "TLS handshake"
	h2Clear    = "h2c, 8 connections × 32 streams"
	h2Secure   = "HTTP/2 over TLS, 8 connections × 32 streams"
	grpcUnary  = "gRPC, 8 connections × 32 streams"
	bulk       = "TCP bulk, 4 connections"
	idlePlain  = "idle connection"
	idleSecure = "idle TLS connection"
)

// The rates of the tail workloads, per second.
const (
	slowRate = 5120
	fastRate = 16000
)

func workloads() []workload {
	// The rest of the engines say nothing more here.
	few := []string{nameFleetgate, nameNginx, nameHAProxy, nameForwarder}
	known := []string{nameFleetgate, nameNginx, nameHAProxy, nameNetHTTP}
	return []workload{
		{name: small64, path: "/1k", bytes: 1 << 10, connections: 64, load: wrk, columns: requestColumns},
		{name: small512, path: "/1k", bytes: 1 << 10, connections: 512, load: wrk, columns: requestColumns},
		{name: saturated, path: "/1k", bytes: 1 << 10, connections: 64, spinner: true, engines: few, load: wrk, columns: requestColumns},
		{name: middle, path: "/100k", bytes: 100 << 10, connections: 64, engines: few, load: wrk, columns: requestColumns},
		{name: large, path: "/1m", bytes: 1 << 20, connections: 64, engines: few, load: wrk, columns: requestColumns},
		{name: tailSlow, path: "/1k", bytes: 1 << 10, connections: 64, rate: slowRate, patience: 2, engines: few, load: paced, columns: tailColumns},
		{name: tailFast, path: "/1k", bytes: 1 << 10, connections: 64, rate: fastRate, patience: 2, engines: few, load: paced, columns: tailColumns},
		{name: keepAlive, front: secure, path: "/1k", bytes: 1 << 10, connections: 64, engines: known, load: wrk, columns: requestColumns},
		{name: handshake, front: secure, path: "/1k", bytes: 1 << 10, connections: 8, engines: known, load: shakes, columns: requestColumns},
		{name: h2Clear, front: clear2, path: "/1k", bytes: 1 << 10, connections: 8, streams: 32, load: h2load, columns: requestColumns},
		{name: h2Secure, front: secure, path: "/1k", bytes: 1 << 10, connections: 8, streams: 32, load: h2load, columns: requestColumns},
		{name: grpcUnary, front: calls, path: "/bench.Echo/Say", bytes: messageBytes, connections: 8, streams: 32, load: h2load, columns: requestColumns},
		{name: bulk, front: stream, connections: 4, load: transfers, columns: bulkColumns},
	}
}

// asks says whether the workload is for an engine.
func (w workload) asks(e engine) bool {
	return e.has(w.front) && (len(w.engines) == 0 || slices.Contains(w.engines, e.name))
}

// takesTurns says whether turns measure the workload: not where its latencies count,
// as who waits for a turn is late.
func (w workload) takesTurns() bool { return w.rate == 0 }

// steadyRounds are how many of all rounds load one engine for all of their time:
// fewer where they tell of rates and latencies that no bar is on.
func (w workload) steadyRounds(all int) int {
	if w.takesTurns() {
		return max(1, (all+1)/3)
	}
	return all
}

// seconds is how long one round takes, of what the flags say.
func (w workload) seconds(flag int) int { return flag * max(1, w.patience) }
