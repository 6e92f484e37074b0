package parameters

import (
	"fmt"
	"time"

	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/fleetgate/fleetgate/api/v1alpha1"
)

// problem is a value that cannot be in effect, or several that cannot be so together.
type problem struct {
	// paths are the fields of which a layer gives up those that it sets.
	paths   []path
	message string
}

// checker gathers what is wrong with a merged spec. What the CRD's schema alone tells
// of one field, it leaves to that.
type checker struct{ problems []problem }

// check returns what is wrong with the spec. What is not set has its default.
func check(spec v1alpha1.GatewayParametersSpec) []problem {
	c := &checker{}
	if spec.Workload != nil {
		c.workload(spec.Workload)
	}
	if spec.Pod != nil {
		c.pod(spec.Pod)
	}
	if spec.Proxy != nil {
		c.proxy(spec.Proxy)
	}
	if spec.Sensor != nil {
		c.resources("sensor.resources", spec.Sensor.Resources)
	}
	if spec.Backends != nil {
		c.backends(spec.Backends)
	}
	if spec.Service != nil {
		c.service(spec.Service)
	}
	if spec.Monitoring != nil && spec.Monitoring.ServiceMonitor != nil {
		c.serviceMonitor(spec.Monitoring.ServiceMonitor)
	}
	return c.problems
}

func (c *checker) bad(message string, paths ...path) {
	c.problems = append(c.problems, problem{paths: paths, message: message})
}

// longest bounds what people mean: what is to last longer is a mistake in the unit.
const longest = 24 * time.Hour

// between are the least and the most that a duration may be.
type between struct{ least, most time.Duration }

func (b between) String() string { return fmt.Sprintf("from %s to %s", b.least, b.most) }

// usual are the bounds of most durations; proxies count milliseconds.
var usual = between{time.Millisecond, longest}

// duration reads a duration within bounds, and returns the default where it is not
// set or bad.
func (c *checker) duration(field string, value *gatewayv1.Duration, fallback time.Duration, in between) time.Duration {
	if value == nil {
		return fallback
	}
	d, err := time.ParseDuration(string(*value))
	switch {
	case err != nil:
		c.bad(fmt.Sprintf("%q is not a duration such as 10s", *value), at(field))
	case d < in.least || d > in.most:
		c.bad(fmt.Sprintf("%s is not %s", *value, in), at(field))
	default:
		return d
	}
	return fallback
}

// valueOr returns what an optional field stands for.
func valueOr[T any](field *T, fallback T) T {
	if field == nil {
		return fallback
	}
	return *field
}
