package agent

import (
	"github.com/prometheus/client_golang/prometheus"
)

// refusals counts them by their label.
type refusals struct{ vector *prometheus.CounterVec }

func newRefusals() *refusals {
	vector := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "fleetgate_node_agent_refused_total",
		Help: "Sensors that were refused, by why: busy, version, token, review, node, full, cgroup, kernel or malformed.",
	}, []string{"reason"})
	for _, r := range []*refusal{
		refusedBusy, refusedVersion, refusedToken, refusedReview, refusedNode,
		refusedFull, refusedCgroup, refusedKernel, refusedMalformed,
	} {
		vector.WithLabelValues(r.label)
	}
	return &refusals{vector}
}

func (r *refusals) count(why *refusal) { r.vector.WithLabelValues(why.label).Inc() }

// Register has the registry tell of the server.
func (s *Server) Register(registry prometheus.Registerer) error {
	if err := registry.Register(s.refused.vector); err != nil {
		return err
	}
	return registry.Register(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "fleetgate_node_agent_pods",
		Help: "Pods that the node's agent counts connections for.",
	}, func() float64 { return float64(s.pods.count()) }))
}
