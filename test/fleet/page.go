package main

import (
	"cmp"
	"fmt"
	"maps"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/fleetgate/fleetgate/test/internal/measure"
)

// row is one figure with its bar.
type row struct {
	what, bar, measured string
	// met is nil where there is no bar.
	met *bool
}

// atMost judges a figure that is to be small.
func atMost(what string, value, bar float64, unit string) row {
	met := value <= bar
	return row{what, strings.TrimSpace("≤ " + number(bar) + " " + unit), strings.TrimSpace(number(value) + " " + unit), &met}
}

// figure is one that has no bar.
func figure(what string, value float64, unit string) row {
	return row{what: what, measured: strings.TrimSpace(number(value) + " " + unit)}
}

// number has as many decimals as tell something.
func number(value float64) string {
	switch {
	case value == float64(int64(value)):
		return fmt.Sprintf("%.0f", value)
	case value < 1:
		return fmt.Sprintf("%.3f", value)
	case value < 100:
		return fmt.Sprintf("%.1f", value)
	}
	return fmt.Sprintf("%.0f", value)
}

func (r row) cells() []string {
	verdict := ""
	if r.met != nil {
		verdict = "met"
		if !*r.met {
			verdict = "**missed**"
		}
	}
	return []string{r.what, r.bar, r.measured, verdict}
}

func table(rows []row) string {
	var cells [][]string
	for _, r := range rows {
		cells = append(cells, r.cells())
	}
	return measure.Table([]string{"what", "bar", "measured", "verdict"}, cells)
}

const mib = 1 << 20

func millis(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// rows are all figures of a fleet.
func (b *bench) rows() []row {
	r, n := &b.results, float64(b.opts.gateways)
	rows := []row{
		figure("first create to the last", r.creating.Seconds(), "s"),
		atMost("last create to all Programmed", r.programming.Seconds(), 180, "s"),
		atMost("the operator's CPU time until all were Programmed", r.atProgrammed.cpu.Seconds(), 40, "s"),
		figure("the same until it was quiet", r.born.cpu.Seconds(), "s"),
		atMost("its writes for each Gateway, without the statuses of routes", (r.born.writes-r.born.routes)/n, 15, ""),
		figure("its writes of each route's status", r.born.routes/(n*float64(b.opts.routes)), ""),
		figure("writes that were refused, all in all"+list(r.settled.conflicts), r.born.refused, ""),
		figure("its looks at each Gateway", r.born.looks/n, ""),
		atMost("the operator's memory (RSS)", float64(r.settled.rss)/mib, 300, "MiB"),
		figure("of it anonymous (RssAnon)", float64(r.settled.anonymous)/mib, "MiB"),
		figure("the most that it had (RSS)", float64(r.settled.peak)/mib, "MiB"),
	}
	if r.idle.took > 0 {
		rows = append(rows,
			atMost("idle: cores that the operator used", r.idle.cpu.Seconds()/r.idle.took.Seconds(), 0.02, ""),
			atMost("idle: its writes", r.idle.writes, 0, ""))
	}
	return slices.Concat(rows, b.memoryRows(), b.changeRows(), b.restartRows())
}

func (b *bench) memoryRows() []row {
	if len(b.results.proxies) == 0 {
		return nil
	}
	proxy, sensor := largest(b.results.proxies), largest(b.results.sensors)
	return []row{
		atMost("largest idle proxy (RssAnon)", float64(proxy.anonymous)/mib, 12, "MiB"),
		figure("the same (RSS)", float64(proxy.rss)/mib, "MiB"),
		atMost("largest idle sensor, with its supervisor (RssAnon)", float64(sensor.anonymous)/mib, 8, "MiB"),
		figure("the same (RSS)", float64(sensor.rss)/mib, "MiB"),
	}
}

func largest(all []memory) memory {
	return slices.MaxFunc(all, func(a, b memory) int { return int(a.anonymous) - int(b.anonymous) })
}

func (b *bench) changeRows() []row {
	r, c := &b.results, &b.results.alone
	if len(c.took) == 0 {
		return nil
	}
	rows := []row{
		figure("a changed route serves after, median", millis(c.took.quantile(0.5)), "ms"),
		figure("the same, p99", millis(c.took.quantile(0.99)), "ms"),
		atMost("the same, longest", millis(c.took.quantile(1)), 100, "ms"),
		figure("of that, until the operator began to store it", millis(max(0, c.begun)), "ms"),
		figure("and until the API server told of what was stored", millis(max(0, c.stored)), "ms"),
		figure("the write of the route itself, median", millis(c.writes.quantile(0.5)), "ms"),
		figure("the same, p99", millis(c.writes.quantile(0.99)), "ms"),
		figure("the same, longest", millis(c.writes.quantile(1)), "ms"),
	}
	return slices.Concat(rows,
		r.crowd.rows("a crowded tenant"),
		r.crowd.anew.rows("a crowded tenant that has all of its routes translated anew each time"),
		r.panics.few.rows("a tenant whose route makes the operator panic"),
		r.panics.many.rows("a crowded tenant with such a route"),
		r.panics.fresh.rows("a crowded tenant with another such route each time"),
		r.panics.policy.rows("a crowded tenant with a policy that makes the operator panic"),
		r.panics.rows())
}

// rows compare the changes beside a tenant with those while it is silent.
func (f *fairness) rows(tenant string) []row {
	if len(f.beside) == 0 {
		return nil
	}
	return []row{
		figure("beside "+tenant+", while that is silent, median", millis(f.silent.quantile(0.5)), "ms"),
		figure("the same, p99", millis(f.silent.quantile(0.99)), "ms"),
		figure("beside "+tenant+", median", millis(f.beside.quantile(0.5)), "ms"),
		atMost("the same, p99", millis(f.beside.quantile(0.99)), 2*millis(f.silent.quantile(0.99)), "ms"),
	}
}

func (p *panics) rows() []row {
	if len(p.few.beside) == 0 {
		return nil
	}
	return []row{
		figure("panics whose cause the operator has found", p.panicked, ""),
		atMost("its restarts meanwhile", float64(p.restarts), 0, ""),
	}
}

func (b *bench) restartRows() []row {
	r := &b.results.restart
	if r.spent.at.IsZero() {
		return nil
	}
	return []row{
		atMost("the operator's pod is deleted: the next one is ready after", r.ready.Seconds(), 20, "s"),
		figure("it hears of all proxies after", r.following.Seconds(), "s"),
		atMost("its writes until it is quiet"+list(r.spent.wrote), r.spent.writes, 0, ""),
		figure("its CPU time until then", r.spent.cpu.Seconds(), "s"),
		figure("its memory then (RSS)", float64(r.spent.rss)/mib, "MiB"),
	}
}

// writesTable lists what was written for each Gateway of the fleet.
func (b *bench) writesTable() string {
	wrote := b.results.born.wrote
	what := slices.SortedFunc(maps.Keys(wrote), func(a, b string) int {
		return cmp.Or(cmp.Compare(wrote[b], wrote[a]), cmp.Compare(a, b))
	})
	var cells [][]string
	for _, w := range what {
		cells = append(cells, []string{w, fmt.Sprintf("%.2f", wrote[w]/float64(b.opts.gateways))})
	}
	return measure.Table([]string{"request", "for each Gateway"}, cells)
}

// list tells counts in brackets, or nothing where there are none.
func list(counts map[string]float64) string {
	var parts []string
	for _, what := range slices.Sorted(maps.Keys(counts)) {
		parts = append(parts, fmt.Sprintf("%s %.0f", what, counts[what]))
	}
	if parts == nil {
		return ""
	}
	return " (" + strings.Join(parts, ", ") + ")"
}

// page is docs/benchmarks/fleet.md.
func (b *bench) page(commit string) string {
	o, on := b.opts, measure.ThisMachine()
	var out strings.Builder
	fmt.Fprintf(&out, `# A fleet of %d Gateways

Measured on %s at commit %s, on %s with %d cores and %s of memory, Linux %s, %s.

    make bench-fleet ARGS="-gateways %d -real %d -routes %d -replicas %d -changes %d -crowd %d"

`, o.gateways, time.Now().UTC().Format("2006-01-02 15:04 UTC"), commit, on.CPU, on.Cores, on.Memory, on.Kernel, runtime.Version(),
		o.gateways, o.real, o.routes, o.replicas, o.changes, o.crowd)
	fmt.Fprintf(&out, introduction, o.gateways, o.routes, o.real, o.replicas, o.changes)
	out.WriteString("## The figures\n\n" + table(b.rows()))
	fmt.Fprintf(&out, writes, b.writesTable())
	fmt.Fprintf(&out, machine, machineTable(b.results.machine, b.results.born.took))
	if c := b.results.crowd; len(c.beside) > 0 {
		fmt.Fprintf(&out, fairnessText, o.crowd, c.changes, c.created.Seconds(), c.anew.changes)
	}
	if p := b.results.panics; len(p.few.beside) > 0 {
		fmt.Fprintf(&out, panicsText, p.few.changes+p.many.changes, p.fresh.changes, p.policy.changes)
	}
	if b.ended != nil {
		fmt.Fprintf(&out, "\nThe run ended early, and what is missing was not measured: %v.\n", b.ended)
	}
	return out.String()
}

const introduction = `%d namespaces got a Gateway with %d HTTPRoutes each, all at once, in the test cluster: etcd, the control
plane, a node and what is measured share one machine. %d of the Gateways have real proxies with their sensors; the pods
of the others (proxies of each Gateway: %d) run on simulated nodes. The scheduler, the controllers and the operator treat these
as any: their addresses answer the operator over TLS with the fleet's own certificate and token, and report the hash of
what the contract's decoder has made of the stored configuration. They carry no traffic, and hold no watches of their own.

- A **write** is a request of the operator by POST, PUT, PATCH or DELETE, as its client counts them, whatever the answer. Its
  lease alone is left out, and the Event that says who has it. Statuses of routes are listed on their own: there is one for each route.
- The operator is **quiet** when it has written nothing for ten seconds. Its pod is deleted when it is.
- **Idle** is the fleet in the minute after that; CPU time is that of the operator's process.
- A **changed route** is timed from the API server's answer to the first answer of a real proxy that has the change,
  %d times. An answer without the old or the new version ends the run. Of the longest it is told when the operator began to store
  it, and when the API server told a watch of what was stored. The writes by which the routes were changed, which come before,
  say how long the API server takes for one of anybody's.
- A figure that misses its bar is shown as it is. On a machine that others use as well, times are longer than they would be.

`

const writes = `
## What is written for a Gateway

From before the first create until the operator was quiet, and least what is written once for all of them.

%s`

const machine = `
## Where the machine's time went

From the first create until the operator was quiet. The bench is ` + "`fleet`" + `, which is the simulated nodes as well.

%s`

const fairnessText = `
## Fairness

The crowded tenant has a Gateway with %d routes in the same cluster, and changes one of them ten times a second (%d times
in all) while the changes of others are timed. Its routes took %.0f s from the first create until the operator was quiet.
The bar is twice the p99 of the same changes while it is silent, which are timed in turns with these. Then it changes a policy
of the Service that all of its routes lead to, in the same way (%d times), with which all of them are translated anew. After
the first ones, that happens in a twentieth of the time.
`

const panicsText = `
## Panics

The last figures are of an operator with a defect that was built into it: it panics in the midst of translating a route that sets
a certain header. A tenant has one such route among as many as others have, and changes it ten times a second in the same way;
then the crowded tenant does so with one of its own (%d times in all). A panic's cause is found once for each version of a route
that the operator looks at. At the end the route's status must say of its newest version what is wrong with it. Then the crowded
tenant removes such a route ten times a second and makes another one (%d of them), so that the operator has to search for the
cause: it does so again only after a while, and the tenant waits. Last, it changes a policy that panics (%d times).
`
