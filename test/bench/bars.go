package main

import "fmt"

// bar is a bound on a figure of Fleetgate's: the ratio of its CPU time per
// request to a peer's or, without a peer, bytes.
type bar struct {
	workload, peer string
	limit          float64
}

// bars are those that can be judged by what is measured here.
func bars() []bar {
	var all []bar
	for _, w := range []string{small64, small512} {
		all = append(all,
			bar{w, nameNginx, 0.85}, bar{w, nameHAProxy, 0.75}, bar{w, nameFasthttp, 0.7},
			bar{w, nameForwarder, 1.35}, bar{w, nameNetHTTP, 1.0 / 5}, bar{w, nameCaddy, 1.0 / 8})
	}
	return append(all,
		bar{saturated, nameNginx, 0.95},
		bar{middle, nameNginx, 0.9}, bar{large, nameNginx, 0.9},
		bar{workload: idleMemory, limit: 512})
}

// judged is a bar beside what was measured.
type judged struct {
	bar
	measured spread
}

// judge measures a bar; false says that an engine of it did not run.
func judge(b bar, r results) (judged, bool) {
	own, peer := r[b.workload][nameFleetgate], r[b.workload][b.peer]
	if len(own) == 0 {
		return judged{}, false
	}
	if b.peer == "" {
		return judged{b, of(own, func(s sample) float64 { return s.cpu })}, true
	}
	if len(peer) == 0 {
		return judged{}, false
	}
	return judged{b, cpuRatio(own, peer)}, true
}

// verdict judges by the median, and says when single rounds do not agree.
func (j judged) verdict() string {
	switch met := j.measured.median <= j.limit; {
	case met && j.measured.max <= j.limit:
		return "met"
	case met:
		return "met, not in every round"
	case j.measured.min <= j.limit:
		return "missed, not in every round"
	default:
		return "**missed**"
	}
}

// row is the bar's row in the table of bars.
func (j judged) row() []string {
	if j.peer == "" {
		return []string{j.workload, fmt.Sprintf("≤ %.0f bytes", j.limit), j.measured.text(0), j.verdict()}
	}
	return []string{j.workload, fmt.Sprintf("≤ %.3g × %s", j.limit, j.peer), j.measured.text(2), j.verdict()}
}
