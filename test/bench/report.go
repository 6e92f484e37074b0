package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// introduction explains the tables. Its arguments are date, commit, CPU, cores,
// kernel, congestion control, versions, Go's version, flags, rounds, seconds.
const introduction = `# The data plane beside its peers

Measured on %s at commit %s, on %s with %d cores, Linux %s, congestion control %s.
%s; all Go programs with %s.

    make bench-proxy ARGS="%s"

The load generator (wrk, one thread) and a backend in C share CPU 0, the proxy under test has CPU 1 to itself with one
worker, all in a network namespace of their own. All proxies run all the time, and are loaded in turn: %d rounds of %d s
each. Figures are medians over the rounds with least and greatest value beside them, which is the noise; ratios are
medians of the ratios within each round. Latencies are wrk's, under as much load as the connections make, so they tell
of throughput more than of the tail. Where the load generator is the limit, requests/s are alike; CPU time per request,
as the scheduler counted it for all of a proxy's threads, is not touched by that.

Fleetgate is the shipped binary in its default configuration, with 1,000 routes, metrics on, the access log off and no
sensor attached. The peers have one route. nginx and HAProxy keep connections on both sides alive without a limit, and
log nothing; nginx writes no body to disk and has larger buffers than its default, which serve large bodies at less than
half the cost; HAProxy shares backend connections always. Caddy is its HTTP server and
reverse proxy without TLS, log and admin port; net/http is the standard library's ReverseProxy with buffers and
connections kept. The C forwarder parses nothing: it is the floor. "Saturated" has a spinning process of the lowest
priority beside the proxy, so that its CPU never sleeps.

An idle connection has made one request. Its memory is the growth of the proxy's anonymous memory (RssAnon) in a proxy
that was started afresh and has a fifth as many connections before. The Go programs may place some of the connections in
memory that they hold already, which then shows as less than they take.

`

// absent lists what has a bar and is not measured.
const absent = `## Not measured yet

The tail at fixed rates of 5,120/s and 16,000/s; TLS (keep-alive, handshakes, idle connections); HTTP/2; gRPC; TCP bulk;
Traefik; allocations and system calls per request.
`

// report writes the document, and its tables to the terminal.
func report(o options, f *facts, r results) error {
	tables := tablesOf(o, f, r)
	fmt.Print("\n", tables)
	if o.out == "" {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(o.out), 0o755); err != nil {
		return err
	}
	return os.WriteFile(o.out, []byte(introductionOf(o, f)+tables+"\n"+absent), 0o644)
}

func introductionOf(o options, f *facts) string {
	flags := fmt.Sprintf("-rounds %d -seconds %d", o.rounds, o.seconds)
	return fmt.Sprintf(introduction, f.Date.Format("2006-01-02 15:04 MST"), f.Commit, f.CPU, f.Cores, f.Kernel, f.Congestion,
		strings.Join(f.Versions, ", "), f.Go, flags, o.rounds, o.seconds)
}

// tablesOf has the bars first, as they are what one looks for.
func tablesOf(o options, f *facts, r results) string {
	tables := []table{barsTable(r)}
	for _, w := range workloads() {
		tables = append(tables, workloadTable(w, r))
	}
	tables = append(tables, memoryTable(o.idle, r))
	var out strings.Builder
	for i, t := range tables {
		if i > 0 {
			out.WriteByte('\n')
		}
		out.WriteString(t.markdown())
	}
	for _, missing := range f.Missing {
		fmt.Fprintf(&out, "\nLeft out, as it could not be built here: %s\n", missing)
	}
	return out.String()
}
