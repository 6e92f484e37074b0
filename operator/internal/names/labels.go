package names

// The labels that every generated object has (GEP-1762), and the ones that
// the pods of a fleet are selected by. Users attach their own autoscalers and
// monitors by them, so they never change.
const (
	LabelGateway   = "gateway.networking.k8s.io/gateway-name"
	LabelClass     = "gateway.networking.k8s.io/gateway-class-name"
	LabelName      = "app.kubernetes.io/name"
	LabelManagedBy = "app.kubernetes.io/managed-by"
	LabelComponent = "app.kubernetes.io/component"
)

// LabelXBackend says of which XBackend a Service, and with it each of its
// EndpointSlices, is the selector. Its value is the LabelValue of the name.
const LabelXBackend = "fleetgate.io/xbackend"

// The values of labels that are the same for every fleet.
const (
	ProxyName        = "fleetgate-proxy"
	ManagedBy        = "fleetgate"
	ComponentMetrics = "metrics"
)

// Labels are those of every object of the Gateway's fleet. The map is new at
// each call.
func Labels(gateway, class string) map[string]string {
	labels := Selector(gateway, class)
	labels[LabelManagedBy] = ManagedBy
	return labels
}

// Selector are the labels that select the pods of the Gateway's fleet. The map
// is new at each call.
func Selector(gateway, class string) map[string]string {
	return map[string]string{
		LabelName:    ProxyName,
		LabelGateway: LabelValue(gateway),
		LabelClass:   LabelValue(class),
	}
}
