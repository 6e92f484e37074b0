package main

import (
	"fmt"
	"strings"
)

// introduction explains the tables. Its arguments are date, commit, CPU, cores,
// kernel, congestion control, versions, Go's version, flags, milliseconds of a turn,
// rounds, seconds, and what can be told: of two kinds of memory, of system calls and of
// allocations, as objects and per request.
const introduction = `# The data plane beside its peers

Measured on %s at commit %s, on %s with %d cores, Linux %s, congestion control %s.
%s; all Go programs with %s.

    make bench-proxy ARGS="%s"

The load generator (one thread) and backends in C share CPU 0, the proxy under test has CPU 1 to itself with one worker,
all in a network namespace of their own.

CPU time is measured in turns. Each proxy has a load of its own, and all loads but one are stopped: the proxies take turns of
%d ms, there and back again, so that what slows the machine down for longer meets all alike. A turn begins when its load goes
on, and ends when that has been stopped and the proxy is at rest. What the proxy took meanwhile is the scheduler's count, for
all of its threads, and requests are those that the backend has answered. %d rounds of turns take %d s for each proxy. All proxies
are started afresh for each round, in another order, as what a process has by chance, such as where its memory lies, it has for
life. A load says at its end whether requests had errors, which void its round.

Requests/s, latencies and errors are of rounds that load one proxy after the other for all of their time. They are fewer, as
no bar is on them, but at a fixed rate, where there are as many and no turns: each is twice as long there, with a proxy that was
started afresh for it and loaded for a second before. Where the load
generator is the limit, requests/s are alike; CPU time per request is not touched by that.

Figures are medians over the rounds with least and greatest value beside them, which is the noise; ratios are medians of the
ratios within each round. With two runs, all of it is done a second time, and every figure of
that has to overlap with the first one's, or to be as near to it as can be told. A bar is not decided where the figure is nearer
to it than can be told.

Fleetgate is the shipped binary in its default configuration, with 1,000 routes, metrics on, the access log off and no
sensor attached. The peers have one route. nginx and HAProxy keep connections on both sides alive without a limit, and
log nothing; nginx writes no body to disk and has larger buffers than its default, which serve large bodies at less than
half the cost; HAProxy shares backend connections always, and splices where that is allowed. Caddy is its HTTP server
and reverse proxy without log and admin port; net/http is the standard library's ReverseProxy with buffers and
connections kept. The C forwarder parses nothing: it is the floor.

- **HTTP/1.1** is wrk's load. Its latencies come under as much load as the connections make, so they tell of throughput
  more than of the tail. "Saturated" has a spinning process of the lowest priority beside the proxy, so that its CPU
  never sleeps.
- **At a fixed rate** requests are due at even moments, and latencies count from the moment at which a request was due,
  whether or not it could be sent then. "Sent late" is how far behind the load generator itself was.
  A round in which a request was not sent or not answered in time has errors, and judges no bar.
- **TLS** is version 1.3 with AES-128-GCM, X25519 and a certificate on P-256, for all alike. A handshake is a full one on
  a connection of its own, with one request after it.
- **HTTP/2** is h2load's load, forwarded as HTTP/1.1, with latencies from its log of requests. **gRPC** is unary calls with messages of 16 bytes, h2c on both
  sides; its backend answers frames without decoding heads.
- **TCP bulk** counts the CPU time of proxy, source and sink together, as a proxy can save its own at their cost.
- An **idle connection** has made one request. Its memory is the growth of the proxy's anonymous memory (RssAnon) from
  one step of connections to three, in a proxy that was started afresh, five times for Fleetgate. The first step fills what
  a process has got from the kernel and does not use. Go programs can hold more of that: for Fleetgate the growth of what its
  runtime makes use of (heap and stacks) counts where that is greater; those of the other Go programs may show less than they
  take. Fleetgate's garbage is in it, which comes and goes by about 1 MiB: less than %d bytes per connection cannot be told,
  nor %d with TLS.
- **System calls** are the kernel's own count, in a round of its own, or three where they have a bar, each with a proxy started
  afresh. One of %.2f per request and less cannot be told: they are calls that wait for more to do, and a proxy that is asked faster waits less.
  **Allocations** are, by the proxy's metrics, what it allocates in the same round, beyond what as much idleness takes. Go's
  runtime counts them by the memory span, so that some %d may be missing or too many. Where a bar is on them the round goes
  on until that is %g per request.
  A **profile** stands for each work in which a bar was missed: where that round's samples of the CPU lay.

`

func introductionOf(o options, f *facts) string {
	flags := fmt.Sprintf("-runs %d -rounds %d -seconds %d -idle %d", o.runs, o.rounds, o.seconds, o.idle)
	return fmt.Sprintf(introduction, f.Date.Format("2006-01-02 15:04 MST"), f.Commit, f.CPU, f.Cores, f.Kernel, f.Congestion,
		strings.Join(f.Versions, ", "), f.Go, flags, turnTime.Milliseconds(), o.rounds, o.seconds,
		o.garbageShare(idlePlain), o.garbageShare(idleSecure), waits, objectsGrain, none)
}

// garbageShare is what garbage is to each of the connections whose memory is measured.
func (o options) garbageShare(workload string) int {
	for _, w := range o.idleWorkloads() {
		if w.name == workload {
			return int(garbage / w.counted())
		}
	}
	return 0
}
