package parameters

import (
	"fmt"
	"net/netip"
	"strings"

	"github.com/prometheus/common/model"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/fleetgate/fleetgate/api/v1alpha1"
)

func (c *checker) service(s *v1alpha1.ServiceParameters) {
	c.labels("service.labels", s.Labels)
	c.annotations("service.annotations", s.Annotations)
	if s.LoadBalancerClass != nil {
		c.all("service.loadBalancerClass", validation.IsQualifiedName(*s.LoadBalancerClass))
	}
	for _, network := range s.LoadBalancerSourceRanges {
		if _, err := netip.ParsePrefix(string(network)); err != nil {
			c.bad(fmt.Sprintf("%q is not a network such as 192.0.2.0/24", network), at("service.loadBalancerSourceRanges"))
		}
	}
	c.nodePorts(s.NodePorts)
	c.families(s)
}

func (c *checker) nodePorts(ports []v1alpha1.NodePort) {
	type port struct {
		protocol corev1.Protocol
		number   int32
	}
	listeners, nodes := map[port]bool{}, map[port]bool{}
	for _, p := range ports {
		if p.Protocol == "" {
			p.Protocol = corev1.ProtocolTCP
		}
		listener, node := port{p.Protocol, p.Port}, port{p.Protocol, p.NodePort}
		if listeners[listener] || nodes[node] {
			c.bad(fmt.Sprintf("%s port %d or node port %d is there twice", p.Protocol, p.Port, p.NodePort), at("service.nodePorts"))
			return
		}
		listeners[listener], nodes[node] = true, true
	}
}

func (c *checker) families(s *v1alpha1.ServiceParameters) {
	families := s.IPFamilies
	switch {
	case len(families) == 2 && families[0] == families[1]:
		c.bad(fmt.Sprintf("%s is there twice", families[0]), at("service.ipFamilies"))
	case len(families) == 2 && valueOr(s.IPFamilyPolicy, "") == corev1.IPFamilyPolicySingleStack:
		c.bad("SingleStack has one of ipFamilies", at("service.ipFamilies"), at("service.ipFamilyPolicy"))
	}
}

func (c *checker) serviceMonitor(m *v1alpha1.ServiceMonitorParameters) {
	const field = "monitoring.serviceMonitor."
	c.labels(field+"labels", m.Labels)
	interval := c.scrapeTime(field+"interval", (*string)(m.Interval))
	timeout := c.scrapeTime(field+"scrapeTimeout", (*string)(m.ScrapeTimeout))
	if interval > 0 && timeout > interval {
		c.bad(fmt.Sprintf("scrapeTimeout %s is more than interval %s", timeout, interval), at(field+"interval"), at(field+"scrapeTimeout"))
	}
	for _, relabeling := range m.Relabelings {
		if redirects(relabeling.TargetLabel) {
			c.bad(relabeling.TargetLabel+" is where Prometheus asks, which is the fleet", at(field+"relabelings"))
		}
	}
}

// redirects says whether a label of a target is a part of its URL. Whoever may write
// parameters is not to have Prometheus ask others.
func redirects(label string) bool {
	return label == "__address__" || label == "__scheme__" || label == "__metrics_path__" || strings.HasPrefix(label, "__param_")
}

// scrapeTime reads a duration as Prometheus writes them; 0 where it is not set.
func (c *checker) scrapeTime(field string, value *string) model.Duration {
	if value == nil {
		return 0
	}
	d, err := model.ParseDuration(*value)
	if err != nil || d <= 0 {
		c.bad(fmt.Sprintf("%q is not a duration such as 30s", *value), at(field))
		return 0
	}
	return d
}
