package parameters

import (
	"fmt"
	"time"

	"github.com/fleetgate/fleetgate/api/v1alpha1"
)

// longestDrain leaves time to end within a pod's grace period.
const longestDrain = 40 * time.Second

func (c *checker) proxy(p *v1alpha1.ProxyParameters) {
	c.resources("proxy.resources", p.Resources)
	c.duration("proxy.drainTimeout", p.DrainTimeout, 0, between{time.Millisecond, longestDrain})
	t := p.Timeouts
	if t == nil {
		return
	}
	const field = "proxy.timeouts."
	c.duration(field+"requestHead", t.RequestHead, 0, usual)
	c.duration(field+"requestBodyIdle", t.RequestBodyIdle, 0, usual)
	c.duration(field+"responseIdle", t.ResponseIdle, 0, usual)
	c.duration(field+"keepAlive", t.KeepAlive, 0, usual)
	c.duration(field+"tunnelIdle", t.TunnelIdle, 0, usual)
	c.duration(field+"backendConnect", t.BackendConnect, 0, usual)
	c.duration(field+"backendIdle", t.BackendIdle, 0, usual)
	c.duration(field+"backendKeepAlive", t.BackendKeepAlive, 0, usual)
}

func (c *checker) backends(b *v1alpha1.BackendParameters) {
	c.duration("backends.slowStart", b.SlowStart, 0, between{0, longest})
	if b.Ejection != nil {
		c.ejection(b.Ejection)
	}
	if b.Hash != nil {
		c.hash(b.Hash)
	}
	if b.HealthCheck != nil {
		c.healthCheck(b.HealthCheck)
	}
}

func (c *checker) ejection(e *v1alpha1.EjectionParameters) {
	const field = "backends.ejection."
	base := c.duration(field+"baseTime", e.BaseTime, time.Second, usual)
	most := c.duration(field+"maxTime", e.MaxTime, 30*time.Second, usual)
	if base > most {
		c.bad(fmt.Sprintf("baseTime %s is more than maxTime %s", base, most), at(field+"baseTime"), at(field+"maxTime"))
	}
}

func (c *checker) hash(h *v1alpha1.HashParameters) {
	if h.Source == "" {
		c.bad("no layer says what is hashed, in source", at("backends.hash"))
		return
	}
	if named := valueOr(h.Name, "") != ""; named == (h.Source == "SourceIP") {
		c.bad("a header or cookie has a name, and SourceIP has none", at("backends.hash"))
	}
}

func (c *checker) healthCheck(h *v1alpha1.HealthCheckParameters) {
	const field = "backends.healthCheck"
	c.duration(field+".interval", h.Interval, 0, between{100 * time.Millisecond, longest})
	c.duration(field+".timeout", h.Timeout, 0, usual)
	if h.Type == "" {
		c.bad("no layer says what is checked, in type", at(field))
		return
	}
	if h.Type != "HTTP" && (h.Path != nil || h.Host != nil || len(h.Statuses) > 0) {
		c.bad("it is for HTTP", at(field+".path"), at(field+".host"), at(field+".statuses"))
	}
	if h.Type != "GRPC" && h.Service != nil {
		c.bad("it is for GRPC", at(field+".service"))
	}
	for _, s := range h.Statuses {
		if s.First > s.Last {
			c.bad(fmt.Sprintf("first %d is more than last %d", s.First, s.Last), at(field+".statuses"))
		}
	}
}
