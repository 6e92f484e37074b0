package main

import (
	"fmt"
	"strings"
)

// whyMissed has a sentence for each bar that was missed, of what the run knows of
// the cause.
func whyMissed(o options, f *findings) string {
	var lines []string
	for _, b := range bars() {
		j := f.judge(b)
		if !o.selected(b.workload) || !j.missed() {
			continue
		}
		if why := f.why(j); why != "" {
			row := j.row()
			lines = append(lines, fmt.Sprintf("%s, %s: %s", row[0], row[1], why))
		}
	}
	if len(lines) == 0 {
		return ""
	}
	return "\n## Why bars were missed\n\n- " + strings.Join(lines, "\n- ") + "\n"
}

// why is empty where nothing is known.
func (f *findings) why(j judged) string {
	switch j.figure.name {
	case cpuPerRequest.name:
		if j.workload == bulk {
			return f.whyBulk(j.peer)
		}
		return f.whyCPU(j.bar)
	case median.name, p99.name, p999.name:
		return f.whyTail(j.bar)
	}
	return ""
}

// whyCPU parts the CPU time of both sides, and says where the floor lies.
func (f *findings) whyCPU(b bar) string {
	own, peer := f.parted(b.workload, nameFleetgate), f.parted(b.workload, b.peer)
	if own == "" || peer == "" {
		return ""
	}
	text := own + "; " + peer + "."
	all := f.of(cpuPerRequest)[b.workload]
	floor, beside := all[nameForwarder], all[b.peer]
	if b.peer != nameForwarder && len(floor) > 0 && len(floor) == len(beside) {
		text += fmt.Sprintf(" The C forwarder, which parses nothing, is at %.2f × %s.", cpuPerRequest.ratio(floor, beside).median, b.peer)
	}
	return text
}

// parted says how much of an engine's CPU time is the kernel's.
func (f *findings) parted(workload, engine string) string {
	own, looked := f.of(cpuPerRequest)[workload][engine], f.of(kernelShare)[workload][engine]
	if len(own) == 0 || len(looked) == 0 {
		return ""
	}
	all := cpuPerRequest.over(own).median
	kernel := all * kernelShare.over(looked).median
	return fmt.Sprintf("of %s's %.1f µs the kernel takes %.1f and the program %.1f", engine, all, kernel, all-kernel)
}

// whyTail sets the latencies beside how late the load generator was by itself,
// which has the CPU of the proxy's neighbour and is in both.
func (f *findings) whyTail(b bar) string {
	var parts []string
	for _, engine := range []string{nameFleetgate, b.peer} {
		samples := f.of(b.figure)[b.workload][engine]
		if len(samples) == 0 {
			return ""
		}
		parts = append(parts, fmt.Sprintf("%s's %.0f µs hold the load generator's own lateness, %.0f µs in its 99th percentile",
			engine, b.figure.over(samples).median, lateness.over(samples).median))
	}
	return strings.Join(parts, "; ") + "."
}

// whyBulk says what of the machine's CPU time a proxy has any part in.
func (f *findings) whyBulk(peer string) string {
	var parts []string
	for _, engine := range []string{nameFleetgate, peer} {
		samples := f.of(machinePerGB)[bulk][engine]
		if len(samples) == 0 {
			return ""
		}
		all, own := machinePerGB.over(samples).median, proxyPerGB.over(samples).median
		parts = append(parts, fmt.Sprintf("of %s's %.3f s source and sink take %.3f, and the proxy %.3f", engine, all, all-own, own))
	}
	return strings.Join(parts, "; ") + "."
}
