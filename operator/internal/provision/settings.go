package provision

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/fleetgate/fleetgate/api/v1alpha1"
)

// SensorMode says how much the sensor may do.
type SensorMode string

// The modes of the sensor.
const (
	// SensorFull loads eBPF programs; it needs three capabilities.
	SensorFull SensorMode = "full"
	// SensorUnprivileged has no capability, and fits into namespaces that
	// enforce the restricted Pod Security Standard.
	SensorUnprivileged SensorMode = "unprivileged"
	// SensorOff leaves the sensor out of the pod.
	SensorOff SensorMode = "off"
	// SensorAuto is what Settings.Auto says.
	SensorAuto SensorMode = "auto"
)

// The ports of a proxy pod that no listener can have.
const (
	HealthPort int32 = 19000
	AdminPort  int32 = 19001
	SensorPort int32 = 19002
)

// ReservedPorts are the ports above with what they serve.
func ReservedPorts() map[int32]string {
	return map[int32]string{
		HealthPort: "its health and metrics",
		AdminPort:  "its admin port",
		SensorPort: "its sensor's metrics",
	}
}

// Settings are what a fleet depends on beside its Gateway. The zero value of
// each field stands for a default, but the images have none.
type Settings struct {
	ProxyImage  string
	SensorImage string
	// PullPolicy is the cluster's default when empty.
	PullPolicy corev1.PullPolicy
	// Replicas is the number of proxies; 2 when zero.
	Replicas int32
	// Sensor is SensorFull when empty.
	Sensor SensorMode
	// Auto is what SensorAuto stands for in the Gateway's namespace; SensorFull when
	// empty.
	Auto SensorMode
	// HostCgroup is the path of the node's unified cgroup hierarchy. It is set
	// for nodes whose containers do not see it, and mounted read-only into a
	// SensorFull only.
	HostCgroup string
	// NodeAgentPort is the port of every node at which its agent counts connections
	// for sensors that are not SensorFull; 0 where nodes have none.
	NodeAgentPort int32
	// NodeAgentAuthorities are the certificates that agents may present, in PEM; empty
	// as long as they are not known, which is no reason to replace pods.
	NodeAgentAuthorities string
	// ServiceMonitor says whether the cluster has the kind.
	ServiceMonitor bool
	// ServiceMonitorLabels are what the cluster's Prometheus selects by.
	ServiceMonitorLabels map[string]string
	// MaxSeries bounds the time series of one pod; the programs' defaults hold when
	// zero.
	MaxSeries int32
	// ServiceType is LoadBalancer when empty.
	ServiceType corev1.ServiceType
	// OperatorNamespace is the only one from which the admin port is reached;
	// fleetgate-system when empty.
	OperatorNamespace string
	// AccessLog is the format of the access log of those proxies whose parameters say
	// nothing of it: off, json or text; off when empty. It is part of their
	// configuration: see render.LogByDefault.
	AccessLog string
	// ProxyResources and SensorResources have small requests and no limits
	// when empty: a limit on memory would turn a burst into an outage, and one
	// on CPU into latency.
	ProxyResources  *corev1.ResourceRequirements
	SensorResources *corev1.ResourceRequirements
}

// with puts what the parameters say over the settings of all fleets.
func (s Settings) with(spec *v1alpha1.GatewayParametersSpec) Settings {
	proxy, sensor := deref(spec.Proxy), deref(spec.Sensor)
	set(&s.ProxyImage, proxy.Image)
	set(&s.PullPolicy, proxy.ImagePullPolicy)
	set(&s.SensorImage, sensor.Image)
	set(&s.HostCgroup, sensor.HostCgroup)
	set(&s.ServiceType, deref(spec.Service).Type)
	set(&s.MaxSeries, deref(spec.Monitoring).MaxSeries)
	if proxy.Resources != nil {
		s.ProxyResources = proxy.Resources
	}
	if sensor.Resources != nil {
		s.SensorResources = sensor.Resources
	}
	if sensor.Mode != nil {
		s.Sensor = sensorMode(*sensor.Mode)
	}
	return s
}

// maxSeries is the argument that gives a program of the pod its share of the series,
// in fifths, or none where its default holds.
func (s *Settings) maxSeries(fifths int32) []string {
	if s.MaxSeries == 0 {
		return nil
	}
	return []string{fmt.Sprintf("--max-series=%d", s.MaxSeries*fifths/5)}
}

// Of the series of a pod, the sensor has most: it tells more of each route and backend.
const proxysFifths, sensorsFifths = 2, 3

// sensorMode is the fleet's word for a mode of the parameters.
func sensorMode(mode v1alpha1.SensorMode) SensorMode {
	switch mode {
	case v1alpha1.SensorFull:
		return SensorFull
	case v1alpha1.SensorUnprivileged:
		return SensorUnprivileged
	case v1alpha1.SensorDisabled:
		return SensorOff
	}
	return SensorAuto
}

func set[T any](field, value *T) {
	if value != nil {
		*field = *value
	}
}

func (s Settings) withDefaults() Settings {
	if s.Replicas == 0 {
		s.Replicas = 2
	}
	if s.Sensor == SensorAuto {
		s.Sensor = s.Auto
	}
	if s.Sensor == "" {
		s.Sensor = SensorFull
	}
	if s.ServiceType == "" {
		s.ServiceType = corev1.ServiceTypeLoadBalancer
	}
	if s.OperatorNamespace == "" {
		s.OperatorNamespace = "fleetgate-system"
	}
	if s.ProxyResources == nil {
		s.ProxyResources = requests("50m", "48Mi")
	}
	if s.SensorResources == nil {
		s.SensorResources = requests("10m", "24Mi")
	}
	return s
}

func requests(cpu, memory string) *corev1.ResourceRequirements {
	return &corev1.ResourceRequirements{Requests: corev1.ResourceList{
		corev1.ResourceCPU:    resource.MustParse(cpu),
		corev1.ResourceMemory: resource.MustParse(memory),
	}}
}
