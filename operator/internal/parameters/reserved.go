package parameters

import (
	"fmt"

	"github.com/fleetgate/fleetgate/api/v1alpha1"
)

// reservation is a field that a Gateway may not set, with all below it.
type reservation struct {
	path    path
	message string
	// values are those that it may not set, where others are allowed.
	values []any
}

// concerns says whether the layer sets what it may not.
func (r *reservation) concerns(own tree) bool {
	value, set := own.get(r.path)
	if len(r.values) == 0 || !set {
		return set
	}
	for _, reserved := range r.values {
		if value == reserved {
			return true
		}
	}
	return false
}

// always are the fields that are a class's, whatever it says: who chooses the image
// has the Secrets of the fleet, and what the sensor may do and see is the node's.
func always() []reservation {
	const message = "it is for a GatewayClass alone"
	return []reservation{
		{path: at("proxy.image"), message: message},
		{path: at("sensor.image"), message: message},
		{path: at("sensor.hostCgroup"), message: message},
		{
			path: at("sensor.mode"), message: "a Gateway may set Unprivileged and Disabled; Auto and Full are for a GatewayClass alone",
			values: []any{string(v1alpha1.SensorAuto), string(v1alpha1.SensorFull)},
		},
	}
}

// exclusion is a field that leaves others without a meaning. Where a layer sets it,
// the others go from the layers below.
type exclusion struct {
	path path
	// without has the values that do not exclude; none does where it is nil.
	without []any
	drops   []path
	// spares says of a value that it keeps its meaning; nil spares none.
	spares func(value any) bool
}

func exclusions() []exclusion {
	const budget, check = "workload.disruptionBudget.", "backends.healthCheck."
	return []exclusion{
		{path: at("workload.kind"), without: []any{string(v1alpha1.WorkloadDeployment)}, drops: []path{at("workload.replicas"), at("workload.autoscaling")}},
		{path: at("workload.kind"), without: []any{string(v1alpha1.WorkloadDeployment)}, spares: isNumber,
			drops: []path{at(budget + "minAvailable")}},
		{path: at("workload.kind"), without: []any{string(v1alpha1.WorkloadDeployment)}, drops: []path{at(budget + "maxUnavailable")}},
		{path: at(budget + "minAvailable"), drops: []path{at(budget + "maxUnavailable")}},
		{path: at(budget + "maxUnavailable"), drops: []path{at(budget + "minAvailable")}},
		{path: at("backends.hash.source"), drops: []path{at("backends.hash.name")}},
		{path: at(check + "type"), without: []any{"HTTP"}, drops: []path{at(check + "path"), at(check + "host"), at(check + "statuses")}},
		{path: at(check + "type"), without: []any{"GRPC"}, drops: []path{at(check + "service")}},
	}
}

// isNumber says whether a budget is a number of pods rather than a share of them.
func isNumber(value any) bool {
	_, share := value.(string)
	return !share
}

func (e *exclusion) applies(own tree) bool {
	value, set := own.get(e.path)
	for _, harmless := range e.without {
		set = set && value != harmless
	}
	return set
}

// exclude returns the base without what the layer leaves without a meaning. It is a
// problem where that is reserved.
func exclude(base, own tree, reserved []reservation) (tree, []problem) {
	base = tree{}.over(base)
	var problems []problem
	for _, e := range exclusions() {
		if !e.applies(own) {
			continue
		}
		for _, drop := range e.drops {
			if value, set := base.get(drop); set && e.spares != nil && e.spares(value) {
				continue
			}
			if r := firstReserved(base, drop, reserved); r != nil {
				problems = append(problems, problem{
					paths:   []path{e.path},
					message: fmt.Sprintf("it would take %s out of effect, which is reserved to the GatewayClass", r.path),
				})
				continue
			}
			base.remove(drop)
		}
	}
	return base, problems
}

// firstReserved returns the first reservation that would suffer if the base lost
// what is at the path.
func firstReserved(base tree, drop path, reserved []reservation) *reservation {
	for i := range reserved {
		lost := drop
		if drop.covers(reserved[i].path) {
			lost = reserved[i].path
		} else if !reserved[i].path.covers(drop) {
			continue
		}
		if _, set := base.get(lost); set {
			return &reserved[i]
		}
	}
	return nil
}
