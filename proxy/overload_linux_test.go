package main

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/fleetgate/fleetgate/proxy/internal/overload"
)

// Four times as much as the memory would hold is asked for, by clients of one
// kind after another. The proxy stays within its limit, is not killed, and
// recovers by itself.
func TestOverload(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector's own memory is many times that of the proxy")
	}
	for _, kind := range attackers {
		t.Run(kind.name, func(t *testing.T) {
			limit := confine(t)
			c := start(t, hostage, limit.how)
			a := newAttack(c)
			kind.begin(a)
			answers, most := c.endure(a)
			a.stop()
			unserved := c.unserved()
			t.Logf("at most %d MiB, %d with the kernel's, %v refused or shed; answers by status: %v; %d of %d clients came, who asked to hold %d MiB",
				most>>20, limit.most()>>20, unserved, answers, a.came.Load(), a.clients.Load(), a.asked.Load()>>20)
			if most > memoryLimit {
				t.Errorf("used %d bytes, more than %d", most, memoryLimit)
			}
			if unserved == 0 && a.asked.Load() > memoryLimit && a.inForce() {
				t.Error("nothing was seen of the overload")
			}
			if n := limit.kills(); n != 0 {
				t.Errorf("%d processes were killed", n)
			}
			c.eventually("the overload ends", func() bool { return c.metric("fleetgate_proxy_overload_level") == 0 })
			c.eventually("a new client is served", func() bool { return c.fresh(5*time.Second) == http.StatusOK })
		})
	}
}

// unserved counts the requests and connections that were turned away, for whatever
// reason.
func (c *child) unserved() float64 {
	n := c.metric("fleetgate_proxy_shed_requests_total")
	for _, reason := range overload.Reasons() {
		n += c.metric(fmt.Sprintf("fleetgate_proxy_refused_connections_total{reason=%q}", reason))
	}
	return n
}

// An attack lasts enduredFor after all of its clients have come, for which they
// have comingTime.
const (
	enduredFor = time.Second
	comingTime = 10 * time.Second
)

// endure has an attack go on, and returns how a client of good will was answered
// meanwhile, and the most memory that the proxy had.
func (c *child) endure(a *attack) (answers map[int]int, most int64) {
	answers = map[int]int{}
	end := time.Now().Add(comingTime)
	for begun := false; time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if !begun && a.inForce() {
			begun, end = true, time.Now().Add(enduredFor)
		}
		answers[c.fresh(2*time.Second)]++
		most = max(most, c.anonymous())
	}
	return answers, most
}
