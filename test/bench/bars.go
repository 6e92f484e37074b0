package main

import (
	"fmt"
	"math"
	"slices"
)

// bar is a bound on a figure of Fleetgate's: on its ratio to a peer's or,
// without a peer, on itself.
type bar struct {
	workload string
	figure   figure
	peer     string
	limit    float64
}

// none is the limit of what must not be: less than half of the last digit shown.
const none = 0.005

// bars are all that are set.
func bars() []bar {
	var all []bar
	for _, w := range []string{small64, small512} {
		all = append(all, cpuBars(w, map[string]float64{
			nameNginx: 0.85, nameHAProxy: 0.75, nameFasthttp: 0.7, nameForwarder: 1.35,
			nameNetHTTP: 1.0 / 5, nameTraefik: 1.0 / 5, nameTraefikFast: 1 / 3.5, nameCaddy: 1.0 / 8,
		})...)
	}
	all = append(all, cpuBars(saturated, map[string]float64{nameNginx: 0.95})...)
	for _, w := range []string{tailSlow, tailFast} {
		all = append(all, bar{w, median, nameNginx, 1}, bar{w, p99, nameNginx, 1.1}, bar{w, p999, nameNginx, 1.5})
	}
	all = append(all, cpuBars(keepAlive, map[string]float64{nameNginx: 0.8, nameHAProxy: 0.8})...)
	all = append(all, cpuBars(handshake, map[string]float64{nameNginx: 1.1, nameHAProxy: 1.1})...)
	for _, w := range []string{h2Clear, h2Secure} {
		all = append(all, cpuBars(w, map[string]float64{nameNginx: 0.6, nameHAProxy: 0.75})...)
	}
	all = append(all, cpuBars(grpcUnary, map[string]float64{nameHAProxy: 1, nameNetHTTP: 1.0 / 6})...)
	for _, w := range []string{middle, large} {
		all = append(all, cpuBars(w, map[string]float64{nameNginx: 0.9})...)
	}
	return append(all,
		bar{bulk, machinePerGB, nameNginx, 0.75}, bar{bulk, machinePerGB, nameHAProxy, 0.65},
		bar{idlePlain, connectionSize, "", 512}, bar{idleSecure, connectionSize, "", 8 << 10},
		bar{small64, allocations, "", none}, bar{small64, systemCalls, "", 4.2})
}

// hasBar reports whether a figure of a workload is bounded.
func hasBar(workload string, of figure) bool {
	return slices.ContainsFunc(bars(), func(b bar) bool { return b.workload == workload && b.figure.name == of.name })
}

// cpuBars bound the CPU time per request, in the order of the engines.
func cpuBars(workload string, limits map[string]float64) []bar {
	var all []bar
	for _, peer := range allPeers {
		if limit, ok := limits[peer]; ok {
			all = append(all, bar{workload, cpuPerRequest, peer, limit})
		}
	}
	return all
}

// judged is a bar beside what was measured.
type judged struct {
	bar
	measured spread
	// grain is the least that the measurement can tell apart, beyond its spread.
	grain float64
	// ran is false where Fleetgate or the peer did not, or had errors in each round;
	// void is how many rounds had some, which say nothing and are left out.
	ran  bool
	void int
}

// judge measures a bar.
func (f *findings) judge(b bar) judged {
	all := f.of(b.figure)[b.workload]
	own, peer := all[nameFleetgate], all[b.peer]
	if b.peer == "" {
		peer = own
	}
	if len(own) != len(peer) {
		return judged{bar: b}
	}
	rounds := len(own)
	own, peer = sound(own, peer)
	j := judged{bar: b, ran: len(own) > 0, void: rounds - len(own)}
	switch {
	case !j.ran:
	case b.peer == "":
		j.measured = b.figure.over(own)
	default:
		j.measured = b.figure.ratio(own, peer)
	}
	if b.figure.grain != nil && b.peer == "" {
		for _, s := range own {
			j.grain = max(j.grain, b.figure.grain(s))
		}
	}
	return j
}

// sound returns the rounds in which neither side had an error: requests that were
// not answered are in no figure.
func sound(own, peer []sample) (a, b []sample) {
	for i := range own {
		if own[i].errors == 0 && peer[i].errors == 0 {
			a, b = append(a, own[i]), append(b, peer[i])
		}
	}
	return a, b
}

// missed says that the median is beyond the bar.
func (j judged) missed() bool { return j.ran && !j.unresolved() && j.measured.median > j.limit }

// unresolved says that the median is too near to the bar, or that what must not be
// could be there and not be seen.
func (j judged) unresolved() bool {
	if j.limit == none {
		return j.grain > none
	}
	return math.Abs(j.measured.median-j.limit) < j.grain
}

// verdict judges by the median, and says when single rounds do not agree or are
// void.
func (j judged) verdict() string {
	switch {
	case j.ran && j.void > 0:
		return fmt.Sprintf("%s; rounds void for errors: %d", j.agreed(), j.void)
	case j.ran:
		return j.agreed()
	case j.void > 0:
		return "void: errors in each round"
	}
	return "not measured"
}

func (j judged) agreed() string {
	switch {
	case j.unresolved():
		return fmt.Sprintf("not decided: what can be told is %.*f", j.figure.digits+1, j.grain)
	case j.missed() && j.measured.min > j.limit:
		return "**missed**"
	case j.missed():
		return "missed, not in every round"
	case j.measured.max > j.limit:
		return "met, not in every round"
	}
	return "met"
}

// digits are those that are shown after the point.
func (j judged) digits() int {
	if j.peer == "" {
		return j.figure.digits
	}
	return 2
}

// row is the bar's row in the table of bars.
func (j judged) row() []string {
	work, bound := j.workload, fmt.Sprintf("≤ %.3g × %s", j.limit, j.peer)
	if j.figure.name != "" {
		work += ": " + j.figure.name
	}
	if j.peer == "" {
		bound = fmt.Sprintf("≤ %g %s", j.limit, j.figure.unit)
	}
	if j.limit == none {
		bound = "none"
	}
	measured := "-"
	if j.ran {
		measured = j.measured.text(j.digits())
	}
	return []string{work, bound, measured, j.verdict()}
}
