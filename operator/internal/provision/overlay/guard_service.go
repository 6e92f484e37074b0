package overlay

import (
	monitoringv1 "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	corev1 "k8s.io/api/core/v1"
)

// service keeps what traffic gets to where: which pods, by which ports and addresses.
func (g *guard) service(before, after *corev1.Service) {
	was, is := &before.Spec, &after.Spec
	g.same("spec.selector", was.Selector, is.Selector)
	g.same("spec.externalIPs", was.ExternalIPs, is.ExternalIPs)
	g.same("spec.externalName", was.ExternalName, is.ExternalName)
	g.same("spec.publishNotReadyAddresses", was.PublishNotReadyAddresses, is.PublishNotReadyAddresses)
	g.same("spec.clusterIP", was.ClusterIP, is.ClusterIP)
	g.same("spec.clusterIPs", was.ClusterIPs, is.ClusterIPs)
	g.same("spec.loadBalancerIP", was.LoadBalancerIP, is.LoadBalancerIP)
	g.same("status", before.Status, after.Status)
	switch {
	case was.ClusterIP == corev1.ClusterIPNone:
		// Metrics get no address of their own, and so no public one.
		g.same("spec.type", was.Type, is.Type)
	case is.Type == corev1.ServiceTypeExternalName:
		g.refuse("spec.type", "cannot be ExternalName")
	}
	g.same("spec.ports", portsOf(was), portsOf(is))
}

// portsOf are the ports without what does not concern their listeners.
func portsOf(spec *corev1.ServiceSpec) []corev1.ServicePort {
	ports := make([]corev1.ServicePort, len(spec.Ports))
	for i, port := range spec.Ports {
		port.NodePort, port.AppProtocol = 0, nil
		ports[i] = port
	}
	return ports
}

// monitor keeps Prometheus to the fleet's own pods, and from reading files of its own
// or Secrets for them. The metrics ask for no credentials.
func (g *guard) monitor(before, after *monitoringv1.ServiceMonitor) {
	was, is := before.Spec, after.Spec
	g.same("spec.selector", was.Selector, is.Selector)
	g.same("spec.namespaceSelector", was.NamespaceSelector, is.NamespaceSelector)
	g.same("spec.attachMetadata", was.AttachMetadata, is.AttachMetadata)
	known := make(map[string]bool)
	for i := range was.Endpoints {
		known[was.Endpoints[i].Port] = true
	}
	for i := range is.Endpoints {
		endpoint := is.Endpoints[i]
		g.require(known[endpoint.Port] && endpoint.TargetPort == nil, "spec.endpoints", "have another port than the metrics")
		g.require(endpoint.Path == "/metrics", "spec.endpoints", "have another path than the metrics")
		g.same("spec.endpoints", monitoringv1.Endpoint{}, connectionOf(endpoint))
	}
}

// connectionOf is what an endpoint says of how Prometheus connects.
func connectionOf(endpoint monitoringv1.Endpoint) monitoringv1.Endpoint {
	endpoint.Port, endpoint.Path = "", ""
	endpoint.Interval, endpoint.ScrapeTimeout = "", ""
	endpoint.MetricRelabelConfigs, endpoint.RelabelConfigs = nil, nil
	endpoint.HonorLabels, endpoint.HonorTimestamps, endpoint.TrackTimestampsStaleness = false, nil, nil
	endpoint.FilterRunning = nil
	return endpoint
}
