package provision

import (
	"cmp"
	"slices"

	monitoringv1 "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/fleetgate/fleetgate/operator/internal/names"
)

// The names of the ports of the metrics Service, which a ServiceMonitor
// selects by.
const (
	proxyMetrics  = "proxy-metrics"
	sensorMetrics = "sensor-metrics"
)

// service is what clients reach the Gateway by.
func (f *fleet) service() *corev1.Service {
	family := corev1.IPFamilyPolicyPreferDualStack
	service := &corev1.Service{
		TypeMeta:   metav1.TypeMeta{APIVersion: "v1", Kind: "Service"},
		ObjectMeta: f.meta(f.names.Name()),
		Spec: corev1.ServiceSpec{
			Type:           f.serviceType(),
			Selector:       f.selector(),
			Ports:          f.listenerPorts(),
			IPFamilyPolicy: &family,
			IPFamilies:     f.exposure.IPFamilies,
		},
	}
	service.Labels = f.beside(service.Labels, f.exposure.Labels)
	service.Annotations = over(service.Annotations, f.exposure.Annotations)
	if policy := f.exposure.IPFamilyPolicy; policy != nil {
		service.Spec.IPFamilyPolicy = policy
	}
	f.expose(&service.Spec)
	// A Service has room for one address. When the Gateway asks for more, its
	// status says which ones it did not get.
	if len(f.node.Addresses) > 0 && service.Spec.Type == corev1.ServiceTypeLoadBalancer {
		service.Spec.LoadBalancerIP = f.node.Addresses[0].String()
	}
	if f.node.ClusterIP.IsValid() {
		service.Spec.ClusterIP = f.node.ClusterIP.String()
	}
	return service
}

// expose sets what the type of the Service has room for.
func (f *fleet) expose(spec *corev1.ServiceSpec) {
	if spec.Type == corev1.ServiceTypeClusterIP {
		return
	}
	spec.ExternalTrafficPolicy = deref(f.exposure.ExternalTrafficPolicy)
	for i := range spec.Ports {
		spec.Ports[i].NodePort = f.nodePort(&spec.Ports[i])
	}
	if spec.Type != corev1.ServiceTypeLoadBalancer {
		return
	}
	spec.LoadBalancerClass = f.exposure.LoadBalancerClass
	for _, network := range f.exposure.LoadBalancerSourceRanges {
		spec.LoadBalancerSourceRanges = append(spec.LoadBalancerSourceRanges, string(network))
	}
}

// nodePort is the one that is asked for, or 0.
func (f *fleet) nodePort(port *corev1.ServicePort) int32 {
	for _, wanted := range f.exposure.NodePorts {
		if wanted.Port == port.Port && cmp.Or(wanted.Protocol, corev1.ProtocolTCP) == port.Protocol {
			return wanted.NodePort
		}
	}
	return 0
}

// serviceType keeps a Gateway in the cluster that asks for nothing else.
func (f *fleet) serviceType() corev1.ServiceType {
	if f.node.InCluster() {
		return corev1.ServiceTypeClusterIP
	}
	return f.settings.ServiceType
}

// listenerPorts has one port for each that an accepted listener asks for, even
// when the listener cannot serve yet: a certificate that is late must not make
// the load balancer forget a port.
func (f *fleet) listenerPorts() []corev1.ServicePort {
	var ports []corev1.ServicePort
	for _, listener := range f.node.AllListeners() {
		port, protocol := listener.Source.Port, listener.PortProtocol()
		known := slices.ContainsFunc(ports, func(p corev1.ServicePort) bool { return p.Port == port && p.Protocol == protocol })
		if known || !listener.Accepted() {
			continue
		}
		ports = append(ports, corev1.ServicePort{
			Name:       names.ServicePort(string(listener.Source.Protocol), port),
			Port:       port,
			TargetPort: intstr.FromInt32(port),
			Protocol:   protocol,
		})
	}
	slices.SortFunc(ports, func(a, b corev1.ServicePort) int {
		return cmp.Or(cmp.Compare(a.Port, b.Port), cmp.Compare(a.Protocol, b.Protocol))
	})
	return ports
}

// metricsService makes each pod a target of its own. It is headless, and kept
// apart from the public Service, so that metrics never get a public address.
func (f *fleet) metricsService() *corev1.Service {
	service := &corev1.Service{
		TypeMeta:   metav1.TypeMeta{APIVersion: "v1", Kind: "Service"},
		ObjectMeta: f.meta(f.names.MetricsService()),
		Spec: corev1.ServiceSpec{
			ClusterIP: corev1.ClusterIPNone,
			Selector:  f.selector(),
			Ports:     f.metricsPorts(),
			// A pod that does not become ready is the one to look at.
			PublishNotReadyAddresses: true,
		},
	}
	service.Labels[names.LabelComponent] = names.ComponentMetrics
	return service
}

func (f *fleet) metricsPorts() []corev1.ServicePort {
	ports := []corev1.ServicePort{metricsPort(proxyMetrics, HealthPort)}
	if f.settings.Sensor != SensorOff {
		ports = append(ports, metricsPort(sensorMetrics, SensorPort))
	}
	return ports
}

func metricsPort(name string, port int32) corev1.ServicePort {
	return corev1.ServicePort{Name: name, Port: port, TargetPort: intstr.FromInt32(port), Protocol: corev1.ProtocolTCP}
}

func (f *fleet) serviceMonitor() *monitoringv1.ServiceMonitor {
	monitor := &monitoringv1.ServiceMonitor{
		TypeMeta:   metav1.TypeMeta{APIVersion: monitoringv1.SchemeGroupVersion.String(), Kind: monitoringv1.ServiceMonitorsKind},
		ObjectMeta: f.meta(f.names.Name()),
		Spec: monitoringv1.ServiceMonitorSpec{
			Selector:     metav1.LabelSelector{MatchLabels: f.selector()},
			TargetLabels: []string{names.LabelGateway, names.LabelClass},
		},
	}
	monitor.Spec.Selector.MatchLabels[names.LabelComponent] = names.ComponentMetrics
	for _, port := range f.metricsPorts() {
		monitor.Spec.Endpoints = append(monitor.Spec.Endpoints, f.endpoint(port.Name))
	}
	for key, text := range f.settings.ServiceMonitorLabels {
		if _, ours := monitor.Labels[key]; !ours {
			monitor.Labels[key] = text
		}
	}
	monitor.Labels = f.beside(monitor.Labels, f.scraping.Labels)
	return monitor
}

// Monitor is the ServiceMonitor among the objects of a fleet, or nil.
func Monitor(objects []client.Object) *monitoringv1.ServiceMonitor {
	for _, object := range objects {
		if monitor, ok := object.(*monitoringv1.ServiceMonitor); ok {
			return monitor
		}
	}
	return nil
}

func (f *fleet) endpoint(port string) monitoringv1.Endpoint {
	return monitoringv1.Endpoint{
		Port: port, Path: "/metrics",
		Interval:             deref(f.scraping.Interval),
		ScrapeTimeout:        deref(f.scraping.ScrapeTimeout),
		RelabelConfigs:       f.scraping.Relabelings,
		MetricRelabelConfigs: f.scraping.MetricRelabelings,
	}
}
