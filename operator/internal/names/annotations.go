package names

// ReplicasAnnotation says on a Deployment who decides on the number of its replicas:
// an autoscaler (ReplicasAutoscaled), or else the number that was asked for last.
const (
	ReplicasAnnotation = "fleetgate.io/replicas"
	ReplicasAutoscaled = "autoscaled"
)

// SensorRefusedAnnotation is on a workload whose pods were refused with a sensor that
// loads eBPF programs.
const SensorRefusedAnnotation = "fleetgate.io/sensor-refused"

// TemplateAnnotation is the fingerprint of a workload's pods, and TurnAnnotation when
// they were replaced for the operator's or the class's sake last (package rollout).
const (
	TemplateAnnotation = "fleetgate.io/template"
	TurnAnnotation     = "fleetgate.io/turn"
)

// ParametersAnnotation is on a workload what the parameters that were in effect say of
// its proxies' settings, as JSON: the proxies keep them when the parameters go.
const ParametersAnnotation = "fleetgate.io/parameters"
